/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/logind.h"
#include "manager/manager.h"
#include "model/host-lock.h"

/*
 * The host goes down: what logind says becomes a stop of all guests, and as long as there is a
 * guest to protect, logind's lock is held. core/hostdown-state.h decides.
 */
struct hostdown;

/*
 * lock: logind's, of an earlier daemon, or -1; taken over also on failure. folder: the runtime
 * directory; borrowed. 0 or -errno.
 */
int hostdown_new(struct loop *loop, struct manager *manager, int lock, const char *folder,
		 struct hostdown **ret);
struct hostdown *hostdown_free(struct hostdown *h);

/*
 * systemd is stopping the system, and forces it down at until (a time of loop_now(), or
 * USEC_INFINITY): from now on nothing is started, and all guests are being stopped.
 */
void hostdown_leave(struct hostdown *h, usec_t until);

/* Whether the stop that follows from that is under way, and not at its end. */
bool hostdown_is_leaving(const struct hostdown *h);

/* The part of it that status shows. */
struct hostdown_view {
	enum host_lock lock;
	const char *kind; /* of the shutdown that is under way; or NULL */
	usec_t grants;    /* how long logind waits; USEC_INFINITY: that is not known */
	usec_t budget;    /* what a shutdown now would give a stop of that; 0: nothing */
	usec_t end;       /* after what time systemd would force the host down; or USEC_INFINITY */
	usec_t needs;     /* how long a stop may take */
};

struct hostdown_view hostdown_view(const struct hostdown *h);

DEFINE_CLEANUP(struct hostdown, hostdown_free);
