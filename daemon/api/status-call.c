/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/status-call.h"

#include "api/access.h"
#include "api/status.h"
#include "util/index.h"
#include "wire/interface.h"
#include "world/world.h"

/* What is told wakes both sides, and people need it no more often. */
#define TELL_INTERVAL (2 * USEC_PER_SEC)

/* The kernel does not tell every change of the directories. */
#define LOOK_INTERVAL (60 * USEC_PER_SEC)

static int make_answer(const struct request *request, const char *error, bool steady,
		       struct json_object **ret, const char **ret_unknown)
{
	const struct control *control = request->control;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? status_add_settings(o, control->manager) : -ENOMEM;

	r = r < 0 ? r
		  : status_add_guests(o, control->manager, request->names, request->n_names, steady,
				      ret_unknown);
	if (r >= 0 && control->hostdown)
		r = json_add(o, "host", status_host(control->hostdown));
	r = r < 0 ? r : json_add_string(o, "lost", world_lost(manager_world(control->manager)));
	r = r < 0 ? r : status_add_warnings(o, control->manager, error);
	if (r >= 0)
		*ret = TAKE_PTR(o);
	return r;
}

/* Of what an answer tells, but for what changes all the time. 0: it cannot be told. */
static uint64_t digest(const struct request *request, const char *error)
{
	_cleanup_json_ struct json_object *o = NULL;
	const char *unknown, *text;
	size_t length;

	if (make_answer(request, error, true, &o, &unknown) < 0)
		return 0;
	text = json_text(o, &length);
	return text ? hash_bytes(text, length) : 0;
}

static bool is_to_follow(const struct request *request)
{
	return request->call.more && !request->call.oneway;
}

static void schedule(struct control *control, usec_t interval)
{
	timer_set(control->news, MAX(loop_now(control->loop), control->told + interval));
}

static bool some_follow(const struct control *control)
{
	const struct request *request;

	LIST_FOREACH(request, &control->requests, entry)
	{
		if (request->follows)
			return true;
	}
	return false;
}

/* Others who follow keep their time: a caller who comes again and again would put it off. */
static void begin_to_follow(struct request *request)
{
	struct control *control = request->control;
	bool first = !some_follow(control);

	request->follows = true;
	if (!first)
		return;
	control->told = control->looked = loop_now(control->loop);
	schedule(control, TELL_INTERVAL);
}

static void answer(void *data, const char *error)
{
	struct request *request = data;
	_cleanup_json_ struct json_object *o = NULL;
	uint64_t now = is_to_follow(request) ? digest(request, error) : 0;
	const char *unknown = NULL;
	int r;

	request->id = 0;
	if (request->follows && now && now == request->digest)
		return;
	r = make_answer(request, error, false, &o, &unknown);
	if (r == -ENOENT) {
		request_fail(request, ERROR_NO_SUCH_GUEST, "name", unknown);
	} else if (r < 0) {
		request_fail_errno(request, r);
	} else if (!is_to_follow(request)) {
		request_finish(request, TAKE_PTR(o));
	} else {
		if (!request->follows)
			begin_to_follow(request);
		request->digest = now;
		request_reply(request, TAKE_PTR(o), true);
	}
}

static void look(struct request *request)
{
	request_begun(request, DOER_WORLD,
		      world_refresh_if_changed(manager_world(request->control->manager), LOOK_LIMIT,
					       answer, request, &request->id));
}

void status_call_begin(struct request *request)
{
	look(request);
}

/* Settings that were read since can have taken the right away. */
static void tell(struct request *request, bool with_look)
{
	if (!access_is_given(ACCESS_READ, request->connection,
			     manager_config(request->control->manager)))
		request_fail(request, VARLINK_ERROR_PERMISSION_DENIED, NULL, NULL);
	else if (with_look)
		look(request);
	else
		answer(request, NULL);
}

static void on_news(void *data)
{
	struct control *control = data;
	struct world *world = manager_world(control->manager);
	usec_t now = loop_now(control->loop);
	bool with_look = now >= control->looked + LOOK_INTERVAL || world_has_changed(world);
	bool some = false, unread = false;
	struct request *request, *next;

	control->told = now;
	if (with_look)
		control->looked = now;
	for (request = LIST_FIRST(&control->requests); request; request = next) {
		next = LIST_NEXT(request, entry);
		if (!request->follows)
			continue;
		some = true;
		/* What it has not read yet is older, and would only grow. */
		if (!connection_is_read(request->connection))
			unread = true;
		else if (!request->id)
			tell(request, with_look);
	}
	if (!some)
		return;
	world_watch(world);
	schedule(control, unread ? TELL_INTERVAL : LOOK_INTERVAL);
}

static void on_shown(void *data)
{
	struct control *control = data;

	if (some_follow(control))
		schedule(control, TELL_INTERVAL);
}

int status_calls_init(struct control *control)
{
	control->watcher = (struct manager_watcher){.shown = on_shown, .data = control};
	manager_watch(control->manager, &control->watcher);
	return timer_new(control->loop, on_news, control, &control->news);
}

void status_calls_done(struct control *control)
{
	manager_unwatch(&control->watcher);
	timer_free(control->news);
}
