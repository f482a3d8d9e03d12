/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-watch.h"

#include "util/str.h"
#include "width.h"

/* Of the cursor: home. Of the screen: clear what follows, in the line or at all. */
#define HOME       "\x1b[H"
#define CLEAR_LINE "\x1b[K"
#define CLEAR      "\x1b[J"

struct status_watch {
	FILE *out;
	char *text; /* that is on the screen; or NULL */
	struct terminal terminal;
};

struct status_watch *status_watch_new(FILE *out)
{
	struct status_watch *w = calloc(1, sizeof(*w));

	if (w)
		w->out = out;
	return w;
}

struct status_watch *status_watch_free(struct status_watch *w)
{
	if (w)
		free(w->text);
	free(w);
	return NULL;
}

/* How many columns a line takes: without what gives it colour. */
static size_t columns_of(const char *line, size_t length)
{
	_cleanup_free_ char *plain = calloc(1, length + 1);
	size_t n = 0;

	for (size_t i = 0; plain && i < length; i++) {
		if (line[i] == '\x1b')
			i += strcspn(line + i, "m");
		else
			plain[n++] = line[i];
	}
	return plain ? text_width(plain) : length;
}

/* How many lines of the terminal a line of the text takes, which can be a command that is long. */
static size_t height_of(const char *line, size_t length, size_t width)
{
	size_t columns = columns_of(line, length);

	return columns == 0 ? 1 : (columns - 1) / width + 1;
}

static void draw(FILE *out, const char *text, const struct terminal *t)
{
	/* One line stays for the cursor, and one for what is left out. */
	size_t room = t->height > 2 ? t->height - 2 : 1, left_out = 0;

	fputs(HOME, out);
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t height = height_of(text, length, t->width);

		if (left_out > 0 || height > room) {
			left_out++;
		} else {
			fwrite(text, 1, length, out);
			fputs(CLEAR_LINE "\n", out);
			room -= height;
		}
		text += length + (text[length] == '\n');
	}
	if (left_out > 0)
		fprintf(out, "... and %zu more" CLEAR_LINE "\n", left_out);
	fputs(CLEAR, out);
}

int status_watch_show(struct status_watch *w, const char *text, const struct terminal *t)
{
	bool same = t->width == w->terminal.width && t->height == w->terminal.height;

	if (same && str_equal(text, w->text))
		return 0;
	if (str_replace(&w->text, text) < 0)
		return 0;
	w->terminal = *t;
	draw(w->out, text, t);
	return fflush(w->out) == EOF ? -EIO : 0;
}
