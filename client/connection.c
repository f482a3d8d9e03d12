/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "connection.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/fd.h"

#define CONNECT_PAUSE_MSEC 50

/* What a reply takes in memory once it is parsed and shown, for each byte of its text. */
#define MEMORY_PER_BYTE 10

/* So much memory is worth a call, and so much is asked for at most. */
#define PREPARED_MIN (1U << 20)
#define PREPARED_MAX (64U << 20)

/* A queue of connections that is full is a daemon that does not answer: poll() tells nothing of it.
 */
static int connect_within(int fd, const struct sockaddr_un *address, usec_t limit)
{
	usec_t end = usec_now() + limit;

	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (usec_now() >= end)
			return -ETIMEDOUT;
		usleep(CONNECT_PAUSE_MSEC * 1000);
	}
	return 0;
}

int connection_open(const char *path, usec_t limit, struct daemon_connection *ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	r = connect_within(fd, &address, limit);
	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFL, 0) < 0)
		return -errno;
	*ret = (struct daemon_connection){.fd = TAKE_FD(fd),
					  .framer = FRAMER_INIT(VARLINK_MESSAGE_MAX)};
	return 0;
}

void connection_close(struct daemon_connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	framer_done(&c->framer);
}

static int send_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int connection_call(struct daemon_connection *c, struct json_object *call_taken)
{
	_cleanup_json_ struct json_object *call = call_taken;
	size_t size;
	const char *text = json_message(call, &size);

	return text ? send_all(c->fd, text, size) : -ENOMEM;
}

static int wait_readable(int fd, usec_t limit)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int msec = limit == USEC_INFINITY
			   ? -1
			   : (int)MIN((limit + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t)INT_MAX);
	int r = poll(&p, 1, msec);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int receive_some(struct daemon_connection *c)
{
	char chunk[65536];
	ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ECONNRESET : framer_feed(&c->framer, chunk, (size_t)n);
}

/*
 * A reply on many guests takes thousands of pages. To have them at once costs a tenth of the
 * client's time less than a fault for each. What is freed here stays with the process (main.c).
 */
static void prepare_memory(size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = MIN(length * MEMORY_PER_BYTE, (size_t)PREPARED_MAX);
	char *memory = size >= PREPARED_MIN ? malloc(size) : NULL;

	/* An older kernel cannot do that, and nothing is lost. */
	if (memory)
		madvise(memory + page - (uintptr_t)memory % page, size - page, MADV_POPULATE_WRITE);
	free(memory);
}

int connection_receive(struct daemon_connection *c, usec_t limit, struct varlink_reply *ret)
{
	usec_t end = limit == USEC_INFINITY ? USEC_INFINITY : usec_now() + limit;
	const char *text;
	size_t length;
	int r;

	while (framer_next(&c->framer, &text, &length) == 0) {
		r = wait_readable(c->fd, end == USEC_INFINITY ? end : usec_sub(end, usec_now()));
		r = r < 0 ? r : receive_some(c);
		if (r < 0)
			return r == -EPIPE ? -ECONNRESET : r;
	}
	prepare_memory(length);
	return varlink_reply_parse(text, length, ret);
}
