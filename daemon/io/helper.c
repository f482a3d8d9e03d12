/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "util/fd.h"

struct helper {
	int pidfd;
	struct watch *watch;
	helper_done_fn done;
	void *data;
};

static void on_end(void *data, unsigned events _unused_)
{
	struct helper *helper = data;
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)helper->pidfd, &info, WEXITED | WNOHANG) < 0)
		info.si_code = CLD_KILLED;
	else if (info.si_pid == 0)
		return;
	helper->done(helper->data, info.si_code == CLD_EXITED ? -info.si_status : -EIO);
}

/* The number that it has in the helper, and no other descriptor above it is open. */
#define LINE (STDERR_FILENO + 1)

/*
 * Tells the daemon when it has closed what it must not keep. Otherwise the lock of a daemon that
 * ends now would outlast it for a moment, and the next daemon would find it. Without an answer the
 * daemon has ended, or cannot hear of the end of the helper.
 */
_Noreturn static void work_and_exit(int line, helper_work_fn work, const void *data)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	char byte = 0;

	for (size_t i = 0; i < ELEMENTSOF(signals); i++)
		signal(signals[i], SIG_DFL);
	setsid();
	if (dup2(line, LINE) < 0)
		_exit(errno);
	closefrom(LINE + 1);
	if (fd_write_all(LINE, &byte, 1) < 0 || fd_read_all(LINE, &byte, 1) < 0)
		_exit(ECANCELED);
	close(LINE);
	_exit(-work(data));
}

/* Returns once the helper waits for a byte on the line, or has ended. */
static pid_t start(helper_work_fn work, const void *data, int *ret_line)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2];
	pid_t pid;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		work_and_exit(theirs, work, data);
	close(TAKE_FD(theirs));
	(void)fd_read_all(ours, &byte, 1);
	*ret_line = TAKE_FD(ours);
	return pid;
}

static int watch_end(struct loop *loop, struct helper *helper, pid_t pid)
{
	/* Not reaped yet, so the number is still this process. */
	helper->pidfd = pidfd_open(pid, 0);
	if (helper->pidfd < 0)
		return -errno;
	return watch_new(loop, helper->pidfd, WATCH_READ, on_end, helper, &helper->watch);
}

static void wait_for_end(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int helper_start(struct loop *loop, helper_work_fn work, helper_done_fn done, void *data,
		 struct helper **ret)
{
	_cleanup_(helper_freep) struct helper *helper = calloc(1, sizeof(*helper));
	_cleanup_close_ int line = -1;
	char byte = 0;
	pid_t pid;
	int r;

	if (!helper)
		return -ENOMEM;
	*helper = (struct helper){.pidfd = -1, .done = done, .data = data};
	pid = start(work, data, &line);
	if (pid < 0)
		return pid;
	r = watch_end(loop, helper, pid);
	if (r < 0) {
		close(TAKE_FD(line));
		wait_for_end(pid);
		return r;
	}
	/* If the helper was killed, the watch reports it. */
	(void)!send(line, &byte, 1, MSG_NOSIGNAL);
	*ret = TAKE_PTR(helper);
	return 0;
}

struct helper *helper_free(struct helper *helper)
{
	if (!helper)
		return NULL;
	watch_free(helper->watch);
	if (helper->pidfd >= 0)
		close(helper->pidfd);
	free(helper);
	return NULL;
}
