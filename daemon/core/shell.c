/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/shell.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/queue.h>

#include "util/str.h"

/* A value that doubles from line to line must end somewhere. */
#define EXPANDED_MAX (64U << 10)

struct variable {
	TAILQ_ENTRY(variable) entry;
	char *name;
	char *value;
};

TAILQ_HEAD(variable_list, variable);

/* A value while it is put together. */
struct text {
	char *data;
	size_t size, room;
};

struct reader {
	const char *at, *end;
	unsigned line;
	struct variable_list variables;
	shell_assign_fn assign;
	void *data;
	unsigned error_line;
	char *reason;
};

static void text_done(struct text *t)
{
	free(t->data);
}

static int text_append(struct text *t, const char *data, size_t size)
{
	if (t->size + size + 1 > t->room) {
		size_t room = MAX(t->room * 2, t->size + size + 1);
		char *bigger = realloc(t->data, room);

		if (!bigger)
			return -ENOMEM;
		t->data = bigger;
		t->room = room;
	}
	memcpy(t->data + t->size, data, size);
	t->size += size;
	t->data[t->size] = '\0';
	return 0;
}

static int refuse(struct reader *r, unsigned line, const char *format, ...) _printf_(3, 4);

static int refuse(struct reader *r, unsigned line, const char *format, ...)
{
	va_list ap;
	int result;

	va_start(ap, format);
	result = str_vformat(&r->reason, format, ap);
	va_end(ap);
	r->error_line = line;
	return result < 0 ? result : -EINVAL;
}

static int peek(const struct reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at : EOF;
}

static int peek_next(const struct reader *r)
{
	return r->at + 1 < r->end ? (unsigned char)r->at[1] : EOF;
}

static void advance(struct reader *r)
{
	if (*r->at++ == '\n')
		r->line++;
}

static bool at_continuation(const struct reader *r)
{
	return peek(r) == '\\' && peek_next(r) == '\n';
}

static void skip_continuation(struct reader *r)
{
	advance(r);
	advance(r);
}

static bool is_name_start(int c)
{
	return c == '_' || (c != EOF && isascii(c) && isalpha(c));
}

static bool is_name(int c)
{
	return c == '_' || (c != EOF && isascii(c) && isalnum(c));
}

static size_t name_length(const struct reader *r)
{
	const char *p = r->at;

	if (p < r->end && is_name_start((unsigned char)*p))
		while (p < r->end && is_name((unsigned char)*p))
			p++;
	return (size_t)(p - r->at);
}

static struct variable *find_variable(struct reader *r, const char *name, size_t length)
{
	struct variable *v;

	TAILQ_FOREACH(v, &r->variables, entry)
		if (strlen(v->name) == length && memcmp(v->name, name, length) == 0)
			return v;
	return NULL;
}

static int set_variable(struct reader *r, char *name, const char *value)
{
	struct variable *v = find_variable(r, name, strlen(name));
	int result;

	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		TAILQ_INSERT_TAIL(&r->variables, v, entry);
		result = str_replace(&v->name, name);
		if (result < 0)
			return result;
	}
	return str_replace(&v->value, value);
}

/* In double quotes: whether the '$' that is next stands for more than itself. */
static bool at_expansion(const struct reader *r)
{
	int c = peek_next(r);

	if (c == '\\')
		return r->end - r->at > 2 && r->at[2] == '\n';
	return is_name(c) || (c != EOF && strchr("{([@*#?$!-", c));
}

/* $NAME or ${NAME}, the '$' being next. */
static int read_expansion(struct reader *r, struct text *value)
{
	unsigned line = r->line;
	const struct variable *v;
	const char *name;
	size_t length;
	bool braced;

	advance(r);
	if (peek(r) == '(')
		return refuse(r, line, "$(...) would have to be executed; write the value itself");
	braced = peek(r) == '{';
	if (braced)
		advance(r);
	name = r->at;
	length = name_length(r);
	r->at += length;
	if (length == 0 || (braced ? peek(r) != '}' : at_continuation(r)))
		return refuse(r, line,
			      "only $NAME and ${NAME} are understood; "
			      "for the character itself write '$' in single quotes");
	r->at += braced;
	v = find_variable(r, name, length);
	if (!v)
		return refuse(r, line, "$%.*s is not set above this line", (int)length, name);
	if (value->size + strlen(v->value) > EXPANDED_MAX)
		return refuse(r, line, "with $%.*s the value grows too long", (int)length, name);
	return text_append(value, v->value, strlen(v->value));
}

static int read_single_quoted(struct reader *r, struct text *value)
{
	unsigned line = r->line;

	advance(r);
	for (; peek(r) != EOF; advance(r)) {
		int result;

		if (peek(r) == '\'') {
			advance(r);
			return text_append(value, "", 0);
		}
		result = text_append(value, r->at, 1);
		if (result < 0)
			return result;
	}
	return refuse(r, line, "the single quote that begins here is never closed");
}

static int read_double_quoted(struct reader *r, struct text *value)
{
	unsigned line = r->line;
	int result = 0;

	advance(r);
	while (result >= 0 && peek(r) != EOF && peek(r) != '"') {
		if (peek(r) == '`')
			return refuse(r, r->line,
				      "a command in backquotes would have to be executed");
		if (at_continuation(r)) {
			skip_continuation(r);
		} else if (peek(r) == '$' && at_expansion(r)) {
			result = read_expansion(r, value);
		} else {
			/* Inside double quotes a backslash quotes these four and nothing else. */
			if (peek(r) == '\\' && peek_next(r) != EOF &&
			    strchr("$`\"\\", peek_next(r)))
				advance(r);
			result = text_append(value, r->at, 1);
			advance(r);
		}
	}
	if (result < 0)
		return result;
	if (peek(r) == EOF)
		return refuse(r, line, "the double quote that begins here is never closed");
	advance(r);
	return text_append(value, "", 0);
}

static bool ends_word(int c)
{
	return c == EOF || c == ' ' || c == '\t' || c == '\n' || c == ';';
}

static int read_plain(struct reader *r, struct text *value)
{
	int c = peek(r);
	int result;

	switch (c) {
	case '\r':
		return refuse(r, r->line,
			      "the line ends in a carriage return; save the file as UNIX text");
	case '`':
		return refuse(r, r->line, "a command in backquotes would have to be executed");
	case '|':
	case '&':
	case '<':
	case '>':
	case '(':
	case ')':
		return refuse(r, r->line,
			      "'%c' means something to a shell; put the value in quotes", c);
	case '~':
		if (value->size == 0 || value->data[value->size - 1] == ':')
			return refuse(r, r->line, "'~' is not expanded here; write the whole path");
		break;
	case '\\':
		advance(r);
		if (peek(r) == EOF)
			return refuse(r, r->line, "the file ends in a backslash");
		break;
	}
	result = text_append(value, r->at, 1);
	advance(r);
	return result;
}

static int read_value(struct reader *r, struct text *value)
{
	int result = text_append(value, "", 0);

	while (result >= 0 && !ends_word(peek(r))) {
		if (at_continuation(r))
			skip_continuation(r);
		else if (peek(r) == '\'')
			result = read_single_quoted(r, value);
		else if (peek(r) == '"')
			result = read_double_quoted(r, value);
		else if (peek(r) == '$' && !ends_word(peek_next(r)))
			result = read_expansion(r, value);
		else
			result = read_plain(r, value);
	}
	return result;
}

static int read_assignment(struct reader *r, size_t length)
{
	_cleanup_free_ char *name = strndup(r->at, length);
	_cleanup_(text_done) struct text value = {0};
	unsigned line = r->line;
	int result;

	if (!name)
		return -ENOMEM;
	r->at += length + 1;
	result = read_value(r, &value);
	result = result < 0 ? result : set_variable(r, name, value.data);
	return result < 0 ? result : r->assign(r->data, line, name, value.data);
}

static int refuse_word(struct reader *r)
{
	const char *end = r->at;

	while (end < r->end && !ends_word((unsigned char)*end))
		end++;
	for (const char *p = end; p < r->end && (*p == ' ' || *p == '\t' || *p == '='); p++)
		if (*p == '=')
			return refuse(r, r->line, "no blanks are allowed around '=': NAME=value");
	return refuse(r, r->line,
		      "'%.*s' would have to be executed; only NAME=value can stand here",
		      (int)MIN(end - r->at, 40), r->at);
}

/* What may stand where a command would: an assignment, or export before some. */
static int read_word(struct reader *r, bool *exporting)
{
	size_t length = name_length(r);
	int next = r->at + length < r->end ? (unsigned char)r->at[length] : EOF;

	if (length > 0 && next == '=')
		return read_assignment(r, length);
	if (*exporting && length > 0 && ends_word(next)) {
		r->at += length;
		return 0;
	}
	if (length == strlen("export") && memcmp(r->at, "export", length) == 0 && ends_word(next)) {
		r->at += length;
		*exporting = true;
		return 0;
	}
	return refuse_word(r);
}

static int read_all(struct reader *r)
{
	bool exporting = false;
	int result = 0;

	while (result >= 0 && peek(r) != EOF) {
		int c = peek(r);

		if (at_continuation(r)) {
			skip_continuation(r);
		} else if (c == '#') {
			while (peek(r) != EOF && peek(r) != '\n')
				advance(r);
		} else if (c == '\n' || c == ';') {
			exporting = false;
			advance(r);
		} else if (c == ' ' || c == '\t' || (c == '\r' && peek_next(r) == '\n')) {
			advance(r);
		} else {
			result = read_word(r, &exporting);
		}
	}
	return result;
}

static void reader_done(struct reader *r)
{
	struct variable *v;

	while ((v = TAILQ_FIRST(&r->variables))) {
		TAILQ_REMOVE(&r->variables, v, entry);
		free(v->name);
		free(v->value);
		free(v);
	}
	free(r->reason);
}

int shell_read(const char *text, size_t size, shell_assign_fn assign, void *data,
	       unsigned *ret_line, char **ret_reason)
{
	_cleanup_(reader_done) struct reader r = {
		.at = text,
		.end = text + size,
		.line = 1,
		.assign = assign,
		.data = data,
	};
	int result;

	TAILQ_INIT(&r.variables);
	if (memchr(text, '\0', size))
		result = refuse(&r, 1, "the file holds a NUL byte: it is no text");
	else
		result = read_all(&r);
	if (r.reason) {
		*ret_line = r.error_line;
		*ret_reason = TAKE_PTR(r.reason);
	}
	return result;
}
