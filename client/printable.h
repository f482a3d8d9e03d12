/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * Removes from all strings in a reply (may be NULL) the characters that a terminal would obey:
 * names and reasons can have been chosen by the owner of a guest.
 */
void make_printable(struct json_object *o);
