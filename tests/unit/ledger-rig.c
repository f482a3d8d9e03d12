/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ledger-rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct ledger_rig ledger_rig;

static pid_t daemon_pid;

static void on_wait(void)
{
	if (getpid() == daemon_pid)
		ledger_rig.waits++;
	else if (ledger_rig.meanwhile)
		ledger_rig.meanwhile(ledger_rig.path);
}

int fdatasync(int fd _unused_)
{
	on_wait();
	return 0;
}

int fsync(int fd _unused_)
{
	on_wait();
	return 0;
}

int rename(const char *from, const char *to)
{
	ledger_rig.renames = true;
	on_wait();
	ledger_rig.renames = false;
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

struct ledger_file *ledger_rig_open(const struct folder *f)
{
	struct ledger_file *state = NULL;

	daemon_pid = getpid();
	snprintf(ledger_rig.path, sizeof(ledger_rig.path), "%s/state/ledger", f->path);
	if (!ledger_rig.loop)
		ck_assert_int_eq(loop_new(&ledger_rig.loop), 0);
	ck_assert_int_eq(ledger_file_open(ledger_rig.loop, folder_path(f, "state"), &state), 0);
	return state;
}

static void end_without_children(void *data)
{
	struct timer **timer = data;
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		loop_exit(ledger_rig.loop, 0);
	else
		timer_set_after(*timer, USEC_PER_MSEC);
}

void ledger_rig_settle(void)
{
	struct timer *timer;

	ck_assert_int_eq(timer_new(ledger_rig.loop, end_without_children, &timer, &timer), 0);
	timer_set_after(timer, 0);
	ck_assert_int_eq(loop_run(ledger_rig.loop), 0);
	timer_free(timer);
}

void ledger_rig_end(struct ledger_file *state)
{
	ledger_file_free(state);
	ledger_rig.loop = loop_free(ledger_rig.loop);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

void ledger_rig_close(struct ledger_file *state)
{
	ledger_rig_settle();
	ledger_rig_end(state);
}
