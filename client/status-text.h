/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "status-columns.h"
#include "terminal.h"

/* How "status" is shown to people. */
struct status_layout {
	struct terminal terminal;
	struct status_choice choice;
	bool selected; /* some guests were named, or chosen by their state */
	bool story;    /* one guest was named: all that is known of it */
};

/* Prints a reply of Status, which make_printable() has gone through. */
void status_print(FILE *out, struct json_object *parameters, const struct status_layout *layout);

/* Prints the refused lines of the settings of a reply, and what follows from them. False: none. */
bool status_print_settings(FILE *out, struct json_object *parameters, size_t width);
