/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/encode.h"

#include "wire/interface.h"

/* Each adds a member, where there is something to tell. 0 or -ENOMEM. */

static int encode_percent(struct json_object *o, unsigned permille)
{
	return permille ? json_add_u64(o, "percent", permille / 10) : 0;
}

static int encode_domid(struct json_object *o, uint32_t domid)
{
	return domid == DOMID_NONE ? 0 : json_add_u64(o, "domid", domid);
}

struct json_object *encode_event(const struct report *e)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "name", e->step->name);
	r = r < 0 ? r : json_add_uuid(o, "uuid", &e->step->uuid);
	r = r < 0 ? r : encode_domid(o, e->domid);
	r = r < 0 ? r : json_add_string(o, "stage", stage_to_string(e->stage));
	r = r < 0 ? r : json_add_string(o, "result", result_to_string(e->result));
	r = r < 0 ? r : json_add_bool(o, "final", e->final);
	r = r < 0 ? r : encode_percent(o, e->final ? 0 : e->permille);
	r = r < 0 ? r : json_add_string(o, "reason", e->reason);
	r = r < 0 ? r : json_add_u64(o, "elapsed_usec", e->elapsed);
	return r < 0 ? NULL : TAKE_PTR(o);
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
	r = r < 0 ? r : encode_domid(o, s->domid);
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
