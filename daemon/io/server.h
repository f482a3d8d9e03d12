/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"
#include "wire/varlink.h"

/*
 * A UNIX stream socket that takes framed messages. It knows nothing of what they mean, and bounds
 * what a peer can make it hold: connections, length of a message, replies not yet read, and how
 * long half a message or an unread reply may lie there. A single reply can have any length: it
 * grows with the host, and no peer can make it longer. Before that is read, the peer's next message
 * waits. Places are kept for root, whatever others do.
 */
struct server;
struct connection;

struct server_callbacks {
	/* text is terminated and valid during the call. The connection may be closed in it. */
	void (*message)(void *data, struct connection *c, const char *text, size_t length);
	/* The connection is about to go; it must not be used any more. */
	void (*closed)(void *data, struct connection *c);
	void *data;
};

/* Takes the listening descriptor over, also on failure. 0 or -errno. */
int server_new(struct loop *loop, int fd, const struct server_callbacks *callbacks,
	       struct server **ret);
struct server *server_free(struct server *server);

/* A listening socket at path (0600), replacing a dead one that was left there. -errno on error. */
int server_listen(const char *path);

/* Takes the message over, which may be NULL for want of memory; the peer is then cut off. */
void connection_send(struct connection *c, struct json_object *message);

/* Whether the peer has taken all that was sent to it. */
bool connection_is_read(const struct connection *c);

/* Closes it once all that was sent is read; the closed callback comes from the loop. */
void connection_finish(struct connection *c);

/* The same, for a message that is not understood, which it logs; not each time, if there are many.
 */
void connection_refuse(struct connection *c, int error);

/*
 * Between the two, further messages of the connection wait: replies must come in the order of the
 * calls. That the peer goes away is noticed all the same.
 */
void connection_hold(struct connection *c);
void connection_release(struct connection *c);

uid_t connection_uid(const struct connection *c);

/* The process that has connected. It may have ended since. */
pid_t connection_pid(const struct connection *c);

/* Whether the peer was in this group when it connected. */
bool connection_is_in_group(const struct connection *c, gid_t gid);

/* Whether all users can connect, or the one only whom the socket belongs to. */
void server_let_in(struct server *server, bool all);

DEFINE_CLEANUP(struct server, server_free);
