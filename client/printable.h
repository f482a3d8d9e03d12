/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * Takes out of all strings in a reply (NULL: there is none) what a terminal would take for orders:
 * names and reasons can have been chosen by the owner of a guest.
 */
void make_printable(struct json_object *o);
