/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/plan.h"

/* A host for the pure layer: what is configured, saved and running, put up piece by piece. */
struct scene {
	struct config *config;
	struct survey *survey;
	struct domain_list *domains;
	struct ledger *history;
	struct inventory *inventory; /* as of scene_build() */
};

void scene_make(struct scene *s);
void scene_done(struct scene *s);

#define _cleanup_scene_ _cleanup_(scene_done)

/* A UUID that only this number has; 0 is the null UUID. */
struct uuid scene_uuid(unsigned number);

/* A configuration /auto/NAME.cfg; number 0: it gives no UUID. Valid until the next one is added. */
struct survey_config *scene_config(struct scene *s, const char *name, unsigned number);

/* An image /save/NAME, of the guest of this number; the image's own UUID is number + 1000. */
struct survey_image *scene_image(struct scene *s, const char *name, unsigned number);

/* A domain of ours, with number as its domid too. Valid until the next one is added. */
struct domain *scene_domain(struct scene *s, const char *name, unsigned number);

/* Puts it together, and gives the guest of this number, or NULL. */
void scene_build(struct scene *s);
const struct guest *scene_guest(const struct scene *s, unsigned number);

/* The plan for all guests, or for the named one. */
struct plan *scene_plan(const struct scene *s, enum goal goal, const char *name);
const struct step *scene_step(const struct plan *plan, unsigned number);

/* In words: "web: save shutdown; mail: ok". What has no stages has a reason. The caller's. */
char *plan_in_words(const struct plan *plan);

/* Fails unless that is what is planned. */
void expect_plan(const struct scene *s, enum goal goal, const char *name, const char *expected);

/* Fails unless the reason of this guest, of all, has that in it: a path, a command, a number. */
void expect_reason(const struct scene *s, enum goal goal, const char *guest, const char *part);
