/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"
#include "core/survey.h"
#include "wire/operation.h"

/* What a simulated host consists of, as its file describes it (hv/sim/actor.h brings it to life).
 */

/* How one operation on a guest goes. */
struct sim_way {
	usec_t duration;
	char *error; /* it ends with this reason instead of success */
	bool hangs;  /* it never ends by itself */
};

struct sim_guest {
	char *name;
	struct uuid uuid;
	bool has_uuid; /* in its configuration */
	uint64_t memory_kib;
	unsigned vcpus;
	char *config; /* path; NULL: it has none */
	char *config_error;
	bool saved;
	char *image_error;
	bool running;
	bool driver; /* domain */
	enum domain_manager manager;
	enum death_action on_poweroff, on_reboot, on_watchdog, on_crash, on_soft_reset;
	struct sim_way create, restore, save, destroy, migrate;
	struct sim_way shutdown; /* hangs: the guest does not listen */
	bool reboots;            /* when it is asked to shut down, where it is not one of ours */
	usec_t appears_after;    /* another tool starts it then; 0: none does */
	usec_t up_after;         /* its kernel answers so long after it began to run */
	char *ejects;            /* a disk that it wants to be without, again and again */
	usec_t ends_after;       /* by itself; 0: it does not */
	enum shutdown_reason ends_with;
};

/* The disk of the images, which saves and restores share. */
struct sim_disk {
	uint64_t kib_s;        /* for all together; 0: memory takes no time */
	uint64_t stream_kib_s; /* more than that is too fast for one of them; 0: nothing is */
	unsigned loss;         /* each further one costs so many percent of a single one's time */
};

struct sim_host {
	unsigned speed;
	struct sim_disk disk;
	unsigned cpus;     /* that creates share; 0: enough */
	uint64_t room_kib; /* for images, with those that are there; 0: not known */
	struct sim_guest *guests;
	size_t n_guests;
	bool surveyed; /* and no image has come or gone since */
};

struct sim_host *sim_host_free(struct sim_host *host);

/* How an operation on a guest goes. */
const struct sim_way *sim_guest_way(const struct sim_guest *g, enum operation operation);

/* The content of its directories, or one kind of it. 0 or -ENOMEM. */
int sim_host_survey(const struct sim_host *host, bool configs, bool images, struct survey **ret);

DEFINE_CLEANUP(struct sim_host, sim_host_free);
