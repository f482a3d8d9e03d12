/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <unistd.h>

#include "command.h"
#include "names.h"
#include "status-ask.h"
#include "status-follow.h"
#include "status-text.h"
#include "status-watch.h"
#include "util/str.h"

/* The options of the command, understood. */
struct status_look {
	struct status_states states;
	enum status_sort sort;
	struct status_layout layout;
};

static bool some_is_refused(struct json_object *parameters)
{
	struct json_object *settings = json_get(parameters, "settings", json_type_object);
	struct json_object *refused = json_get(settings, "refused", json_type_array);

	return refused && json_object_array_length(refused) > 0;
}

static int judge(struct json_object *parameters)
{
	struct json_object *guests = json_get(parameters, "guests", json_type_array);
	bool some_up = false, some_missing = false;

	for (size_t i = 0; guests && i < json_object_array_length(guests); i++) {
		struct guest_view g = guest_view_of(json_object_array_get_idx(guests, i));

		some_up |= guest_view_is_up(&g);
		some_missing |= guest_view_is_missing(&g);
	}
	if (some_is_refused(parameters) || json_get_string(parameters, "lost"))
		return STATUS_FAILED;
	if (!some_up)
		return STATUS_NOTHING_RUNS;
	return some_missing ? STATUS_FAILED : STATUS_OK;
}

static int understand(const struct context *context, char **arguments, struct status_look *ret)
{
	struct status_look o = {
		.sort = context->json || context->names ? STATUS_SORT_NONE : STATUS_SORT_STATE,
		.layout.terminal = terminal_of(STDOUT_FILENO),
	};
	bool table = context->status.columns || context->status.wide || context->status.states;
	int r = 0;

	if (context->status.states)
		r = status_states_parse(context->status.states, &o.states);
	if (r >= 0 && context->status.sort)
		r = status_sort_parse(context->status.sort, &o.sort);
	if (r >= 0 && context->status.columns)
		r = status_columns_parse(context->status.columns, &o.layout.choice);
	if (context->status.wide)
		status_columns_all(&o.layout.choice);
	o.layout.selected = arguments[0] || context->status.states;
	o.layout.story = arguments[0] && !arguments[1] && !status_is_pattern(arguments[0]) &&
			 !table;
	*ret = o;
	return r;
}

/* Shows a reply. 0 or -ENOMEM. */
static int show(const struct context *context, const struct status_look *o,
		struct json_object *parameters)
{
	int r = status_keep_states(parameters, &o->states);

	r = r < 0 ? r : status_sort(parameters, o->sort);
	if (r < 0)
		return r;
	if (context->names)
		names_print(stdout, parameters, "guests", "name");
	else
		context->writer->ops->status(context->writer, parameters, &o->layout);
	return 0;
}

static int show_once(const struct context *context, const struct status_look *o, char **names)
{
	/* The process ends with it: to free the objects of many guests only takes time. */
	static struct varlink_reply reply;
	int r = status_ask(context, names, &reply);
	int status;

	if (r < 0)
		return -r;
	/* What is not shown counts, too. */
	status = judge(reply.parameters);
	r = show(context, o, reply.parameters);
	return r < 0 ? explain_error(context, r) : status;
}

/* They change all the time, and the daemon tells of them when something else has changed. */
static void leave_out_unsteady(struct json_object *parameters)
{
	struct json_object *guests = json_get(parameters, "guests", json_type_array);

	for (size_t i = 0; guests && i < json_object_array_length(guests); i++) {
		struct json_object *g = json_object_array_get_idx(guests, i);

		if (!json_object_is_type(g, json_type_object))
			continue;
		json_object_object_del(g, "cpu_time_usec");
		json_object_object_del(g, "flags");
	}
}

/* 0 or -ENOMEM. */
static int prepare(const struct status_look *o, struct json_object *parameters)
{
	int r = status_keep_states(parameters, &o->states);

	r = r < 0 ? r : status_sort(parameters, o->sort);
	if (o->layout.choice.n == 0)
		leave_out_unsteady(parameters);
	return r;
}

/* 0, -ENOMEM, or -EIO. */
static int draw(struct status_watch *w, struct status_look *o, struct json_object *parameters)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	o->layout.terminal = terminal_of(STDOUT_FILENO);
	status_print(out, parameters, &o->layout);
	fclose(out);
	return text ? status_watch_show(w, text, &o->layout.terminal) : -ENOMEM;
}

static int watch(const struct context *context, struct status_look *o, char **names)
{
	_cleanup_(status_watch_freep) struct status_watch *w = NULL;
	_cleanup_(status_follow_freep) struct status_follow *f = NULL;
	struct json_object *parameters = NULL;
	usec_t steady = USEC_INFINITY;

	if (!o->layout.terminal.is_one || !o->layout.terminal.moves) {
		fprintf(stderr, "--watch needs a terminal whose cursor can be moved. "
				"Use 'status --json' in scripts\n");
		return STATUS_FAILED;
	}
	w = status_watch_new(stdout);
	f = w ? status_follow_new(context, names) : NULL;
	if (!f)
		return explain_error(context, -ENOMEM);
	for (;;) {
		int r = status_follow_next(f, steady, &parameters);

		if (r < 0)
			return -r;
		if (r > 0)
			r = prepare(o, parameters);
		steady = status_follow_age(f);
		if (r >= 0 && parameters)
			r = draw(w, o, parameters);
		if (r < 0)
			return r == -EIO ? STATUS_FAILED : explain_error(context, r);
	}
}

static int run(const struct context *context, char **arguments)
{
	struct status_look o;
	int r = understand(context, arguments, &o);

	if (r < 0)
		return r == -ENOMEM ? explain_error(context, r) : STATUS_USAGE;
	return context->status.watch ? watch(context, &o, arguments)
				     : show_once(context, &o, arguments);
}

const struct command command_status = {
	.name = "status",
	.arguments = "[OPTION...] [GUEST...]",
	.help = "show guests that should run, run, or are saved",
	.run = run,
};
