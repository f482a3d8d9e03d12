/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "util/fd.h"
#include "util/process.h"
#include "util/str.h"
#include "wire/operation.h"

/* Copies are made above the numbers that the worker gets, so that none is overwritten by another.
 */
#define FD_SAFE 16

#define HELPER_NAME     "libxl-save-helper"
#define HELPER_VARIABLE "LIBXL_SAVE_HELPER"

struct spawning {
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
};

static int prepare(struct spawning *s, int given, int channel, int helper)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawn_file_actions_addopen(&s->actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0 && given >= 0)
		r = posix_spawn_file_actions_adddup2(&s->actions, given, OPERATION_FD_RECORD);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&s->actions, channel, OPERATION_FD_CHANNEL);
	if (r == 0 && helper >= 0)
		r = posix_spawn_file_actions_adddup2(&s->actions, helper, OPERATION_FD_HELPER);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(
			&s->actions, helper >= 0 ? OPERATION_FD_HELPER + 1 : OPERATION_FD_HELPER);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(&s->attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&s->attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(&s->attributes, POSIX_SPAWN_SETSIGDEF |
								     POSIX_SPAWN_SETSIGMASK |
								     POSIX_SPAWN_SETSID);
	return -r;
}

int program_open(const char *path, struct program *ret)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	char *copy;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret = (struct program){.path = copy, .fd = TAKE_FD(fd)};
	return 0;
}

/* Workers of before go by it: it is there at each moment. */
static int make_link(const char *link)
{
	_cleanup_free_ char *target = NULL, *new = NULL;
	char leads_to[64] = "";
	int r = str_format(&target, "/proc/self/fd/%d", OPERATION_FD_HELPER);

	if (r < 0)
		return r;
	if (readlink(link, leads_to, sizeof(leads_to) - 1) > 0 && str_equal(leads_to, target))
		return 0;
	r = str_format(&new, "%s.%d", link, getpid());
	if (r < 0)
		return r;
	unlink(new);
	return symlink(target, new) < 0 || rename(new, link) < 0 ? -errno : 0;
}

int program_keep_helper(struct program *program, const char *helper, const char *runtime)
{
	_cleanup_close_ int opened = open(helper, O_PATH | O_CLOEXEC);
	_cleanup_free_ char *link = NULL, *path = strdup(helper);
	_cleanup_close_ int fd = -1;
	int r;

	if (opened < 0)
		return errno == ENOENT ? 0 : -errno;
	fd = fcntl(opened, F_DUPFD_CLOEXEC, FD_SAFE);
	if (fd < 0)
		return -errno;
	r = str_format(&link, "%s/" HELPER_NAME, runtime);
	r = r < 0 ? r : make_link(link);
	if (r < 0)
		return r;
	if (!path)
		return -ENOMEM;
	program->helper = TAKE_FD(fd);
	program->helper_path = TAKE_PTR(path);
	program->helper_link = TAKE_PTR(link);
	return 0;
}

/* For the process that is about to be started. */
static int choose_helper(const struct program *program)
{
	int r = 0;

	if (program->helper_path)
		r = access(program->helper_path, X_OK) == 0
			    ? unsetenv(HELPER_VARIABLE)
			    : setenv(HELPER_VARIABLE, program->helper_link, 1);
	return r < 0 ? -errno : 0;
}

void program_close(struct program *program)
{
	free(program->path);
	if (program->fd >= 0)
		close(program->fd);
	if (program->helper_path)
		close(program->helper);
	free(program->helper_path);
	free(program->helper_link);
}

static int start(const struct program *program, const char *verb, int given, int channel,
		 pid_t *ret)
{
	const char *const arguments[] = {program->path, verb, NULL};
	_cleanup_free_ char *file = NULL;
	struct spawning s;
	int r;

	/* The child has closed its own copy by the time that it needs it. */
	r = program->fd >= 0 ? str_format(&file, "/proc/%d/fd/%d", getpid(), program->fd)
			     : str_replace(&file, program->path);
	r = r < 0 ? r : choose_helper(program);
	r = r < 0 ? r : -posix_spawn_file_actions_init(&s.actions);
	if (r < 0)
		return r;
	r = -posix_spawnattr_init(&s.attributes);
	if (r >= 0) {
		r = prepare(&s, given, channel, program->helper_path ? program->helper : -1);
		if (r >= 0)
			r = -posix_spawn(ret, file, &s.actions, &s.attributes,
					 (char *const *)arguments, environ);
		posix_spawnattr_destroy(&s.attributes);
	}
	posix_spawn_file_actions_destroy(&s.actions);
	return r;
}

static bool reap(int pidfd)
{
	siginfo_t info = {0};

	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) >= 0 && info.si_pid;
}

/* Killed workers that have not ended yet. There are more only as long as memory is short. */
static int abandoned[32];
static size_t n_abandoned;

static void reap_abandoned(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_abandoned; i++)
		if (reap(abandoned[i]))
			close(abandoned[i]);
		else
			abandoned[kept++] = abandoned[i];
	n_abandoned = kept;
}

void spawn_abandon(int pidfd)
{
	process_signal(pidfd, SIGKILL);
	if (n_abandoned < ELEMENTSOF(abandoned))
		abandoned[n_abandoned++] = pidfd;
	else
		close(pidfd);
}

int spawn_worker(const struct program *program, const char *verb, int given, int *ret_channel)
{
	_cleanup_close_ int ours = -1, theirs = -1, high_given = -1, high_channel = -1;
	int pair[2], pidfd, r;
	pid_t pid;

	reap_abandoned();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	high_channel = fcntl(theirs, F_DUPFD_CLOEXEC, FD_SAFE);
	if (given >= 0)
		high_given = fcntl(given, F_DUPFD_CLOEXEC, FD_SAFE);
	if (high_channel < 0 || (given >= 0 && high_given < 0))
		return -errno;
	r = start(program, verb, high_given, high_channel, &pid);
	if (r < 0)
		return r;
	/* Not reaped yet, so the number is still this process. */
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		r = -errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	*ret_channel = TAKE_FD(ours);
	return pidfd;
}

void spawn_reap(int pidfd)
{
	reap(pidfd);
}
