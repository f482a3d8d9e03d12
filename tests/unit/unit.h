/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <check.h>

#include "util/log.h"
#include "util/macro.h"

/*
 * What all suites share. A suite is a program: its tests, and SUITE() at the end. A test is named
 * after what would break if it failed.
 */

#define SUITE(name, ...)                                                                           \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = {__VA_ARGS__};                                        \
                                                                                                   \
		return unit_run(name, tests, ELEMENTSOF(tests));                                   \
	}                                                                                          \
	struct unit_needs_a_semicolon

int unit_run(const char *name, const TTest *const *tests, size_t n);

/* Messages that the code under test has logged since the test began, a line each. */
const char *unit_log(void);

/*
 * How many of them have these fields, of message_id, domain, stage and result; NULL is any:
 *
 *     LOGGED(.message_id = MSG_GUEST_ENDED, .domain = "a")
 */
unsigned unit_logged(const struct log_fields *wanted);

#define LOGGED(...) unit_logged(&(struct log_fields){__VA_ARGS__})

/* The sum of their times. */
usec_t unit_logged_time(const struct log_fields *wanted);

#define LOGGED_TIME(...) unit_logged_time(&(struct log_fields){__VA_ARGS__})

/* A folder of its own for a test; all that is in it goes with it. */
struct folder {
	char path[64];
};

void folder_make(struct folder *f);
void folder_remove(struct folder *f);

#define _cleanup_folder_ _cleanup_(folder_remove)

/* The path of a file in the folder: valid until the test ends. */
const char *folder_path(const struct folder *f, const char *name);
void folder_write(const struct folder *f, const char *name, const char *text);
void folder_write_bytes(const struct folder *f, const char *name, const void *data, size_t size);
bool folder_has(const struct folder *f, const char *name);

/* Numbers that look random and are the same at each run. */
struct dice {
	uint64_t state;
};

uint64_t dice_roll(struct dice *d);
/* One of 0 .. n - 1. */
size_t dice_pick(struct dice *d, size_t n);
/* True once in so many times. */
bool dice_once_in(struct dice *d, size_t times);
