/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/output.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/time.h"

static usec_t patience(const struct output *o)
{
	return o->stuck ? 0 : (usec_t)o->patience_msec * USEC_PER_MSEC;
}

/* Through interruptions: a signal says nothing of the reader. */
static bool wait_for_room(const struct output *o)
{
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};
	usec_t end = usec_now() + patience(o);
	int n;

	do
		n = poll(&p, 1, (int)(usec_left(end, usec_now()) / USEC_PER_MSEC));
	while (n < 0 && errno == EINTR);
	return n > 0;
}

bool output_is_ready(struct output *o)
{
	if (wait_for_room(o))
		return true;
	o->stuck = true;
	o->lost++;
	return false;
}

unsigned long output_recover(struct output *o)
{
	unsigned long lost = o->lost;

	o->stuck = false;
	o->lost = 0;
	return lost;
}

static void tell_lost(struct output *o)
{
	unsigned long lost = output_recover(o);
	char line[64];
	int n;

	if (!lost)
		return;
	n = snprintf(line, sizeof(line), "%lu messages before this one were lost\n", lost);
	fd_write_all(o->fd, line, (size_t)n);
}

/* A descriptor that is ready takes PIPE_BUF bytes, whether it is a pipe or a socket. */
static ssize_t put(void *data, const char *text, size_t size)
{
	struct output *o = data;

	for (size_t done = 0, n; done < size && output_is_ready(o); done += n) {
		tell_lost(o);
		n = MIN(size - done, (size_t)PIPE_BUF / 2);
		if (fd_write_all(o->fd, text + done, n) < 0)
			break;
	}
	/* A lost message is no error: the stream goes on. */
	return (ssize_t)size;
}

static FILE *open_guarded(struct output *o, int mode)
{
	FILE *stream = fopencookie(o, "w", (cookie_io_functions_t){.write = put});

	if (stream)
		setvbuf(stream, NULL, mode, BUFSIZ);
	return stream;
}

int output_guard_stderr(void)
{
	static struct output o = OUTPUT_INIT(STDERR_FILENO);
	FILE *stream = open_guarded(&o, _IONBF);

	if (!stream)
		return -ENOMEM;
	stderr = stream;
	return 0;
}

int output_guard_stdout(void)
{
	static struct output o = OUTPUT_INIT(STDOUT_FILENO);
	FILE *stream = open_guarded(&o, _IOLBF);

	if (!stream)
		return -ENOMEM;
	stdout = stream;
	return 0;
}
