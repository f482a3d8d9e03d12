/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"

#define LOG_ROOM 65536

static char log_text[LOG_ROOM];
static size_t log_size;

/* What folder_path() has handed out. */
static char **paths;
static size_t n_paths;

static void keep_log(int level _unused_, const struct log_fields *fields _unused_,
		     const char *message)
{
	int n = snprintf(log_text + log_size, LOG_ROOM - log_size, "%s\n", message);

	if (n > 0)
		log_size = MIN(log_size + (size_t)n, (size_t)LOG_ROOM - 1);
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
