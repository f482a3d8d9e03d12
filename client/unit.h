/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/* Conditions of a start or a stop that a unit of ours asks for, and not a person. */

/*
 * Why the unit's stop is to leave guests alone: *ret, the caller's, or NULL where it is not. Where
 * PID 1 does not say, guests are stopped. 0 or -ENOMEM.
 */
int unit_may_stop(const char *unit, char **ret, struct occasion *ret_occasion);

/*
 * Why the start at boot is left out, this once, or NULL: the kernel's command line has
 * xendomains.skip, or there is a file, which is removed.
 */
const char *unit_skips_start(void);

/* Whether this is the control domain of a Xen host, as far as the kernel tells. */
bool unit_is_control_domain(void);
