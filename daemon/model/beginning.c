/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/beginning.h"

#include "util/str.h"

static const char *const beginning_names[_BEGINNING_MAX] = {
	[BEGINNING_CREATE] = "create",
	[BEGINNING_RESTART] = "restart",
	[BEGINNING_RESTORE] = "restore",
	[BEGINNING_RESUME] = "resume",
	[BEGINNING_SOFT_RESET] = "soft-reset",
	[BEGINNING_UNPAUSE] = "unpause",
	[BEGINNING_SEEN] = "seen",
};

const char *beginning_to_string(enum beginning beginning)
{
	return beginning_names[beginning];
}

enum beginning beginning_from_string(const char *s)
{
	return (enum beginning)str_lookup(beginning_names, _BEGINNING_MAX, s);
}
