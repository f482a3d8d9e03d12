/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "table.h"
#include "wire/json.h"

/* The columns of "status", with a row for each guest of a reply. NULL: no memory. */
struct table *status_columns(struct json_object *guests);
