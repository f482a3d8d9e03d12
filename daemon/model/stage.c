/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/stage.h"

#include "util/str.h"

static const char *const stage_names[_STAGE_MAX] = {
	[STAGE_RESTORE] = "restore",
	[STAGE_CREATE] = "create",
	[STAGE_RESUME] = "resume",
	[STAGE_UNPAUSE] = "unpause",
	[STAGE_SYSRQ] = "sysrq",
	[STAGE_MIGRATE] = "migrate",
	[STAGE_SAVE] = "save",
	[STAGE_SHUTDOWN] = "shutdown",
	[STAGE_SHUTDOWN_ALL] = "shutdown-all",
	[STAGE_DESTROY] = "destroy",
	[STAGE_RESTART] = "restart",
	[STAGE_SOFT_RESET] = "soft-reset",
	[STAGE_CLEAN] = "clean",
};

const char *stage_to_string(enum stage stage)
{
	return stage < 0 ? NULL : stage_names[stage];
}

enum stage stage_from_string(const char *s)
{
	return (enum stage)str_lookup(stage_names, _STAGE_MAX, s);
}

bool stage_is_preparation(enum stage stage)
{
	return stage == STAGE_RESUME || stage == STAGE_UNPAUSE || stage == STAGE_SYSRQ;
}
