/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/systemd-journal.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util/fd.h"
#include "util/output.h"
#include "util/str.h"

static const char *socket_path = "/run/systemd/journal/socket";
static struct output output = OUTPUT_INIT(-1);

static void close_socket(void)
{
	if (output.fd >= 0)
		close(output.fd);
	output.fd = -1;
}

void journal_set_socket(const char *path)
{
	close_socket();
	socket_path = path;
}

bool journal_is_stderr(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* Connected, so that poll() tells whether the journal takes something. */
static bool open_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (output.fd >= 0)
		return true;
	output.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	if (output.fd >= 0 && connect(output.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		close_socket();
	return output.fd >= 0;
}

static void send_entry(const char *entry, size_t size)
{
	if (open_socket()) {
		if (!output_is_ready(&output))
			return;
		if (send(output.fd, entry, size, MSG_NOSIGNAL) >= 0) {
			output_recover(&output);
			return;
		}
		if (errno != EAGAIN)
			close_socket();
	}
	output.lost++;
}

/* With its length, since the value may hold any bytes. */
static void add_field(FILE *entry, const char *name, const char *value)
{
	uint64_t length;

	if (!value)
		return;
	length = htole64(strlen(value));
	fprintf(entry, "%s\n", name);
	fwrite(&length, sizeof(length), 1, entry);
	fprintf(entry, "%s\n", value);
}

static void add_number(FILE *entry, const char *name, uint64_t value)
{
	fprintf(entry, "%s=%" PRIu64 "\n", name, value);
}

/* A new field begins in util/log.h, as a member of struct log_fields. */
void journal_sink(int level, const struct log_fields *f, const char *message)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	FILE *entry = open_memstream(&data, &size);

	if (!entry) {
		output.lost++;
		return;
	}
	add_field(entry, "MESSAGE", message);
	add_number(entry, "PRIORITY", (uint64_t)level);
	add_field(entry, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	if (output.lost > 0)
		add_number(entry, "XEN_LOST", output.lost);
	if (f) {
		add_field(entry, "MESSAGE_ID", f->message_id);
		add_field(entry, "XEN_DOMAIN", f->domain);
		add_field(entry, "XEN_UUID", f->uuid ? UUID_TEXT(f->uuid) : NULL);
		add_field(entry, "XEN_OPERATION", f->operation);
		add_field(entry, "XEN_STAGE", f->stage);
		add_field(entry, "XEN_RESULT", f->result);
		if (f->domid != DOMID_NONE)
			add_number(entry, "XEN_DOMID", f->domid);
		if (f->elapsed != USEC_INFINITY)
			add_number(entry, "XEN_ELAPSED_USEC", f->elapsed);
		if (f->requester && f->requester->pid > 0) {
			add_number(entry, "XEN_REQUESTED_UID", f->requester->uid);
			add_number(entry, "XEN_REQUESTED_PID", f->requester->pid);
		}
	}
	if (fclose(entry) == 0)
		send_entry(data, size);
	else
		output.lost++;
}
