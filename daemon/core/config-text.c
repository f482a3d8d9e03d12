/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config-text.h"

#include <ini.h>

#include "core/settings.h"
#include "core/shell.h"
#include "util/str.h"

#define DOMAIN_SECTION "Domain "

/* libinih cuts longer names of sections, and does not say so. */
#define SECTION_MAX 49

/* Some editors of other systems begin a file with it. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

#define VARIABLE_PREFIX "XENDOMAINS_"

/* Where a text is read from: the context of both kinds of file. */
struct text_reading {
	struct config *config;
	const struct config_source *source;
	const char *path;
	unsigned line;
};

static int refuse(struct text_reading *reading, bool cosmetic, const char *reason)
{
	struct config_place at = {(char *)reading->path, reading->line};

	return config_refuse(reading->config, &at, cosmetic, reason);
}

/* Into the structure that the setting is a part of. 1, 0 where it is refused, or -ENOMEM. */
static int apply(struct text_reading *reading, const struct setting *s, void *whole,
		 const char *value)
{
	_cleanup_free_ char *reason = NULL;
	int r = s->parse(s, (char *)whole + s->offset, value, &reason);

	if (r == -EINVAL)
		return refuse(reading, s->cosmetic, reason);
	return r < 0 ? r : 1;
}

/* meant: a name that there is, or NULL. */
static int warn_unknown(struct text_reading *reading, const char *kind, const char *name,
			const char *where, const char *meant)
{
	return config_warn(reading->config, "%s:%u: unknown %s %s%s, ignoring%s%s%s", reading->path,
			   reading->line, kind, name, where, meant ? ". Did you mean " : "",
			   meant ? meant : "", meant ? "?" : "");
}

static bool is_of_scope(const struct setting *s)
{
	return s->offset == offsetof(struct config, autostart) ||
	       s->offset == offsetof(struct config, auto_only);
}

static int assign_variable(void *data, const struct shell_place *at, const char *name,
			   const char *value)
{
	const struct setting *s = setting_find(&config_variables, name);
	struct text_reading *reading = data;
	int r;

	reading->path = at->path;
	reading->line = at->line;
	if (s) {
		r = apply(reading, s, reading->config, value);
		reading->config->scope_unknown |= r == 0 && is_of_scope(s);
		return MIN(r, 0);
	}
	if (!str_starts_with(name, VARIABLE_PREFIX))
		return 0;
	return warn_unknown(reading, "variable", name, "", setting_meant(&config_variables, name));
}

static int refuse_variables(void *data, const struct shell_place *at, const char *reason)
{
	struct text_reading *reading = data;

	reading->path = at->path;
	reading->line = at->line;
	reading->config->scope_unknown = true;
	return refuse(reading, false, reason);
}

static int read_sourced(void *data, const char *path, const char **ret_text, size_t *ret_size)
{
	struct text_reading *reading = data;

	return reading->source->read(reading->source->data, path, ret_text, ret_size);
}

int config_read_variables(struct config *c, const char *path, const char *text, size_t size,
			  const struct config_source *source)
{
	struct text_reading reading = {.config = c, .source = source};

	return shell_read(
		&(struct shell_handler){
			.assign = assign_variable,
			.refuse = refuse_variables,
			.source = read_sourced,
			.data = &reading,
		},
		path, text, size);
}

/* The text of an INI file on its way to libinih, which does not tell its handler the line. */
struct ini_text {
	const char *rest;
	struct text_reading reading;
	bool lost; /* the section is not known that the lines are in */
	int error;
};

static void refuse_line(struct ini_text *text, const char *reason)
{
	if (text->error >= 0)
		text->error = refuse(&text->reading, false, reason);
}

/* Whether a line has one of these characters before a comment. */
static bool has_before_comment(const char *line, size_t length, const char *characters)
{
	for (size_t i = 0; i < length; i++) {
		if (strchr(characters, line[i]))
			return true;
		if (i > 0 && line[i] == ';' && strchr(" \t", line[i - 1]))
			return false;
	}
	return false;
}

/* libinih tells the first line only that it cannot read. */
static bool is_readable(const char *line, size_t length)
{
	if (length == 0 || strchr("#;\r", line[0]))
		return true;
	return has_before_comment(line, length, line[0] == '[' ? "]" : "=:");
}

/*
 * As fgets(), but a line is never handed out in pieces, which libinih would take for lines: of a
 * comment the end is left out, and anything else is refused. libinih takes the lines after a broken
 * [Section] for those of the section before it.
 */
static char *next_line(char *buffer, int size, void *stream)
{
	struct ini_text *text = stream;
	size_t length, taken;
	char first;

	if (!*text->rest)
		return NULL;
	/* libinih takes a line that is indented for more of the value before it. */
	text->rest += strspn(text->rest, " \t");
	if (text->reading.line == 0 && str_starts_with(text->rest, BYTE_ORDER_MARK))
		text->rest += strlen(BYTE_ORDER_MARK);
	length = strcspn(text->rest, "\n");
	taken = MIN(length, (size_t)size - 2);
	first = text->rest[0];
	text->reading.line++;
	if (first == '[')
		text->lost = taken < length || !is_readable(text->rest, length);
	if (taken < length && first != '#' && first != ';') {
		refuse_line(text, "the line is too long");
		taken = 0;
	} else if (!is_readable(text->rest, length)) {
		refuse_line(text, "expected [Section], Key=value or a comment");
		taken = 0;
	}
	memcpy(buffer, text->rest, taken);
	memcpy(buffer + taken, "\n", sizeof("\n"));
	text->rest += length + (text->rest[length] == '\n');
	return buffer;
}

static int add_domain_section(struct config *c, const char *pattern, struct config_domain **ret)
{
	struct config_domain *last = c->n_domains ? &c->domains[c->n_domains - 1] : NULL;
	struct config_domain *bigger;

	if (last && str_equal(last->pattern, pattern)) {
		*ret = last;
		return 0;
	}
	bigger = realloc(c->domains, (c->n_domains + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	c->domains = bigger;
	bigger[c->n_domains] = (struct config_domain){.pattern = strdup(pattern)};
	if (!bigger[c->n_domains].pattern)
		return -ENOMEM;
	*ret = &bigger[c->n_domains++];
	return 0;
}

static int assign_domain_key(struct text_reading *reading, const char *pattern, const char *name,
			     const char *value)
{
	const struct setting *s = setting_find(&config_guest_keys, name);
	struct config_domain *domain;
	int r;

	if (strlen(DOMAIN_SECTION) + strlen(pattern) >= SECTION_MAX)
		return refuse(reading, false, "the name of the section is too long");
	if (strchr(pattern, '['))
		return refuse(reading, false,
			      "only * and ? stand for other characters in the name of a section");
	if (!s && setting_find(&config_host_keys, name))
		return config_warn(reading->config,
				   "%s:%u: key %s in [Domain] belongs in [Host], ignoring",
				   reading->path, reading->line, name);
	if (!s)
		return warn_unknown(reading, "key", name, " in [Domain]",
				    setting_meant(&config_guest_keys, name));
	r = add_domain_section(reading->config, pattern, &domain);
	r = r < 0 ? r : apply(reading, s, &domain->settings, value);
	/* A refused key has its default, and not the value of [Host]. */
	if (r >= 0)
		domain->given |= 1U << (s - config_guest_keys.settings);
	return r;
}

/* Groups are looked up after all lines are read. A refusal then names this place. */
static struct config_place *place_of(struct config *c, const struct setting *s)
{
	if (s->offset == offsetof(struct config, read_group))
		return &c->read_group_at;
	return s->offset == offsetof(struct config, control_group) ? &c->control_group_at : NULL;
}

static int note_place(const struct text_reading *reading, const struct setting *s)
{
	struct config_place *at = place_of(reading->config, s);

	if (!at)
		return 0;
	at->line = reading->line;
	return str_replace(&at->path, reading->path);
}

static int assign_host_key(struct text_reading *reading, const char *name, const char *value)
{
	const struct setting *s = setting_find(&config_host_keys, name);
	const char *meant;
	int r;

	if (s) {
		r = apply(reading, s, reading->config, value);
		return r > 0 ? note_place(reading, s) : r;
	}
	s = setting_find(&config_guest_keys, name);
	if (s)
		return apply(reading, s, &reading->config->guests, value);
	meant = setting_meant(&config_host_keys, name);
	return warn_unknown(reading, "key", name, " in [Host]",
			    meant ? meant : setting_meant(&config_guest_keys, name));
}

/* libinih's convention: 1 is success. Refused lines are reported elsewhere. */
static int assign_key(void *data, const char *section, const char *name, const char *value)
{
	struct ini_text *text = data;
	struct text_reading *reading = &text->reading;

	if (text->error < 0 || text->lost)
		return 1;
	value = value ? value : "";
	if (str_equal(section, "Host"))
		text->error = assign_host_key(reading, name, value);
	else if (str_starts_with(section, DOMAIN_SECTION))
		text->error = assign_domain_key(reading, section + strlen(DOMAIN_SECTION), name,
						value);
	else if (section[0] == '\0')
		text->error = config_warn(
			reading->config,
			"%s:%u: %s= stands above any section, ignoring. Put [Host] above it",
			reading->path, reading->line, name);
	else
		text->error = config_warn(reading->config, "%s:%u: unknown section [%s], ignoring",
					  reading->path, reading->line, section);
	return 1;
}

int config_read_native(struct config *c, const char *path, const char *text)
{
	struct ini_text ini = {.rest = text, .reading = {.config = c, .path = path}};

	if (ini_parse_stream(next_line, &ini, assign_key, &ini) < 0)
		return -ENOMEM;
	return MIN(ini.error, 0);
}
