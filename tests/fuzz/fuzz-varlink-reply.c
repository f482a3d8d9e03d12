/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "names.h"
#include "wire/varlink.h"
#include "writer.h"

static FILE *nowhere;

/* A reply is shown in every way that there is: whatever a daemon says, a client must bear. */
static void show(struct writer *w, struct json_object *parameters)
{
	struct json_object *event = json_get(parameters, "event", json_type_object);

	if (event) {
		w->ops->event(w, event);
		w->ops->tick(w);
		w->ops->event(w, event);
	}
	w->ops->outcome(w, parameters);
	w->ops->status(w, parameters);
	w->ops->plan(w, parameters);
	w->ops->images(w, parameters);
	w->ops->reloaded(w, parameters);
	w->ops->cancelled(w, parameters);
	w->ops->free(w);
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
	show(writer_text_new(nowhere, true), reply.parameters);
	show(writer_text_new(nowhere, false), reply.parameters);
	show(writer_json_new(nowhere), reply.parameters);
	names_print(nowhere, reply.parameters, "guests", "name");
	names_print(nowhere, reply.parameters, "images", "file");
	varlink_reply_done(&reply);
	return 0;
}
