/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/methods.h"

#include "api/encode.h"
#include "api/outlived.h"
#include "api/status-call.h"
#include "api/status.h"
#include "engine/job.h"
#include "io/notify.h"
#include "util/str.h"
#include "wire/interface.h"
#include "world/world.h"

/* org.varlink.service */

static void run_get_info(struct request *request)
{
	struct json_object *o = encode_info();

	if (o)
		request_finish(request, o);
	else
		request_fail_errno(request, -ENOMEM);
}

static void run_get_description(struct request *request)
{
	const char *name = json_get_string(request->call.parameters, "interface");
	_cleanup_json_ struct json_object *o = json_object_new_object();
	const char *text = NULL;

	if (!name) {
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "interface");
		return;
	}
	if (str_equal(name, INTERFACE))
		text = interface_description;
	else if (str_equal(name, INTERFACE_SERVICE))
		text = interface_service_description;
	if (!text)
		request_fail(request, VARLINK_ERROR_INTERFACE_NOT_FOUND, "interface", name);
	else if (!o || json_add_string(o, "description", text) < 0)
		request_fail_errno(request, -ENOMEM);
	else
		request_finish(request, TAKE_PTR(o));
}

/* Start, Stop */

static void on_report(void *data, const struct report *report)
{
	struct request *request = data;
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_(json_writer_done) struct json_writer event = {0};

	if (!request->call.more)
		return;
	encode_event(&event, report);
	o = json_object_new_object();
	if (o && json_add(o, "event", json_writer_take(&event)) >= 0)
		request_reply(request, TAKE_PTR(o), true);
}

static void add_to_outcome(void *data, const struct report *report)
{
	encode_event(data, report);
}

static void on_done(void *data, int error, const char *reason, const struct job *job)
{
	struct request *request = data;
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_(json_writer_done) struct json_writer outcome = {0};

	request->id = 0;
	if (error == -ECANCELED) {
		request_fail_cancelled(request, reason);
		return;
	}
	if (error < 0) {
		request_fail(request, ERROR_NOT_POSSIBLE, "reason", reason);
		return;
	}
	json_writer_begin_array(&outcome);
	job_reports(job, add_to_outcome, &outcome);
	json_writer_end_array(&outcome);
	o = json_object_new_object();
	if (!o || status_add_settings(o, request->control->manager) < 0 ||
	    json_add(o, "outcome", json_writer_take(&outcome)) < 0 ||
	    (manager_was_cut_short(job) && json_add_bool(o, "cancelled", true) < 0))
		request_fail_errno(request, -ENOMEM);
	else
		request_finish(request, TAKE_PTR(o));
}

/* A sequence has begun, or failed to, with -errno. It goes on without its caller. */
static void begun_sequence(struct request *request, int r)
{
	_cleanup_json_ struct json_object *o = NULL;

	request_begun(request, DOER_MANAGER, r);
	if (r < 0 || !json_get_bool(request->call.parameters, "no_wait"))
		return;
	o = json_object_new_object();
	if (!o || status_add_settings(o, request->control->manager) < 0)
		request_fail_errno(request, -ENOMEM);
	else
		request_finish(request, TAKE_PTR(o));
}

static struct follower follower_of(struct request *request)
{
	return (struct follower){
		.report = on_report,
		.waits = on_report,
		.done = on_done,
		.data = request,
		.requester =
			{
				.uid = connection_uid(request->connection),
				.pid = (uint32_t)connection_pid(request->connection),
			},
	};
}

static void begin_sequence(struct request *request, enum goal goal)
{
	struct follower follower = follower_of(request);

	begun_sequence(request, manager_request(request->control->manager, goal, request->names,
						request->n_names, &follower, &request->id));
}

static void run_restart(struct request *request)
{
	struct follower follower = follower_of(request);
	bool force = json_get_bool(request->call.parameters, "force");

	if (force && request->n_names == 0)
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else
		begun_sequence(request,
			       manager_restart(request->control->manager, force, request->names,
					       request->n_names, &follower, &request->id));
}

/* The two lists that an answer of Cancel has. */
struct cancelled {
	struct json_writer sequences, left;
};

static void on_cancelled(void *data, const char *goal, const char *const *names, size_t n_names)
{
	struct cancelled *c = data;

	encode_cancelled(&c->sequences, goal, names, n_names);
}

static void on_left(void *data, const char *name, enum stage stage, bool goes_on)
{
	struct cancelled *c = data;

	encode_left(&c->left, name, stage, goes_on);
}

static void run_cancel(struct request *request)
{
	const struct manager *m = request->control->manager;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct cancelled c = {0};
	struct cancel_view view = {.sequence = on_cancelled, .guest = on_left, .data = &c};
	size_t n;
	int r;

	json_writer_begin_array(&c.sequences);
	json_writer_begin_array(&c.left);
	n = manager_cancel(request->control->manager, "cancelled", &view);
	json_writer_end_array(&c.sequences);
	json_writer_end_array(&c.left);
	r = o ? json_add_u64(o, "cancelled", n) : -ENOMEM;
	r = r < 0 ? r : json_add(o, "sequences", json_writer_take(&c.sequences));
	r = r < 0 ? r : json_add(o, "left", json_writer_take(&c.left));
	if (manager_stops_for_host(m))
		r = r < 0 ? r : json_add_bool(o, "host", true);
	json_writer_done(&c.sequences);
	json_writer_done(&c.left);
	if (r < 0)
		request_fail_errno(request, r);
	else
		request_finish(request, TAKE_PTR(o));
}

/* A slip must not cost all guests their memory, or take libvirt's down. */
static void run_named(struct request *request, const char *flag, enum goal goal, enum goal flagged)
{
	bool set = json_get_bool(request->call.parameters, flag);

	if (set && request->n_names == 0)
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else
		begin_sequence(request, set ? flagged : goal);
}

static void run_start(struct request *request)
{
	run_named(request, "cold", GOAL_START, GOAL_START_COLD);
}

/* systemd is stopping the system, and this is the unit that waits for guests. */
static void stop_for_host(struct request *request)
{
	struct follower follower = follower_of(request);
	const struct control *control = request->control;
	uint64_t time = USEC_INFINITY;
	usec_t deadline;

	json_get_u64(request->call.parameters, "deadline_usec", &time);
	deadline = usec_add(loop_now(control->loop), time);
	if (control->hostdown)
		hostdown_leave(control->hostdown, deadline);
	begun_sequence(request, manager_stop_until(control->manager, deadline, deadline, &follower,
						   &request->id));
}

static void run_stop(struct request *request)
{
	if (!json_get_bool(request->call.parameters, "host"))
		run_named(request, "force", GOAL_STOP, GOAL_STOP_FORCED);
	else if (request->n_names > 0)
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else if (!access_is_root(request->connection))
		request_fail(request, VARLINK_ERROR_PERMISSION_DENIED, NULL, NULL);
	else
		stop_for_host(request);
}

/* Plan */

/* A shutdown of the host names no guests. */
static bool is_for_host(const struct request *request)
{
	return request->goal == GOAL_STOP && request->n_names == 0 &&
	       json_get_bool(request->call.parameters, "host");
}

/* How long it takes; and, with a deadline, what is done to keep that. */
static int weigh_plan(const struct request *request, struct plan *plan)
{
	const struct control *control = request->control;
	const struct config *config = manager_config_for(control->manager, GOAL_STOP);
	const struct ledger *ledger = manager_ledger(control->manager);
	const char *directory = world_inventory(manager_world(control->manager))->directory;
	enum compression compression = config->guests.compression;
	uint64_t rate = paces_expect(ledger_paces(ledger, compression, directory)), deadline = 0;
	usec_t end = USEC_INFINITY;

	if (json_get_u64(request->call.parameters, "deadline_usec", &deadline) < 0 &&
	    is_for_host(request) && control->hostdown) {
		deadline = hostdown_view(control->hostdown).budget;
		end = hostdown_view(control->hostdown).end;
	}
	if (deadline > 0 || end != USEC_INFINITY)
		return plan_fit(plan, config, rate, deadline, fit_save_time(end), end);
	plan_estimate(plan, config, rate);
	return 0;
}

/* 0, or why the command would not be carried out, for request_fail_errno(). */
static int refuse_plan(const struct request *request)
{
	const struct manager *m = request->control->manager;

	if (manager_obstacle(m, request->goal))
		return -EHOSTDOWN;
	return goal_is_start(request->goal) && manager_refusal(m) ? -ESHUTDOWN : 0;
}

static void answer_plan(void *data, const char *error)
{
	struct request *request = data;
	const struct manager *m = request->control->manager;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_(plan_freep) struct plan *plan = NULL;
	int r = o ? refuse_plan(request) : -ENOMEM;

	request->id = 0;
	r = r < 0 ? r
		  : plan_build(request->goal, manager_config_for(m, request->goal),
			       world_inventory(manager_world(m)), request->names, request->n_names,
			       &plan);
	r = r < 0 ? r : plan_explain_waits(plan, world_inventory(manager_world(m)));
	if (r >= 0 && request->goal == GOAL_STOP)
		r = weigh_plan(request, plan);
	r = r < 0 ? r : status_add_settings(o, m);
	r = r < 0 ? r : encode_plan(o, plan);
	if (r >= 0 && is_for_host(request))
		r = json_add_bool(o, "host", true);
	r = r < 0 ? r : status_add_warnings(o, m, error);
	if (r < 0)
		request_fail_errno(request, r);
	else
		request_finish(request, TAKE_PTR(o));
}

static void run_plan(struct request *request)
{
	request->goal = goal_from_string(json_get_string(request->call.parameters, "goal"));
	if (!goal_is_start(request->goal) && request->goal != GOAL_STOP)
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "goal");
	else if (refuse_plan(request) < 0)
		request_fail_errno(request, refuse_plan(request));
	else
		request_begun(request, DOER_WORLD,
			      world_refresh(manager_world(request->control->manager), LOOK_LIMIT,
					    answer_plan, request, &request->id));
}

/* Images */

static int add_directory(const struct request *request, struct json_object *o)
{
	const struct config *config = manager_config(request->control->manager);

	if (!str_equal(request->method->name, METHOD_LIST_IMAGES) || !config)
		return 0;
	return json_add_string(o, "directory", config->save);
}

/* Beside an event there are no images yet, which a reply always has. */
static void tell_of_image(struct request *request, struct image_event event)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_(json_writer_done) struct json_writer w = {0};

	event.file = json_get_string(request->call.parameters, "file");
	event.elapsed = usec_sub(loop_now(request->control->loop), request->came);
	encode_image_event(&w, &event);
	if (o && json_add(o, "images", json_object_new_array()) >= 0 &&
	    json_add(o, "event", json_writer_take(&w)) >= 0)
		request_reply(request, TAKE_PTR(o), true);
}

static void on_image_progress(void *data, uint64_t bytes, uint64_t total)
{
	struct request *request = data;

	if (!request->call.more)
		return;
	request->has_begun = true;
	tell_of_image(request, (struct image_event){
				       .result = RESULT_RUNNING,
				       .bytes = bytes,
				       .total = total,
			       });
}

static bool is_verified(struct json_object *entries)
{
	return json_get_bool(json_object_array_get_idx(entries, 0), "verified");
}

static void answer_images(void *data, struct json_object *entries, const char *reason)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct request *request = data;
	const struct config *config = manager_config(request->control->manager);
	struct world *world = manager_world(request->control->manager);

	request->id = 0;
	if (request->has_begun && !reason)
		tell_of_image(request,
			      (struct image_event){
				      .result = is_verified(entries) ? RESULT_OK : RESULT_FAILED,
			      });
	if (reason)
		request_fail(request, ERROR_NOT_POSSIBLE, "reason", reason);
	else if (!o ||
		 (config && outlived_note(entries, config->save, world_inventory(world)) < 0) ||
		 json_add(o, "images", json_object_get(entries)) < 0 ||
		 add_directory(request, o) < 0)
		request_fail_errno(request, -ENOMEM);
	else
		request_finish(request, TAKE_PTR(o));
}

static void ask_images(struct request *request, enum image_action action, const char *file)
{
	struct hv_asker asker = {
		.is_root = access_is_root(request->connection),
		.progress = on_image_progress,
		.answered = answer_images,
		.data = request,
	};

	request_begun(
		request, DOER_IMAGES,
		manager_ask_images(request->control->manager, action, file, &asker, &request->id));
}

static void ask_image(struct request *request, enum image_action action)
{
	const char *file = json_get_string(request->call.parameters, "file");

	if (image_query_is_file(file))
		ask_images(request, action, file);
	else
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "file");
}

static void run_list_images(struct request *request)
{
	ask_images(request, IMAGE_LIST, NULL);
}

static void run_verify_image(struct request *request)
{
	ask_image(request, IMAGE_VERIFY);
}

static void run_delete_image(struct request *request)
{
	ask_image(request, IMAGE_DELETE);
}

/* Reload */

/* All mistakes, and the first of them in words. */
static void fail_refused(struct request *request, const char *reason)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_add_string(o, "reason", reason) < 0 ||
	    status_add_settings(o, request->control->manager) < 0)
		request_fail_errno(request, -ENOMEM);
	else
		request_fail_with(request, ERROR_CONFIGURATION_REFUSED, TAKE_PTR(o));
}

static void run_reload(struct request *request)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *reason = NULL;
	int r;

	notify_reloading();
	r = manager_reload(request->control->manager, &reason);
	server_let_in(request->control->server,
		      access_is_shared(manager_config(request->control->manager)));
	notify_ready();
	if (r == -EINVAL)
		fail_refused(request, reason);
	else if (r < 0 || !o ||
		 status_add_warnings(o, request->control->manager,
				     world_lost(manager_world(request->control->manager))) < 0)
		request_fail_errno(request, r < 0 ? r : -ENOMEM);
	else
		request_finish(request, TAKE_PTR(o));
}

static const struct method methods[] = {
	{INTERFACE_SERVICE ".GetInfo", run_get_info, false, ACCESS_ANYBODY},
	{INTERFACE_SERVICE ".GetInterfaceDescription", run_get_description, false, ACCESS_ANYBODY},
	{METHOD_START, run_start, true, ACCESS_CONTROL},
	{METHOD_STOP, run_stop, true, ACCESS_CONTROL},
	{METHOD_RESTART, run_restart, true, ACCESS_CONTROL},
	{METHOD_CANCEL, run_cancel, false, ACCESS_CONTROL},
	{METHOD_STATUS, status_call_begin, true, ACCESS_READ},
	{METHOD_PLAN, run_plan, true, ACCESS_READ},
	{METHOD_RELOAD, run_reload, false, ACCESS_CONTROL},
	{METHOD_LIST_IMAGES, run_list_images, false, ACCESS_READ},
	{METHOD_VERIFY_IMAGE, run_verify_image, false, ACCESS_CONTROL},
	{METHOD_DELETE_IMAGE, run_delete_image, false, ACCESS_CONTROL},
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(methods); i++)
		if (str_equal(methods[i].name, name))
			return &methods[i];
	return NULL;
}
