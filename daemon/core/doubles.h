/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/* Finds several domains of one UUID, or a domain and an image: warns, and holds guests in conflict.
 */

/* Domains. For an inventory in which each guest has its parts. 0 or -ENOMEM. */
int doubles_find(struct inventory *inventory);

/*
 * A domain that runs, and an image of another name that is not past: a double is saved in it. For a
 * guest whose images have been judged. 0 or -ENOMEM.
 */
int doubles_find_saved(struct guest *g);
