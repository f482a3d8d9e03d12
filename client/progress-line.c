/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "progress-line.h"

#include <stdio.h>

#include "util/human.h"
#include "util/str.h"
#include "util/utf8.h"
#include "width.h"

/* Of the stages that have a bar; the longer names are of others. */
#define STAGE_WIDTH 8
#define BYTES_WIDTH 11
#define RATE_WIDTH  9
#define LEFT_WIDTH  11

/* The columns of a line that has everything, but for its name and its bar. */
#define OTHER_WIDTH                                                                                \
	(2 + 2 + STAGE_WIDTH + 2 + 2 + 5 + 2 + BYTES_WIDTH + 2 + RATE_WIDTH + 2 + LEFT_WIDTH)

#define BAR_MIN ((size_t)5)
#define BAR_MAX ((size_t)30)

/* A rate of the first moments tells nothing. */
#define RATE_AFTER USEC_PER_SEC

#define MINUTES_FROM (120 * USEC_PER_SEC)

/* What a line has, from the most to the least. */
enum detail {
	DETAIL_ALL,
	DETAIL_NO_RATE,
	DETAIL_NO_BYTES,
	DETAIL_NO_BAR,
	_DETAIL_MAX,
};

char *cut_text(const char *s, size_t columns)
{
	size_t length = 0, room = columns > 3 ? columns - 3 : 0;
	char *copy;

	if (text_width(s) <= columns)
		return strdup(s);
	copy = malloc(strlen(s) + sizeof("..."));
	if (!copy)
		return NULL;
	copy[0] = '\0';
	for (;;) {
		uint32_t c;
		size_t n = MAX(utf8_decode(s + length, strnlen(s + length, 4), &c), (size_t)1);

		memcpy(copy + length, s + length, n);
		copy[length + n] = '\0';
		if (text_width(copy) > room)
			break;
		length += n;
	}
	strcpy(copy + length, columns > 3 ? "..." : "");
	return copy;
}

static void put_bar(FILE *out, uint64_t percent, size_t columns, bool utf8)
{
	size_t done = (size_t)MIN(percent, (uint64_t)100) * columns / 100;

	for (size_t i = 0; i < columns; i++)
		fputs(i < done ? (utf8 ? "\u2588" : "#") : (utf8 ? "\u2591" : "-"), out);
}

/* "2.4/3.9 GiB". */
static void put_bytes(FILE *out, const struct work *w)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	char text[48];
	size_t i = 0;
	double unit = 1024;

	for (; (double)w->total >= unit * 1000 && i < ELEMENTSOF(units) - 1; i++)
		unit *= 1024;
	snprintf(text, sizeof(text), "%.*f/%.*f %s", (double)w->total < unit * 10,
		 (double)w->bytes / unit, (double)w->total < unit * 10, (double)w->total / unit,
		 units[i]);
	fprintf(out, "  %*s", BYTES_WIDTH, text);
}

/* Bytes a second; 0: it cannot be told yet. */
static uint64_t rate_of(const struct work *w)
{
	if (w->total == 0 || w->elapsed < RATE_AFTER)
		return 0;
	return (uint64_t)((double)w->bytes * (double)USEC_PER_SEC / (double)w->elapsed);
}

static usec_t whole_seconds(usec_t usec)
{
	return usec / USEC_PER_SEC * USEC_PER_SEC;
}

/* An estimate has no seconds beside its minutes. */
static usec_t rounded_up(usec_t usec)
{
	usec_t unit = usec >= MINUTES_FROM ? 60 * USEC_PER_SEC : USEC_PER_SEC;

	return (usec / unit + 1) * unit;
}

static void put_time(FILE *out, const struct work *w, usec_t now)
{
	usec_t since = usec_sub(now, w->told);
	uint64_t rate = rate_of(w);

	if (rate > 0 && w->bytes < w->total) {
		double left = (double)(w->total - w->bytes) / (double)rate * (double)USEC_PER_SEC;

		fprintf(out, "  %s left", DURATION(rounded_up(usec_sub((usec_t)left, since))));
	} else {
		fprintf(out, "  %s", DURATION(whole_seconds(w->elapsed + since)));
	}
}

static void put_line(FILE *out, const struct work *w, size_t name_width, size_t bar,
		     enum detail detail, usec_t now, bool utf8)
{
	_cleanup_free_ char *name = cut_text(w->name ? w->name : "-", name_width);

	fprintf(out, "  %s", name ? name : "");
	text_pad(out, name_width - MIN(name_width, name ? text_width(name) : 0));
	fprintf(out, "  %-*s", STAGE_WIDTH, w->stage ? w->stage : "");
	if (w->percent > 0 || w->total > 0) {
		if (detail < DETAIL_NO_BAR) {
			fputs("  ", out);
			put_bar(out, w->percent, bar, utf8);
		}
		fprintf(out, "  %3llu %%", (unsigned long long)w->percent);
	}
	if (w->total > 0 && detail < DETAIL_NO_BYTES)
		put_bytes(out, w);
	if (rate_of(w) > 0 && detail < DETAIL_NO_RATE)
		fprintf(out, "  %*s", RATE_WIDTH, RATE(rate_of(w)));
	put_time(out, w, now);
}

char *work_line(const struct work *w, size_t name_width, size_t width, usec_t now, bool utf8)
{
	size_t others = name_width + OTHER_WIDTH, bar = BAR_MIN;

	if (width > others + BAR_MIN)
		bar = MIN(width - others, BAR_MAX);
	for (enum detail detail = DETAIL_ALL;; detail++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		if (!out)
			return NULL;
		put_line(out, w, name_width, bar, detail, now, utf8);
		if (fclose(out) != 0)
			return NULL;
		if (text_width(text) <= width)
			return TAKE_PTR(text);
		if (detail + 1 == _DETAIL_MAX)
			return cut_text(text, width);
	}
}
