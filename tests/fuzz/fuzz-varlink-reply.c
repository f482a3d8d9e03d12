/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "names.h"
#include "status-select.h"
#include "status-text.h"
#include "wire/interface.h"
#include "wire/varlink.h"
#include "writer.h"

static FILE *nowhere;

/* A reply is shown in every way that there is: whatever a daemon says, a client must bear. */
static void show(struct writer *w, struct json_object *parameters)
{
	struct status_layout layout = {.terminal = {.colour = true, .width = 40, .height = 10}};
	struct json_object *event = json_get(parameters, "event", json_type_object);

	if (event) {
		w->ops->event(w, event);
		w->ops->tick(w);
		w->ops->clear(w);
		w->ops->event(w, event);
	}
	w->ops->outcome(w, parameters, METHOD_STOP);
	w->ops->begun(w, parameters, "begun");
	w->ops->status(w, parameters, &layout);
	layout.story = true;
	w->ops->status(w, parameters, &layout);
	status_columns_all(&layout.choice);
	layout.terminal.width = SIZE_MAX;
	layout.story = false;
	w->ops->status(w, parameters, &layout);
	w->ops->plan(w, parameters);
	w->ops->images(w, parameters);
	w->ops->reloaded(w, parameters);
	w->ops->cancelled(w, parameters);
	w->ops->free(w);
}

static void select_guests(struct json_object *parameters)
{
	const struct status_states states = {.some = true, .wanted = true, .down = true};
	char pattern[] = "web*", domid[] = "1";
	char *names[] = {pattern, domid, NULL};
	const char *unknown;

	for (int sort = STATUS_SORT_NONE; sort < _STATUS_SORT_MAX; sort++)
		HOLDS(status_sort(parameters, (enum status_sort)sort) == 0);
	status_nearest(parameters, "wbe");
	status_keep_named(parameters, names, &unknown);
	status_keep_states(parameters, &states);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct varlink_reply reply = {0};

	if (varlink_reply_parse((const char *)data, size, &reply) < 0) {
		HOLDS(!reply.message);
		return 0;
	}
	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	HOLDS(nowhere);
	show(writer_text_new(nowhere, PROGRESS_AUTO), reply.parameters);
	show(writer_text_new(nowhere, PROGRESS_PLAIN), reply.parameters);
	show(writer_json_new(nowhere, true), reply.parameters);
	names_print(nowhere, reply.parameters, "guests", "name");
	names_print(nowhere, reply.parameters, "images", "file");
	select_guests(reply.parameters);
	varlink_reply_done(&reply);
	return 0;
}
