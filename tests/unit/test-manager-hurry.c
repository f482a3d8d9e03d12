/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"
#include "rig.h"

/* A manager and a puppet: how often it looks at what does not keep its time. */
static struct {
	struct settings_paths paths;
	struct manager *m;
	const struct hv_ops *ops;
	struct hv_ops counting;
	unsigned asked; /* for the operation on a guest */
} f;

static const struct hv_operation *count_operation(struct hv *hv, const struct uuid *uuid)
{
	f.asked++;
	return f.ops->operation(hv, uuid);
}

static void begin(const char *variables)
{
	memset(&f, 0, sizeof(f));
	rig_begin();
	folder_write(&rig.folder, "variables", variables);
	f.paths = (struct settings_paths){.variables = {folder_path(&rig.folder, "variables")},
					  .native = folder_path(&rig.folder, "native")};
	f.ops = rig.p.hv.ops;
	f.counting = *f.ops;
	f.counting.operation = count_operation;
	rig.p.hv.ops = &f.counting;
	puppet_add(&rig.p, 1, "1");
	ck_assert_int_eq(manager_new(rig.loop, &rig.p.hv, rig.ledger, &f.paths, &f.m), 0);
	run_now();
}

static void end(void)
{
	manager_free(f.m);
	rig_end();
}

static void on_report(void *data _unused_, const struct report *r _unused_)
{
}

static void on_done(void *data _unused_, int error _unused_, const char *reason _unused_,
		    const struct job *job _unused_)
{
}

static const struct follower follower = {.report = on_report, .done = on_done};

/* There is no image. */
static void survey_ends(void)
{
	rig.p.surveying = false;
	rig.p.hv.callbacks.surveyed(rig.p.hv.callbacks.data, calloc(1, sizeof(struct survey)),
				    NULL);
	run_now();
}

static void stop(void)
{
	uint64_t id;

	ck_assert_int_eq(manager_request(f.m, GOAL_STOP, NULL, 0, &follower, &id), 0);
	run_now();
	/* A stop that saves nothing reads no directory. */
	if (rig.p.surveying)
		survey_ends();
}

/* Of the host, which systemd forces down after so many seconds. */
static void stop_host(unsigned seconds)
{
	usec_t end = loop_now(rig.loop) + seconds * USEC_PER_SEC;
	uint64_t id;

	ck_assert_int_eq(manager_stop_until(f.m, end, end, &follower, &id), 0);
	run_now();
}

static void expect_calls(const char *calls)
{
	ck_assert_str_eq(rig.p.calls, calls);
	rig.p.calls[0] = '\0';
}

START_TEST(a_stop_that_saves_nothing_is_not_looked_at_each_second)
{
	begin("XENDOMAINS_SAVE=\nXENDOMAINS_STOP_MAXWAIT=\n");
	stop();
	expect_calls("ask 1|");
	ck_assert(!timer_is_set(f.m->hurry));
	end();
}
END_TEST

START_TEST(a_stop_is_looked_at_while_it_saves)
{
	begin("XENDOMAINS_STOP_MAXWAIT=\n");
	stop();
	expect_calls("survey 0|save 1|");
	run_for(60 * USEC_PER_SEC);
	ck_assert(timer_is_set(f.m->hurry));
	/* It is shut down instead. */
	puppet_finish(&rig.p, 1, -EIO, "x", DOMID_NONE);
	run_for(2 * USEC_PER_SEC);
	expect_calls("ask 1|");
	ck_assert(!timer_is_set(f.m->hurry));
	end();
}
END_TEST

/* With one, the operation on each of its guests is asked for, beside what the executor asks. */
START_TEST(near_the_end_of_the_host_no_plan_is_made_without_saves_of_an_earlier_daemon)
{
	begin("XENDOMAINS_SAVE=\nXENDOMAINS_STOP_MAXWAIT=\n");
	stop_host(200);
	expect_calls("ask 1|");
	run_for(145 * USEC_PER_SEC);
	f.asked = 0;
	run_for(30 * USEC_PER_SEC);
	ck_assert_uint_le(f.asked, 30);
	end();
}
END_TEST

START_TEST(near_the_end_of_the_host_saves_of_an_earlier_daemon_are_given_up)
{
	begin("XENDOMAINS_SAVE=\nXENDOMAINS_STOP_MAXWAIT=\n");
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	puppet_flying(&rig.p, 1)->operation.started = loop_now(rig.loop);
	stop_host(200);
	run_for(139 * USEC_PER_SEC);
	expect_calls("");
	run_for(2 * USEC_PER_SEC);
	ck_assert(strstr(rig.p.calls, "abort 1|"));
	end();
}
END_TEST

SUITE("manager-hurry", a_stop_that_saves_nothing_is_not_looked_at_each_second,
      a_stop_is_looked_at_while_it_saves,
      near_the_end_of_the_host_no_plan_is_made_without_saves_of_an_earlier_daemon,
      near_the_end_of_the_host_saves_of_an_earlier_daemon_are_given_up);
