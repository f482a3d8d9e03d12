/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/xl/xl.h"

/* What the files of the stand-in for libxl share. */

struct xl {
	struct xl_options options;
	char *reason;
	int claims; /* of memory; -1 */
};

/* Where a stream of the stand-in has the guest's memory: what is in front of its first page. */
extern const size_t xl_fake_first_page;

/* Keeps the first reason of an error that is returned. Returns error. */
int xl_fake_fail(struct xl *xl, int error, const char *reason);

/* What a call returns: a success takes back what earlier ones have told. */
int xl_fake_end_call(struct xl *xl, int r);

/* Takes time, and can be ended early: then -ECANCELED or -ETIME. */
int xl_fake_pass_time(struct xl *xl, uint64_t msec);
