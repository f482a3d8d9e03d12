/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/encode.h"

#include "wire/interface.h"

/* Only the end counts as 100 %. */
static uint64_t percent_of(uint64_t bytes, uint64_t total)
{
	return MIN((uint64_t)((double)bytes / (double)total * 100), (uint64_t)99);
}

void encode_event(struct json_writer *w, const struct report *e)
{
	json_writer_begin_object(w);
	json_writer_string(w, "name", e->step->name);
	json_writer_uuid(w, "uuid", &e->step->uuid);
	if (e->domid != DOMID_NONE)
		json_writer_u64(w, "domid", e->domid);
	json_writer_string(w, "stage", stage_to_string(e->stage));
	json_writer_string(w, "result", result_to_string(e->result));
	json_writer_bool(w, "final", e->final);
	if (e->final)
		json_writer_string(w, "goal", goal_to_string(e->goal));
	if (e->restarted)
		json_writer_bool(w, "restarted", true);
	if (e->permille > 0 && !e->final)
		json_writer_u64(w, "percent", e->permille / 10);
	if (e->total > 0 && !e->final) {
		json_writer_u64(w, "bytes", e->bytes);
		json_writer_u64(w, "total_bytes", e->total);
	}
	json_writer_string(w, "waits_for", e->waits_for);
	if (e->waiting > 0 && !e->final)
		json_writer_u64(w, "waiting", e->waiting);
	json_writer_string(w, "reason", e->reason);
	json_writer_u64(w, "elapsed_usec", e->elapsed);
	if (e->final && e->stage >= 0)
		json_writer_u64(w, "stage_elapsed_usec", e->stage_elapsed);
	json_writer_end_object(w);
}

void encode_image_event(struct json_writer *w, const struct image_event *e)
{
	bool running = e->result == RESULT_RUNNING;

	json_writer_begin_object(w);
	json_writer_string(w, "name", e->file);
	json_writer_string(w, "stage", "verify");
	json_writer_string(w, "result", result_to_string(e->result));
	json_writer_bool(w, "final", !running);
	if (running && e->bytes > 0 && e->total > 0)
		json_writer_u64(w, "percent", percent_of(e->bytes, e->total));
	if (running && e->total > 0) {
		json_writer_u64(w, "bytes", e->bytes);
		json_writer_u64(w, "total_bytes", e->total);
	}
	json_writer_u64(w, "elapsed_usec", e->elapsed);
	json_writer_end_object(w);
}

void encode_cancelled(struct json_writer *w, const char *goal, const char *const *names,
		      size_t n_names)
{
	json_writer_begin_object(w);
	json_writer_string(w, "goal", goal);
	if (n_names > 0) {
		json_writer_begin_list(w, "guests");
		for (size_t i = 0; i < n_names; i++)
			json_writer_element(w, names[i]);
		json_writer_end_array(w);
	}
	json_writer_end_object(w);
}

void encode_left(struct json_writer *w, const char *name, enum stage stage, bool goes_on)
{
	json_writer_begin_object(w);
	json_writer_string(w, "name", name);
	json_writer_string(w, "stage", stage_to_string(stage));
	json_writer_bool(w, "goes_on", goes_on);
	json_writer_end_object(w);
}

static const char *step_result_name(enum step_result result)
{
	switch (result) {
	case STEP_TODO:
		break;
	case STEP_OK:
		return result_to_string(RESULT_OK);
	case STEP_SKIPPED:
		return result_to_string(RESULT_SKIPPED);
	case STEP_FAILED:
		return result_to_string(RESULT_FAILED);
	}
	return NULL;
}

static struct json_object *encode_step(const struct step *s)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *stages = json_object_new_array();
	int r = o && stages ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < s->n_stages; i++)
		r = json_append(stages, json_object_new_string(stage_to_string(s->stages[i])));
	r = r < 0 ? r : json_add_string(o, "name", s->name);
	r = r < 0 ? r : json_add_uuid(o, "uuid", &s->uuid);
	if (s->domid != DOMID_NONE)
		r = r < 0 ? r : json_add_u64(o, "domid", s->domid);
	r = r < 0 ? r : json_add(o, "stages", TAKE_PTR(stages));
	r = r < 0 ? r : json_add_string(o, "result", step_result_name(s->result));
	r = r < 0 ? r : json_add_string(o, "reason", s->reason);
	if (s->n_stages > 0 && s->estimate > 0)
		r = r < 0 ? r : json_add_u64(o, "estimate_usec", s->estimate);
	if (s->late)
		r = r < 0 ? r : json_add_bool(o, "late", true);
	return r < 0 ? NULL : TAKE_PTR(o);
}

int encode_plan(struct json_object *o, const struct plan *plan)
{
	_cleanup_json_ struct json_object *steps = json_object_new_array();
	int r = steps ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++)
		r = json_append(steps, encode_step(&plan->steps[i]));
	r = r < 0 ? r : json_add(o, "steps", TAKE_PTR(steps));
	if (plan->needs > 0)
		r = r < 0 ? r : json_add_u64(o, "needs_usec", plan->needs);
	if (plan->longest > plan->needs && plan->longest != USEC_INFINITY)
		r = r < 0 ? r : json_add_u64(o, "longest_usec", plan->longest);
	if (plan->limit > 0)
		r = r < 0 ? r : json_add_u64(o, "deadline_usec", plan->limit);
	return r;
}

struct json_object *encode_info(void)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *interfaces = json_object_new_array();
	int r = o && interfaces ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "vendor", "xendomainsd");
	r = r < 0 ? r : json_add_string(o, "product", "xendomainsd");
	r = r < 0 ? r : json_add_string(o, "version", VERSION);
	r = r < 0 ? r : json_add_string(o, "url", "man:xendomainsd(8)");
	r = r < 0 ? r : json_append(interfaces, json_object_new_string(INTERFACE_SERVICE));
	r = r < 0 ? r : json_append(interfaces, json_object_new_string(INTERFACE));
	r = r < 0 ? r : json_add(o, "interfaces", TAKE_PTR(interfaces));
	return r < 0 ? NULL : TAKE_PTR(o);
}
