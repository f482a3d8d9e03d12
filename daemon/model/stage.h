/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* What can be done with a guest so that it is where it should be; a step tries some, in order. */
enum stage {
	STAGE_RESTORE,
	STAGE_CREATE,
	STAGE_RESUME,  /* what a migration, or another tool, left suspended; ends no stop's way */
	STAGE_UNPAUSE, /* so that it can react to what follows; ends no guest's way */
	STAGE_SYSRQ,   /* keys sent to its kernel; ends no guest's way either */
	STAGE_MIGRATE,
	STAGE_SAVE,
	STAGE_SHUTDOWN,
	STAGE_SHUTDOWN_ALL, /* when all other guests are past their stages before this one */
	STAGE_DESTROY,      /* of a guest that is still there, because it is configured so */
	STAGE_RESTART,      /* destroy and create again: the guest asked for a reboot */
	STAGE_SOFT_RESET,   /* devices are made anew, memory stays: the guest boots by itself */
	STAGE_CLEAN,        /* destroy what is left of a guest that has ended */
	_STAGE_MAX,
	_STAGE_INVALID = -EINVAL,
};

/* NULL for _STAGE_INVALID, which stands for no stage. */
const char *stage_to_string(enum stage stage);
enum stage stage_from_string(const char *s);

/* Whether a stage only prepares the guest for the next one, which follows however it ends. */
bool stage_is_preparation(enum stage stage);
