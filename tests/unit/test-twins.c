/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "scene.h"
#include "unit.h"
#include "util/str.h"

/* Two domains of one UUID, in each pair of states that domains can be in. */

#define SUSPENDED .shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND

static const struct kind {
	const char *name;
	struct domain domain;
	bool lives;
} kinds[] = {
	{"running", {.cpu_time = 1}, true},
	{"paused", {.paused = true, .cpu_time = 1}, true},
	{"never-run", {.paused = true}, false},
	{"unbuilt", {.paused = true, .unbuilt = true}, false},
	{"saving", {SUSPENDED, .saver = true}, false},
	{"suspended", {SUSPENDED}, false},
	{"left", {SUSPENDED, .saved = true}, false},
	{"poweroff", {.shutdown = true, .reason = SHUTDOWN_REASON_POWEROFF}, false},
	{"reboot", {.shutdown = true, .reason = SHUTDOWN_REASON_REBOOT}, false},
	{"preserved", {.shutdown = true, .reason = SHUTDOWN_REASON_CRASH}, false},
};

static void add(struct scene *s, const struct kind *kind, const char *name, uint32_t domid,
		enum domain_manager manager, bool made_of_it)
{
	struct domain *d = scene_domain(s, name, 1), *made;
	char *own = d->name;

	*d = kind->domain;
	made = d;
	made->uuid = scene_uuid(1);
	made->domid = domid;
	made->name = own;
	made->memory_kib = 1024;
	made->manager = manager;
	made->on_reboot = DEATH_RESTART;
	made->on_crash = DEATH_PRESERVE;
	if (made_of_it)
		ck_assert_int_eq(str_replace(&made->source, "/auto/web.cfg"), 0);
}

struct pair {
	const struct kind *first, *second; /* as they are listed */
	const char *names[2];
	enum domain_manager managers[2];
	bool made; /* both were made from the guest's configuration */
};

static void make(struct scene *s, const struct pair *p)
{
	scene_make(s);
	ck_assert_int_eq(str_replace(&s->config->save, "/save"), 0);
	scene_config(s, "web", 1);
	add(s, p->first, p->names[0], 1, p->managers[0], p->made);
	add(s, p->second, p->names[1], 2, p->managers[1], p->made);
	scene_build(s);
}

static void each_pair(void (*fn)(const struct pair *p))
{
	static const char *const names[][2] = {
		{"web", "clone"}, {"clone", "web"}, {"a", "b"}, {"web--migratedaway", "web"}};
	static const enum domain_manager managers[][2] = {
		{DOMAIN_MANAGER_XENDOMAINSD, DOMAIN_MANAGER_XENDOMAINSD},
		{DOMAIN_MANAGER_XENDOMAINSD, DOMAIN_MANAGER_XL},
		{DOMAIN_MANAGER_XL, DOMAIN_MANAGER_XENDOMAINSD}};

	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		for (size_t j = 0; j < ELEMENTSOF(kinds); j++)
			for (size_t k = 0; k < ELEMENTSOF(names); k++)
				for (size_t m = 0; m < 2 * ELEMENTSOF(managers); m++)
					fn(&(struct pair){
						.first = &kinds[i],
						.second = &kinds[j],
						.names = {names[k][0], names[k][1]},
						.managers = {managers[m / 2][0],
							     managers[m / 2][1]},
						.made = m % 2,
					});
}

/* Nothing but the UUID says that either is the guest. */
static bool are_strangers(const struct pair *p)
{
	return !p->made && str_equal(p->names[0], "a");
}

static void expect_both_listed(const struct pair *p)
{
	_cleanup_scene_ struct scene s;
	bool seen[2] = {false};

	make(&s, p);
	ck_assert_uint_eq(s.inventory->n, are_strangers(p) ? 3 : 2);
	for (size_t i = 0; i < s.inventory->n; i++) {
		const struct guest *g = &s.inventory->guests[i];

		if (!g->domain) {
			/* It may be one of them, and must not run beside it. */
			ck_assert_ptr_nonnull(g->config);
			ck_assert_str_eq(g->name, "web");
			ck_assert_ptr_nonnull(g->hold);
			ck_assert(g->occupied);
			continue;
		}
		ck_assert(domain_is_called(g->domain, g->name));
		seen[g->domain->domid - 1] = true;
		/* What may be the guest itself is not recorded as another one. */
		if (!scene_guest(&s, 1)->occupied)
			ck_assert_ptr_nonnull(g->other);
	}
	ck_assert(seen[0] && seen[1]);
}

START_TEST(two_domains_of_one_uuid_are_both_listed_under_their_own_names)
{
	each_pair(expect_both_listed);
}
END_TEST

static void expect_the_one_meant(const struct pair *p)
{
	_cleanup_scene_ struct scene s;
	const struct guest *g;
	bool called[2];

	make(&s, p);
	for (size_t i = 0; i < 2; i++)
		called[i] = domain_is_called(&s.domains->domains[i], "web");
	g = scene_guest(&s, 1);
	ck_assert_ptr_nonnull(g->config);
	if (are_strangers(p))
		ck_assert_ptr_null(g->domain);
	else if (!p->made && called[0] != called[1])
		ck_assert_uint_eq(g->domain->domid, called[0] ? 1 : 2);
	else if (p->first->lives != p->second->lives)
		ck_assert_uint_eq(g->domain->domid, p->first->lives ? 1 : 2);
	else if (p->first == p->second && called[0] != called[1])
		ck_assert_uint_eq(g->domain->domid, called[0] ? 1 : 2);
}

START_TEST(configuration_stands_for_what_was_made_of_it_or_has_its_name_and_then_for_what_lives)
{
	each_pair(expect_the_one_meant);
}
END_TEST

static void expect_both_stopped(const struct pair *p)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_scene_ struct scene s;

	make(&s, p);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_uint_eq(plan->n_steps, 2);
	ck_assert_uint_ne(plan->steps[0].domid, plan->steps[1].domid);
	for (size_t i = 0; i < 2; i++) {
		const struct step *step = &plan->steps[i];
		const struct domain *d = &s.domains->domains[step->domid - 1];

		ck_assert(step->n_stages > 0 || step->reason);
		ck_assert(domain_is_called(d, step->name));
		/* A guest that runs is saved, whatever else has its UUID. */
		if (domain_has_life(d))
			ck_assert(step_has(step, STAGE_SAVE));
		/* What was to be seen afterwards is not destroyed. */
		if (d->shutdown && d->reason == SHUTDOWN_REASON_CRASH &&
		    d->manager == DOMAIN_MANAGER_XENDOMAINSD)
			ck_assert_uint_eq(step->n_stages, 0);
	}
	/* They do not put each other's memory aside. */
	if (plan->steps[0].image && plan->steps[1].image && step_has(&plan->steps[0], STAGE_SAVE) &&
	    step_has(&plan->steps[1], STAGE_SAVE) &&
	    !str_equal(plan->steps[0].name, plan->steps[1].name))
		ck_assert_str_ne(plan->steps[0].image, plan->steps[1].image);
}

START_TEST(stop_stops_both_domains_of_one_uuid_or_says_why_not)
{
	each_pair(expect_both_stopped);
}
END_TEST

static void expect_named_stop(const struct pair *p)
{
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_scene_ struct scene s;

		make(&s, p);
		/* Of two with one name, the one that lives is meant. */
		plan = scene_plan(&s, GOAL_STOP, p->names[i]);
		ck_assert_uint_eq(plan->n_steps, 1);
		if (domain_is_called(&s.domains->domains[1 - i], p->names[i]))
			ck_assert_uint_eq(plan->steps[0].domid, scene_guest(&s, 1)->domain->domid);
		else if (domain_is_called(&s.domains->domains[i], p->names[i]))
			ck_assert_uint_eq(plan->steps[0].domid, i + 1);
	}
}

START_TEST(stop_of_one_name_stops_the_domain_of_that_name)
{
	each_pair(expect_named_stop);
}
END_TEST

static void expect_both_of_the_uuid(const struct pair *p)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct uuid uuid = scene_uuid(1);
	_cleanup_scene_ struct scene s;

	make(&s, p);
	plan = scene_plan(&s, GOAL_STOP, UUID_TEXT(&uuid));
	ck_assert_uint_eq(plan->n_steps, 2);
	ck_assert_uint_ne(plan->steps[0].domid, plan->steps[1].domid);
}

START_TEST(stop_of_a_uuid_stops_both_domains_that_have_it)
{
	each_pair(expect_both_of_the_uuid);
}
END_TEST

static void expect_no_third(const struct pair *p)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_scene_ struct scene s;

	make(&s, p);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_uint_eq(plan->n_steps, 1);
	ck_assert(!step_has(&plan->steps[0], STAGE_RESTORE));
	ck_assert(!step_has(&plan->steps[0], STAGE_CREATE));
	if (are_strangers(p))
		return;
	if ((p->first->lives || p->second->lives) && p->made)
		ck_assert_uint_eq(plan->steps[0].n_stages, 0);
}

START_TEST(start_builds_no_third_domain_beside_two_of_one_uuid)
{
	each_pair(expect_no_third);
}
END_TEST

START_TEST(operation_on_one_domain_keeps_others_from_both)
{
	const struct pair p = {&kinds[0], &kinds[8], {"web", "clone"}, {0}, true};
	_cleanup_scene_ struct scene s;
	struct uuid uuid = scene_uuid(1);

	make(&s, &p);
	inventory_set_busy(s.inventory, &uuid, 0);
	ck_assert(s.inventory->guests[0].busy);
	ck_assert(s.inventory->guests[1].busy);
}
END_TEST

/* A person has renamed the domain that ended, and created the guest once more. */
START_TEST(ended_domain_of_a_guest_that_lives_on_is_not_restarted)
{
	static const struct {
		const char *names[2];
		bool superseded;
	} cases[] = {
		{{"web-crashed", "web"}, true},
		{{"web", "clone"}, false},
		{{"a", "b"}, false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const struct pair p = {
			&kinds[8], &kinds[0], {cases[i].names[0], cases[i].names[1]}, {0}, true};
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_scene_ struct scene s;
		const struct guest *ended;

		make(&s, &p);
		ended = inventory_find_named(s.inventory, cases[i].names[0]);
		ck_assert_uint_eq(ended->domain->domid, 1);
		ck_assert_int_eq(guest_is_superseded(ended), cases[i].superseded);
		plan = scene_plan(&s, GOAL_START, cases[i].names[0]);
		ck_assert_int_eq(step_has(&plan->steps[0], STAGE_RESTART), !cases[i].superseded);
	}
}
END_TEST

START_TEST(image_is_doubted_only_where_the_other_domain_can_be_in_it)
{
	static const struct {
		size_t other;
		bool shared;
	} cases[] = {{0, true}, {2, true}, {4, true}, {7, false}, {9, false}};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const struct pair p = {
			&kinds[0], &kinds[cases[i].other], {"web", "clone"}, {0}, true};
		_cleanup_scene_ struct scene s;

		make(&s, &p);
		ck_assert_int_eq(scene_guest(&s, 1)->shared, cases[i].shared);
	}
}
END_TEST

START_TEST(configuration_without_a_uuid_is_the_living_domain_of_its_name)
{
	for (unsigned turn = 0; turn < 2; turn++) {
		_cleanup_scene_ struct scene s;
		struct domain *left;

		scene_make(&s);
		scene_config(&s, "web", 0);
		if (turn == 1)
			scene_domain(&s, "web", 2);
		left = scene_domain(&s, "web--migratedaway", 1);
		left->shutdown = true;
		left->reason = SHUTDOWN_REASON_SUSPEND;
		if (turn == 0)
			scene_domain(&s, "web", 2);
		scene_build(&s);
		ck_assert_ptr_nonnull(scene_guest(&s, 2)->config);
		ck_assert_ptr_null(scene_guest(&s, 1)->config);
	}
}
END_TEST

SUITE("twins", two_domains_of_one_uuid_are_both_listed_under_their_own_names,
      configuration_stands_for_what_was_made_of_it_or_has_its_name_and_then_for_what_lives,
      stop_stops_both_domains_of_one_uuid_or_says_why_not,
      stop_of_one_name_stops_the_domain_of_that_name,
      stop_of_a_uuid_stops_both_domains_that_have_it,
      start_builds_no_third_domain_beside_two_of_one_uuid,
      operation_on_one_domain_keeps_others_from_both,
      ended_domain_of_a_guest_that_lives_on_is_not_restarted,
      image_is_doubted_only_where_the_other_domain_can_be_in_it,
      configuration_without_a_uuid_is_the_living_domain_of_its_name);
