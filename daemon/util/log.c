/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/log.h"

#include <stdio.h>

#include "util/str.h"

static void sink_stderr(int level, const struct log_fields *fields, const char *message);

static log_sink_fn current_sink = sink_stderr;
static int max_level = LOG_INFO;
static bool level_prefix;

void log_set_sink(log_sink_fn sink)
{
	current_sink = sink;
}

void log_set_max_level(int level)
{
	max_level = level;
}

void log_set_prefix(bool prefix)
{
	level_prefix = prefix;
}

static void sink_stderr(int level, const struct log_fields *fields _unused_, const char *message)
{
	char prefix[sizeof("<7>")] = "";

	if (level_prefix)
		snprintf(prefix, sizeof(prefix), "<%d>", level & 7);
	fprintf(stderr, "%s%s\n", prefix, message);
}

static void emit(int level, const struct log_fields *fields, const char *text)
{
	/* Names and reasons can come from a guest or a file: nothing in them may act on a screen.
	 */
	_cleanup_free_ char *line = NULL, *printable = NULL;

	if (fields && fields->domain && str_format(&line, "%s: %s", fields->domain, text) >= 0)
		text = line;
	printable = str_printable(text, 4096);
	current_sink(level, fields, printable ? printable : "(out of memory)");
}

void log_message(int level, const struct log_fields *fields, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	if (level > max_level)
		return;
	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	emit(level, fields, r < 0 ? "(out of memory)" : text);
}

int log_errno(int level, int error, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *line = NULL;
	va_list ap;
	int r;

	if (level > max_level)
		return error;
	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	if (r >= 0)
		r = str_format(&line, "%s: %s", text, strerror(-error));
	emit(level, NULL, r < 0 ? "(out of memory)" : line);
	return error;
}
