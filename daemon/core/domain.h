/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/death.h"
#include "util/domid.h"
#include "util/index.h"
#include "util/time.h"
#include "util/uuid.h"

/* A domain as the hypervisor has it now. */

/* Who looks after a domain: restarts it when it reboots, and cleans up after it. */
enum domain_manager {
	DOMAIN_MANAGER_XENDOMAINSD, /* it carries our mark */
	DOMAIN_MANAGER_XL,
	DOMAIN_MANAGER_LIBVIRT,
	_DOMAIN_MANAGER_MAX,
	_DOMAIN_MANAGER_INVALID = -EINVAL,
};

/* The condition of a domain. It decides which operations are possible. */
enum domain_condition {
	DOMAIN_RUNNING,
	DOMAIN_PAUSED,    /* by a person, after it has run */
	DOMAIN_UNBUILT,   /* another tool is at work building it, or another host sends it */
	DOMAIN_NEVER_RUN, /* built, or restored, and left paused: its memory may be nowhere else */
	DOMAIN_SAVING,    /* suspended, and a process saves it */
	DOMAIN_AWAY,      /* suspended, and xl has handed it over: it may run on another host */
	DOMAIN_SUSPENDED, /* suspended, and nothing saves it */
	DOMAIN_ENDED,     /* it has shut down, and is kept */
	DOMAIN_DYING,
	_DOMAIN_CONDITION_MAX,
	_DOMAIN_CONDITION_INVALID = -EINVAL,
};

struct domain {
	uint32_t domid;
	struct uuid uuid;
	char *name;  /* NULL while it dies: XenStore has removed it */
	bool system; /* dom0, XenStore's domain, a device model: never a guest */
	bool paused, shutdown, dying;
	enum shutdown_reason reason; /* where shutdown is true */
	bool driver;                 /* other guests' devices can live in it */
	char *serves;    /* with driver: a domain that is up and has a device in it; NULL: none */
	bool saver;      /* suspended: a process saves or migrates it */
	bool late;       /* suspended: asked by a save or a migration of ours that has just ended */
	bool unbuilt;    /* paused: libxl has not finished with it */
	char *unsavable; /* why it cannot be suspended; NULL: nothing is known against it */
	bool up;         /* its kernel has said, when it booted, that it takes requests */
	uint64_t memory_kib;
	unsigned vcpus;
	usec_t cpu_time;
	usec_t built_wall; /* when it was built, by the wall clock; 0: not known */
	char flags[7];     /* as "xl list" has them: "r-----"; empty if unknown */

	enum domain_manager manager;
	/* Ours only: */
	char *source; /* the file that it comes from */
	bool saved;   /* all of it is in an image, and it must not run again */
	enum death_action on_poweroff, on_reboot, on_watchdog, on_crash, on_soft_reset;
	char *eject; /* the disk (vdev) that the guest wants to be without; mostly NULL */
};

struct domain_list {
	struct domain *domains;
	size_t n;
	struct index by_uuid, by_name; /* by their own names: domain_list_index() */
};

const char *domain_manager_to_string(enum domain_manager manager);
enum domain_manager domain_manager_from_string(const char *s);

/* The action for one of our own domains that has shut down; not for a suspended one. */
enum death_action domain_death_action(const struct domain *d);

/* Fills in the flags from what else is known; running and blocked are the scheduler's words. */
void domain_set_flags(struct domain *d, bool running, bool blocked);

enum domain_condition domain_condition(const struct domain *d);

/*
 * Its name, without what xl adds at either end of a migration while that lasts. NULL on lack of
 * memory, or if it has none.
 */
char *domain_own_name(const struct domain *d);
bool domain_is_called(const struct domain *d, const char *name);

/* True if xl has let another host run it. XenStore has names; a guest cannot change its own. */
bool domain_is_handed_over(const struct domain *d);

/* Whether it may be a domain that was kept as another guest when its own was restarted. */
bool domain_may_be_preserved(const struct domain *d);

/* True if it runs, or is paused and did. */
bool domain_has_life(const struct domain *d);

/* True if it runs, or did. */
bool domain_has_run(const struct domain *d);

/*
 * Whether it may begin to run, or run on, without an event: Xen tells nothing when a domain is
 * unpaused for the first time (xl create, xl restore), or when a suspended one is resumed. A domain
 * that a save of ours has left never is.
 */
bool domain_may_begin_to_run(const struct domain *d);

/* Notes that a domain has a device in the one of this number, if both are up. 0 or -ENOMEM. */
int domain_list_note_device(struct domain_list *l, const struct domain *frontend, uint32_t backend);

void domain_done(struct domain *d);
void domain_list_free(struct domain_list *l);

/*
 * Gives domains without a name the one of an older list: XenStore forgets a domain that is
 * destroyed before Xen does. The older list must be indexed. 0 or -ENOMEM.
 */
int domain_list_keep_names(struct domain_list *l, const struct domain_list *old);

/*
 * Once a list is complete, and anew after a change: without it no domain is found in the list. 0
 * or -ENOMEM.
 */
int domain_list_index(struct domain_list *l);
bool domain_list_is_indexed(const struct domain_list *l);

struct domain *domain_list_find(const struct domain_list *l, const struct uuid *uuid,
				uint32_t domid);

/*
 * The domains that have a UUID, or are called so (domain_is_called()), in their order. after: the
 * one before; NULL for the first. NULL at the end.
 */
struct domain *domain_list_next(const struct domain_list *l, const struct uuid *uuid,
				const struct domain *after);
struct domain *domain_list_next_called(const struct domain_list *l, const char *name,
				       const struct domain *after);

DEFINE_CLEANUP(struct domain_list, domain_list_free);
