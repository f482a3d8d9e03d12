/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/control.h"

#include <sys/queue.h>
#include <unistd.h>

#include "api/encode.h"
#include "engine/job.h"
#include "io/notify.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/interface.h"

/* How long a question waits for news of the directories before it is answered without. */
#define LOOK_LIMIT (10 * USEC_PER_SEC)

/* Guests that one call can name. */
#define NAMES_MAX 1000

struct control {
	struct loop *loop;
	struct manager *manager;
	struct hostdown *hostdown; /* NULL: the host is a simulated one */
	struct server *server;
	LIST_HEAD(, request) requests;
};

struct method;

/* What a caller may do, as the configuration has it; root may do all. */
enum access {
	ACCESS_ANYBODY,
	ACCESS_READ,
	ACCESS_CONTROL,
};

/* Who is at work for a call, and is told if the caller is gone. */
enum doer {
	DOER_WORLD,
	DOER_MANAGER, /* a start or stop */
	DOER_IMAGES,
};

/* A call that is not answered yet. */
struct request {
	LIST_ENTRY(request) entry;
	struct control *control;
	struct connection *connection;
	struct varlink_call call;
	const struct method *method;
	const char **names; /* borrowed from the call */
	size_t n_names;
	enum goal goal;
	uint64_t id; /* of what is being done for it; 0: nothing */
	enum doer doer;
};

struct method {
	const char *name;
	/* Answers, or begins what will answer. */
	void (*run)(struct request *request);
	bool names; /* takes guests */
	enum access access;
};

static void forget(struct request *request)
{
	struct manager *m = request->control->manager;

	switch (request->doer) {
	case DOER_WORLD:
		world_unrefresh(manager_world(m), request->id);
		break;
	case DOER_MANAGER:
		manager_unfollow(m, request->id);
		break;
	case DOER_IMAGES:
		manager_forget_images(m, request->id);
		break;
	}
}

static void request_free(struct request *request)
{
	if (request->id)
		forget(request);
	LIST_REMOVE(request, entry);
	connection_release(request->connection);
	varlink_call_done(&request->call);
	free(request->names);
	free(request);
}

/* Replies. Each takes its parameters over; after finish() and fail() the request is gone. */

static void reply(struct request *request, struct json_object *parameters, bool continues)
{
	if (request->call.oneway)
		json_object_put(parameters);
	else
		connection_send(request->connection, varlink_reply_new(parameters, continues));
}

static void finish(struct request *request, struct json_object *parameters)
{
	reply(request, parameters, false);
	request_free(request);
}

static void fail(struct request *request, const char *error, const char *key, const char *value)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (o && key && json_add_string(o, key, value) < 0)
		json_object_put(TAKE_PTR(o));
	if (!request->call.oneway)
		connection_send(request->connection, varlink_error_new(error, TAKE_PTR(o)));
	request_free(request);
}

/* The caller may see to it in another way, unless it was cancelled. */
static void fail_cancelled(struct request *request, const char *reason)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_add_string(o, "reason", reason) < 0 ||
	    json_add_bool(o, "cancelled", true) < 0)
		json_object_put(TAKE_PTR(o));
	if (!request->call.oneway)
		connection_send(request->connection,
				varlink_error_new(ERROR_NOT_POSSIBLE, TAKE_PTR(o)));
	request_free(request);
}

static void fail_errno(struct request *request, int error)
{
	const char *reason = NULL;

	if (error == -EHOSTDOWN)
		reason = manager_obstacle(request->control->manager, GOAL_START);
	else if (error == -ESHUTDOWN)
		reason = manager_refusal(request->control->manager);
	else if (error == -ENOTDIR)
		reason = "XENDOMAINS_SAVE is empty: there are no images";
	else if (error == -EBUSY)
		reason = "something is being done with it; try again later";
	fail(request, ERROR_NOT_POSSIBLE, "reason", reason ? reason : strerror(-error));
}

/* org.varlink.service */

static void run_get_info(struct request *request)
{
	struct json_object *o = encode_info();

	if (o)
		finish(request, o);
	else
		fail_errno(request, -ENOMEM);
}

static void run_get_description(struct request *request)
{
	const char *name = json_get_string(request->call.parameters, "interface");
	_cleanup_json_ struct json_object *o = json_object_new_object();
	const char *text = NULL;

	if (!name) {
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "interface");
		return;
	}
	if (str_equal(name, INTERFACE))
		text = interface_description;
	else if (str_equal(name, INTERFACE_SERVICE))
		text = interface_service_description;
	if (!text)
		fail(request, VARLINK_ERROR_INTERFACE_NOT_FOUND, "interface", name);
	else if (!o || json_add_string(o, "description", text) < 0)
		fail_errno(request, -ENOMEM);
	else
		finish(request, TAKE_PTR(o));
}

/* Start, Stop */

static void on_report(void *data, const struct report *report)
{
	struct request *request = data;
	_cleanup_json_ struct json_object *o = NULL;

	if (!request->call.more)
		return;
	o = json_object_new_object();
	if (o && json_add(o, "event", encode_event(report)) >= 0)
		reply(request, TAKE_PTR(o), true);
}

static void add_to_outcome(void *data, const struct report *report)
{
	struct json_object **outcome = data;

	if (*outcome && json_append(*outcome, encode_event(report)) < 0) {
		json_object_put(*outcome);
		*outcome = NULL;
	}
}

static void on_done(void *data, int error, const char *reason, const struct job *job)
{
	struct request *request = data;
	_cleanup_json_ struct json_object *o = NULL, *outcome = NULL;

	request->id = 0;
	if (error == -ECANCELED) {
		fail_cancelled(request, reason);
		return;
	}
	if (error < 0) {
		fail(request, ERROR_NOT_POSSIBLE, "reason", reason);
		return;
	}
	o = json_object_new_object();
	outcome = json_object_new_array();
	job_reports(job, add_to_outcome, &outcome);
	if (!o || encode_settings(o, request->control->manager) < 0 ||
	    json_add(o, "outcome", TAKE_PTR(outcome)) < 0)
		fail_errno(request, -ENOMEM);
	else
		finish(request, TAKE_PTR(o));
}

/* What was asked of the manager or the world is under way; or not, with -errno. */
static void begun(struct request *request, enum doer doer, int r)
{
	request->doer = doer;
	if (r >= 0)
		return;
	request->id = 0;
	fail_errno(request, r);
}

static void run_sequence(struct request *request, enum goal goal)
{
	struct follower follower = {.report = on_report, .done = on_done, .data = request};

	begun(request, DOER_MANAGER,
	      manager_request(request->control->manager, goal, request->names, request->n_names,
			      &follower, &request->id));
}

static void run_restart(struct request *request)
{
	struct follower follower = {.report = on_report, .done = on_done, .data = request};
	bool force = json_get_bool(request->call.parameters, "force");

	if (force && request->n_names == 0)
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else
		begun(request, DOER_MANAGER,
		      manager_restart(request->control->manager, force, request->names,
				      request->n_names, &follower, &request->id));
}

static void run_cancel(struct request *request)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	size_t n = manager_cancel(request->control->manager, "cancelled");

	if (!o || json_add_u64(o, "cancelled", n) < 0)
		fail_errno(request, -ENOMEM);
	else
		finish(request, TAKE_PTR(o));
}

/* A slip must not cost all guests their memory, or take libvirt's down. */
static void run_named(struct request *request, const char *flag, enum goal goal, enum goal flagged)
{
	bool set = json_get_bool(request->call.parameters, flag);

	if (set && request->n_names == 0)
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else
		run_sequence(request, set ? flagged : goal);
}

static void run_start(struct request *request)
{
	run_named(request, "cold", GOAL_START, GOAL_START_COLD);
}

static bool is_root(const struct request *request)
{
	uid_t uid = connection_uid(request->connection);

	return uid == 0 || uid == geteuid();
}

/* systemd is stopping the system, and this is the unit that waits for guests. */
static void stop_for_host(struct request *request)
{
	struct follower follower = {.report = on_report, .done = on_done, .data = request};
	const struct control *control = request->control;
	uint64_t time = USEC_INFINITY;
	usec_t deadline;

	json_get_u64(request->call.parameters, "deadline_usec", &time);
	deadline = usec_add(loop_now(control->loop), time);
	if (control->hostdown)
		hostdown_leave(control->hostdown, deadline);
	begun(request, DOER_MANAGER,
	      manager_stop_until(control->manager, deadline, deadline, &follower, &request->id));
}

static void run_stop(struct request *request)
{
	if (!json_get_bool(request->call.parameters, "host"))
		run_named(request, "force", GOAL_STOP, GOAL_STOP_FORCED);
	else if (request->n_names > 0)
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else if (!is_root(request))
		fail(request, VARLINK_ERROR_PERMISSION_DENIED, NULL, NULL);
	else
		stop_for_host(request);
}

/* Status */

static void answer_status(void *data, const char *error)
{
	struct request *request = data;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *guests = json_object_new_array();
	const char *unknown = NULL;
	int r = o && guests ? 0 : -ENOMEM;

	request->id = 0;
	r = r < 0 ? r
		  : encode_guests(request->control->manager, request->names, request->n_names,
				  guests, &unknown);
	r = r < 0 ? r : encode_settings(o, request->control->manager);
	r = r < 0 ? r : json_add(o, "guests", TAKE_PTR(guests));
	if (r >= 0 && request->control->hostdown)
		r = json_add(o, "host", encode_host(request->control->hostdown));
	r = r < 0 ? r : encode_warnings(o, request->control->manager, error);
	if (r == -ENOENT)
		fail(request, ERROR_NO_SUCH_GUEST, "name", unknown);
	else if (r < 0)
		fail_errno(request, r);
	else
		finish(request, TAKE_PTR(o));
}

static void look_first(struct request *request, world_ready_fn fn)
{
	begun(request, DOER_WORLD,
	      world_refresh(manager_world(request->control->manager), LOOK_LIMIT, fn, request,
			    &request->id));
}

static void run_status(struct request *request)
{
	look_first(request, answer_status);
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
	uint64_t rate = paces_expect(&manager_ledger(control->manager)->paces), deadline = 0;
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

static void answer_plan(void *data, const char *error)
{
	struct request *request = data;
	const struct manager *m = request->control->manager;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_(plan_freep) struct plan *plan = NULL;
	int r = o ? 0 : -ENOMEM;

	request->id = 0;
	r = r < 0 ? r
		  : plan_build(request->goal, manager_config_for(m, request->goal),
			       world_inventory(manager_world(m)), request->names, request->n_names,
			       &plan);
	if (r >= 0 && request->goal == GOAL_STOP)
		r = weigh_plan(request, plan);
	r = r < 0 ? r : encode_settings(o, m);
	r = r < 0 ? r : encode_plan(o, plan);
	if (r >= 0 && is_for_host(request))
		r = json_add_bool(o, "host", true);
	r = r < 0 ? r : encode_warnings(o, m, error);
	if (r < 0)
		fail_errno(request, r);
	else
		finish(request, TAKE_PTR(o));
}

static void run_plan(struct request *request)
{
	request->goal = goal_from_string(json_get_string(request->call.parameters, "goal"));
	if (!goal_is_start(request->goal) && request->goal != GOAL_STOP)
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "goal");
	else if (!manager_config_for(request->control->manager, request->goal))
		fail_errno(request, -EHOSTDOWN);
	else
		look_first(request, answer_plan);
}

/* Images */

static void answer_images(void *data, struct json_object *entries, const char *reason)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct request *request = data;

	request->id = 0;
	if (reason)
		fail(request, ERROR_NOT_POSSIBLE, "reason", reason);
	else if (!o || json_add(o, "images", json_object_get(entries)) < 0)
		fail_errno(request, -ENOMEM);
	else
		finish(request, TAKE_PTR(o));
}

static void ask_images(struct request *request, enum image_action action, const char *file)
{
	begun(request, DOER_IMAGES,
	      manager_ask_images(request->control->manager, action, file, answer_images, request,
				 &request->id));
}

static void ask_image(struct request *request, enum image_action action)
{
	const char *file = json_get_string(request->call.parameters, "file");

	if (image_query_is_file(file))
		ask_images(request, action, file);
	else
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "file");
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

static void run_reload(struct request *request)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *reason = NULL;
	int r;

	notify_reloading();
	r = manager_reload(request->control->manager, &reason);
	control_let_in(request->control);
	notify_ready();
	if (r == -EINVAL)
		fail(request, ERROR_CONFIGURATION_REFUSED, "reason", reason);
	else if (r < 0 || !o || encode_warnings(o, request->control->manager, NULL) < 0)
		fail_errno(request, r < 0 ? r : -ENOMEM);
	else
		finish(request, TAKE_PTR(o));
}

/* Dispatch */

static const struct method methods[] = {
	{INTERFACE_SERVICE ".GetInfo", run_get_info, false, ACCESS_ANYBODY},
	{INTERFACE_SERVICE ".GetInterfaceDescription", run_get_description, false, ACCESS_ANYBODY},
	{METHOD_START, run_start, true, ACCESS_CONTROL},
	{METHOD_STOP, run_stop, true, ACCESS_CONTROL},
	{METHOD_RESTART, run_restart, true, ACCESS_CONTROL},
	{METHOD_CANCEL, run_cancel, false, ACCESS_CONTROL},
	{METHOD_STATUS, run_status, true, ACCESS_READ},
	{METHOD_PLAN, run_plan, true, ACCESS_READ},
	{METHOD_RELOAD, run_reload, false, ACCESS_CONTROL},
	{METHOD_LIST_IMAGES, run_list_images, false, ACCESS_READ},
	{METHOD_VERIFY_IMAGE, run_verify_image, false, ACCESS_CONTROL},
	{METHOD_DELETE_IMAGE, run_delete_image, false, ACCESS_CONTROL},
};

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(methods); i++)
		if (str_equal(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* 0, -EINVAL if "guests" is no list of names, or -ENOMEM. */
static int get_names(struct request *request)
{
	struct json_object *guests = NULL;

	if (!request->call.parameters ||
	    !json_object_object_get_ex(request->call.parameters, "guests", &guests) || !guests)
		return 0;
	if (!json_object_is_type(guests, json_type_array) ||
	    json_object_array_length(guests) > NAMES_MAX)
		return -EINVAL;
	request->names = calloc(json_object_array_length(guests) + 1, sizeof(char *));
	if (!request->names)
		return -ENOMEM;
	for (size_t i = 0; i < json_object_array_length(guests); i++) {
		struct json_object *name = json_object_array_get_idx(guests, i);

		if (!json_object_is_type(name, json_type_string))
			return -EINVAL;
		request->names[request->n_names++] = json_object_get_string(name);
	}
	return 0;
}

static bool is_allowed(const struct request *request)
{
	const struct config *config = manager_config(request->control->manager);
	const struct connection *c = request->connection;

	if (request->method->access == ACCESS_ANYBODY || is_root(request))
		return true;
	/* While nothing is known of groups, no caller is in one. */
	if (!config)
		return false;
	if (config->control_group && connection_is_in_group(c, config->control_gid))
		return true;
	return request->method->access == ACCESS_READ && config->read_group &&
	       connection_is_in_group(c, config->read_gid);
}

static void dispatch(struct request *request)
{
	int r = 0;

	request->method = find_method(request->call.method);
	if (!request->method) {
		fail(request, VARLINK_ERROR_METHOD_NOT_FOUND, "method", request->call.method);
		return;
	}
	if (!is_allowed(request)) {
		fail(request, VARLINK_ERROR_PERMISSION_DENIED, NULL, NULL);
		return;
	}
	if (request->method->names)
		r = get_names(request);
	if (r == -EINVAL)
		fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else if (r < 0)
		fail_errno(request, r);
	else
		request->method->run(request);
}

static void on_message(void *data, struct connection *connection, const char *text, size_t length)
{
	struct control *control = data;
	struct request *request = calloc(1, sizeof(*request));
	int r = request ? varlink_call_parse(text, length, &request->call) : -ENOMEM;

	if (r < 0) {
		log_warning_errno(r, "A client's message is refused");
		free(request);
		connection_finish(connection);
		return;
	}
	request->control = control;
	request->connection = connection;
	LIST_INSERT_HEAD(&control->requests, request, entry);
	connection_hold(connection);
	dispatch(request);
}

static void on_closed(void *data, struct connection *connection)
{
	struct control *control = data;
	struct request *request = LIST_FIRST(&control->requests);

	while (request) {
		struct request *next = LIST_NEXT(request, entry);

		if (request->connection == connection)
			request_free(request);
		request = next;
	}
}

void control_let_in(struct control *control)
{
	const struct config *config = manager_config(control->manager);

	server_let_in(control->server, config && (config->read_group || config->control_group));
}

int control_new(struct loop *loop, struct manager *manager, struct hostdown *hostdown, int fd,
		struct control **ret)
{
	_cleanup_(control_freep) struct control *control = calloc(1, sizeof(*control));
	struct server_callbacks callbacks = {
		.message = on_message,
		.closed = on_closed,
		.data = control,
	};
	int r;

	if (!control) {
		close(fd);
		return -ENOMEM;
	}
	control->loop = loop;
	control->manager = manager;
	control->hostdown = hostdown;
	LIST_INIT(&control->requests);
	r = server_new(loop, fd, &callbacks, &control->server);
	if (r < 0)
		return r;
	control_let_in(control);
	*ret = TAKE_PTR(control);
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	server_free(control->server);
	free(control);
	return NULL;
}
