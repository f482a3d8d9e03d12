/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"

#define LOG_ROOM 65536

static char log_text[LOG_ROOM];
static size_t log_size;

/* Names and words that are longer are cut off. */
struct entry {
	char message_id[33], domain[64], stage[32], result[32];
	usec_t elapsed;
};

static struct entry *entries;
static size_t n_entries;

/* What folder_path() has handed out. */
static char **paths;
static size_t n_paths;

static void keep_word(char *to, size_t size, const char *word)
{
	snprintf(to, size, "%s", word ? word : "");
}

static void keep_entry(const struct log_fields *fields)
{
	struct entry *bigger = realloc(entries, (n_entries + 1) * sizeof(*bigger)), *e;

	ck_assert_ptr_nonnull(bigger);
	entries = bigger;
	e = &entries[n_entries++];
	*e = (struct entry){0};
	if (!fields)
		return;
	e->elapsed = fields->elapsed;
	keep_word(e->message_id, sizeof(e->message_id), fields->message_id);
	keep_word(e->domain, sizeof(e->domain), fields->domain);
	keep_word(e->stage, sizeof(e->stage), fields->stage);
	keep_word(e->result, sizeof(e->result), fields->result);
}

static void keep_log(int level _unused_, const struct log_fields *fields, const char *message)
{
	int n = snprintf(log_text + log_size, LOG_ROOM - log_size, "%s\n", message);

	if (n > 0)
		log_size = MIN(log_size + (size_t)n, (size_t)LOG_ROOM - 1);
	keep_entry(fields);
}

static void begin(void)
{
	log_text[0] = '\0';
	log_size = 0;
	log_set_sink(keep_log);
	log_set_max_level(LOG_INFO);
}

static void end(void)
{
	while (n_paths > 0)
		free(paths[--n_paths]);
	free(paths);
	paths = NULL;
	free(entries);
	entries = NULL;
	n_entries = 0;
}

int unit_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	TCase *tcase = tcase_create(name);
	int failed;

	tcase_add_checked_fixture(tcase, begin, end);
	/* Only for a test that hangs: on a loaded machine a good one may take its time. */
	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

const char *unit_log(void)
{
	return log_text;
}

static bool has_word(const char *word, const char *wanted)
{
	return !wanted || str_equal(word, wanted);
}

static bool is_wanted(const struct entry *e, const struct log_fields *wanted)
{
	return has_word(e->message_id, wanted->message_id) && has_word(e->domain, wanted->domain) &&
	       has_word(e->stage, wanted->stage) && has_word(e->result, wanted->result);
}

unsigned unit_logged(const struct log_fields *wanted)
{
	unsigned n = 0;

	for (size_t i = 0; i < n_entries; i++)
		n += is_wanted(&entries[i], wanted);
	return n;
}

usec_t unit_logged_time(const struct log_fields *wanted)
{
	usec_t sum = 0;

	for (size_t i = 0; i < n_entries; i++)
		if (is_wanted(&entries[i], wanted))
			sum = usec_add(sum, entries[i].elapsed);
	return sum;
}

void folder_make(struct folder *f)
{
	*f = (struct folder){.path = "/tmp/xendomainsd-unit-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(f->path));
}

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_,
		      struct FTW *where _unused_)
{
	return remove(path);
}

void folder_remove(struct folder *f)
{
	nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const struct folder *f, const char *name)
{
	char **bigger = realloc(paths, (n_paths + 1) * sizeof(*bigger));

	ck_assert_ptr_nonnull(bigger);
	paths = bigger;
	ck_assert_int_eq(str_format(&paths[n_paths], "%s/%s", f->path, name), 0);
	return paths[n_paths++];
}

void folder_write_bytes(const struct folder *f, const char *name, const void *data, size_t size)
{
	_cleanup_close_ int fd = open(folder_path(f, name),
				      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, data, size), 0);
}

void folder_write(const struct folder *f, const char *name, const char *text)
{
	folder_write_bytes(f, name, text, strlen(text));
}

bool folder_has(const struct folder *f, const char *name)
{
	return access(folder_path(f, name), F_OK) == 0;
}

/* SplitMix64. */
uint64_t dice_roll(struct dice *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t dice_pick(struct dice *d, size_t n)
{
	return (size_t)(dice_roll(d) % n);
}

bool dice_once_in(struct dice *d, size_t times)
{
	return dice_pick(d, times) == 0;
}
