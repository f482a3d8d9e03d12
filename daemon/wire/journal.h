/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"
#include "wire/json.h"

/*
 * The lines of /var/lib/xendomains/journal, one JSON object each. Daemon and workers append to it,
 * and the daemon reads it when it starts. A line that a power cut tore is skipped.
 */
enum journal_kind {
	JOURNAL_DRAWN,    /* a UUID was drawn for the guest of this name */
	JOURNAL_RESTORED, /* an image was restored, and must never be again */
	JOURNAL_FAILURE,  /* why a guest is not where it should be; without reason: it is */
	JOURNAL_RESTART,  /* a guest restarted itself */
	JOURNAL_FORGIVEN, /* failure and restarts are forgotten: somebody wants it to run */
	JOURNAL_LEAVING,  /* the guest is about to be let go to another host: it may run there */
	JOURNAL_MIGRATED, /* it runs there */
	JOURNAL_REMARK,   /* what went wrong on the way of a guest that is where it should be */
	JOURNAL_HOME,     /* it is here: what the two above say holds no more */
	JOURNAL_PACE,     /* how fast guests were saved; of no guest */
	_JOURNAL_KIND_MAX,
	_JOURNAL_KIND_INVALID = -EINVAL,
};

struct journal_entry {
	enum journal_kind kind;
	struct uuid uuid; /* the guest's or, of JOURNAL_RESTORED, the image's */
	const char *name; /* the guest's */
	const char *reason;
	const char *target; /* JOURNAL_LEAVING, JOURNAL_MIGRATED: the other host */
	uint64_t rate;      /* JOURNAL_PACE: KiB/s */
	struct uuid boot;   /* during which it was written */
	usec_t time;        /* monotonic, of that boot */
};

/* Appends one line and waits until it is on the disk. 0 or -errno. */
int journal_append(const char *path, const struct journal_entry *entry);

/* Reads a line. The entry's texts live as long as *ret_line. 0, -EBADMSG or -ENOMEM. */
int journal_parse(const char *text, size_t length, struct journal_entry *ret,
		  struct json_object **ret_line);

/* The running boot's ID. 0 or -errno. */
int journal_boot_id(struct uuid *ret);
