/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "rig-hv.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "hv/sim/sim.h"
#include "hv/xen.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"

/* Real guests boot, and on an emulated processor they take their time. */
#define LIMIT (600 * USEC_PER_SEC)

/* A guest that boots takes a request to shut down, and forgets it. */
#define ASK_AGAIN (20 * USEC_PER_SEC)

/* Of what a guest does with a node that is not watched there is no event. */
#define LOOK_AGAIN USEC_PER_SEC

#define SIM_GUEST  "\"shutdown\":{\"ms\":50},\"save\":{\"ms\":500}"
#define FAKE_GUEST "\"save_ms\":500,\"off_ms\":50"

struct fixture fx;

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
	ck_assert_ptr_eq(operation, hv_operation(f->hv, &operation->uuid));
	ck_assert_uint_le(operation->permille, 1000);
	f->progresses++;
	look(f);
}

static void on_finished(void *data, const struct hv_operation *operation,
			const struct operation_result *result)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "finished() came from inside a call");
	ck_assert_msg(!hv_operation(f->hv, &operation->uuid), "finished, and still in flight");
	ck_assert_msg(result->error == 0 || result->reason, "an error without a reason");
	ck_assert_int_eq(result->outcome == OPERATION_OK, result->error == 0);
	if (result->error < 0)
		printf("# %s: %s\n", operation_to_string(operation->operation), result->reason);
	f->ended = *operation;
	f->ended.name = NULL;
	f->ends++;
	f->error = result->error;
	f->domid = result->domid;
	ck_assert_int_eq(str_replace(&f->target, result->target), 0);
	if (f->keeps)
		ck_assert_int_eq(hv_add_end(f->hv, operation, result), 0);
	look(f);
}

static void on_surveyed(void *data, struct survey *survey, const char *reason)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "surveyed() came from inside a call");
	ck_assert_msg(!survey != !reason, "neither a survey nor a reason, or both");
	survey_free(f->survey);
	f->survey = survey;
	f->surveys++;
	ck_assert_int_eq(str_replace(&f->reason, reason), 0);
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

static void on_look(void *data)
{
	struct fixture *f = data;

	timer_set_after(f->look, LOOK_AGAIN);
	look(f);
}

void wait_until(bool (*done)(struct fixture *f))
{
	fx.done = done;
	timer_set_after(fx.limit, LIMIT);
	timer_set_after(fx.look, LOOK_AGAIN);
	if (!done(&fx))
		loop_run(fx.loop);
	timer_clear(fx.limit);
	timer_clear(fx.look);
	fx.done = NULL;
}

/* Back ends. */

bool is_on(const char *backend)
{
	return str_equal(getenv("CONTRACT_BACKEND"), backend);
}

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

static void open_sim(const char *guest)
{
	_cleanup_free_ char *host = NULL, *reason = NULL;

	ck_assert_int_eq(str_format(&host,
				    "{\"speed\":0,\"guests\":[{\"name\":\"" GUEST
				    "\",\"config\":\"/auto/" GUEST ".cfg\",%s}]}",
				    guest),
			 0);
	ck_assert_int_eq(hv_sim_new(fx.loop, host, strlen(host), &fx.hv, &reason), 0);
	ck_assert_int_eq(str_replace(&fx.autostart, "/auto"), 0);
	ck_assert_int_eq(str_replace(&fx.save, "/save"), 0);
}

static void make_folder(const char *name, char **ret)
{
	free(*ret);
	ck_assert_int_eq(str_format(ret, "%s/%s", fx.root, name), 0);
	ck_assert_int_eq(make_directory(*ret, 0700), 0);
}

static void open_xen(void)
{
	struct hv_xen_options options = {.worker = fx.worker};
	_cleanup_free_ char *run = NULL;

	make_folder("run", &run);
	make_folder("save", &fx.save);
	if (!fx.autostart)
		ck_assert_int_eq(str_replace(&fx.autostart, getenv("CONTRACT_AUTO")), 0);
	options.runtime = run;
	ck_assert_int_eq(hv_xen_new(fx.loop, &options, &fx.hv), 0);
}

static void open_fake(const char *guest)
{
	_cleanup_free_ char *world = NULL, *config = NULL, *text = NULL;

	make_folder("world", &world);
	make_folder("auto", &fx.autostart);
	ck_assert_int_eq(setenv("FAKE_WORLD", world, 1), 0);
	ck_assert_int_eq(str_format(&config, "%s/" GUEST ".cfg", fx.autostart), 0);
	ck_assert_int_eq(str_format(&text,
				    "{\"c_info\":{\"name\":\"" GUEST
				    "\"},\"b_info\":{},\"fake\":{%s}}",
				    guest),
			 0);
	write_file(config, text);
	open_xen();
}

static void set_callbacks(void)
{
	fx.hv->callbacks = (struct hv_callbacks){
		.changed = on_changed,
		.progress = on_progress,
		.finished = on_finished,
		.surveyed = on_surveyed,
		.lost = on_lost,
		.data = &fx,
	};
}

static void open_host(const char *sim, const char *fake)
{
	ck_assert_int_eq(loop_new(&fx.loop), 0);
	if (is_on("sim"))
		open_sim(sim);
	else if (is_on("fake"))
		open_fake(fake);
	else
		open_xen();
	ck_assert_int_eq(timer_new(fx.loop, on_limit, NULL, &fx.limit), 0);
	ck_assert_int_eq(timer_new(fx.loop, on_look, &fx, &fx.look), 0);
	set_callbacks();
}

static void close_host(void)
{
	fx.hv = hv_free(fx.hv);
	fx.limit = timer_free(fx.limit);
	fx.look = timer_free(fx.look);
	fx.again = timer_free(fx.again);
	fx.loop = loop_free(fx.loop);
}

void setup(void)
{
	fx = (struct fixture){.domid = DOMID_NONE};
	ck_assert_int_eq(uuid_random(&fx.uuid), 0);
	ck_assert_int_eq(str_replace(&fx.root, "/tmp/xendomains-contract-XXXXXX"), 0);
	ck_assert_ptr_nonnull(mkdtemp(fx.root));
	ck_assert_int_eq(str_replace(&fx.worker, getenv("CONTRACT_WORKER")), 0);
	open_host(SIM_GUEST, FAKE_GUEST);
}

bool has_guest(const char *sim, const char *fake)
{
	if (!(is_on("sim") ? sim : is_on("fake") ? fake : NULL))
		return false;
	close_host();
	open_host(sim, fake);
	return true;
}

bool has_broken_worker(void)
{
	if (is_on("sim"))
		return false;
	close_host();
	ck_assert_int_eq(str_replace(&fx.worker, "/bin/false"), 0);
	open_host(NULL, FAKE_GUEST);
	return true;
}

void restart_daemon(void)
{
	hv_free(fx.hv);
	open_xen();
	set_callbacks();
}

static bool nothing_is_in_flight(struct fixture *f)
{
	return !hv_next_operation(f->hv, 0);
}

/* What a test leaves on a real host would be in the way of the next one. */
static void clear_host(void)
{
	struct domain d;

	if (!is_on("xen"))
		return;
	ck_assert_int_eq(str_replace(&fx.worker, getenv("CONTRACT_WORKER")), 0);
	restart_daemon();
	wait_until(nothing_is_in_flight);
	if (find_domain(&d))
		operate_on_guest(OPERATION_DESTROY);
	wait_until(is_gone);
}

void teardown(void)
{
	_cleanup_free_ char *command = NULL;

	clear_host();
	close_host();
	survey_free(fx.survey);
	ck_assert_int_eq(str_format(&command, "rm -rf %s", fx.root), 0);
	ck_assert_int_eq(system(command), 0);
	free(fx.root);
	free(fx.worker);
	free(fx.target);
	free(fx.reason);
	free(fx.said);
	free(fx.autostart);
	free(fx.save);
}

/* Domains. */

struct domain_list *list(void)
{
	struct domain_list *l;

	fx.inside = true;
	ck_assert_int_eq(hv_list(fx.hv, &l), 0);
	fx.inside = false;
	ck_assert_int_eq(domain_list_index(l), 0);
	return l;
}

bool find_domain(struct domain *ret)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();

	for (size_t i = 0; i < l->n; i++)
		if (!l->domains[i].dying && uuid_equal(&l->domains[i].uuid, &fx.uuid)) {
			*ret = l->domains[i];
			/* These go with the list. */
			ret->name = ret->source = ret->serves = ret->unsavable = NULL;
			ret->eject = NULL;
			return true;
		}
	return false;
}

struct domain get_domain(void)
{
	struct domain d;

	ck_assert_msg(find_domain(&d), "the guest has no domain");
	return d;
}

bool is_up(struct fixture *f _unused_)
{
	struct domain d;

	return find_domain(&d) && d.up;
}

bool has_shut_down(struct fixture *f _unused_)
{
	struct domain d;

	return !find_domain(&d) || d.shutdown;
}

bool is_gone(struct fixture *f _unused_)
{
	struct domain d;

	return !find_domain(&d);
}

bool is_suspended(struct fixture *f _unused_)
{
	struct domain d;

	return find_domain(&d) && d.shutdown && d.reason == SHUTDOWN_REASON_SUSPEND;
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

/* A kernel takes the request as soon as it is up, and drops it where its init is not up yet. */
void shut_down(void)
{
	ck_assert_int_eq(timer_new(fx.loop, ask_shutdown, NULL, &fx.again), 0);
	ask_shutdown(NULL);
	wait_until(has_shut_down);
	fx.again = timer_free(fx.again);
}

/* Surveys and images. */

int begin_survey(const char *autostart, const char *save, const struct survey *known)
{
	int r;

	fx.surveys = 0;
	fx.inside = true;
	r = hv_survey(fx.hv, autostart, save, known);
	fx.inside = false;
	return r;
}

bool has_survey(struct fixture *f)
{
	return f->surveys > 0;
}

static void survey(void)
{
	ck_assert_int_eq(begin_survey(fx.autostart, fx.save, NULL), 0);
	wait_until(has_survey);
	ck_assert_msg(fx.survey, "the survey failed: %s", fx.reason);
}

const struct survey_config *find_config(void)
{
	survey();
	for (size_t i = 0; i < fx.survey->n_configs; i++)
		if (str_equal(fx.survey->configs[i].name, GUEST))
			return &fx.survey->configs[i];
	return NULL;
}

const struct survey_image *find_image(void)
{
	survey();
	for (size_t i = 0; i < fx.survey->n_images; i++)
		if (uuid_equal(&fx.survey->images[i].uuid, &fx.uuid))
			return &fx.survey->images[i];
	return NULL;
}

static void on_reading(void *data, uint64_t bytes, uint64_t total)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "progress came from inside a call");
	ck_assert_uint_le(bytes, total);
	ck_assert_uint_gt(total, 0);
	ck_assert_uint_eq(f->answers, 0);
	f->readings++;
}

void on_images(void *data, struct json_object *entries, const char *reason)
{
	struct fixture *f = data;

	ck_assert_msg(!f->inside, "an answer came from inside a call");
	ck_assert_msg(!entries != !reason, "neither an answer nor a reason, or both");
	f->answers++;
	free(TAKE_PTR(f->said));
	f->n_said = entries ? json_object_array_length(entries) : 0;
	if (f->n_said > 0)
		ck_assert_int_eq(
			str_replace(&f->said,
				    json_text(json_object_array_get_idx(entries, 0), NULL)),
			0);
	look(f);
}

bool is_answered(struct fixture *f)
{
	return f->answers > 0;
}

int begin_question(enum image_action action, const char *file, uint64_t *ret_id)
{
	struct image_query query = {.action = action, .save = fx.save, .file = file};
	struct hv_asker asker = {
		.is_root = fx.is_root,
		.progress = on_reading,
		.answered = on_images,
		.data = &fx,
	};
	int r;

	fx.inside = true;
	r = hv_ask_images(fx.hv, &query, &asker, ret_id);
	fx.inside = false;
	return r;
}

const char *ask_image(enum image_action action, const char *file)
{
	uint64_t id;

	fx.answers = 0;
	ck_assert_int_eq(begin_question(action, file, &id), 0);
	wait_until(is_answered);
	ck_assert_uint_eq(fx.n_said, 1);
	return fx.said;
}

/* Operations. */

bool has_ended(struct fixture *f)
{
	return f->ends > 0;
}

bool has_progress(struct fixture *f)
{
	return f->progresses > 0 || f->ends > 0;
}

struct operation_request make_request(enum operation operation, uint32_t domid)
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

int begin(const struct operation_request *request)
{
	int r;

	fx.ends = fx.progresses = 0;
	fx.inside = true;
	r = hv_operate(fx.hv, request);
	fx.inside = false;
	return r;
}

int operate(const struct operation_request *request)
{
	ck_assert_int_eq(begin(request), 0);
	wait_until(has_ended);
	ck_assert_int_eq(fx.ended.operation, request->operation);
	ck_assert_uint_eq(fx.ended.domid, request->domid);
	ck_assert_uint_eq(fx.ends, 1);
	return fx.error;
}

int operate_on_guest(enum operation operation)
{
	struct operation_request request = make_request(operation, get_domain().domid);

	return operate(&request);
}

void create_guest(void)
{
	struct operation_request create = make_request(OPERATION_CREATE, DOMID_NONE);
	const struct survey_config *c = find_config();

	ck_assert_ptr_nonnull(c);
	create.config = c->config;
	ck_assert_int_eq(operate(&create), 0);
}

void boot_guest(void)
{
	create_guest();
	wait_until(is_up);
}
