/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/log.h"

/*
 * A journal for tests: each message of the daemon is appended to the file $FAKE_JOURNAL with its
 * fields. A field is NAME=value and a NUL byte; an entry ends with one more NUL byte. The message
 * goes to standard error as well.
 *
 * System calls are made directly: preloaded libraries that count those of the daemon
 * (kill-at.c, record.c) see none of these.
 */

#define ENTRY_MAX 16384

static int journal = -1;

struct entry {
	char data[ENTRY_MAX];
	size_t size;
};

static void add(struct entry *e, const char *name, const char *value)
{
	size_t room = ENTRY_MAX - 1 - e->size;
	int n = value ? snprintf(e->data + e->size, room, "%s=%s", name, value) : -1;

	if (n >= 0 && (size_t)n < room)
		e->size += (size_t)n + 1;
}

static void add_number(struct entry *e, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	add(e, name, text);
}

static void append(int level, const struct log_fields *f, const char *message)
{
	struct entry e = {.size = 0};

	add_number(&e, "PRIORITY", (uint64_t)level);
	add(&e, "MESSAGE", message);
	if (f) {
		add(&e, "MESSAGE_ID", f->message_id);
		add(&e, "XEN_DOMAIN", f->domain);
		add(&e, "XEN_UUID", f->uuid ? UUID_TEXT(f->uuid) : NULL);
		add(&e, "XEN_OPERATION", f->operation);
		add(&e, "XEN_STAGE", f->stage);
		add(&e, "XEN_RESULT", f->result);
		if (f->elapsed != USEC_INFINITY)
			add_number(&e, "XEN_ELAPSED_USEC", f->elapsed);
		if (f->requester && f->requester->pid > 0) {
			add_number(&e, "XEN_REQUESTED_UID", f->requester->uid);
			add_number(&e, "XEN_REQUESTED_PID", f->requester->pid);
		}
	}
	e.data[e.size++] = '\0';
	(void)!syscall(SYS_write, journal, e.data, e.size);
}

static void tee_sink(int level, const struct log_fields *fields, const char *message)
{
	append(level, fields, message);
	fprintf(stderr, "%s\n", message);
}

/* main() sets another sink only if standard error is systemd's. */
static __attribute__((constructor)) void open_journal(void)
{
	const char *path = getenv("FAKE_JOURNAL");

	if (path)
		journal = (int)syscall(SYS_openat, AT_FDCWD, path,
				       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (journal >= 0)
		log_set_sink(tee_sink);
}
