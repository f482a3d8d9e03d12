/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/process.h"
#include "wire/frame.h"

#define CONNECTIONS_MAX  64
#define OTHERS_MAX       32 /* of them: of users other than ours ... */
#define OTHER_MAX        8  /* ... and of one of these */
#define BACKLOG          64
#define INPUT_MAX        (1U << 20)   /* a call that names 10,000 guests needs less */
#define OUTPUT_MAX       (16U << 20)  /* with so much unread, a peer gets no further message */
#define ACCEPT_PAUSE_MAX USEC_PER_SEC /* when descriptors have run out */
#define STALL_MAX        (30 * USEC_PER_SEC)
#define COMPLAINT_PAUSE  (10 * USEC_PER_SEC)

struct connection {
	LIST_ENTRY(connection) entry;
	struct server *server;
	struct bufferevent *stream;
	struct framer framer;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	struct timer *stall;
	bool busy;    /* its messages are being handled: freeing waits */
	bool closing; /* to be freed as soon as possible */
	bool finishing;
	bool held; /* a call is being answered: the next one waits */
};

struct server {
	struct loop *loop;
	struct server_callbacks callbacks;
	int fd;
	struct watch *watch;
	struct timer *pause;
	LIST_HEAD(, connection) connections;
	unsigned n_connections;
	usec_t complained;
};

/* A client can have this said again and again. */
static void complain(struct server *server, int error, const char *what)
{
	usec_t now = usec_now();

	if (server->complained && now < server->complained + COMPLAINT_PAUSE)
		return;
	server->complained = now;
	log_warning_errno(error, "%s", what);
}

/*
 * Only while half a message or an unread reply lies there: a client that is silent, or waits for a
 * reply, may stay for ever.
 */
static void watch_for_stall(struct connection *c)
{
	bool lies = !connection_is_read(c) || (!c->held && framer_held(&c->framer) > 0);

	if (!lies)
		timer_clear(c->stall);
	else if (!timer_is_set(c->stall))
		timer_set_after(c->stall, STALL_MAX);
}

static void connection_free(struct connection *c)
{
	if (c->busy) {
		c->closing = true;
		return;
	}
	c->server->callbacks.closed(c->server->callbacks.data, c);
	LIST_REMOVE(c, entry);
	c->server->n_connections--;
	timer_free(c->stall);
	bufferevent_free(c->stream);
	framer_done(&c->framer);
	free(c);
}

static int feed(struct connection *c)
{
	struct evbuffer *input = bufferevent_get_input(c->stream);
	char chunk[4096];
	int n, r = 0;

	while (r >= 0 && (n = evbuffer_remove(input, chunk, sizeof(chunk))) > 0)
		r = framer_feed(&c->framer, chunk, (size_t)n);
	return r;
}

/* A peer that sends calls and reads no replies would have the daemon keep them all. */
static bool takes_messages(const struct connection *c)
{
	return !c->closing && !c->finishing && !c->held && connection_is_read(c);
}

static int take_messages(struct connection *c)
{
	const char *text;
	size_t length;
	int r = feed(c);

	while (r >= 0 && takes_messages(c) && framer_next(&c->framer, &text, &length) > 0)
		c->server->callbacks.message(c->server->callbacks.data, c, text, length);
	return r >= 0 && framer_held(&c->framer) > INPUT_MAX ? -EMSGSIZE : r;
}

static void complain_of_message(const struct connection *c, int error)
{
	complain(c->server, error, "Refusing a message of a client");
}

static void on_read(struct bufferevent *stream _unused_, void *data)
{
	struct connection *c = data;
	int r;

	c->busy = true;
	r = take_messages(c);
	c->busy = false;
	if (r < 0)
		complain_of_message(c, r);
	if (r < 0 || c->closing)
		connection_free(c);
	else
		watch_for_stall(c);
}

static void on_written(struct bufferevent *stream, void *data)
{
	struct connection *c = data;

	if (c->finishing) {
		connection_free(c);
		return;
	}
	/* The client goes on, and the messages that it has sent meanwhile are read. */
	timer_clear(c->stall);
	on_read(stream, c);
}

static void on_stall(void *data)
{
	struct connection *c = data;

	complain(c->server, -ETIMEDOUT,
		 "Disconnecting a client that has stopped in the middle of a message");
	connection_free(c);
}

static void on_end(struct bufferevent *stream _unused_, short what _unused_, void *data)
{
	connection_free(data);
}

static int get_peer(int fd, struct ucred *ret)
{
	socklen_t size = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

static bool is_other(uid_t uid)
{
	return uid != 0 && uid != geteuid();
}

static bool has_place(const struct server *server, uid_t uid)
{
	unsigned others = 0, same = 0;
	const struct connection *c;

	if (server->n_connections >= CONNECTIONS_MAX)
		return false;
	if (!is_other(uid))
		return true;
	LIST_FOREACH(c, &server->connections, entry)
	{
		others += is_other(c->uid);
		same += c->uid == uid;
	}
	return others < OTHERS_MAX && same < OTHER_MAX;
}

static int add_connection(struct server *server, int fd_taken)
{
	_cleanup_close_ int fd = fd_taken;
	_cleanup_free_ struct connection *c = calloc(1, sizeof(*c));
	struct ucred peer;
	int r = c ? get_peer(fd, &peer) : -ENOMEM;

	if (r < 0)
		return r;
	if (!has_place(server, peer.uid))
		return -EUSERS;
	*c = (struct connection){
		.server = server,
		.framer = FRAMER_INIT(INPUT_MAX),
		.uid = peer.uid,
		.gid = peer.gid,
		.pid = peer.pid,
	};
	r = timer_new(server->loop, on_stall, c, &c->stall);
	if (r < 0)
		return r;
	c->stream = bufferevent_socket_new(loop_base(server->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->stream) {
		timer_free(c->stall);
		return -ENOMEM;
	}
	TAKE_FD(fd);
	bufferevent_setcb(c->stream, on_read, on_written, on_end, c);
	LIST_INSERT_HEAD(&server->connections, c, entry);
	server->n_connections++;
	bufferevent_enable(TAKE_PTR(c)->stream, EV_READ | EV_WRITE);
	return 0;
}

static void resume_accepting(void *data);

static void on_acceptable(void *data, unsigned events _unused_)
{
	struct server *server = data;
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int r;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			complain(server, -errno, "Failed to accept a client, retrying");
			server->watch = watch_free(server->watch);
			timer_set_after(server->pause, ACCEPT_PAUSE_MAX);
		}
		return;
	}
	r = add_connection(server, fd);
	if (r < 0)
		complain(server, r, "Refusing a client");
}

static void resume_accepting(void *data)
{
	struct server *server = data;
	int r = watch_new(server->loop, server->fd, WATCH_READ, on_acceptable, server,
			  &server->watch);

	if (r < 0)
		timer_set_after(server->pause, ACCEPT_PAUSE_MAX);
}

int server_new(struct loop *loop, int fd_taken, const struct server_callbacks *callbacks,
	       struct server **ret)
{
	_cleanup_close_ int fd = fd_taken;
	_cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	*server = (struct server){.loop = loop, .callbacks = *callbacks, .fd = TAKE_FD(fd)};
	LIST_INIT(&server->connections);
	if (fcntl(server->fd, F_SETFL, fcntl(server->fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	r = timer_new(loop, resume_accepting, server, &server->pause);
	if (r < 0)
		return r;
	r = watch_new(loop, server->fd, WATCH_READ, on_acceptable, server, &server->watch);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(server);
	return 0;
}

struct server *server_free(struct server *server)
{
	struct connection *c;

	if (!server)
		return NULL;
	while ((c = LIST_FIRST(&server->connections)))
		connection_free(c);
	watch_free(server->watch);
	timer_free(server->pause);
	if (server->fd >= 0)
		close(server->fd);
	free(server);
	return NULL;
}

/* Whether the process that listened there is over: a child that it was about to start has the
 * socket open until it is another program. */
static bool is_orphan(int fd)
{
	struct ucred listener;
	socklen_t size = sizeof(listener);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) >= 0 && listener.pid > 0 &&
	       process_is_over(listener.pid);
}

/* A socket file without a listener stands in the way of bind(). */
static void remove_dead_socket(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	bool dead;

	/* To connect() any file is a dead socket. */
	if (fd < 0 || lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		dead = errno == ECONNREFUSED;
	else
		dead = is_orphan(fd);
	if (dead)
		unlink(address->sun_path);
}

int server_listen(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t old;
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	remove_dead_socket(&address);
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(old);
	if (r >= 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

void connection_send(struct connection *c, struct json_object *message)
{
	_cleanup_json_ struct json_object *owned = message;
	struct evbuffer *output = bufferevent_get_output(c->stream);
	size_t size;
	const char *text = json_message(owned, &size);

	if (!text || evbuffer_get_length(output) > OUTPUT_MAX ||
	    evbuffer_add(output, text, size) < 0) {
		complain(c->server, -EMSGSIZE,
			 "Disconnecting a client that does not read its replies");
		/* From the loop: the caller may be in the middle of its list of connections. */
		bufferevent_trigger_event(c->stream, BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
		return;
	}
	watch_for_stall(c);
}

bool connection_is_read(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->stream)) == 0;
}

void connection_finish(struct connection *c)
{
	if (connection_is_read(c))
		bufferevent_trigger_event(c->stream, BEV_EVENT_EOF, BEV_TRIG_DEFER_CALLBACKS);
	c->finishing = true;
}

void connection_refuse(struct connection *c, int error)
{
	complain_of_message(c, error);
	connection_finish(c);
}

void connection_hold(struct connection *c)
{
	c->held = true;
}

void connection_release(struct connection *c)
{
	c->held = false;
	bufferevent_trigger(c->stream, EV_READ,
			    BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

uid_t connection_uid(const struct connection *c)
{
	return c->uid;
}

pid_t connection_pid(const struct connection *c)
{
	return c->pid;
}

bool connection_is_in_group(const struct connection *c, gid_t gid)
{
	int fd = bufferevent_getfd(c->stream);
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = 0;

	if (c->gid == gid)
		return true;
	/* How many there are. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
		return false;
	groups = malloc(size);
	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

void server_let_in(struct server *server, bool all)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address) - 1;

	if (getsockname(server->fd, (struct sockaddr *)&address, &size) < 0 ||
	    chmod(address.sun_path, all ? 0666 : 0600) < 0)
		log_warning_errno(-errno, "Failed to change who can connect");
}
