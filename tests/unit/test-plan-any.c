/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "scene.h"
#include "unit.h"
#include "util/str.h"

/* What holds for the plan of any host: hosts are drawn at random, always the same ones. */

#define HOSTS  4000
#define PLACES 8 /* guests that a host may have */

static void draw_config(struct dice *dice, struct config *c)
{
	c->restore = !dice_once_in(dice, 3);
	c->auto_only = dice_once_in(dice, 2);
	if (dice_once_in(dice, 3))
		free(TAKE_PTR(c->save));
	if (dice_once_in(dice, 2)) {
		enum target_problem problem;

		ck_assert_int_eq(target_list_parse("other", &c->migrate, &problem), 0);
	}
	c->shutdown.enabled = !dice_once_in(dice, 3);
	c->shutdown.wait = dice_once_in(dice, 2);
	c->shutdown_all.enabled = !dice_once_in(dice, 3);
	c->shutdown_all.wait = dice_once_in(dice, 2);
}

static void draw_domain(struct dice *dice, struct scene *s, const char *name, unsigned number)
{
	struct domain *d = scene_domain(s, name, number);

	/* Two can have one UUID, but not one number. */
	d->domid = (uint32_t)s->domains->n;
	d->manager = (enum domain_manager)dice_pick(dice, _DOMAIN_MANAGER_MAX);
	d->dying = dice_once_in(dice, 6);
	d->shutdown = dice_once_in(dice, 4);
	d->paused = dice_once_in(dice, 4);
	d->reason = (enum shutdown_reason)dice_pick(dice, _SHUTDOWN_REASON_MAX);
	d->on_crash = (enum death_action)dice_pick(dice, _DEATH_ACTION_MAX);
	d->on_reboot = (enum death_action)dice_pick(dice, _DEATH_ACTION_MAX);
	d->system = dice_once_in(dice, 10);
}

/* What the ledger says of an image. */
static void draw_life(struct dice *dice, struct scene *s, unsigned number,
		      const struct survey_image *image)
{
	struct uuid uuid = scene_uuid(number);
	struct lives *lives = ledger_lives(s->history, &uuid);
	char other[] = "web";

	ck_assert_ptr_nonnull(lives);
	if (dice_once_in(dice, 3))
		ck_assert_int_eq(lives_save(lives,
					    &(struct known_image){
						    .id = image->id,
						    .name = image->name,
						    .other = dice_once_in(dice, 2) ? other : NULL,
						    .path = (char[]){"/save/x"},
						    .directory = (char[]){"fs:1"},
					    },
					    5),
				 0);
	if (dice_once_in(dice, 3))
		lives_begin(lives, dice_once_in(dice, 2) ? &image->id : &UUID_NULL, "web", 6,
			    number, &uuid);
}

/* A guest that has any of the three: numbers and names meet by chance, and so make conflicts. */
static void draw_guest(struct dice *dice, struct scene *s)
{
	unsigned number = (unsigned)dice_pick(dice, PLACES);
	char name[8];

	snprintf(name, sizeof(name), "g%zu", dice_pick(dice, PLACES));
	if (dice_once_in(dice, 2)) {
		struct survey_config *c = scene_config(s, name, number);

		if (dice_once_in(dice, 6))
			c->error = strdup("bad configuration");
	}
	if (dice_once_in(dice, 2)) {
		struct survey_image *i = scene_image(s, name, number);

		if (dice_once_in(dice, 4) || number == 0)
			i->error = strdup("bad image");
		i->foreign = i->error && dice_once_in(dice, 2);
		draw_life(dice, s, number, i);
	}
	if (number && dice_once_in(dice, 2))
		draw_domain(dice, s, name, number);
	if (dice_once_in(dice, 4)) {
		struct uuid uuid = scene_uuid(number);

		ck_assert_int_eq(
			ledger_set_away(s->history, &uuid, name, "other", dice_once_in(dice, 2)),
			0);
	}
}

static void draw_host(struct dice *dice, struct scene *s)
{
	size_t n = dice_pick(dice, PLACES + 1);

	scene_make(s);
	draw_config(dice, s->config);
	for (size_t i = 0; i < n; i++)
		draw_guest(dice, s);
	scene_build(s);
	for (size_t i = 0; i < s->inventory->n; i++)
		s->inventory->guests[i].busy = dice_once_in(dice, 8);
}

static bool has_stage(const struct step *s, enum stage stage)
{
	for (size_t i = 0; i < s->n_stages; i++)
		if (s->stages[i] == stage)
			return true;
	return false;
}

/* What any step must be like to be carried out. */
static void check_step(const struct step *s, enum goal goal)
{
	ck_assert(!str_empty(s->name));
	ck_assert_uint_le(s->n_stages, STEP_STAGES_MAX);
	ck_assert_int_eq(s->result == STEP_TODO, s->n_stages > 0);
	/* Where nothing is done it says why. */
	ck_assert(s->n_stages > 0 || !str_empty(s->reason));
	/* The declared order is the one that the design names; nothing comes twice. */
	for (size_t i = 1; i < s->n_stages; i++)
		ck_assert_int_lt(s->stages[i - 1], s->stages[i]);
	for (size_t i = 0; i < s->n_stages; i++) {
		bool starting = s->stages[i] <= STAGE_CREATE || s->stages[i] == STAGE_RESTART ||
				s->stages[i] == STAGE_SOFT_RESET;

		/* A stop resumes too, what another tool has left suspended. */
		ck_assert(s->stages[i] == STAGE_RESUME || starting == (goal == GOAL_START));
	}
	if (has_stage(s, STAGE_RESTART) || has_stage(s, STAGE_SOFT_RESET))
		ck_assert(s->domid != DOMID_NONE);
	if (goal == GOAL_START)
		ck_assert_uint_le(s->n_stages, 1);
	/* Two guests without a UUID could not be told apart. */
	ck_assert(s->n_stages == 0 || !uuid_is_null(&s->uuid));
	if (has_stage(s, STAGE_CLEAN))
		ck_assert_uint_eq(s->n_stages, 1);
	if (has_stage(s, STAGE_RESTORE) || has_stage(s, STAGE_SAVE))
		ck_assert(!str_empty(s->image));
	if (has_stage(s, STAGE_MIGRATE))
		ck_assert_uint_eq(s->targets.n, 1);
	if (has_stage(s, STAGE_CREATE))
		ck_assert(!str_empty(s->config) && !str_empty(s->source));
	ck_assert(goal == GOAL_START || s->n_stages == 0 || s->domid != DOMID_NONE);
}

static size_t count_steps(const struct plan *plan, const struct guest *g)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_steps; i++)
		n += !uuid_is_null(&g->uuid) && uuid_equal(&plan->steps[i].uuid, &g->uuid) &&
		     plan->steps[i].domid == (g->domain ? g->domain->domid : DOMID_NONE) &&
		     str_equal(plan->steps[i].name, g->name);
	return n;
}

START_TEST(every_guest_in_question_appears_once)
{
	struct dice dice = {10};

	for (int host = 0; host < HOSTS; host++) {
		_cleanup_scene_ struct scene s;
		_cleanup_(plan_freep) struct plan *start = NULL, *stop = NULL;
		size_t n_start = 0, n_stop = 0;

		draw_host(&dice, &s);
		start = scene_plan(&s, GOAL_START, NULL);
		stop = scene_plan(&s, GOAL_STOP, NULL);
		for (size_t i = 0; i < s.inventory->n; i++) {
			const struct guest *g = &s.inventory->guests[i];
			bool startable = g->config || g->hold || (g->n_images > 0 && !g->replaced);

			n_start += startable;
			n_stop += !!g->domain;
			if (uuid_is_null(&g->uuid))
				continue;
			ck_assert_uint_eq(count_steps(start, g), startable);
			ck_assert_uint_eq(count_steps(stop, g), !!g->domain);
		}
		ck_assert_uint_eq(start->n_steps, n_start);
		ck_assert_uint_eq(stop->n_steps, n_stop);
	}
}
END_TEST

START_TEST(every_step_can_be_carried_out)
{
	struct dice dice = {11};

	for (int host = 0; host < HOSTS; host++) {
		_cleanup_scene_ struct scene s;

		draw_host(&dice, &s);
		for (int goal = GOAL_START; goal <= GOAL_STOP; goal += GOAL_STOP - GOAL_START) {
			_cleanup_(plan_freep) struct plan *plan = scene_plan(&s, (enum goal)goal,
									     NULL);

			for (size_t i = 0; i < plan->n_steps; i++)
				check_step(&plan->steps[i], (enum goal)goal);
		}
	}
}
END_TEST

/* Memory on the disk is not thrown away by a start, and never brought back twice. */
START_TEST(no_image_is_passed_over_or_restored_twice)
{
	struct dice dice = {12};
	unsigned restores = 0, creates = 0;

	for (int host = 0; host < HOSTS; host++) {
		_cleanup_scene_ struct scene s;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		size_t n = 0;

		draw_host(&dice, &s);
		plan = scene_plan(&s, GOAL_START, NULL);
		for (size_t i = 0; i < s.inventory->n; i++) {
			const struct guest *g = &s.inventory->guests[i];
			const struct step *step;
			bool past;

			if (!g->config && !g->hold && (g->n_images == 0 || g->replaced))
				continue;
			/* Steps stand in the order of the guests, which all have the same size. */
			step = &plan->steps[n++];
			past = g->image &&
			       standing_is_past(ledger_judge(s.history, &g->uuid, &g->image->id,
							     g->image->name, 0));
			if (has_stage(step, STAGE_CREATE)) {
				creates++;
				ck_assert(!s.config->restore || (!g->image && !g->hold));
				ck_assert_uint_eq(step->stale.n,
						  g->n_images +
							  (s.config->restore ? 0 : g->n_rivals) +
							  (g->former ? g->former->n_images : 0));
				ck_assert(!g->conflict && !g->config->error);
			}
			if (has_stage(step, STAGE_RESTORE)) {
				restores++;
				ck_assert(g->image && s.config->restore && !g->hold);
				ck_assert(!past && !g->image->error);
				ck_assert_str_eq(step->image, g->image->path);
				ck_assert_uint_eq(step->stale.n,
						  g->n_images - 1 +
							  (g->former ? g->former->n_images : 0));
			}
			if (step->n_stages > 0)
				ck_assert(!guest_is_alive(g) || g->busy);
			/* Nor does one run twice that is, or may be, on another host. */
			ck_assert(step->n_stages == 0 || !g->past || !g->past->away);
		}
	}
	/* The dice have shown both. */
	ck_assert_uint_gt(restores, 100);
	ck_assert_uint_gt(creates, 100);
}
END_TEST

static const struct guest *find_guest(const struct scene *s, const struct step *step)
{
	for (size_t i = 0; i < s->inventory->n; i++)
		if (s->inventory->guests[i].domain &&
		    s->inventory->guests[i].domain->domid == step->domid)
			return &s->inventory->guests[i];
	ck_abort_msg("a step is about no guest");
}

START_TEST(a_stop_of_all_touches_nobody_elses_guest)
{
	struct dice dice = {13};
	unsigned seen = 0;

	for (int host = 0; host < HOSTS; host++) {
		_cleanup_scene_ struct scene s;
		_cleanup_(plan_freep) struct plan *plan = NULL;

		draw_host(&dice, &s);
		plan = scene_plan(&s, GOAL_STOP, NULL);
		for (size_t i = 0; i < plan->n_steps; i++) {
			const struct step *step = &plan->steps[i];
			const struct guest *g = find_guest(&s, step);

			ck_assert(!g->domain->system);
			if (g->domain->manager == DOMAIN_MANAGER_LIBVIRT || g->domain->dying)
				ck_assert_uint_eq(step->n_stages, 0);
			if (step->n_stages > 0 && !has_stage(step, STAGE_CLEAN))
				ck_assert_int_eq(step->foreign,
						 g->domain->manager != DOMAIN_MANAGER_XENDOMAINSD);
			if (has_stage(step, STAGE_SAVE) || has_stage(step, STAGE_MIGRATE))
				ck_assert(!s.config->auto_only || g->config ||
					  (g->twin && g->twin->config && !guest_is_alive(g->twin)));
			if (guest_is_undecided(g))
				ck_assert_uint_eq(step->n_stages, 0);
			seen += step->n_stages > 0;
		}
	}
	ck_assert_uint_gt(seen, 1000);
}
END_TEST

SUITE("plan-any", every_guest_in_question_appears_once, every_step_can_be_carried_out,
      no_image_is_passed_over_or_restored_twice, a_stop_of_all_touches_nobody_elses_guest);
