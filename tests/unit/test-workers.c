/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <event2/event.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "hv/workers.h"
#include "unit.h"

/* A script is the worker, and libevent has no memory when the test says so. */

#define OK "printf '{\"result\":{\"outcome\":\"ok\",\"errno\":0,\"bytes\":0}}\\0' >&3\n"

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
};

static void on_progress(void *data _unused_, const struct hv_operation *operation _unused_)
{
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
	};

	return workers_operate(s->workers, &request);
}

START_TEST(a_worker_that_cannot_be_watched_keeps_its_operation)
{
	_cleanup_(scene_done) struct scene s;

	scene_make(&s, "#!/bin/sh\n" OK);
	starves = true;
	ck_assert_int_eq(operate(&s, OPERATION_CREATE), 0);
	starves = false;
	ck_assert_int_eq(operate(&s, OPERATION_CREATE), -EBUSY);
	ck_assert_int_eq(loop_run(s.loop), 0);
	ck_assert_uint_eq(s.ended, 1);
	ck_assert_int_eq(s.result.outcome, OPERATION_OK);
}
END_TEST

/* The worker ends without a word, and the next finds out what there is to know. */
#define DIES "[ $1 = recover ] || exit 1\n"

static void on_relief(void *data)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, data), 0);
}

START_TEST(an_operation_is_not_over_where_there_is_no_descriptor_to_look_at_it)
{
	_cleanup_(scene_done) struct scene s;
	_cleanup_(timer_freep) struct timer *relief = NULL;
	struct rlimit before, none;

	scene_make(&s, "#!/bin/sh\n" DIES OK);
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

SUITE("workers", a_worker_that_cannot_be_watched_keeps_its_operation,
      an_operation_is_not_over_where_there_is_no_descriptor_to_look_at_it);
