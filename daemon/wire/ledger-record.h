/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"
#include "wire/json.h"

/*
 * The lines of /var/lib/xendomains/journal, one JSON object each. Daemon and workers append to it,
 * and the daemon reads it when it starts. A line that a power cut tore is skipped.
 */
enum ledger_kind {
	LEDGER_DRAWN,    /* a UUID was drawn for the guest of this name */
	LEDGER_RESTORED, /* an image was restored, and must never be again */
	LEDGER_FAILURE,  /* why a guest is not where it should be; without reason: it is */
	LEDGER_RESTART,  /* a guest restarted itself */
	LEDGER_FORGIVEN, /* failure and restarts are forgotten: somebody wants it to run */
	LEDGER_LEAVING,  /* the guest is about to be let go to another host: it may run there */
	LEDGER_MIGRATED, /* it runs there */
	LEDGER_REMARK,   /* what went wrong on the way of a guest that is where it should be */
	LEDGER_HOME,     /* it is here: what the two above say holds no more */
	LEDGER_PACE,     /* how fast guests were saved; of no guest */
	_LEDGER_KIND_MAX,
	_LEDGER_KIND_INVALID = -EINVAL,
};

struct ledger_record {
	enum ledger_kind kind;
	struct uuid uuid; /* the guest's or, of LEDGER_RESTORED, the image's */
	const char *name; /* the guest's */
	const char *reason;
	const char *target; /* LEDGER_LEAVING, LEDGER_MIGRATED: the other host */
	uint64_t rate;      /* LEDGER_PACE: KiB/s */
	struct uuid boot;   /* during which it was written */
	usec_t time;        /* monotonic, of that boot */
};

/* Appends one line and waits until it is on the disk. 0 or -errno. */
int ledger_append(const char *path, const struct ledger_record *entry);

/* Reads a line. The entry's texts live as long as *ret_line. 0, -EBADMSG or -ENOMEM. */
int ledger_record_parse(const char *text, size_t length, struct ledger_record *ret,
			struct json_object **ret_line);

/* The running boot's ID. 0 or -errno. */
int ledger_boot_id(struct uuid *ret);
