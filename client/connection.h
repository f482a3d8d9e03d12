/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"
#include "wire/frame.h"
#include "wire/varlink.h"

/* A connection to the daemon: calls go out, replies come in. Blocking, with limits. */
struct daemon_connection {
	int fd;
	struct framer framer;
};

/* 0, -ETIMEDOUT where the daemon takes no connection within limit, or another -errno. */
int connection_open(const char *path, usec_t limit, struct daemon_connection *ret);
void connection_close(struct daemon_connection *c);

/* Takes the call over. 0 or -errno. */
int connection_call(struct daemon_connection *c, struct json_object *call);

/*
 * The next reply. 0, -ETIMEDOUT when limit is over (USEC_INFINITY: none), -ECONNRESET when the
 * daemon has gone, -EBADMSG, or another -errno.
 */
int connection_receive(struct daemon_connection *c, usec_t limit, struct varlink_reply *ret);
