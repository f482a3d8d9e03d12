/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "scene.h"

#include <check.h>
#include <stdio.h>

#include "core/inventory-build.h"
#include "util/str.h"

void scene_make(struct scene *s)
{
	*s = (struct scene){
		.config = config_new(),
		.survey = calloc(1, sizeof(*s->survey)),
		.domains = calloc(1, sizeof(*s->domains)),
		.history = ledger_new(),
	};
	ck_assert(s->config && s->survey && s->domains && s->history);
}

void scene_done(struct scene *s)
{
	inventory_free(s->inventory);
	config_free(s->config);
	survey_free(s->survey);
	domain_list_free(s->domains);
	ledger_free(s->history);
}

struct uuid scene_uuid(unsigned number)
{
	return (struct uuid){.bytes = {[12] = (uint8_t)(number >> 24),
				       [13] = (uint8_t)(number >> 16),
				       [14] = (uint8_t)(number >> 8),
				       [15] = (uint8_t)number}};
}

struct survey_config *scene_config(struct scene *s, const char *name, unsigned number)
{
	struct survey_config c = {
		.name = strdup(name),
		.config = strdup("{}"),
		.has_uuid = number != 0,
		.uuid = scene_uuid(number),
		.memory_kib = 1024,
	};

	ck_assert_int_eq(str_format(&c.path, "/auto/%s.cfg", name), 0);
	ck_assert_int_eq(survey_add_config(s->survey, &c), 0);
	return &s->survey->configs[s->survey->n_configs - 1];
}

struct survey_image *scene_image(struct scene *s, const char *name, unsigned number)
{
	struct survey_image i = {
		.name = strdup(name),
		.uuid = scene_uuid(number),
		.id = scene_uuid(number + 1000),
		.size = 1024 * 1024, /* as much as the memory of a configuration */
	};

	ck_assert_int_eq(str_format(&i.path, "/save/%s", name), 0);
	ck_assert_int_eq(survey_add_image(s->survey, &i), 0);
	return &s->survey->images[s->survey->n_images - 1];
}

struct domain *scene_domain(struct scene *s, const char *name, unsigned number)
{
	struct domain_list *l = s->domains;
	struct domain *bigger = realloc(l->domains, (l->n + 1) * sizeof(*bigger));

	ck_assert_ptr_nonnull(bigger);
	l->domains = bigger;
	l->domains[l->n] = (struct domain){
		.domid = number,
		.uuid = scene_uuid(number),
		.name = strdup(name),
		.memory_kib = 2048,
		.manager = DOMAIN_MANAGER_XENDOMAINSD,
		.on_reboot = DEATH_RESTART,
	};
	return &l->domains[l->n++];
}

void scene_build(struct scene *s)
{
	inventory_free(s->inventory);
	survey_sort(s->survey);
	ck_assert_int_eq(survey_index(s->survey), 0);
	ck_assert_int_eq(domain_list_index(s->domains), 0);
	ck_assert_int_eq(inventory_build(s->survey, s->domains, s->history, &s->inventory), 0);
}

const struct guest *scene_guest(const struct scene *s, unsigned number)
{
	struct uuid uuid = scene_uuid(number);

	return inventory_find(s->inventory, &uuid);
}

struct plan *scene_plan(const struct scene *s, enum goal goal, const char *name)
{
	struct plan *plan = NULL;

	ck_assert_int_eq(plan_build(goal, s->config, s->inventory, &name, !!name, &plan), 0);
	return plan;
}

const struct step *scene_step(const struct plan *plan, unsigned number)
{
	struct uuid uuid = scene_uuid(number);

	for (size_t i = 0; i < plan->n_steps; i++)
		if (uuid_equal(&plan->steps[i].uuid, &uuid))
			return &plan->steps[i];
	return NULL;
}

char *plan_in_words(const struct plan *plan)
{
	static const char *const results[] = {[STEP_TODO] = "todo",
					      [STEP_OK] = "ok",
					      [STEP_SKIPPED] = "skipped",
					      [STEP_FAILED] = "failed"};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];

		fprintf(out, "%s%s:", i ? "; " : "", s->name);
		for (size_t j = 0; j < s->n_stages; j++)
			fprintf(out, " %s", stage_to_string(s->stages[j]));
		if (s->n_stages > 0)
			continue;
		ck_assert_ptr_nonnull(s->reason);
		fprintf(out, " %s", results[s->result]);
	}
	fclose(out);
	return text;
}

void expect_plan(const struct scene *s, enum goal goal, const char *name, const char *expected)
{
	_cleanup_(plan_freep) struct plan *plan = scene_plan(s, goal, name);
	_cleanup_free_ char *words = plan_in_words(plan);

	ck_assert_int_eq(plan->goal, goal);
	ck_assert_str_eq(words, expected);
}

void expect_reason(const struct scene *s, enum goal goal, const char *guest, const char *part)
{
	_cleanup_(plan_freep) struct plan *plan = scene_plan(s, goal, NULL);

	for (size_t i = 0; i < plan->n_steps; i++) {
		const char *reason = plan->steps[i].reason;

		if (!str_equal(plan->steps[i].name, guest))
			continue;
		ck_assert_msg(reason && strstr(reason, part), "%s: %s", guest,
			      reason ? reason : "-");
		return;
	}
	ck_abort_msg("%s has no step", guest);
}
