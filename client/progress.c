/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "progress.h"

#include <sys/ioctl.h>
#include <sys/queue.h>
#include <unistd.h>

#include "results.h"
#include "util/str.h"
#include "util/time.h"

/* More than this would push what has happened off the screen. */
#define LINES_MAX 12

#define NAME_MAX_SHOWN 24

#define WIDTH_STANDARD 80

struct line {
	TAILQ_ENTRY(line) entry;
	char *uuid, *name, *stage;
	uint64_t percent; /* 0: it does not tell */
	usec_t since;
};

struct progress {
	FILE *out;
	TAILQ_HEAD(, line) lines;
	unsigned drawn;
};

struct progress *progress_new(FILE *out)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->out = out;
	TAILQ_INIT(&p->lines);
	return p;
}

static void remove_line(struct progress *p, struct line *l)
{
	TAILQ_REMOVE(&p->lines, l, entry);
	free(l->uuid);
	free(l->name);
	free(l->stage);
	free(l);
}

struct progress *progress_free(struct progress *p)
{
	struct line *l;

	if (!p)
		return NULL;
	while ((l = TAILQ_FIRST(&p->lines)))
		remove_line(p, l);
	free(p);
	return NULL;
}

static struct line *find_line(struct progress *p, const char *uuid)
{
	struct line *l;

	TAILQ_FOREACH(l, &p->lines, entry)
		if (str_equal(l->uuid, uuid))
			return l;
	return NULL;
}

static struct line *add_line(struct progress *p, const char *uuid)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	TAILQ_INSERT_TAIL(&p->lines, l, entry);
	if (str_replace(&l->uuid, uuid) < 0) {
		remove_line(p, l);
		return NULL;
	}
	return l;
}

static void follow(struct progress *p, struct json_object *event)
{
	const char *uuid = json_get_string(event, "uuid");
	const char *stage = json_get_string(event, "stage");
	const char *name = json_get_string(event, "name");
	struct line *l = find_line(p, uuid);

	if (result_of(event) != RESULT_RUNNING) {
		if (l)
			remove_line(p, l);
		return;
	}
	if (!l)
		l = add_line(p, uuid);
	if (!l)
		return;
	if (!str_equal(l->stage, stage)) {
		l->since = usec_now();
		l->percent = 0;
	}
	free(l->name);
	l->name = name ? str_printable(name, NAME_MAX_SHOWN) : NULL;
	str_replace(&l->stage, stage);
	json_get_u64(event, "percent", &l->percent);
}

static int screen_width(const struct progress *p)
{
	struct winsize size;

	if (ioctl(fileno(p->out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_STANDARD;
	return size.ws_col;
}

static void erase(struct progress *p)
{
	/* Up as many lines as were drawn, then everything below goes. */
	if (p->drawn)
		fprintf(p->out, "\033[%uA\033[J", p->drawn);
	p->drawn = 0;
}

static void draw_line(struct progress *p, const struct line *l, int width)
{
	char text[160];
	double elapsed = (double)(usec_now() - l->since) / (double)USEC_PER_SEC;

	int n = snprintf(text, sizeof(text), "  %-16s %-12s %6.0f s", l->name ? l->name : "-",
			 l->stage ? l->stage : "", elapsed);

	if (l->percent && n > 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, "  %3llu%%",
			 (unsigned long long)l->percent);
	/* A line that wraps would be two, and could not be erased. */
	fprintf(p->out, "%.*s\n", width - 1, text);
}

void progress_draw(struct progress *p)
{
	int width = screen_width(p);
	unsigned hidden = 0;
	struct line *l;

	erase(p);
	TAILQ_FOREACH(l, &p->lines, entry) {
		if (p->drawn == LINES_MAX) {
			hidden++;
			continue;
		}
		draw_line(p, l, width);
		p->drawn++;
	}
	if (hidden) {
		fprintf(p->out, "  and %u more\n", hidden);
		p->drawn++;
	}
	fflush(p->out);
}

void progress_event(struct progress *p, struct json_object *event, const char *line)
{
	follow(p, event);
	if (line) {
		erase(p);
		fprintf(p->out, "%s\n", line);
	}
	progress_draw(p);
}

void progress_end(struct progress *p)
{
	erase(p);
	fflush(p->out);
}
