/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config.h"

#include <fnmatch.h>
#include <ini.h>

#include "core/config-values.h"
#include "core/shell.h"
#include "util/str.h"

#define DOMAIN_SECTION "Domain "

/* libinih keeps no more of a section's name, and does not say so. */
#define SECTION_MAX 49

#define VARIABLE_PREFIX "XENDOMAINS_"

struct config *config_new(void)
{
	_cleanup_(config_freep) struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct config){
		.save = strdup("/var/lib/xen/save"),
		.restore = true,
		.autostart = strdup("/etc/xen/auto"),
		.auto_only = false,
		.sysrq_pause = 100 * USEC_PER_MSEC,
		.create_pause = 5 * USEC_PER_SEC,
		.stop_limit = 300 * USEC_PER_SEC,
		.shutdown = {.enabled = true, .wait = true},
		.shutdown_all = {.enabled = true, .wait = true},
		.answer_limit = 120 * USEC_PER_SEC,
		.parallel = 8,
		.patience = 1800 * USEC_PER_SEC,
		.restart_limit = 5,
		.restart_interval = 600 * USEC_PER_SEC,
		.dumps = strdup("/var/lib/xen/dump"),
	};
	return c->save && c->autostart && c->dumps ? TAKE_PTR(c) : NULL;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->save);
	free(c->autostart);
	target_list_done(&c->migrate);
	free(c->sysrq);
	for (size_t i = 0; i < c->n_domains; i++)
		free(c->domains[i].pattern);
	free(c->domains);
	free(c->dumps);
	free(c->read_group);
	free(c->control_group);
	for (size_t i = 0; i < c->n_warnings; i++)
		free(c->warnings[i]);
	free(c->warnings);
	free(c);
}

int config_warn(struct config *c, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	char **bigger;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	if (r < 0)
		return r;
	bigger = realloc(c->warnings, (c->n_warnings + 2) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	c->warnings = bigger;
	c->warnings[c->n_warnings++] = TAKE_PTR(text);
	c->warnings[c->n_warnings] = NULL;
	return 0;
}

/* Where a text is read from, and what is wrong with it: the context of both kinds of file. */
struct reading {
	struct config *config;
	const char *path;
	unsigned line;
	char *reason;
	int error; /* of the INI file's first bad value ... */
	unsigned error_line;
};

/* Into the structure that the setting is a part of. */
static int apply(struct reading *reading, const struct setting *s, void *whole, const char *value)
{
	return s->parse(s, (char *)whole + s->offset, value, &reading->reason);
}

static int assign_variable(void *data, unsigned line, const char *name, const char *value)
{
	const struct setting *s = setting_find(&config_variables, name);
	struct reading *reading = data;

	reading->line = line;
	if (s)
		return apply(reading, s, reading->config, value);
	if (!str_starts_with(name, VARIABLE_PREFIX))
		return 0;
	return config_warn(reading->config, "%s:%u: there is no variable %s; it is ignored",
			   reading->path, line, name);
}

static int finish(struct reading *reading, int result, char **ret_reason)
{
	int r;

	if (result == -EINVAL && reading->reason) {
		r = str_format(ret_reason, "%s:%u: %s", reading->path, reading->line,
			       reading->reason);
		if (r < 0)
			result = r;
	}
	free(reading->reason);
	return result;
}

int config_read_variables(struct config *c, const char *path, const char *text, size_t size,
			  char **ret_reason)
{
	struct reading reading = {.config = c, .path = path};
	int r;

	r = shell_read(text, size, assign_variable, &reading, &reading.line, &reading.reason);
	return finish(&reading, r, ret_reason);
}

/* The first error counts. */
static void refuse_line(struct reading *reading, const char *reason)
{
	if (reading->error < 0)
		return;
	reading->error_line = reading->line;
	reading->error = str_format(&reading->reason, "%s", reason) < 0 ? -ENOMEM : -EINVAL;
}

/* The text of an INI file on its way to libinih, which does not tell its handler the line. */
struct ini_text {
	const char *rest;
	struct reading *reading;
};

/*
 * As fgets(), but a line is never handed out in pieces, which libinih would take for lines: of a
 * comment the end is left out, and anything else ends the reading.
 */
static char *next_line(char *buffer, int size, void *stream)
{
	struct ini_text *text = stream;
	struct reading *reading = text->reading;
	size_t length = strcspn(text->rest, "\n");
	size_t taken = MIN(length, (size_t)size - 2);

	if (!*text->rest)
		return NULL;
	reading->line++;
	if (taken < length && !strchr("#;", text->rest[strspn(text->rest, " \t")])) {
		refuse_line(reading, "the line is too long");
		return NULL;
	}
	memcpy(buffer, text->rest, taken);
	memcpy(buffer + taken, "\n", sizeof("\n"));
	text->rest += length + (text->rest[length] == '\n');
	return buffer;
}

static int refuse(struct reading *reading, const char *reason)
{
	int r = str_format(&reading->reason, "%s", reason);

	return r < 0 ? r : -EINVAL;
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

static int assign_domain_key(struct reading *reading, const char *pattern, const char *name,
			     const char *value)
{
	const struct setting *s = setting_find(&config_guest_keys, name);
	struct config_domain *domain;
	int r;

	if (strlen(DOMAIN_SECTION) + strlen(pattern) >= SECTION_MAX)
		return refuse(reading, "the name of the section is too long");
	if (strchr(pattern, '['))
		return refuse(reading, "only * and ? stand for other characters in the name of a "
				       "section");
	if (!s)
		return config_warn(reading->config,
				   "%s:%u: there is no key %s in [Domain]; it is ignored",
				   reading->path, reading->line, name);
	r = add_domain_section(reading->config, pattern, &domain);
	if (r < 0)
		return r;
	domain->given |= 1U << (s - config_guest_keys.settings);
	return apply(reading, s, &domain->settings, value);
}

static int assign_host_key(struct reading *reading, const char *name, const char *value)
{
	const struct setting *s = setting_find(&config_host_keys, name);

	if (s)
		return apply(reading, s, reading->config, value);
	s = setting_find(&config_guest_keys, name);
	if (s)
		return apply(reading, s, &reading->config->guests, value);
	return config_warn(reading->config, "%s:%u: there is no key %s in [Host]; it is ignored",
			   reading->path, reading->line, name);
}

/* libinih's convention: 1 is well, 0 an error at this line; it goes on reading all the same. */
static int assign_key(void *data, const char *section, const char *name, const char *value)
{
	struct ini_text *text = data;
	struct reading *reading = text->reading;
	unsigned line = reading->line;

	if (reading->error < 0)
		return 0;
	value = value ? value : "";
	if (str_equal(section, "Host"))
		reading->error = assign_host_key(reading, name, value);
	else if (str_starts_with(section, DOMAIN_SECTION))
		reading->error = assign_domain_key(reading, section + strlen(DOMAIN_SECTION), name,
						   value);
	else
		reading->error = config_warn(reading->config,
					     "%s:%u: there is no section [%s]; it is ignored",
					     reading->path, line, section);
	if (reading->error < 0)
		reading->error_line = line;
	return reading->error >= 0;
}

static void override(struct guest_settings *settings, const struct config_domain *domain)
{
	for (size_t i = 0; i < config_guest_keys.n; i++) {
		const struct setting *s = &config_guest_keys.settings[i];

		if (domain->given & 1U << i)
			memcpy((char *)settings + s->offset,
			       (const char *)&domain->settings + s->offset, s->size);
	}
}

struct guest_settings config_guest(const struct config *c, const char *name)
{
	struct guest_settings settings = c->guests;

	for (size_t i = 0; i < c->n_domains; i++)
		if (fnmatch(c->domains[i].pattern, name, 0) == 0)
			override(&settings, &c->domains[i]);
	return settings;
}

int config_read_native(struct config *c, const char *path, const char *text, char **ret_reason)
{
	struct reading reading = {.config = c, .path = path};
	struct ini_text ini = {.rest = text, .reading = &reading};
	int line, r;

	line = ini_parse_stream(next_line, &ini, assign_key, &ini);
	if (line == 0 && reading.error >= 0)
		return 0;
	if (line < 0)
		return finish(&reading, -ENOMEM, ret_reason);
	reading.line = reading.error < 0 ? reading.error_line : (unsigned)line;
	if (reading.error >= 0) {
		r = str_format(&reading.reason,
			       "this is neither [Section], Key=value nor a comment");
		if (r < 0)
			return r;
		reading.error = -EINVAL;
	}
	return finish(&reading, reading.error, ret_reason);
}
