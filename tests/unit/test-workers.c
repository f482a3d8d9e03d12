/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "hv/workers.h"
#include "unit.h"
#include "util/fd.h"

/* A script is the worker, and libevent has no memory when the test says so. */

#define SCRIPT                                                                                        \
	"#!/bin/sh\n"                                                                                 \
	"end_well() { printf '{\"result\":{\"outcome\":\"ok\",\"errno\":0,\"bytes\":0}}\\0' >&3; }\n" \
	"say_who() { set -- $(cat /proc/$$/stat);\n"                                                  \
	"printf '{\"worker\":{\"pid\":%d,\"start\":%d}}\\0' $1 ${22} >&3; touch $FOLDER/said; }\n"

static bool starves;

static void *allocate(size_t size)
{
	return starves ? NULL : malloc(size);
}

struct scene {
	struct folder folder;
	struct loop *loop;
	struct program program;
	struct hv_callbacks callbacks;
	struct workers *workers;
	struct operation_result result; /* of the last operation that has ended */
	unsigned ended;
	bool stuck;
};

static void on_progress(void *data, const struct hv_operation *operation)
{
	struct scene *s = data;

	if (!operation->stuck)
		return;
	s->stuck = true;
	loop_exit(s->loop, 0);
}

static void on_finished(void *data, const struct hv_operation *operation _unused_,
			const struct operation_result *result)
{
	struct scene *s = data;

	s->result = *result;
	s->result.reason = s->result.target = NULL;
	s->ended++;
	loop_exit(s->loop, 0);
}

static void scene_make(struct scene *s, const char *script)
{
	const char *path;

	event_set_mem_functions(allocate, realloc, free);
	*s = (struct scene){.program.fd = -1};
	folder_make(&s->folder);
	setenv("FOLDER", s->folder.path, 1);
	path = folder_path(&s->folder, "worker");
	folder_write(&s->folder, "worker", script);
	ck_assert_int_eq(chmod(path, 0700), 0);
	ck_assert_int_eq(program_open(path, &s->program), 0);
	ck_assert_int_eq(loop_new(&s->loop), 0);
	s->callbacks = (struct hv_callbacks){
		.progress = on_progress, .finished = on_finished, .data = s};
	ck_assert_int_eq(workers_new(s->loop, folder_path(&s->folder, "operations"), &s->program,
				     &s->callbacks, &s->workers),
			 0);
}

static void scene_done(struct scene *s)
{
	workers_free(s->workers);
	loop_free(s->loop);
	program_close(&s->program);
	folder_remove(&s->folder);
}

static int operate(struct scene *s, enum operation operation)
{
	struct operation_request request = {
		.operation = operation,
		.uuid = {{1}},
		.name = (char[]){"web"},
		.domid = 1,
		.deadline = USEC_INFINITY,
		.patience = USEC_PER_SEC,
	};

	return workers_operate(s->workers, &request);
}

START_TEST(a_worker_that_cannot_be_watched_keeps_its_operation)
{
	_cleanup_(scene_done) struct scene s;

	scene_make(&s, SCRIPT "end_well\n");
	starves = true;
	ck_assert_int_eq(operate(&s, OPERATION_CREATE), 0);
	starves = false;
	ck_assert_int_eq(operate(&s, OPERATION_CREATE), -EBUSY);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_uint_eq(s.ended, 1);
	ck_assert_int_eq(s.result.outcome, OPERATION_OK);
}
END_TEST

static void on_relief(void *data)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, data), 0);
}

START_TEST(an_operation_is_not_over_where_there_is_no_descriptor_to_look_at_it)
{
	_cleanup_(scene_done) struct scene s;
	_cleanup_(timer_freep) struct timer *relief = NULL;
	struct rlimit before, none;

	/* The worker ends without a word, and the next finds out what there is to know. */
	scene_make(&s, SCRIPT "[ $1 = recover ] && end_well\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	ck_assert_int_eq(timer_new(s.loop, on_relief, &before, &relief), 0);
	ck_assert_int_eq(operate(&s, OPERATION_CREATE), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	timer_set_after(relief, 300 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_uint_eq(s.ended, 1);
	ck_assert_int_eq(s.result.outcome, OPERATION_OK);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_WORKER_LOST), 1);
}
END_TEST

/* The next daemon, where the first has ended. */
static void replace_daemon(struct scene *s)
{
	workers_free(TAKE_PTR(s->workers));
	ck_assert_int_eq(workers_new(s->loop, folder_path(&s->folder, "operations"), &s->program,
				     &s->callbacks, &s->workers),
			 0);
}

START_TEST(an_adopted_worker_that_gets_on_is_not_killed)
{
	_cleanup_(scene_done) struct scene s;

	/* Longer than it may stand still. */
	scene_make(&s, SCRIPT "say_who\n"
			      "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do\n"
			      "touch /proc/$$/fd/3; sleep 0.15; done; end_well\n");
	ck_assert_int_eq(operate(&s, OPERATION_SAVE), 0);
	while (!folder_has(&s.folder, "said"))
		;
	replace_daemon(&s);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_int_eq(s.result.outcome, OPERATION_OK);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_WORKER_KILLED), 0);
}
END_TEST

START_TEST(an_adopted_worker_that_stands_still_is_killed)
{
	_cleanup_(scene_done) struct scene s;

	scene_make(&s, SCRIPT "[ $1 = recover ] && { end_well; exit; }; say_who; exec sleep 60\n");
	ck_assert_int_eq(operate(&s, OPERATION_SAVE), 0);
	while (!folder_has(&s.folder, "said"))
		;
	replace_daemon(&s);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_WORKER_KILLED), 1);
}
END_TEST

/* The process that has written its number to a file of that name. */
static pid_t named_process(struct scene *s, const char *name)
{
	_cleanup_free_ char *text = NULL;

	ck_assert_int_eq(file_read(folder_path(&s->folder, name), 32, &text, NULL), 0);
	return (pid_t)atoi(text);
}

/* It stands still in the kernel, as one that waits for a disk, until PTRACE_CONT. */
static bool kill_without_end(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEEXIT) < 0) {
		kill(pid, SIGKILL);
		return false;
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
	return true;
}

START_TEST(an_adopted_worker_that_was_killed_is_recovered_once_it_has_ended)
{
	_cleanup_(scene_done) struct scene s;
	pid_t pid;

	scene_make(&s, SCRIPT "[ $1 = recover ] && { end_well; exit; }\n"
			      "echo $$ >$FOLDER/number; say_who; exec sleep 60\n");
	/* The 10 s after which it is stuck. */
	loop_set_speed(s.loop, 20);
	ck_assert_int_eq(operate(&s, OPERATION_SAVE), 0);
	while (!folder_has(&s.folder, "said"))
		;
	pid = named_process(&s, "number");
	/* Not everybody may do that. */
	if (!kill_without_end(pid))
		return;
	replace_daemon(&s);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert(s.stuck);
	ck_assert_uint_eq(s.ended, 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_WORKER_STUCK), 1);
	ck_assert_int_eq(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_uint_eq(s.ended, 1);
	ck_assert_int_eq(s.result.outcome, OPERATION_OK);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_WORKER_KILLED), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_WORKER_LOST), 1);
}
END_TEST

/* Aborts the operation until that has reached its worker. */
struct abort {
	struct scene *scene;
	struct timer *timer;
};

static void on_abort(void *data)
{
	struct abort *a = data;
	static const struct uuid uuid = {{1}};

	folder_write(&a->scene->folder, "go", "");
	workers_abort(a->scene->workers, &uuid);
	timer_set_after(a->timer, 20 * USEC_PER_MSEC);
}

START_TEST(a_worker_that_says_late_who_it_is_is_found)
{
	_cleanup_(scene_done) struct scene s;
	struct abort a = {.scene = &s};

	scene_make(&s, SCRIPT "trap 'end_well; exit' TERM\n"
			      "until [ -e $FOLDER/go ]; do sleep 0.01; done; say_who\n"
			      "while :; do sleep 0.01; done\n");
	ck_assert_int_eq(operate(&s, OPERATION_SAVE), 0);
	replace_daemon(&s);
	ck_assert_int_eq(timer_new(s.loop, on_abort, &a, &a.timer), 0);
	timer_set_after(a.timer, 0);
	ck_assert_int_eq(loop_run(s.loop), 0);
	timer_free(a.timer);
	ck_assert_int_eq(s.result.outcome, OPERATION_OK);
}
END_TEST

START_TEST(a_worker_that_waits_and_cannot_be_watched_leaves_no_zombie)
{
	_cleanup_(scene_done) struct scene s;
	siginfo_t info;

	/* Those of other tests, which have ended. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	scene_make(&s, SCRIPT "[ $1 = await ] && exec sleep 60; end_well\n");
	starves = true;
	workers_expect(s.workers, 1);
	starves = false;
	/* It has been killed. */
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(info.si_code, CLD_KILLED);
	ck_assert_int_eq(operate(&s, OPERATION_CREATE), 0);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

SUITE("workers", a_worker_that_cannot_be_watched_keeps_its_operation,
      an_operation_is_not_over_where_there_is_no_descriptor_to_look_at_it,
      an_adopted_worker_that_gets_on_is_not_killed, an_adopted_worker_that_stands_still_is_killed,
      an_adopted_worker_that_was_killed_is_recovered_once_it_has_ended,
      a_worker_that_says_late_who_it_is_is_found,
      a_worker_that_waits_and_cannot_be_watched_leaves_no_zombie);
