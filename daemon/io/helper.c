/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
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

_Noreturn static void work_and_exit(helper_work_fn work, const void *data)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};

	for (size_t i = 0; i < ELEMENTSOF(signals); i++)
		signal(signals[i], SIG_DFL);
	setsid();
	/* They would be open behind the end of the daemon: locks, logind's among them. */
	closefrom(STDERR_FILENO + 1);
	_exit(-work(data));
}

/*
 * Returns once the helper has closed what it must not keep: else a daemon that ends now would leave
 * its lock behind for a moment, and the next one would find it.
 */
static pid_t start(helper_work_fn work, const void *data)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2];
	pid_t pid;
	char byte;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		work_and_exit(work, data);
	close(TAKE_FD(theirs));
	while (read(ours, &byte, 1) < 0 && errno == EINTR)
		;
	return pid;
}

int helper_start(struct loop *loop, helper_work_fn work, helper_done_fn done, void *data,
		 struct helper **ret)
{
	_cleanup_(helper_freep) struct helper *helper = calloc(1, sizeof(*helper));
	pid_t pid;
	int r;

	if (!helper)
		return -ENOMEM;
	*helper = (struct helper){.pidfd = -1, .done = done, .data = data};
	pid = start(work, data);
	if (pid < 0)
		return pid;
	/* Not reaped yet, so the number is still this process. */
	helper->pidfd = pidfd_open(pid, 0);
	if (helper->pidfd < 0)
		return -errno;
	r = watch_new(loop, helper->pidfd, WATCH_READ, on_end, helper, &helper->watch);
	if (r < 0)
		return r;
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
