/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/settings.h"

#include <ctype.h>
#include <fnmatch.h>

#include "util/nearest.h"
#include "util/parse.h"
#include "util/str.h"
#include "util/utf8.h"

/* The longest time that can be asked for; keeps sums of times far from overflow. */
#define TIME_MAX_SEC (365 * 24 * 3600ULL)

static int refuse_value(const struct setting *s, const char *value, const char *wanted,
			char **ret_reason)
{
	int r = str_format(ret_reason, "%s=%s: %s", s->name, value, wanted);

	return r < 0 ? r : -EINVAL;
}

static int parse_path(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	int r;

	if (!str_empty(value) && value[0] != '/')
		return refuse_value(s, value, "a path must begin with '/'", ret_reason);
	/* Workers are told of it in JSON. */
	if (!utf8_is_valid(value, strlen(value)))
		return refuse_value(s, value, "a path must be UTF-8", ret_reason);
	r = str_replace(field, str_empty(value) ? NULL : value);
	/* Strips slashes at the end: files in it are named PATH/FILE, and the path has a last name.
	 */
	for (size_t n = strlen(value); r >= 0 && n > 1 && value[n - 1] == '/'; n--)
		(*(char **)field)[n - 1] = '\0';
	return r;
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

/* A time limit, which must not be 0. */
static int parse_wait(const struct setting *s, void *field, const char *value, char **ret_reason)
{
	usec_t wait;
	int r = parse_time(s, &wait, value, ret_reason);

	if (r >= 0 && wait == 0)
		return refuse_value(s, value, "must be at least 1 second", ret_reason);
	if (r >= 0)
		*(usec_t *)field = wait;
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

static const char *const image_policy_names[_IMAGE_POLICY_MAX] = {
	[IMAGE_HOLD] = "hold",
	[IMAGE_AFRESH] = "afresh",
};

const char *image_policy_to_string(enum image_policy policy)
{
	return image_policy_names[policy];
}

static int parse_image_policy(const struct setting *s, void *field, const char *value,
			      char **ret_reason)
{
	int i, r = parse_choice(s, image_policy_names, value, &i, ret_reason);

	if (r >= 0)
		*(enum image_policy *)field = (enum image_policy)i;
	return r;
}

static int parse_compression(const struct setting *s, void *field, const char *value,
			     char **ret_reason)
{
	enum compression compression = compression_from_string(value);

	if (compression < 0)
		return refuse_value(s, value, "must be none or zstd", ret_reason);
	*(enum compression *)field = compression;
	return 0;
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
	struct config_shutdown shutdown = {0};
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy;
	const char *word;

	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&rest, " \t\n"))) {
		if (str_empty(word))
			continue;
		shutdown.enabled = true;
		if (!read_shutdown_word(word, &shutdown.wait))
			return refuse_value(s, value,
					    "only --wait, --all, --halt and -F are understood",
					    ret_reason);
	}
	*(struct config_shutdown *)field = shutdown;
	return 0;
}

static int take_targets(const struct setting *s, struct target_list *list,
			struct target_list *taken, int result, const char *value,
			enum target_problem problem, char **ret_reason)
{
	if (result == -EINVAL)
		return refuse_value(s, value, target_problem_to_string(problem), ret_reason);
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
	enum target_problem problem = _TARGET_PROBLEM_INVALID;
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
	enum target_problem problem = _TARGET_PROBLEM_INVALID;
	int r = target_list_parse(value, &taken, &problem);

	return take_targets(s, field, &taken, r, value, problem, ret_reason);
}

/* Offset and size. */
#define FIELD(member) offsetof(struct config, member), sizeof(((struct config *)NULL)->member)

static const struct setting variables[] = {
	{"XENDOMAINS_SYSRQ", parse_sysrq, FIELD(sysrq), 0, 0, false},
	{"XENDOMAINS_USLEEP", parse_time, FIELD(sysrq_pause), 1, 0, false},
	{"XENDOMAINS_CREATE_USLEEP", parse_time, FIELD(create_pause), 1, 0, true},
	{"XENDOMAINS_MIGRATE", parse_target, FIELD(migrate), 0, 0, false},
	{"XENDOMAINS_SAVE", parse_path, FIELD(save), 0, 0, false},
	{"XENDOMAINS_SHUTDOWN", parse_shutdown, FIELD(shutdown), 0, 0, false},
	{"XENDOMAINS_SHUTDOWN_ALL", parse_shutdown, FIELD(shutdown_all), 0, 0, false},
	{"XENDOMAINS_RESTORE", parse_flag, FIELD(restore), 0, 0, false},
	{"XENDOMAINS_AUTO", parse_path, FIELD(autostart), 0, 0, false},
	{"XENDOMAINS_AUTO_ONLY", parse_flag, FIELD(auto_only), 0, 0, false},
	{"XENDOMAINS_STOP_MAXWAIT", parse_limit, FIELD(stop_limit), USEC_PER_SEC, 0, false},
};

static const struct setting host_keys[] = {
	{"ParallelOperations", parse_number, FIELD(parallel), 0, 1, false},
	{"ParallelCreates", parse_number, FIELD(parallel_create), 0, 0, true},
	{"ProgressTimeout", parse_time, FIELD(patience), USEC_PER_SEC, 0, false},
	{"MigrateTargets", parse_targets, FIELD(migrate), 0, 0, false},
	{"MigrateAnswerTimeout", parse_wait, FIELD(answer_limit), USEC_PER_SEC, 0, false},
	{"RestartLimit", parse_number, FIELD(restart_limit), 0, 0, false},
	{"RestartInterval", parse_time, FIELD(restart_interval), USEC_PER_SEC, 0, false},
	{"DumpFolder", parse_path, FIELD(dumps), 0, 0, false},
	{"AfterCancel", parse_after_cancel, FIELD(after_cancel), 0, 0, false},
	{"ReadGroup", parse_group, FIELD(read_group), 0, 0, true},
	{"ControlGroup", parse_group, FIELD(control_group), 0, 0, true},
};

#define GUEST_FIELD(member)                                                                        \
	offsetof(struct guest_settings, member), sizeof(((struct guest_settings *)NULL)->member)

/* In [Host] for all guests, in [Domain] for some. */
static const struct setting guest_keys[] = {
	{"ForcedDestroy", parse_flag, GUEST_FIELD(forced_destroy), 0, 0, false},
	{"ImageChanged", parse_image_policy, GUEST_FIELD(image_changed), 0, 0, false},
	{"ImageUnknown", parse_image_policy, GUEST_FIELD(image_unknown), 0, 0, false},
	{"ImageCompression", parse_compression, GUEST_FIELD(compression), 0, 0, true},
};

const struct setting_list config_variables = {variables, ELEMENTSOF(variables)};
const struct setting_list config_host_keys = {host_keys, ELEMENTSOF(host_keys)};
const struct setting_list config_guest_keys = {guest_keys, ELEMENTSOF(guest_keys)};

const struct setting *setting_find(const struct setting_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_equal(list->settings[i].name, name))
			return &list->settings[i];
	return NULL;
}

const char *setting_meant(const struct setting_list *list, const char *word)
{
	struct nearest nearest = {.word = word};

	for (size_t i = 0; i < list->n; i++)
		nearest_consider(&nearest, list->settings[i].name);
	return nearest.found;
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
