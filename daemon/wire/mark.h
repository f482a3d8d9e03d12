/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"
#include "wire/json.h"

/*
 * The mark that says that a domain is ours: the value of /libxl/DOMID/xendomainsd in XenStore,
 * which guests cannot write and which Xen removes with the domain. A worker writes it while the
 * domain is still paused, the daemon reads it.
 */
#define MARK_KEY "xendomainsd"

/*
 * The node /libxl/DOMID/xendomainsd-suspend: a worker asks the domain to suspend (MARK_ASKING), or
 * has asked, and it may still suspend, although no worker waits, until this time (usec_now()).
 * Written before the request, and removed when the domain has suspended, or the request was taken
 * back.
 */
#define MARK_PENDING_KEY MARK_KEY "-suspend"
#define MARK_ASKING      "asking"

/* Longer than libxl itself waits for a guest (4.17 to 4.20: 60 s to take it, 60 s to suspend). */
#define MARK_PENDING_TIME (120 * USEC_PER_SEC)

/* No guest has more disks than this to eject, and the value must fit into a node of XenStore. */
#define MARK_REMOVABLE_MAX 16

struct mark {
	struct json_object *text; /* owns what follows */
	struct uuid uuid;         /* of the domain: a number can be used again, a mark cannot */
	const char *source;
	/* libxl's words; NULL: its default. */
	const char *on_poweroff, *on_reboot, *on_watchdog, *on_crash, *on_soft_reset;
	/*
	 * The disks that the guest may eject: [{"vdev": "hdc", "devid": 5632}]. NULL: none.
	 */
	struct json_object *removable;
	/*
	 * The image that all of its memory is in: it is suspended, must not run again, and could
	 * not be destroyed. Null: it is no such remains.
	 */
	struct uuid saved;
};

/* One of these disks, from index 0 until -ENOENT. -EBADMSG for an invalid one. */
int mark_removable(const struct mark *mark, size_t index, const char **ret_vdev,
		   uint32_t *ret_devid);

/*
 * The value for a domain, with the actions taken from its configuration (libxl's JSON), and the
 * disks that the guest may eject (as in struct mark; may be NULL, stays the caller's). 0, -EBADMSG
 * for an invalid configuration, or -ENOMEM.
 */
int mark_format(const struct uuid *uuid, const char *source, const char *config,
		struct json_object *removable, char **ret);

/* The value for a domain that is kept as it is, however it has ended. */
int mark_format_preserved(const struct uuid *uuid, const char *source, char **ret);

/* The value for the remaining domain of a guest that is saved, in the image of this ID. */
int mark_format_saved(const struct uuid *uuid, const struct uuid *image, char **ret);

/* 0, -EBADMSG, or -ENOMEM. */
int mark_parse(const char *text, size_t length, struct mark *ret);
void mark_done(struct mark *mark);
