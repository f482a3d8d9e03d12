/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/limits.h"
#include "engine/run.h"
#include "hv/hv.h"

/* For the executor only: what is asked of a guest itself, rather than done by a worker. */

enum asked {
	ASKED_WAIT,   /* for the guest, or for one of the run's timers */
	ASKED_DONE,   /* nothing more is to be waited for */
	ASKED_FAILED, /* with a reason */
};

/* How long the guest has that was asked in this stage; of STAGE_SYSRQ, the pause after a key. */
usec_t asking_limit(const struct run *run, const struct executor_limits *limits);

/*
 * Begins the stage, which is STAGE_SYSRQ or asks for a shutdown. limit: that of asking_limit(). The
 * reason is static.
 */
enum asked asking_begin(struct run *run, struct hv *hv, usec_t limit, const char **ret_reason);

/*
 * When the guest has another domain all of a sudden, which knows of no request: asks that one. The
 * limit counts from the first request of the stage, or a guest that reboots each time would have no
 * end. Keys that were sent are not sent again.
 */
enum asked asking_renew(struct run *run, struct hv *hv, const char **ret_reason);

/* When the limits have changed: a guest that was asked has the new one, from when it was asked on.
 */
void asking_set_limit(struct run *run, const struct executor_limits *limits);

/* When the pause after a key is over: the next key. */
enum asked asking_go_on(struct run *run, struct hv *hv, usec_t limit, const char **ret_reason);

/*
 * When run->again fires: asks once more, unless the guest has taken the request, or is not alive
 * now.
 */
void asking_repeat(struct run *run, struct hv *hv, bool alive);

/* How a guest that is still there has reacted to the request, in words. */
const char *asking_silence(struct run *run, struct hv *hv);
