/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "manager/manager.h"
#include "unit.h"

/* A manager on a simulated host whose clock is virtual: sequences take no time. */

#define WISHES_MAX 8

/* A start or a stop that was asked for, and what came of it. */
struct wish {
	struct simulation *sim;
	bool done;
	int error;
	char reason[200];
	bool succeeded;
	usec_t ended; /* since the simulation began */
	unsigned reports;
	uint64_t id;
};

struct simulation {
	struct folder folder;
	struct settings_paths paths;
	struct loop *loop;
	struct timer *pause;
	struct ledger_file *state;
	struct manager *manager;
	usec_t began;
	struct wish wishes[WISHES_MAX];
	size_t n_wishes;
	/* "1.0 web create running|": seconds, guest, stage, result; a dot for the end. */
	char *said;
	size_t said_size;
	char reasons[8000];          /* of all that was told */
	unsigned flying, flying_max; /* stages that are worked on by an operation */
};

/* guests is the JSON of the host's: [{"name":...},...]; the settings may be NULL. */
struct simulation_options {
	const char *variables, *native, *guests;
	const char *disk;  /* that all guests share; or NULL */
	unsigned room_mib; /* for images; 0: without end */
};

#define SIMULATION_BEGIN(s, ...)                                                                   \
	simulation_begin(s, &(const struct simulation_options){__VA_ARGS__})

void simulation_begin(struct simulation *s, const struct simulation_options *options);
void simulation_end(struct simulation *s);

#define _cleanup_simulation_ _cleanup_(simulation_end)

/* Asks for something; names may be NULL, and end with NULL otherwise. */
struct wish *simulation_wish(struct simulation *s, enum goal goal, const char *const *names);

/* What a wish hears. */
void simulation_on_report(void *data, const struct report *r);
void simulation_on_done(void *data, int error, const char *reason, const struct job *job);

/* A stop for the host, which waits so long; or USEC_INFINITY. */
struct wish *simulation_host_stop(struct simulation *s, usec_t time);

/* The same by a host that systemd forces down after that time. */
struct wish *simulation_last_stop(struct simulation *s, usec_t time);

/* Runs until all that was asked for is done, which must be within a simulated day. */
void simulation_run(struct simulation *s);
void simulation_run_for(struct simulation *s, usec_t time);

/* What was told since the last time. */
void simulation_expect(struct simulation *s, const char *said);
bool simulation_said(const struct simulation *s, const char *what);
/* Whether a reason had these words, which the test gave itself. */
bool simulation_reason_had(const struct simulation *s, const char *words);

/* The state of a guest, in words, with the reason where there is one: "failed: no room". */
const char *simulation_state(struct simulation *s, const char *name);
