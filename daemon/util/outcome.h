/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The outcome of an operation. Decisions are made on this and never on the errno beside it, which
 * may come from any call, and which is for the log.
 */
enum operation_outcome {
	OPERATION_FAILED, /* also without a known cause */
	OPERATION_OK,
	OPERATION_TIMED_OUT,    /* create, restore: libxl's own limit ran out; nothing is left */
	OPERATION_DISK_CHANGED, /* restore: a disk was written after the save */
	OPERATION_DISK_UNKNOWN, /* restore: it is unknown whether one was */
	OPERATION_LEFT_BEHIND,  /* save: the image counts, and the domain is still there */
	OPERATION_UNDECIDED,    /* migrate: where the guest is cannot be known; leave it alone */
	_OPERATION_OUTCOME_MAX,
};

/* What LEFT_BEHIND comes to, for messages; a reason or advice may follow. */
#define LEFT_BEHIND_WORDS "the guest is saved, but its domain could not be destroyed"
