/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"
#include "wire/json.h"

/*
 * Marks, among images of this directory (type Image in wire/interface.c), those that their guests
 * have outlived as far as the inventory knows: they can be read, and no start restores them.
 * 0 or -ENOMEM.
 */
int outlived_note(struct json_object *images, const char *directory,
		  const struct inventory *inventory);
