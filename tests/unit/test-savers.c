/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hv/savers.h"
#include "unit.h"

#define ARGUMENTS(text) text, sizeof(text)

START_TEST(only_the_helper_that_saves_this_domain_counts)
{
	ck_assert(savers_match(ARGUMENTS("/usr/lib/xen-4.17/bin/libxl-save-helper\0--save-domain\0"
					 "11\0-1\0"
					 "7\0"
					 "0"),
			       7, NULL));
	ck_assert(!savers_match(ARGUMENTS("libxl-save-helper\0--save-domain\0"
					  "7\0-1\0"
					  "17"),
				7, NULL));
	ck_assert(!savers_match(ARGUMENTS("libxl-save-helper\0--restore-domain\0"
					  "11\0-1\0"
					  "7"),
				7, NULL));
	ck_assert(!savers_match(ARGUMENTS("helper\0--save-domain\0"
					  "11\0-1\0"
					  "7"),
				7, NULL));
}
END_TEST

START_TEST(arguments_that_are_cut_or_missing_are_no_helper)
{
	static const char whole[] = "libxl-save-helper\0--save-domain\0"
				    "11\0-1\0"
				    "7";

	for (size_t size = 0; size < sizeof(whole); size++)
		ck_assert(!savers_match(whole, size, 7, NULL));
	ck_assert(savers_match(whole, sizeof(whole), 7, NULL));
}
END_TEST

/* It goes on when its helper has ended. */
START_TEST(xl_that_saves_or_migrates_this_domain_counts)
{
	static const struct {
		const char *words[6];
		bool matches;
	} cases[] = {
		{{"xl", "save", "web", "/root/web"}, true},
		{{"/usr/sbin/xl", "-vvv", "save", "-c", "7", "/root/web"}, true},
		{{"xl", "migrate", "-s", "ssh -p 2222", "web", "other"}, true},
		{{"xl", "mig", "web", "other"}, true},
		{{"xl", "sa", "web", "/root/web"}, true},
		{{"xl", "save", "webb", "/root/web"}, false},
		{{"xl", "save", "17", "/root/web"}, false},
		{{"xl", "web", "save"}, false},
		{{"xl", "shutdown", "web"}, false},
		{{"xl", "console", "web"}, false},
		{{"vi", "save", "web"}, false},
		{{"xl"}, false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		char text[200];
		size_t size = 0;

		for (size_t j = 0; j < ELEMENTSOF(cases[i].words) && cases[i].words[j]; j++) {
			strcpy(text + size, cases[i].words[j]);
			size += strlen(cases[i].words[j]) + 1;
		}
		ck_assert_int_eq(savers_match(text, size, 7, "web"), cases[i].matches);
	}
	ck_assert(!savers_match(ARGUMENTS("xl\0save\0web"), 7, NULL));
}
END_TEST

/* Under this name. */
static void run_shell_as(const char *path)
{
	if (symlink("/bin/sh", path) >= 0)
		execl(path, "xl", "-c", "read line", "save", "no such guest", NULL);
	_exit(1);
}

START_TEST(processes_are_found_once_for_all_domains)
{
	_cleanup_(savers_done) struct savers savers = {0}, none = {0};
	struct folder folder;
	int fds[2];
	pid_t pid;

	folder_make(&folder);

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(fds[0], 0);
		close(fds[1]);
		run_shell_as(folder_path(&folder, "xl"));
	}
	do
		savers_done(&savers);
	while (savers_find(&savers) >= 0 && !savers_have(&savers, 7, "no such guest"));
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	folder_remove(&folder);
	ck_assert(savers_have(&savers, 7, "no such guest"));
	ck_assert(!savers_have(&savers, 7, "no other guest"));
	ck_assert_int_eq(savers_find(&none), 0);
	ck_assert(!savers_have(&none, 7, "no such guest"));
}
END_TEST

/* In a process of its own, with descriptors for itself and the directory. */
static int find_without_descriptors(void)
{
	struct savers savers = {0};
	struct rlimit limit;
	int last, fd;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	limit.rlim_cur = 64;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	for (last = -1; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
		last = fd;
	close(last);
	return savers_find(&savers) == -EMFILE && savers.n == 0 ? 0 : 1;
}

START_TEST(a_process_that_cannot_be_looked_at_is_an_error)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(find_without_descriptors());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

SUITE("savers", processes_are_found_once_for_all_domains,
      a_process_that_cannot_be_looked_at_is_an_error, xl_that_saves_or_migrates_this_domain_counts,
      only_the_helper_that_saves_this_domain_counts,
      arguments_that_are_cut_or_missing_are_no_helper);
