/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/output.h"
#include "util/process.h"
#include "util/str.h"
#include "worker/cat.h"
#include "worker/images.h"
#include "worker/life.h"
#include "worker/survey.h"
#include "worker/task.h"

/*
 * xendomains-worker: one operation on one guest, in a process of its own, which the daemon starts
 * and which outlives it.
 */

static int say_who_we_are(int fd)
{
	uint64_t start;
	int r = process_start_time(getpid(), &start);

	return r < 0 ? r : json_write(fd, operation_worker_message((uint64_t)getpid(), start));
}

/* A descriptor that is readable once we are asked to end early. */
static int watch_for_stop(void)
{
	sigset_t stop;
	int fd;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &stop, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void on_tick(void *data)
{
	task_tick(data);
}

/* Operations that begin no life, or end one, also run if nothing can be recorded. */
static bool begins_life(enum operation operation)
{
	switch (operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
	case OPERATION_RESTART:
	case OPERATION_MIGRATE:
	case OPERATION_SOFT_RESET:
		return true;
	case OPERATION_UNPAUSE:
	case OPERATION_SAVE:
	case OPERATION_RESUME:
	case OPERATION_EJECT:
	case OPERATION_DESTROY:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return false;
}

static int run(struct task *task, bool recovering)
{
	int r;

	if (recovering)
		return run_recover(task);
	r = begins_life(task->record.request.operation) ? life_check(task) : 0;
	if (r < 0)
		return r;
	switch (task->record.request.operation) {
	case OPERATION_CREATE:
		return run_create(task);
	case OPERATION_RESTORE:
		return run_restore(task);
	case OPERATION_UNPAUSE:
		return run_unpause(task);
	case OPERATION_SAVE:
		return run_save(task);
	case OPERATION_RESTART:
		return run_restart(task);
	case OPERATION_MIGRATE:
		return run_migrate(task);
	case OPERATION_RESUME:
		return run_resume(task);
	case OPERATION_SOFT_RESET:
		return run_soft_reset(task);
	case OPERATION_EJECT:
		return run_eject(task);
	case OPERATION_DESTROY:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return run_destroy(task);
}

static int operate(bool recovering)
{
	struct task task = {
		.file = OPERATION_FD_RECORD,
		.channel = OPERATION_FD_CHANNEL,
		.result = {.domid = DOMID_NONE},
	};
	_cleanup_close_ int stop = watch_for_stop();
	struct xl_options options = {.stop = stop, .tick = on_tick, .data = &task};
	int r = stop < 0 ? stop : operation_record_read(task.file, &task.record);

	if (r >= 0 && task.record.foreign) {
		log_error("Another version of xendomainsd wrote the operation file");
		return -EPROTO;
	}
	r = r < 0 ? r : say_who_we_are(task.file);
	if (r < 0)
		return log_error_errno(r, "Failed to parse the operation file");
	options.deadline = task.record.request.deadline;
	r = xl_open(&options, &task.xl);
	if (r < 0)
		task_explain(&task, r, "failed to open libxl (does xenstored run?)");
	else
		r = run(&task, recovering);
	if (r < 0)
		task_explain(&task, r, "%s", strerror(-r));
	else
		task.result.outcome = OPERATION_OK;
	task.result.error = r;
	r = json_write(task.file, operation_result_message(&task.result));
	xl_close(task.xl);
	operation_record_done(&task.record);
	operation_result_done(&task.result);
	return r < 0 ? log_error_errno(r, "Failed to write the result") : 0;
}

/* -ENODATA: there is nothing to do any more. */
static int await_record(void)
{
	_cleanup_close_ int fd = -1;
	int r = fd_receive(OPERATION_FD_CHANNEL, &fd);

	if (r < 0)
		return r;
	if (fd == OPERATION_FD_RECORD)
		TAKE_FD(fd);
	else if (dup2(fd, OPERATION_FD_RECORD) < 0)
		return -errno;
	return 0;
}

/* A client runs it, and tells a person: no journal. */
static int cat(const char *path)
{
	signal(SIGPIPE, SIG_IGN);
	return run_cat(path, STDOUT_FILENO) < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc == 2 ? argv[1] : "";
	int r;

	if (argc == 3 && str_equal(argv[1], OPERATION_VERB_CAT))
		return cat(argv[2]);
	output_guard_stderr();
	log_set_prefix(getenv("JOURNAL_STREAM"));
	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	/* The daemon executes a descriptor, whose number would be the name. */
	prctl(PR_SET_NAME, program_invocation_short_name);
	if (str_equal(verb, OPERATION_VERB_AWAIT) && await_record() == -ENODATA)
		return 0;
	/* Processes that libxl starts and that stay must not hold the lock, nor the channel. */
	fcntl(OPERATION_FD_RECORD, F_SETFD, FD_CLOEXEC);
	fcntl(OPERATION_FD_CHANNEL, F_SETFD, FD_CLOEXEC);
	fcntl(OPERATION_FD_HELPER, F_SETFD, FD_CLOEXEC);
	if (str_equal(verb, OPERATION_VERB_SURVEY)) {
		r = run_survey(OPERATION_FD_CHANNEL, OPERATION_FD_INOTIFY);
	} else if (str_equal(verb, OPERATION_VERB_IMAGES)) {
		r = run_images(OPERATION_FD_CHANNEL);
	} else if (str_equal(verb, OPERATION_VERB_OPERATE) ||
		   str_equal(verb, OPERATION_VERB_AWAIT) ||
		   str_equal(verb, OPERATION_VERB_RECOVER)) {
		r = operate(str_equal(verb, OPERATION_VERB_RECOVER));
	} else {
		fputs("Only xendomainsd and xendomainsctl run this program\n", stderr);
		return 2;
	}
	return r < 0 ? 1 : 0;
}
