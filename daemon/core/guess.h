/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * The name of a guest that "status" shows, and that a person may have meant by something that is
 * no guest's name: its domid, its configuration file, or a name that is near. NULL: none is known.
 */
const char *guess_guest(const struct inventory *inventory, const char *name);
