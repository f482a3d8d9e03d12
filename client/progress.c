/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "progress.h"

#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <sys/queue.h>

#include "progress-line.h"
#include "results.h"
#include "terminal.h"
#include "util/str.h"
#include "width.h"

#define NAME_WIDTH_MAX 24
#define NAME_WIDTH_MIN 8

/* Events of many guests come faster than a person can read. */
#define DRAW_INTERVAL (100 * USEC_PER_MSEC)

struct line {
	TAILQ_ENTRY(line) entry;
	char *key, *name, *stage;
	char *waits_for;  /* NULL: it is worked on */
	struct work work; /* but for the texts */
};

struct progress {
	FILE *out;
	TAILQ_HEAD(, line) lines;
	unsigned n_lines;
	unsigned done, failed; /* guests on which something was done */
	unsigned waiting;      /* guests whose turn has not come */
	unsigned drawn;        /* lines */
	usec_t drawn_at;
	bool utf8;
};

/* In the locale of the user: that of the program is UTF-8, whatever the user's is (width.c). */
static bool shows_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
	bool utf8 = locale && str_equal(nl_langinfo_l(CODESET, locale), "UTF-8");

	if (locale)
		freelocale(locale);
	return utf8;
}

struct progress *progress_new(FILE *out)
{
	struct progress *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->out = out;
	p->utf8 = shows_utf8();
	TAILQ_INIT(&p->lines);
	return p;
}

static void remove_line(struct progress *p, struct line *l)
{
	TAILQ_REMOVE(&p->lines, l, entry);
	p->n_lines--;
	free(l->key);
	free(l->name);
	free(l->stage);
	free(l->waits_for);
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

static struct line *find_line(struct progress *p, const char *key)
{
	struct line *l;

	TAILQ_FOREACH(l, &p->lines, entry)
		if (str_equal(l->key, key))
			return l;
	return NULL;
}

static struct line *add_line(struct progress *p, const char *key)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	TAILQ_INSERT_TAIL(&p->lines, l, entry);
	p->n_lines++;
	if (str_replace(&l->key, key) < 0) {
		remove_line(p, l);
		return NULL;
	}
	return l;
}

static void count(struct progress *p, struct json_object *event, enum result result)
{
	uint64_t waiting = 0;

	/* The last one of a guest does not tell. */
	if (json_get_u64(event, "waiting", &waiting) >= 0 || !json_get_bool(event, "final"))
		p->waiting = (unsigned)MIN(waiting, (uint64_t)UINT_MAX);
	if (!json_get_bool(event, "final"))
		return;
	p->done += result == RESULT_OK && json_get_string(event, "stage");
	p->failed += result == RESULT_FAILED;
}

static void follow(struct progress *p, struct json_object *event)
{
	const char *name = json_get_string(event, "name");
	const char *uuid = json_get_string(event, "uuid");
	/* An image has a name only. */
	const char *key = uuid ? uuid : name;
	enum result result = result_of(event);
	struct line *l = find_line(p, key);

	count(p, event, result);
	if (result != RESULT_RUNNING) {
		if (l)
			remove_line(p, l);
		return;
	}
	if (!l)
		l = add_line(p, key);
	if (!l)
		return;
	free(l->name);
	l->name = name ? text_clean(name) : NULL;
	str_replace(&l->stage, json_get_string(event, "stage"));
	str_replace(&l->waits_for, json_get_string(event, "waits_for"));
	l->work = (struct work){.told = usec_now()};
	json_get_u64(event, "percent", &l->work.percent);
	json_get_u64(event, "bytes", &l->work.bytes);
	json_get_u64(event, "total_bytes", &l->work.total);
	json_get_u64(event, "elapsed_usec", &l->work.elapsed);
}

static void erase(struct progress *p, FILE *out)
{
	/* Up as many lines as were drawn, then everything below goes. */
	if (p->drawn)
		fprintf(out, "\033[%uA\033[J", p->drawn);
	p->drawn = 0;
}

static void put(struct progress *p, FILE *out, const char *text, size_t width)
{
	_cleanup_free_ char *line = text ? cut_text(text, width) : NULL;

	fprintf(out, "%s\n", line ? line : "");
	p->drawn++;
}

/* The names share a column, which leaves room for the rest of a line. */
static size_t name_column(const struct progress *p, size_t width)
{
	size_t widest = 1, most = MIN(width / 5, (size_t)NAME_WIDTH_MAX);
	struct line *l;

	most = MAX(most, (size_t)NAME_WIDTH_MIN);
	TAILQ_FOREACH(l, &p->lines, entry)
		if (l->name)
			widest = MAX(widest, text_width(l->name));
	return MIN(widest, most);
}

/* What there is no line for; NULL: nothing, or no memory. */
static char *summary(const struct progress *p, unsigned hidden)
{
	_cleanup_free_ char *more = NULL, *failed = NULL, *wait = NULL;
	char *text = NULL;
	int r = hidden + p->done + p->failed + p->waiting > 0 ? 0 : -ENODATA;

	if (hidden > 0)
		r = r < 0 ? r : str_format(&more, "... and %u more at work; ", hidden);
	if (p->failed > 0)
		r = r < 0 ? r : str_format(&failed, ", %u failed", p->failed);
	if (p->waiting > 0)
		r = r < 0 ? r
			  : str_format(&wait, ", %u wait%s", p->waiting,
				       p->waiting == 1 ? "s" : "");
	if (r >= 0)
		r = str_format(&text, "  %s%u done%s%s", more ? more : "", p->done,
			       failed ? failed : "", wait ? wait : "");
	return r < 0 ? NULL : text;
}

static char *waiting_line(const struct line *l, size_t name_width)
{
	_cleanup_free_ char *name = cut_text(l->name ? l->name : "-", name_width);
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "  %s", name ? name : "");
	text_pad(out, name_width - MIN(name_width, name ? text_width(name) : 0));
	fprintf(out, "  waits for %s", l->waits_for);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Guests that are worked on come first. */
static void draw_waiting(struct progress *p, FILE *out, size_t room, size_t name_width,
			 size_t width)
{
	struct line *l;

	TAILQ_FOREACH(l, &p->lines, entry) {
		_cleanup_free_ char *text = NULL;

		if (!l->waits_for || p->drawn >= room)
			continue;
		text = waiting_line(l, name_width);
		put(p, out, text, width);
	}
}

static void draw(struct progress *p, FILE *out)
{
	/* A line that is full wraps on some terminals, and could not be erased. */
	struct terminal t = terminal_of(fileno(p->out));
	size_t width = t.width > 1 ? t.width - 1 : 1;
	size_t room = t.height > 3 ? t.height - 3 : 0, name_width = name_column(p, width);
	_cleanup_free_ char *last = NULL;
	unsigned hidden = 0;
	usec_t now = usec_now();
	struct line *l;

	if (p->n_lines == 0)
		return;
	TAILQ_FOREACH(l, &p->lines, entry) {
		_cleanup_free_ char *text = NULL;

		if (l->waits_for)
			continue;
		if (p->drawn >= room) {
			hidden++;
			continue;
		}
		l->work.name = l->name;
		l->work.stage = l->stage;
		text = work_line(&l->work, name_width, width, now, p->utf8);
		put(p, out, text, width);
	}
	draw_waiting(p, out, room, name_width, width);
	last = summary(p, hidden);
	if (last)
		put(p, out, last, width);
}

/* All of it in one piece: a screen that is half drawn flickers. */
static void redraw(struct progress *p, const char *text)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	FILE *out = open_memstream(&data, &size);

	if (!out)
		return;
	erase(p, out);
	fputs(text ? text : "", out);
	draw(p, out);
	if (fclose(out) == 0)
		fwrite(data, 1, size, p->out);
	fflush(p->out);
	p->drawn_at = usec_now();
}

void progress_draw(struct progress *p)
{
	redraw(p, NULL);
}

void progress_event(struct progress *p, struct json_object *event, const char *text)
{
	unsigned before = p->n_lines;

	follow(p, event);
	if (text || p->n_lines != before || usec_sub(usec_now(), p->drawn_at) >= DRAW_INTERVAL)
		redraw(p, text);
}

void progress_end(struct progress *p)
{
	erase(p, p->out);
	fflush(p->out);
}
