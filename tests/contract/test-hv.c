/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "hv/sim/sim.h"
#include "hv/xen.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"

/*
 * What daemon/hv/hv.h promises, asked of whatever stands behind it: CONTRACT_BACKEND is "sim",
 * "fake" (real workers, libxl replaced) or "xen". The guest is called "contract"; on Xen its
 * configuration is in the folder CONTRACT_AUTO, and it powers off when it is asked to.
 */

#define GUEST "contract"

/* Real guests boot, and on an emulated processor they take their time. */
#define LIMIT (600 * USEC_PER_SEC)

/* A guest that boots takes a request to shut down, and forgets it. */
#define ASK_AGAIN (20 * USEC_PER_SEC)

struct fixture {
	struct loop *loop;
	struct hv *hv;
	struct timer *limit, *again;
	char *root, *autostart, *save;
	struct survey *survey;
	struct uuid uuid;
	bool inside; /* a call of ours is under way: no callback may come */
	unsigned changes, ends;
	struct hv_operation ended;
	int error;
	uint32_t domid;
	char *target;
	char *said; /* of the first image that was asked about */
	unsigned answers;
	bool (*done)(struct fixture *f);
};

static struct fixture fx;

static void look(struct fixture *f)
{
	if (f->done && f->done(f))
		loop_exit(f->loop, 0);
}

static void on_changed(void *data)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "changed() came from inside a call");
	f->changes++;
	look(f);
}

static void on_progress(void *data, const struct hv_operation *operation)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "progress() came from inside a call");
	ck_assert_uint_le(operation->permille, 1000);
}

static void on_finished(void *data, const struct hv_operation *operation,
			const struct operation_result *result)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "finished() came from inside a call");
	ck_assert_ptr_null(hv_operation(f->hv, &operation->uuid));
	ck_assert_msg(result->error == 0 || result->reason, "an error without a reason");
	ck_assert_int_eq(result->outcome == OPERATION_OK, result->error == 0);
	if (result->error < 0)
		printf("# %s: %s\n", operation_to_string(operation->operation), result->reason);
	f->ended = *operation;
	f->ends++;
	f->error = result->error;
	f->domid = result->domid;
	ck_assert_int_eq(str_replace(&f->target, result->target), 0);
	look(f);
}

static void on_surveyed(void *data, struct survey *survey, const char *reason)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "surveyed() came from inside a call");
	ck_assert_msg(survey, "the survey failed: %s", reason);
	survey_free(f->survey);
	f->survey = survey;
	look(f);
}

static void on_lost(void *data _unused_, const char *reason)
{
	ck_abort_msg("lost: %s", reason);
}

static void on_limit(void *data _unused_)
{
	ck_abort_msg("waited in vain");
}

static void wait_until(bool (*done)(struct fixture *f))
{
	fx.done = done;
	timer_set_after(fx.limit, LIMIT);
	if (!done(&fx))
		loop_run(fx.loop);
	timer_clear(fx.limit);
	fx.done = NULL;
}

/* Back ends. */

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

static void open_sim(void)
{
	static const char host[] = "{\"speed\":0,\"guests\":[{\"name\":\"" GUEST
				   "\",\"config\":\"/auto/" GUEST
				   ".cfg\",\"shutdown\":{\"ms\":50},\"save\":{\"ms\":500}}]}";
	_cleanup_free_ char *reason = NULL;

	ck_assert_int_eq(hv_sim_new(fx.loop, host, strlen(host), &fx.hv, &reason), 0);
	ck_assert_int_eq(str_replace(&fx.autostart, "/auto"), 0);
	ck_assert_int_eq(str_replace(&fx.save, "/save"), 0);
}

static void make_folder(const char *name, char **ret)
{
	ck_assert_int_eq(str_format(ret, "%s/%s", fx.root, name), 0);
	ck_assert_int_eq(make_directory(*ret, 0700), 0);
}

static void open_xen(void)
{
	struct hv_xen_options options = {.worker = getenv("CONTRACT_WORKER")};
	_cleanup_free_ char *run = NULL;

	make_folder("run", &run);
	make_folder("save", &fx.save);
	if (!fx.autostart)
		ck_assert_int_eq(str_replace(&fx.autostart, getenv("CONTRACT_AUTO")), 0);
	options.runtime = run;
	ck_assert_int_eq(hv_xen_new(fx.loop, &options, &fx.hv), 0);
}

static void open_fake(void)
{
	_cleanup_free_ char *world = NULL, *config = NULL;

	make_folder("world", &world);
	make_folder("auto", &fx.autostart);
	ck_assert_int_eq(setenv("FAKE_WORLD", world, 1), 0);
	ck_assert_int_eq(str_format(&config, "%s/" GUEST ".cfg", fx.autostart), 0);
	write_file(config, "{\"c_info\":{\"name\":\"" GUEST "\"},\"b_info\":{},"
			   "\"fake\":{\"save_ms\":500,\"off_ms\":50}}");
	open_xen();
}

static void setup(void)
{
	const char *backend = getenv("CONTRACT_BACKEND");

	fx = (struct fixture){.domid = DOMID_NONE};
	ck_assert_int_eq(uuid_random(&fx.uuid), 0);
	ck_assert_int_eq(str_replace(&fx.root, "/tmp/xendomains-contract-XXXXXX"), 0);
	ck_assert_ptr_nonnull(mkdtemp(fx.root));
	ck_assert_int_eq(loop_new(&fx.loop), 0);
	if (str_equal(backend, "sim"))
		open_sim();
	else if (str_equal(backend, "fake"))
		open_fake();
	else
		open_xen();
	ck_assert_int_eq(timer_new(fx.loop, on_limit, NULL, &fx.limit), 0);
	fx.hv->callbacks = (struct hv_callbacks){
		.changed = on_changed,
		.progress = on_progress,
		.finished = on_finished,
		.surveyed = on_surveyed,
		.lost = on_lost,
		.data = &fx,
	};
}

static void teardown(void)
{
	_cleanup_free_ char *command = NULL;

	hv_free(fx.hv);
	timer_free(fx.limit);
	survey_free(fx.survey);
	loop_free(fx.loop);
	ck_assert_int_eq(str_format(&command, "rm -rf %s", fx.root), 0);
	ck_assert_int_eq(system(command), 0);
	free(fx.root);
	free(fx.target);
	free(fx.said);
	free(fx.autostart);
	free(fx.save);
}

/* Calls. */

static struct domain_list *list(void)
{
	struct domain_list *l;

	fx.inside = true;
	ck_assert_int_eq(hv_list(fx.hv, &l), 0);
	fx.inside = false;
	return l;
}

/* The guest's domain, copied out of a list; false if there is none. */
static bool find_domain(struct domain *ret)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();

	for (size_t i = 0; i < l->n; i++)
		if (!l->domains[i].dying && uuid_equal(&l->domains[i].uuid, &fx.uuid)) {
			*ret = l->domains[i];
			return true;
		}
	return false;
}

static void ask_shutdown(void *data _unused_)
{
	struct domain d;

	if (!find_domain(&d) || d.shutdown)
		return;
	fx.inside = true;
	ck_assert_int_eq(hv_ask_shutdown(fx.hv, &d), 0);
	fx.inside = false;
	timer_set_after(fx.again, ASK_AGAIN);
}

static const struct survey *survey(void)
{
	survey_free(fx.survey);
	fx.survey = NULL;
	fx.inside = true;
	ck_assert_int_eq(hv_survey(fx.hv, fx.autostart, fx.save, NULL), 0);
	ck_assert_int_eq(hv_survey(fx.hv, fx.autostart, fx.save, NULL), -EBUSY);
	fx.inside = false;
	return NULL;
}

static bool has_survey(struct fixture *f)
{
	return f->survey;
}

static const struct survey_config *find_config(void)
{
	survey();
	wait_until(has_survey);
	for (size_t i = 0; i < fx.survey->n_configs; i++)
		if (str_equal(fx.survey->configs[i].name, GUEST))
			return &fx.survey->configs[i];
	return NULL;
}

static const struct survey_image *find_image(void)
{
	survey();
	wait_until(has_survey);
	for (size_t i = 0; i < fx.survey->n_images; i++)
		if (uuid_equal(&fx.survey->images[i].uuid, &fx.uuid))
			return &fx.survey->images[i];
	return NULL;
}

static bool has_ended(struct fixture *f)
{
	return f->ends > 0;
}

static int begin(const struct operation_request *request)
{
	int r;

	fx.ends = 0;
	fx.inside = true;
	r = hv_operate(fx.hv, request);
	fx.inside = false;
	return r;
}

static void begin_and_check(const struct operation_request *request)
{
	const struct hv_operation *op;

	ck_assert_int_eq(begin(request), 0);
	op = hv_operation(fx.hv, &fx.uuid);
	ck_assert_ptr_nonnull(op);
	ck_assert_int_eq(op->operation, request->operation);
	ck_assert_ptr_eq(op, hv_next_operation(fx.hv, 0));
	ck_assert_ptr_null(hv_next_operation(fx.hv, 1));
	ck_assert_int_eq(begin(request), -EBUSY);
}

static int operate(const struct operation_request *request)
{
	begin_and_check(request);
	wait_until(has_ended);
	ck_assert_int_eq(fx.ended.operation, request->operation);
	ck_assert_uint_eq(fx.ends, 1);
	return fx.error;
}

static struct operation_request make_request(enum operation operation, uint32_t domid)
{
	static char name[] = GUEST, source[] = "/a/source";
	static char path[256];

	snprintf(path, sizeof(path), "%s/" GUEST, fx.save);
	return (struct operation_request){
		.operation = operation,
		.uuid = fx.uuid,
		.name = name,
		.domid = domid,
		.path = operation == OPERATION_DESTROY ? NULL : path,
		.source = source,
		.deadline = USEC_INFINITY,
	};
}

static bool is_up(struct fixture *f _unused_)
{
	struct domain d;

	return find_domain(&d) && d.up;
}

static bool has_shut_down(struct fixture *f _unused_)
{
	struct domain d;

	return !find_domain(&d) || d.shutdown;
}

static bool is_gone(struct fixture *f _unused_)
{
	struct domain d;

	return !find_domain(&d);
}

static bool is_suspended(struct fixture *f _unused_)
{
	struct domain d;

	return find_domain(&d) && d.shutdown && d.reason == SHUTDOWN_REASON_SUSPEND;
}

/* Clauses. */

START_TEST(dom0_is_listed_and_no_guest)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();
	bool found = false;

	for (size_t i = 0; i < l->n; i++)
		if (l->domains[i].domid == 0)
			found = l->domains[i].system;
	ck_assert(found);
}
END_TEST

START_TEST(configuration_is_surveyed)
{
	const struct survey_config *c = find_config();

	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(c->error);
	ck_assert_ptr_nonnull(c->config);
	ck_assert(!c->has_uuid);
}
END_TEST

START_TEST(operations_on_a_domain_that_is_not_there_fail)
{
	struct domain d = {.domid = 12345, .uuid = fx.uuid};
	struct operation_request save = make_request(OPERATION_SAVE, 12345);

	fx.inside = true;
	ck_assert_int_eq(hv_ask_shutdown(fx.hv, &d), -ESTALE);
	fx.inside = false;
	/* It may be known at once, or found out by a worker. */
	if (begin(&save) == 0) {
		wait_until(has_ended);
		ck_assert_int_lt(fx.error, 0);
	}
	ck_assert_ptr_null(hv_operation(fx.hv, &fx.uuid));
}
END_TEST

static void check_create(void)
{
	struct operation_request create = make_request(OPERATION_CREATE, OPERATION_NO_DOMID);
	const struct survey_config *c = find_config();
	struct domain d;

	create.config = c->config;
	ck_assert_int_eq(operate(&create), 0);
	ck_assert(find_domain(&d));
	ck_assert_uint_eq(d.domid, fx.domid);
	ck_assert_int_eq(d.manager, DOMAIN_MANAGER_XENDOMAINSD);
	ck_assert(!d.paused && !d.shutdown && !d.system);
	wait_until(is_up);
}

static void check_aborted_save(void)
{
	struct operation_request save;
	struct domain before, after;

	ck_assert(find_domain(&before));
	save = make_request(OPERATION_SAVE, before.domid);
	begin_and_check(&save);
	wait_until(is_suspended);
	fx.inside = true;
	hv_abort(fx.hv, &fx.uuid);
	fx.inside = false;
	wait_until(has_ended);
	/* It may have been too far already: then it is saved, and nothing is lost either. */
	if (fx.error == 0) {
		struct operation_request restore = make_request(OPERATION_RESTORE,
								OPERATION_NO_DOMID);

		ck_assert_int_eq(operate(&restore), 0);
		return;
	}
	ck_assert(find_domain(&after));
	ck_assert_uint_eq(after.domid, before.domid);
	ck_assert(!after.shutdown);
	ck_assert_ptr_null(find_image());
}

static void on_images(void *data, struct json_object *entries, const char *reason)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "an answer came from inside a call");
	ck_assert_msg(entries, "there is no answer: %s", reason);
	ck_assert_uint_eq(json_object_array_length(entries), 1);
	ck_assert_int_eq(
		str_replace(&f->said, json_text(json_object_array_get_idx(entries, 0), NULL)), 0);
	f->answers++;
	look(f);
}

static bool is_answered(struct fixture *f)
{
	return f->answers > 0;
}

/* What is said of the one image that there is. */
static const char *ask_image(enum image_action action, const char *file)
{
	struct image_query query = {.action = action, .save = fx.save, .file = file};
	uint64_t id;

	fx.answers = 0;
	fx.inside = true;
	ck_assert_int_eq(hv_ask_images(fx.hv, &query, on_images, &fx, &id), 0);
	fx.inside = false;
	wait_until(is_answered);
	return fx.said;
}

static void check_image(void)
{
	const char *said = ask_image(IMAGE_LIST, NULL);
	uint64_t id;

	ck_assert_msg(strstr(said, "\"kind\":\"image\"") &&
			      strstr(said, "\"name\":\"" GUEST "\"") && !strstr(said, "problem"),
		      "%s", said);
	said = ask_image(IMAGE_VERIFY, GUEST);
	ck_assert_msg(strstr(said, "\"verified\":true"), "%s", said);
	said = ask_image(IMAGE_DELETE, "nobody");
	ck_assert_msg(strstr(said, "problem") && !strstr(said, "deleted"), "%s", said);
	/* Who has asked and wants to know no more hears nothing more. */
	ck_assert_int_eq(hv_ask_images(fx.hv,
				       &(struct image_query){.action = IMAGE_LIST, .save = fx.save},
				       NULL, NULL, &id),
			 0);
	hv_forget_images(fx.hv, id);
}

static void check_save_and_restore(void)
{
	struct operation_request save, restore;
	struct domain d;

	ck_assert(find_domain(&d));
	save = make_request(OPERATION_SAVE, d.domid);
	ck_assert_int_eq(operate(&save), 0);
	wait_until(is_gone);
	ck_assert_ptr_nonnull(find_image());
	ck_assert_ptr_null(find_image()->error);
	check_image();
	restore = make_request(OPERATION_RESTORE, OPERATION_NO_DOMID);
	fx.changes = 0;
	ck_assert_int_eq(operate(&restore), 0);
	ck_assert(find_domain(&d));
	ck_assert_uint_eq(d.domid, fx.domid);
	ck_assert_int_eq(d.manager, DOMAIN_MANAGER_XENDOMAINSD);
	ck_assert(!d.paused && !d.shutdown);
	ck_assert_ptr_null(find_image());
	/* That it is up is not asked: a kernel says so when it boots, and not again. */
	ck_assert_msg(fx.changes > 0, "a new domain was no change");
}

/*
 * To a host that nobody reaches, or that takes everything: the guest is here if that failed, and
 * only then.
 */
static void check_migrate(void)
{
	char *command[] = {(char[]){"/bin/false"}, NULL};
	struct target target = {.host = (char[]){"nowhere"}, .command = command};
	struct operation_request migrate;
	struct domain before, after;
	char ledger[256];

	ck_assert(find_domain(&before));
	snprintf(ledger, sizeof(ledger), "%s/ledger", fx.root);
	migrate = make_request(OPERATION_MIGRATE, before.domid);
	migrate.targets = (struct target_list){.targets = &target, .n = 1};
	migrate.answer_limit = 10 * USEC_PER_SEC;
	migrate.ledger = ledger;
	ck_assert_int_eq(operate(&migrate), fx.error);
	if (fx.error == 0) {
		ck_assert_str_eq(fx.target, "nowhere");
		wait_until(is_gone);
		check_create();
		return;
	}
	ck_assert(find_domain(&after));
	ck_assert_uint_eq(after.domid, before.domid);
	ck_assert(!after.shutdown);
	ck_assert_ptr_null(find_image());
}

static void check_restart(void)
{
	struct operation_request restart;
	struct domain before, after;

	ck_assert(find_domain(&before));
	restart = make_request(OPERATION_RESTART, before.domid);
	ck_assert_int_eq(operate(&restart), 0);
	ck_assert(find_domain(&after));
	ck_assert_uint_ne(after.domid, before.domid);
	ck_assert_int_eq(after.manager, DOMAIN_MANAGER_XENDOMAINSD);
	wait_until(is_up);
}

static bool is_kept(const struct uuid *uuid, uint32_t domid)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();
	const struct domain *d = domain_list_find(l, uuid, domid);

	return d && !d->dying && d->manager == DOMAIN_MANAGER_XENDOMAINSD &&
	       d->on_crash == DEATH_PRESERVE && d->on_poweroff == DEATH_PRESERVE;
}

static void check_preserving_restart(void)
{
	const struct uuid guest = fx.uuid;
	struct operation_request restart, destroy;
	struct domain before, after;

	ck_assert(find_domain(&before));
	restart = make_request(OPERATION_RESTART, before.domid);
	ck_assert_int_eq(uuid_random(&restart.preserve), 0);
	ck_assert_int_eq(operate(&restart), 0);
	ck_assert(find_domain(&after));
	ck_assert_uint_ne(after.domid, before.domid);
	ck_assert(is_kept(&restart.preserve, before.domid));
	wait_until(is_up);
	/* What is kept in a simulation stays to its end. */
	if (str_equal(getenv("CONTRACT_BACKEND"), "sim"))
		return;
	fx.uuid = restart.preserve;
	destroy = make_request(OPERATION_DESTROY, before.domid);
	ck_assert_int_eq(operate(&destroy), 0);
	wait_until(is_gone);
	fx.uuid = guest;
	ck_assert(find_domain(&after));
}

static void check_eject_of_nothing(void)
{
	static char device[] = "hdc";
	struct operation_request eject;
	struct domain d;

	ck_assert(find_domain(&d));
	eject = make_request(OPERATION_EJECT, d.domid);
	eject.device = device;
	/* It may be told that there is no such disk; it costs the guest nothing. */
	operate(&eject);
	ck_assert(find_domain(&d));
	ck_assert(!d.shutdown && !d.eject);
}

static void check_shutdown_and_destroy(void)
{
	struct operation_request destroy;
	struct domain d;

	ck_assert_int_eq(timer_new(fx.loop, ask_shutdown, NULL, &fx.again), 0);
	ask_shutdown(NULL);
	wait_until(has_shut_down);
	timer_free(fx.again);
	/* Nobody cleans up behind a domain of ours but us. */
	ck_assert(find_domain(&d));
	ck_assert_int_eq(d.reason, SHUTDOWN_REASON_POWEROFF);
	destroy = make_request(OPERATION_DESTROY, d.domid);
	ck_assert_int_eq(operate(&destroy), 0);
	wait_until(is_gone);
}

START_TEST(a_guest_lives_through_all_operations)
{
	check_create();
	check_aborted_save();
	check_save_and_restore();
	check_migrate();
	check_restart();
	check_preserving_restart();
	check_eject_of_nothing();
	check_shutdown_and_destroy();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hv");
	TCase *tests = tcase_create(getenv("CONTRACT_BACKEND"));
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 1800);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, dom0_is_listed_and_no_guest);
	tcase_add_test(tests, configuration_is_surveyed);
	tcase_add_test(tests, operations_on_a_domain_that_is_not_there_fail);
	tcase_add_test(tests, a_guest_lives_through_all_operations);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
