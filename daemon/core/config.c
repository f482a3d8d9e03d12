/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config.h"

#include <ini.h>

#include "core/shell.h"
#include "util/parse.h"
#include "util/str.h"

#define VARIABLE_PREFIX "XENDOMAINS_"

/* The longest time that can be asked for; keeps sums of times far from overflow. */
#define TIME_MAX_SEC (365 * 24 * 3600ULL)

struct setting;

typedef int (*setting_fn)(const struct setting *s, void *field, const char *value,
			  char **ret_reason);

struct setting {
	const char *name;
	setting_fn parse;
	size_t offset;
	uint64_t scale; /* for times: microseconds to a unit */
	uint64_t min;   /* for numbers */
};

static int refuse_value(const struct setting *s, const char *value, const char *wanted,
			char **ret_reason)
{
	int r = str_format(ret_reason, "%s=%s: %s", s->name, value, wanted);

	return r < 0 ? r : -EINVAL;
}

static int parse_text(const struct setting *s _unused_, void *field, const char *value,
		      char **ret_reason _unused_)
{
	return str_replace(field, str_empty(value) ? NULL : value);
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

/* A time limit: none where it is 0 or empty. */
static int parse_limit(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	usec_t *limit = field;
	int r = parse_time(s, limit, value, ret_reason);

	if (r >= 0 && *limit == 0)
		*limit = USEC_INFINITY;
	return r;
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

/* The words that the script handed on to "xl shutdown". */
static int parse_shutdown(const struct setting *s, void *field, const char *value,
			  char **ret_reason)
{
	static const char *const no_meaning_here[] = {"--all", "-a", "--halt", "-H"};
	struct config_shutdown *shutdown = field;
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy;
	const char *word;

	if (!copy)
		return -ENOMEM;
	*shutdown = (struct config_shutdown){0};
	while ((word = strsep(&rest, " \t\n"))) {
		bool known = str_equal(word, "--wait") || str_equal(word, "-w");

		if (str_empty(word))
			continue;
		shutdown->enabled = true;
		if (known)
			shutdown->wait = true;
		for (size_t i = 0; i < ELEMENTSOF(no_meaning_here); i++)
			known |= str_equal(word, no_meaning_here[i]);
		if (!known)
			return refuse_value(s, value,
					    "only --wait, --all and --halt are understood",
					    ret_reason);
	}
	return 0;
}

#define FIELD(member) offsetof(struct config, member)

static const struct setting variables[] = {
	{"XENDOMAINS_SYSRQ", parse_text, FIELD(sysrq), 0, 0},
	{"XENDOMAINS_USLEEP", parse_time, FIELD(sysrq_pause), 1, 0},
	{"XENDOMAINS_CREATE_USLEEP", parse_time, FIELD(create_pause), 1, 0},
	{"XENDOMAINS_MIGRATE", parse_text, FIELD(migrate), 0, 0},
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
	{"RestartLimit", parse_number, FIELD(restart_limit), 0, 0},
	{"RestartInterval", parse_time, FIELD(restart_interval), USEC_PER_SEC, 0},
	{"DumpFolder", parse_path, FIELD(dumps), 0, 0},
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
		.parallel = 8,
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
	free(c->migrate);
	free(c->sysrq);
	free(c->dumps);
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

static int apply(struct reading *reading, const struct setting *s, const char *value)
{
	return s->parse(s, (char *)reading->config + s->offset, value, &reading->reason);
}

static int assign_variable(void *data, unsigned line, const char *name, const char *value)
{
	const struct setting *s = find_setting(variables, ELEMENTSOF(variables), name);
	struct reading *reading = data;

	reading->line = line;
	if (s)
		return apply(reading, s, value);
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

/* Stages that the old files can ask for and that this version does not have yet. */
static int warn_of_missing_stages(struct config *c, const char *path)
{
	int r = 0;

	if (c->migrate)
		r = config_warn(c,
				"%s: XENDOMAINS_MIGRATE is set, but this version does not "
				"migrate; guests are saved or shut down instead",
				path);
	if (r >= 0 && c->sysrq)
		r = config_warn(c, "%s: XENDOMAINS_SYSRQ is set, but this version sends no SysRq",
				path);
	return r;
}

int config_read_variables(struct config *c, const char *path, const char *text, size_t size,
			  char **ret_reason)
{
	struct reading reading = {.config = c, .path = path};
	int r;

	r = shell_read(text, size, assign_variable, &reading, &reading.line, &reading.reason);
	if (r >= 0)
		r = warn_of_missing_stages(c, path);
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

/* libinih's convention: 1 is well, 0 an error at this line; it goes on reading all the same. */
static int assign_key(void *data, const char *section, const char *name, const char *value)
{
	const struct setting *s = find_setting(host_keys, ELEMENTSOF(host_keys), name);
	struct ini_text *text = data;
	struct reading *reading = text->reading;
	unsigned line = reading->line;

	if (reading->error < 0)
		return 0;
	if (!str_equal(section, "Host"))
		reading->error = config_warn(reading->config,
					     "%s:%u: there is no section [%s]; it is ignored",
					     reading->path, line, section);
	else if (!s)
		reading->error = config_warn(reading->config,
					     "%s:%u: there is no key %s in [Host]; it is ignored",
					     reading->path, line, name);
	else
		reading->error = apply(reading, s, value ? value : "");
	if (reading->error < 0)
		reading->error_line = line;
	return reading->error >= 0;
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
