/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/* A call of Status that is answered again whenever something has changed. */
struct status_follow;

/* Guests are named as status_ask() takes them; borrowed. NULL: no memory. */
struct status_follow *status_follow_new(const struct context *context, char **names);
struct status_follow *status_follow_free(struct status_follow *f);

/*
 * Waits so long at most (USEC_INFINITY: without end) for the next answer. 1 and its parameters,
 * borrowed until the next call; 0 without an answer, also when the size of the terminal has
 * changed; or a negative exit status with everything said.
 */
int status_follow_next(struct status_follow *f, usec_t limit, struct json_object **ret);

/*
 * Brings the parts of the answer up to date that only depend on the time. Returns how long it
 * stays as it is: USEC_INFINITY, or at least a pause that a person does not mind.
 */
usec_t status_follow_age(struct status_follow *f);

DEFINE_CLEANUP(struct status_follow, status_follow_free);
