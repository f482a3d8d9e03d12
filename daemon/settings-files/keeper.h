/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"
#include "settings-files/files.h"

/* Has a helper keep the copy of the last good settings (settings-files/copy.h), one after the
 * other. */
struct settings_keeper;

/* There is no copy of the settings that were handed over last, or an older one. */
typedef void (*settings_unkept_fn)(void *data, int error);

/* paths: valid for as long as the keeper lives. 0 or -ENOMEM. */
int settings_keeper_new(struct loop *loop, const struct settings_paths *paths,
			settings_unkept_fn fn, void *data, struct settings_keeper **ret);

/* A copy that is pending or being written is finished without it. */
struct settings_keeper *settings_keeper_free(struct settings_keeper *keeper);

/* These are good. 0, or -ENOMEM. */
int settings_keeper_keep(struct settings_keeper *keeper, const struct settings *s);

DEFINE_CLEANUP(struct settings_keeper, settings_keeper_free);
