/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/inventory.h"
#include "core/step.h"

/*
 * Plans for one guest. Each function adds the stages to the step, with their parameters, or
 * concludes the step. 0 or -ENOMEM. named: a person has named this guest.
 */

/* cold: without the memory that is saved. */
int plan_start(struct step *s, const struct config *config, const struct guest *g, bool named,
	       bool cold);

/* Says that the image of a guest cannot be restored, and which choices there are. 0 or -ENOMEM. */
int plan_explain_image(const struct guest *g, char **ret);

/* Of a guest with a domain. forced: also of libvirt's. */
int plan_stop(struct step *s, const struct config *config, const struct inventory *inventory,
	      const struct guest *g, bool named, bool forced);

/* Plans the reaction to a guest that has ended. */
int plan_end(struct step *s, const struct config *config, const struct guest *g,
	     enum death_action action);
