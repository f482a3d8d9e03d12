/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <check.h>

#include "worker/xl/xl.h"

/*
 * What the clauses of daemon/worker/xl/xl.h are asked with, of libxl and of its stand-in:
 * CONTRACT_CONFIG is the configuration of a guest called "contract", CONTRACT_BACKEND "xen" or
 * "fake".
 */

#define GUEST "contract"

/* The number of no domain. */
#define NO_DOMAIN 12345

struct fixture {
	struct xl *xl;
	int stop;
	unsigned ticks;
	bool stop_at_tick;
	struct xl_parsed parsed;
	char *config; /* libxl's JSON; of the guest, unless a test changes it */
	struct uuid uuid;
};

extern struct fixture fx;

void setup(void);
void teardown(void);

bool is_fake(void);

/* Changes a member of the configuration, given in JSON, in c_info and the like; NULL: in none. */
void change_config(const char *part, const char *key, const char *value);

/*
 * Changes the fake world, or a domain of it (DOMID_NONE: none): what another tool, a guest or the
 * host would do.
 */
void change_world(uint32_t domid, const char *key, const char *value);

void reopen(usec_t deadline);
void ask_to_stop(void);

/* The guest's domain, which is there; or that it is not. */
struct xl_domain find(void);
bool is_gone(void);

uint32_t create(void);

/* It runs, and can be suspended. */
uint32_t boot(void);
void destroy(uint32_t domid);

/* Files that are gone with the test. */
int open_file(void);
int open_null(void);

/* Through a pump, as the worker does it: what libxl writes must be a stream from end to end. */
int save(uint32_t domid, int file);
int migrate(uint32_t domid, int file);
int restore(const char *config, int file, uint32_t *ret_domid);

/* Each adds the clauses of its file. */
void add_call_clauses(TCase *tests);
void add_domain_clauses(TCase *tests);
void add_stream_clauses(TCase *tests);
void add_death_clauses(TCase *tests);
