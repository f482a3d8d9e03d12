/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hostdown/hostdown.h"
#include "io/server.h"
#include "manager/manager.h"

/*
 * The API: calls of org.xendomains.Manager, which come in through a server, become calls of the
 * manager, and what it says becomes replies.
 */
struct control;

/*
 * Takes the listening descriptor over, also on failure. hostdown: NULL where the
 * host is simulated. 0 or -errno.
 */
int control_new(struct loop *loop, struct manager *manager, struct hostdown *hostdown, int fd,
		struct control **ret);
struct control *control_free(struct control *control);

/* The settings have been read: who may connect can have changed. */
void control_let_in(struct control *control);

DEFINE_CLEANUP(struct control, control_free);
