/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/compression.h"
#include "model/migrate-target.h"
#include "util/macro.h"
#include "util/time.h"

/*
 * What the administrator wants: the variables of the old xendomains script (read by
 * core/shell.h), and what they cannot say (an INI file). Built from texts by core/config-text.h,
 * with the keys of core/settings.h.
 */

struct config_shutdown {
	bool enabled;
	bool wait; /* until the guest is gone; otherwise it is only asked */
};

/* How to treat guests that were stopped for a shutdown of the host that was then cancelled. */
enum after_cancel {
	AFTER_CANCEL_START,
	AFTER_CANCEL_LEAVE,
	_AFTER_CANCEL_MAX,
	_AFTER_CANCEL_INVALID = -EINVAL,
};

/* How to start a guest whose image must not be restored. */
enum image_policy {
	IMAGE_HOLD,   /* it does not run until an administrator decides */
	IMAGE_AFRESH, /* it is started cold, and the image put aside */
	_IMAGE_POLICY_MAX,
	_IMAGE_POLICY_INVALID = -EINVAL,
};

/* What can be said of each guest. */
struct guest_settings {
	bool forced_destroy;             /* if nothing else stops it, it is destroyed */
	enum image_policy image_changed; /* a disk has changed since the save */
	enum image_policy image_unknown; /* nothing tells whether one has */
	enum compression compression;    /* of its images */
};

/* What is said of the guests whose names match a pattern. */
struct config_domain {
	char *pattern;
	struct guest_settings settings;
	unsigned given; /* which of them: a bit each, in the order of config_guest_keys */
};

/* A line that is left out because it cannot be read. */
struct config_refusal {
	char *path;
	unsigned line; /* 0: the whole file */
	char *reason;
	bool cosmetic; /* what the line says decides nothing that becomes of a guest */
};

struct config_place {
	char *path; /* NULL: nowhere */
	unsigned line;
};

struct config {
	char *save;          /* directory of the images; NULL: nothing is saved */
	bool restore;        /* images are restored at start */
	char *autostart;     /* directory of the configurations that are started; NULL: none */
	bool auto_only;      /* save and shutdown take only guests of autostart */
	bool scope_unknown;  /* a refused line may have set one of these two */
	char *sysrq;         /* keys that are sent before anything else at a stop; NULL: none */
	usec_t sysrq_pause;  /* after each of them */
	usec_t create_pause; /* longest wait after a create before its place is free again */
	usec_t stop_limit;   /* for one operation of a stop; USEC_INFINITY: none */
	struct config_shutdown shutdown, shutdown_all;
	struct target_list migrate; /* hosts, tried in order; none: guests are not migrated */
	usec_t answer_limit;        /* so long such a host may take for each answer */

	unsigned parallel_create; /* guests that are built at one time; 0: by the CPUs of dom0 */
	unsigned parallel;        /* operations at one time */
	usec_t patience;          /* so long one may make no progress; 0: for ever */
	unsigned restart_limit;   /* a guest restarts itself so often ... */
	usec_t restart_interval;  /* ... within this time, and is then left down */
	enum after_cancel after_cancel;
	char *dumps; /* directory of core dumps; NULL: none are made */

	/* Besides root these may look, or do; NULL: no group. Numbers: by who knows the host's
	 * groups. */
	char *read_group, *control_group;
	gid_t read_gid, control_gid;
	struct config_place read_group_at, control_group_at;

	struct guest_settings guests;  /* where nothing else is said of one */
	struct config_domain *domains; /* sections of their own, in the order they were read */
	size_t n_domains;

	char **warnings; /* NULL-terminated once there is one */
	size_t n_warnings;

	struct config_refusal *refusals; /* the first ones */
	size_t n_refusals;
	/* A refused line may decide how a guest is treated, and not only who may call, or how fast.
	 */
	bool broken;
};

/* The defaults of the old documentation. NULL: no memory. */
struct config *config_new(void);
void config_free(struct config *c);

/* Adds a refusal. 0 or -ENOMEM. */
int config_refuse(struct config *c, const struct config_place *at, bool cosmetic,
		  const char *reason);

/* "PATH:LINE: what and what to do". 0 or -ENOMEM. */
int config_refusal_text(const struct config_refusal *refusal, char **ret);

/* The refusal to tell where there is room for one; NULL: none. */
const struct config_refusal *config_worst_refusal(const struct config *c);

/* Adds a warning that does not stop anything. */
int config_warn(struct config *c, const char *format, ...) _printf_(2, 3);

DEFINE_CLEANUP(struct config, config_free);
