/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* We have no use for CODE_FILE= and the like, which would all name this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "util/str.h"

#define FIELDS_MAX 12

struct entry {
	struct iovec fields[FIELDS_MAX];
	int n;
};

bool journal_is_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void add_field(struct entry *e, const char *name, const char *value)
{
	char *field;

	if (!value || str_format(&field, "%s=%s", name, value) < 0)
		return;
	e->fields[e->n++] = (struct iovec){.iov_base = field, .iov_len = strlen(field)};
}

static void add_number(struct entry *e, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	add_field(e, name, text);
}

void journal_sink(int level, const struct log_fields *f, const char *message)
{
	struct entry e = {.n = 0};

	add_field(&e, "MESSAGE", message);
	add_number(&e, "PRIORITY", (uint64_t)level);
	if (f) {
		add_field(&e, "MESSAGE_ID", f->message_id);
		add_field(&e, "XEN_DOMAIN", f->domain);
		add_field(&e, "XEN_UUID", f->uuid ? UUID_TEXT(f->uuid) : NULL);
		add_field(&e, "XEN_OPERATION", f->operation);
		add_field(&e, "XEN_STAGE", f->stage);
		add_field(&e, "XEN_RESULT", f->result);
		if (f->domid != LOG_NO_DOMID)
			add_number(&e, "XEN_DOMID", f->domid);
		if (f->elapsed != USEC_INFINITY)
			add_number(&e, "XEN_ELAPSED_USEC", f->elapsed);
	}
	sd_journal_sendv(e.fields, e.n);
	for (int i = 0; i < e.n; i++)
		free(e.fields[i].iov_base);
}
