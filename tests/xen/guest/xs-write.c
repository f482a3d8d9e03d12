/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * xs-write PATH VALUE [flood] - writes one XenStore key from inside a guest;
 * with the third word again and again.
 *
 * Speaks XenStore's wire protocol over the kernel's xenbus device, so that
 * the initramfs needs no library.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { XS_WRITE = 11, PAYLOAD_MAX = 4096 };

struct header {
	uint32_t type;
	uint32_t request;
	uint32_t transaction;
	uint32_t length;
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	char message[sizeof(struct header) + PAYLOAD_MAX];
	struct header reply;

	bool flood = argc == 4 && strcmp(argv[3], "flood") == 0;

	if (argc != 3 && !flood) {
		fputs("usage: xs-write PATH VALUE [flood]\n", stderr);
		return 2;
	}

	/* The payload is the path, its NUL, and the value without one. */
	size_t path = strlen(argv[1]) + 1;
	size_t value = strlen(argv[2]);
	if (path > PAYLOAD_MAX || value > PAYLOAD_MAX - path) {
		fputs("xs-write: too long\n", stderr);
		return 2;
	}

	struct header request = {.type = XS_WRITE, .length = (uint32_t)(path + value)};
	memcpy(message, &request, sizeof(request));
	memcpy(message + sizeof(request), argv[1], path);
	memcpy(message + sizeof(request) + path, argv[2], value);

	int bus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
	if (bus < 0)
		return fail("/dev/xen/xenbus");
	do {
		char text[PAYLOAD_MAX];

		if (write(bus, message, sizeof(request) + path + value) < 0)
			return fail("write");
		if (read(bus, &reply, sizeof(reply)) != sizeof(reply) ||
		    reply.length > sizeof(text) || read(bus, text, reply.length) < 0)
			return fail("read");
		if (reply.type != XS_WRITE) {
			fprintf(stderr, "xs-write: %s was refused: %.*s\n", argv[1],
				(int)reply.length, text);
			return 1;
		}
	} while (flood);
	return 0;
}
