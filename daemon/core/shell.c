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

/* What may follow on the line. */
enum position {
	AT_COMMAND,
	AFTER_ASSIGNMENT,
	AFTER_EXPORT,
};

struct shell_reader {
	const char *path;
	const char *at, *end;
	unsigned line;
	enum position position;
	unsigned depth, n_sources;
	struct variable_list variables;
	const struct shell_handler *handler;
	unsigned error_line;
	char *reason;
	bool in_block; /* the refused line may hold the lines after it */
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

static int refuse(struct shell_reader *r, unsigned line, const char *format, ...) _printf_(3, 4);

static int refuse(struct shell_reader *r, unsigned line, const char *format, ...)
{
	va_list ap;
	int result;

	va_start(ap, format);
	result = str_vformat(&r->reason, format, ap);
	va_end(ap);
	r->error_line = line;
	return result < 0 ? result : -EINVAL;
}

static int peek(const struct shell_reader *r)
{
	return r->at < r->end ? (unsigned char)*r->at : EOF;
}

static int peek_next(const struct shell_reader *r)
{
	return r->at + 1 < r->end ? (unsigned char)r->at[1] : EOF;
}

static void advance(struct shell_reader *r)
{
	if (*r->at++ == '\n')
		r->line++;
}

static bool at_continuation(const struct shell_reader *r)
{
	return peek(r) == '\\' && peek_next(r) == '\n';
}

static void skip_continuation(struct shell_reader *r)
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

static size_t name_length(const struct shell_reader *r)
{
	const char *p = r->at;

	if (p < r->end && is_name_start((unsigned char)*p))
		while (p < r->end && is_name((unsigned char)*p))
			p++;
	return (size_t)(p - r->at);
}

static struct variable *find_variable(struct shell_reader *r, const char *name, size_t length)
{
	struct variable *v;

	TAILQ_FOREACH(v, &r->variables, entry)
		if (strlen(v->name) == length && memcmp(v->name, name, length) == 0)
			return v;
	return NULL;
}

static int set_variable(struct shell_reader *r, char *name, const char *value)
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
static bool at_expansion(const struct shell_reader *r)
{
	int c = peek_next(r);

	if (c == '\\')
		return r->end - r->at > 2 && r->at[2] == '\n';
	return is_name(c) || (c != EOF && strchr("{([@*#?$!-", c));
}

/* $NAME or ${NAME}, the '$' being next. */
static int read_expansion(struct shell_reader *r, struct text *value)
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

static int read_single_quoted(struct shell_reader *r, struct text *value)
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

static int read_double_quoted(struct shell_reader *r, struct text *value)
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

static int read_plain(struct shell_reader *r, struct text *value)
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

static int read_value(struct shell_reader *r, struct text *value)
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

static void skip_blanks(struct shell_reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t' || at_continuation(r)) {
		if (at_continuation(r))
			advance(r);
		advance(r);
	}
}

static int refuse_word(struct shell_reader *r);

/* Before a command, an assignment is one for that command only. */
static int check_follower(struct shell_reader *r)
{
	size_t length;

	skip_blanks(r);
	if (peek(r) == EOF || strchr("\n\r;#", peek(r)) || r->position == AFTER_EXPORT)
		return 0;
	length = name_length(r);
	if (length > 0 && r->at + length < r->end && r->at[length] == '=')
		return 0;
	return refuse_word(r);
}

static int read_assignment(struct shell_reader *r, size_t length)
{
	_cleanup_free_ char *name = strndup(r->at, length);
	_cleanup_(text_done) struct text value = {0};
	unsigned line = r->line;
	int result;

	if (!name)
		return -ENOMEM;
	r->at += length + 1;
	result = read_value(r, &value);
	result = result < 0 ? result : check_follower(r);
	result = result < 0 ? result : set_variable(r, name, value.data);
	if (result < 0)
		return result;
	if (r->position == AT_COMMAND)
		r->position = AFTER_ASSIGNMENT;
	return r->handler->assign(r->handler->data, &(struct shell_place){r->path, line}, name,
				  value.data);
}

static bool is_word(const struct shell_reader *r, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(r->end - r->at) >= length && memcmp(r->at, word, length) == 0 &&
	       ends_word(r->at + length < r->end ? (unsigned char)r->at[length] : EOF);
}

/* Whether lines that follow belong to the command, and are no settings, or not always. */
static bool opens_block(const struct shell_reader *r, const char *word_end)
{
	static const char *const words[] = {"if",    "case",   "for",      "while",
					    "until", "select", "function", "{"};
	const char *line_end = memchr(r->at, '\n', (size_t)(r->end - r->at));
	size_t length = (size_t)((line_end ? line_end : r->end) - r->at);

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (is_word(r, words[i]))
			return true;
	return memchr(r->at, '(', (size_t)(word_end - r->at)) || memmem(r->at, length, "<<", 2);
}

static int refuse_word(struct shell_reader *r)
{
	const char *end = r->at;

	while (end < r->end && !ends_word((unsigned char)*end))
		end++;
	for (const char *p = end; p < r->end && (*p == ' ' || *p == '\t' || *p == '='); p++)
		if (*p == '=')
			return refuse(r, r->line, "no blanks are allowed around '=': NAME=value");
	r->in_block = opens_block(r, end);
	return refuse(r, r->line,
		      "'%.*s' would have to be executed; only NAME=value can stand here%s",
		      (int)MIN(end - r->at, 40), r->at,
		      r->in_block ? ", and the rest of the file is left out" : "");
}

static int read_text(struct shell_reader *r, const char *path, const char *text, size_t size);

/* Reads a sourced file where it is named, as a shell does. */
static int read_sourced(struct shell_reader *r, unsigned line, const char *path)
{
	const struct shell_handler *h = r->handler;
	const char *outer_path = r->path, *at = r->at, *end = r->end, *text;
	unsigned outer_line = r->line;
	size_t size;
	int result;

	if (r->depth >= SHELL_DEPTH_MAX || r->n_sources >= SHELL_SOURCES_MAX)
		return refuse(r, line,
			      "too many files are sourced; at most %u, and %u within one another",
			      SHELL_SOURCES_MAX, SHELL_DEPTH_MAX);
	result = h->source(h->data, path, &text, &size);
	if (result == -ENOMEM)
		return result;
	if (result < 0)
		return refuse(r, line, "failed to read %s: %s", path, strerror(-result));
	r->n_sources++;
	r->depth++;
	result = read_text(r, path, text, size);
	r->depth--;
	r->path = outer_path;
	r->at = at;
	r->end = end;
	r->line = outer_line;
	return result;
}

/* The word has this length; the path of a file follows. */
static int read_source(struct shell_reader *r, size_t length)
{
	_cleanup_(text_done) struct text path = {0};
	unsigned line = r->line;
	const char *begin;
	int result;

	r->at += length;
	skip_blanks(r);
	begin = r->at;
	result = read_value(r, &path);
	if (result < 0)
		return result;
	for (const char *p = begin; p < r->at; p++)
		if (strchr("$*?[{", *p))
			return refuse(r, line, "'%c' is not expanded here; write the whole path",
				      *p);
	if (path.data[0] != '/')
		return refuse(r, line, "the path of a sourced file must begin with '/'");
	skip_blanks(r);
	if (peek(r) != EOF && !strchr("\n;#", peek(r)))
		return refuse(r, line, "only the path of a file can follow 'source'");
	return read_sourced(r, line, path.data);
}

/* What may stand where a command would: an assignment, export before some, or source. */
static int read_word(struct shell_reader *r)
{
	size_t length = name_length(r);
	int next = r->at + length < r->end ? (unsigned char)r->at[length] : EOF;

	if (length > 0 && next == '=')
		return read_assignment(r, length);
	if (r->position == AFTER_EXPORT && length > 0 && ends_word(next)) {
		r->at += length;
		return 0;
	}
	if (is_word(r, "export")) {
		r->at += length;
		r->position = AFTER_EXPORT;
		return 0;
	}
	if (r->position == AT_COMMAND && is_word(r, "source"))
		return read_source(r, strlen("source"));
	if (r->position == AT_COMMAND && is_word(r, "."))
		return read_source(r, strlen("."));
	return refuse_word(r);
}

static void skip_line(struct shell_reader *r)
{
	while (peek(r) != EOF && peek(r) != '\n')
		advance(r);
}

/*
 * Skips a refused word, to the end of its command. Lines inside its quotes are not assignments.
 * A quote that is never closed holds its own line only.
 */
static void skip_command(struct shell_reader *r, const char *begin, unsigned line)
{
	int quote = 0;

	r->at = begin;
	r->line = line;
	for (; peek(r) != EOF && (quote || peek(r) != '\n'); advance(r)) {
		int c = peek(r);

		if (c == '\\' && quote != '\'' && peek_next(r) != EOF)
			advance(r);
		else if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '\'' || c == '"')
			quote = c;
		else if (c == '#' && r->at > begin && strchr(" \t;", r->at[-1]))
			break;
	}
	if (quote) {
		r->at = begin;
		r->line = line;
	}
	skip_line(r);
}

static int report_refusal(struct shell_reader *r, int result)
{
	_cleanup_free_ char *reason = TAKE_PTR(r->reason);
	const struct shell_handler *h = r->handler;

	if (!reason)
		return result;
	return h->refuse(h->data, &(struct shell_place){r->path, r->error_line}, reason);
}

/* A word, or all of the command that it makes impossible. */
static int read_command(struct shell_reader *r)
{
	const char *begin = r->at;
	unsigned line = r->line;
	int result;

	r->in_block = false;
	result = read_word(r);
	if (result >= 0 || !r->reason)
		return result;
	if (r->in_block)
		r->at = r->end;
	else
		skip_command(r, begin, line);
	return report_refusal(r, result);
}

static int read_all(struct shell_reader *r)
{
	int result = 0;

	while (result >= 0 && peek(r) != EOF) {
		int c = peek(r);

		if (at_continuation(r)) {
			skip_continuation(r);
		} else if (c == '#') {
			skip_line(r);
		} else if (c == '\n' || c == ';') {
			r->position = AT_COMMAND;
			advance(r);
		} else if (c == ' ' || c == '\t' || (c == '\r' && peek_next(r) == '\n')) {
			advance(r);
		} else {
			result = read_command(r);
		}
	}
	return result;
}

static int read_text(struct shell_reader *r, const char *path, const char *text, size_t size)
{
	r->path = path;
	r->at = text;
	r->end = text + size;
	r->line = 1;
	r->position = AT_COMMAND;
	if (!memchr(text, '\0', size))
		return read_all(r);
	return report_refusal(r,
			      refuse(r, 1, "the file holds a NUL byte, so it is not a text file"));
}

static void reader_done(struct shell_reader *r)
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

int shell_read(const struct shell_handler *handler, const char *path, const char *text, size_t size)
{
	_cleanup_(reader_done) struct shell_reader r = {.handler = handler};

	TAILQ_INIT(&r.variables);
	return read_text(&r, path, text, size);
}
