/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/* How the host fares, for a monitoring system. */
struct check_result {
	enum check_status status;
	char *text; /* for people; in one line */
	char *data; /* numbers, as plugins for Nagios write them; NULL: none */
};

/* How long the daemon may take: Nagios ends a plugin after a minute, and Icinga too. */
#define CHECK_LIMIT (20 * USEC_PER_SEC)

/*
 * Judges a reply of Status. named: its guests are those that the command names, which are to run
 * whatever became of their configurations. 0 or -ENOMEM.
 */
int check_judge(struct json_object *parameters, bool named, struct check_result *ret);
void check_done(struct check_result *result);

/* In the output of a plugin a bar ends the text. */
void check_clean_bars(char *s);

/* Prints it: a line, or a JSON object. */
void check_print(FILE *out, const struct check_result *result, bool json);

/*
 * Says that the command line has a mistake, which Nagios would take for something critical by the
 * usual exit status. Returns the status for it.
 */
int check_usage(void);
