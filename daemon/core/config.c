/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config.h"

#include <ctype.h>
#include <fnmatch.h>
#include <ini.h>

#include "core/shell.h"
#include "util/parse.h"
#include "util/str.h"

#define DOMAIN_SECTION "Domain "

/* libinih keeps no more of a section's name, and does not say so. */
#define SECTION_MAX 49

#define VARIABLE_PREFIX "XENDOMAINS_"

/* The longest time that can be asked for; keeps sums of times far from overflow. */
#define TIME_MAX_SEC (365 * 24 * 3600ULL)

struct setting;

typedef int (*setting_fn)(const struct setting *s, void *field, const char *value,
			  char **ret_reason);

struct setting {
	const char *name;
	setting_fn parse;
	size_t offset, size; /* of the field */
	uint64_t scale;      /* for times: microseconds to a unit */
	uint64_t min;        /* for numbers */
};

static int refuse_value(const struct setting *s, const char *value, const char *wanted,
			char **ret_reason)
{
	int r = str_format(ret_reason, "%s=%s: %s", s->name, value, wanted);

	return r < 0 ? r : -EINVAL;
}

static int parse_path(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	if (!str_empty(value) && value[0] != '/')
		return refuse_value(s, value, "a path must begin with '/'", ret_reason);
	return str_replace(field, str_empty(value) ? NULL : value);
}

static int parse_flag(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	bool *flag = field;

	if (str_empty(value)) {
		*flag = false;
		return 0;
	}
	if (parse_bool(value, flag) < 0)
		return refuse_value(s, value, "must be true or false", ret_reason);
	return 0;
}

static int parse_time(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	uint64_t number = 0;

	if (!str_empty(value) &&
	    parse_u64(value, TIME_MAX_SEC * USEC_PER_SEC / s->scale, &number) < 0)
		return refuse_value(s, value,
				    s->scale == 1 ? "must be a number of microseconds"
						  : "must be a number of seconds",
				    ret_reason);
	*(usec_t *)field = number * s->scale;
	return 0;
}

/* A time that something must end in, and that must not be none. */
static int parse_wait(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	usec_t *wait = field;
	int r = parse_time(s, wait, value, ret_reason);

	if (r >= 0 && *wait == 0)
		return refuse_value(s, value, "must be at least 1 second", ret_reason);
	return r;
}

/* A time limit: none where it is 0 or empty. */
static int parse_limit(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	usec_t *limit = field;
	int r = parse_time(s, limit, value, ret_reason);

	if (r >= 0 && *limit == 0)
		*limit = USEC_INFINITY;
	return r;
}

static int parse_group(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	if (strpbrk(value, ": \t,"))
		return refuse_value(s, value, "must be the name of one group", ret_reason);
	return str_replace(field, str_empty(value) ? NULL : value);
}

static int parse_number(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	uint64_t number;

	if (parse_u64(value, 10000, &number) < 0 || number < s->min)
		return refuse_value(s, value,
				    s->min ? "must be a number from 1 to 10000"
					   : "must be a number from 0 to 10000",
				    ret_reason);
	*(unsigned *)field = (unsigned)number;
	return 0;
}

/* One of two words. 0 and which, or -EINVAL. */
static int parse_choice(const struct setting *s, const char *const names[2], const char *value,
			int *ret, char **ret_reason)
{
	_cleanup_free_ char *wanted = NULL;
	int i = str_lookup(names, 2, value);

	if (i < 0) {
		int r = str_format(&wanted, "must be %s or %s", names[0], names[1]);

		return r < 0 ? r : refuse_value(s, value, wanted, ret_reason);
	}
	*ret = i;
	return 0;
}

static int parse_after_cancel(const struct setting *s, void *field, const char *value,
			      char **ret_reason)
{
	static const char *const names[_AFTER_CANCEL_MAX] = {
		[AFTER_CANCEL_START] = "start",
		[AFTER_CANCEL_LEAVE] = "leave",
	};
	int i, r = parse_choice(s, names, value, &i, ret_reason);

	if (r >= 0)
		*(enum after_cancel *)field = (enum after_cancel)i;
	return r;
}

static int parse_image_policy(const struct setting *s, void *field, const char *value,
			      char **ret_reason)
{
	static const char *const names[_IMAGE_POLICY_MAX] = {
		[IMAGE_HOLD] = "hold",
		[IMAGE_AFRESH] = "afresh",
	};
	int i, r = parse_choice(s, names, value, &i, ret_reason);

	if (r >= 0)
		*(enum image_policy *)field = (enum image_policy)i;
	return r;
}

/* Keys as "xl sysrq" takes them, one at a time. */
static int parse_sysrq(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	_cleanup_free_ char *keys = strdup(value);
	char *end = keys;

	if (!keys)
		return -ENOMEM;
	for (const char *p = value; *p; p++) {
		if (strchr(" \t\n", *p))
			continue;
		if (!isascii(*p) || !isalnum((unsigned char)*p) || (p[1] && !strchr(" \t\n", p[1])))
			return refuse_value(s, value,
					    "must be single letters or digits with spaces "
					    "between them, as in \"s u\"",
					    ret_reason);
		*end++ = *p;
	}
	*end = '\0';
	return str_replace(field, str_empty(keys) ? NULL : keys);
}

/*
 * A word that the script handed on to "xl shutdown": short ones can stand together, as in "-aw".
 * Only the wait means something here: all guests are meant where all are, the power button of a
 * guest without PV drivers (-F) is pressed anyhow, and a halt (-H, of xm) is a shutdown.
 */
static bool read_shutdown_word(const char *word, bool *wait)
{
	static const char *const no_meaning_here[] = {"--all", "--halt"};

	if (str_equal(word, "--wait")) {
		*wait = true;
		return true;
	}
	if (str_lookup(no_meaning_here, ELEMENTSOF(no_meaning_here), word) >= 0)
		return true;
	if (word[0] != '-' || !word[1] || word[1 + strspn(word + 1, "aHFw")])
		return false;
	*wait |= strchr(word, 'w') != NULL;
	return true;
}

static int parse_shutdown(const struct setting *s, void *field, const char *value,
			  char **ret_reason)
{
	struct config_shutdown *shutdown = field;
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy;
	const char *word;

	if (!copy)
		return -ENOMEM;
	*shutdown = (struct config_shutdown){0};
	while ((word = strsep(&rest, " \t\n"))) {
		if (str_empty(word))
			continue;
		shutdown->enabled = true;
		if (!read_shutdown_word(word, &shutdown->wait))
			return refuse_value(s, value,
					    "only --wait, --all, --halt and -F are understood",
					    ret_reason);
	}
	return 0;
}

static int take_targets(const struct setting *s, struct target_list *list,
			struct target_list *taken, int result, const char *value,
			const char *problem, char **ret_reason)
{
	if (result == -EINVAL)
		return refuse_value(s, value, problem, ret_reason);
	if (result < 0)
		return result;
	target_list_done(list);
	*list = *taken;
	return 0;
}

/* The words that the script handed on to "xl migrate". */
static int parse_target(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	struct target_list taken = {0};
	const char *problem = NULL;
	struct target target;
	int r = target_parse(value, &target, &problem);

	if (r >= 0)
		r = target_list_add(&taken, &target);
	/* Nothing but blanks: switched off. */
	return take_targets(s, field, &taken, r == -ENODATA ? 0 : r, value, problem, ret_reason);
}

static int parse_targets(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	struct target_list taken = {0};
	const char *problem = NULL;
	int r = target_list_parse(value, &taken, &problem);

	return take_targets(s, field, &taken, r, value, problem, ret_reason);
}

/* Offset and size. */
#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)NULL)->member)

static const struct setting variables[] = {
	{"XENDOMAINS_SYSRQ", parse_sysrq, FIELD(sysrq), 0, 0},
	{"XENDOMAINS_USLEEP", parse_time, FIELD(sysrq_pause), 1, 0},
	{"XENDOMAINS_CREATE_USLEEP", parse_time, FIELD(create_pause), 1, 0},
	{"XENDOMAINS_MIGRATE", parse_target, FIELD(migrate), 0, 0},
	{"XENDOMAINS_SAVE", parse_path, FIELD(save), 0, 0},
	{"XENDOMAINS_SHUTDOWN", parse_shutdown, FIELD(shutdown), 0, 0},
	{"XENDOMAINS_SHUTDOWN_ALL", parse_shutdown, FIELD(shutdown_all), 0, 0},
	{"XENDOMAINS_RESTORE", parse_flag, FIELD(restore), 0, 0},
	{"XENDOMAINS_AUTO", parse_path, FIELD(autostart), 0, 0},
	{"XENDOMAINS_AUTO_ONLY", parse_flag, FIELD(auto_only), 0, 0},
	{"XENDOMAINS_STOP_MAXWAIT", parse_limit, FIELD(stop_limit), USEC_PER_SEC, 0},
};

static const struct setting host_keys[] = {
	{"ParallelOperations", parse_number, FIELD(parallel), 0, 1},
	{"ParallelCreates", parse_number, FIELD(parallel_create), 0, 0},
	{"ProgressTimeout", parse_time, FIELD(patience), USEC_PER_SEC, 0},
	{"MigrateTargets", parse_targets, FIELD(migrate), 0, 0},
	{"MigrateAnswerTimeout", parse_wait, FIELD(answer_limit), USEC_PER_SEC, 0},
	{"RestartLimit", parse_number, FIELD(restart_limit), 0, 0},
	{"RestartInterval", parse_time, FIELD(restart_interval), USEC_PER_SEC, 0},
	{"DumpFolder", parse_path, FIELD(dumps), 0, 0},
	{"AfterCancel", parse_after_cancel, FIELD(after_cancel), 0, 0},
	{"ReadGroup", parse_group, FIELD(read_group), 0, 0},
	{"ControlGroup", parse_group, FIELD(control_group), 0, 0},
};

#define GUEST_FIELD(member)                                                                        \
	offsetof(struct guest_settings, member), sizeof(((struct guest_settings *)NULL)->member)

/* In [Host] for all guests, in [Domain] for some. */
static const struct setting guest_keys[] = {
	{"ForcedDestroy", parse_flag, GUEST_FIELD(forced_destroy), 0, 0},
	{"ImageChanged", parse_image_policy, GUEST_FIELD(image_changed), 0, 0},
	{"ImageUnknown", parse_image_policy, GUEST_FIELD(image_unknown), 0, 0},
};

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

static const struct setting *find_setting(const struct setting *settings, size_t n,
					  const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(settings[i].name, name))
			return &settings[i];
	return NULL;
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
	const struct setting *s = find_setting(variables, ELEMENTSOF(variables), name);
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
	const struct setting *s = find_setting(guest_keys, ELEMENTSOF(guest_keys), name);
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
	domain->given |= 1U << (s - guest_keys);
	return apply(reading, s, &domain->settings, value);
}

static int assign_host_key(struct reading *reading, const char *name, const char *value)
{
	const struct setting *s = find_setting(host_keys, ELEMENTSOF(host_keys), name);

	if (s)
		return apply(reading, s, reading->config, value);
	s = find_setting(guest_keys, ELEMENTSOF(guest_keys), name);
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
	for (size_t i = 0; i < ELEMENTSOF(guest_keys); i++) {
		const struct setting *s = &guest_keys[i];

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
