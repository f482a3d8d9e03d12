/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* What began a life of a guest, as the ledger records it. */
enum beginning {
	BEGINNING_CREATE,
	BEGINNING_RESTART,
	BEGINNING_RESTORE,
	BEGINNING_RESUME,
	BEGINNING_SOFT_RESET,
	BEGINNING_UNPAUSE,
	BEGINNING_SEEN, /* the domain was there, whatever began it */
	_BEGINNING_MAX,
	_BEGINNING_INVALID = -EINVAL,
};

const char *beginning_to_string(enum beginning beginning);
enum beginning beginning_from_string(const char *s);
