/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"
#include "io/loop.h"

/*
 * The calls of Xen that the daemon makes itself: the list of domains, news of changes, and asking a
 * guest to shut down. Nothing here waits for a guest, a disk, a network or another toolstack;
 * xenstored is waited for, which is what systemd's watchdog is for.
 */
struct host;

struct host_callbacks {
	void (*changed)(void *data);
	void (*lost)(void *data, const char *reason);
	void *data;
};

/* 0 or -errno; -ENODEV where this is no dom0. */
int host_new(struct loop *loop, const struct host_callbacks *callbacks, struct host **ret);
struct host *host_free(struct host *host);

/*
 * An operation on the domain of this number has ended: if it is down, the next list has what
 * XenStore says of it then.
 */
void host_recheck(struct host *host, uint32_t domid);

/* As the calls of hv.h. */
int host_list(struct host *host, struct domain_list **ret);
int host_ask_shutdown(struct host *host, const struct domain *domain);
int host_shutdown_answer(struct host *host, const struct domain *domain);
int host_send_sysrq(struct host *host, const struct domain *domain, char key);

DEFINE_CLEANUP(struct host, host_free);
