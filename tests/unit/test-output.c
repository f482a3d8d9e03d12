/* SPDX-License-Identifier: GPL-2.0-or-later */

/* With it poll() is an inline function, which no other takes the place of. */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/systemd-journal.h"
#include "unit.h"
#include "util/output.h"

/* More than a queue of datagrams or a pipe takes. */
#define MANY 5000

#define LINE "g1: save begins"

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	while ((text = strstr(text, word))) {
		text++;
		n++;
	}
	return n;
}

START_TEST(a_reader_that_hangs_keeps_nothing_from_going_on)
{
	static char text[1 << 20];
	int ends[2], saved = dup(STDERR_FILENO);
	FILE *before = stderr;
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	ck_assert_int_eq(output_guard_stderr(), 0);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(stderr, LINE " %u\n", i);
	/* What is read makes room: it goes on, and says what is missing. */
	n = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_uint_lt(count(text, LINE), MANY);
	fprintf(stderr, "afterwards\n");
	memset(text, 0, sizeof(text));
	n = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_ptr_nonnull(strstr(text, "lost"));
	ck_assert_ptr_nonnull(strstr(text, "afterwards"));
	fclose(stderr);
	stderr = before;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static unsigned interruptions;

/* In the place of the C library's. */
int poll(struct pollfd *fds, nfds_t n, int msec)
{
	struct timespec limit = {.tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000};

	if (interruptions == 0)
		return ppoll(fds, n, msec < 0 ? NULL : &limit, NULL);
	interruptions--;
	errno = EINTR;
	return -1;
}

START_TEST(a_signal_while_the_reader_is_waited_for_loses_no_message)
{
	struct output o;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	o = (struct output)OUTPUT_INIT(ends[1]);
	interruptions = 2;
	ck_assert(output_is_ready(&o));
	ck_assert_uint_eq(interruptions, 0);
	ck_assert(!o.stuck);
	ck_assert_uint_eq(output_recover(&o), 0);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static int listen_as_journald(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* True if the entry has this field, with its length before it. */
static bool has_field(const char *entry, size_t size, const char *name, const char *value)
{
	char field[256];
	size_t n = strlen(name), length = strlen(value);

	memcpy(field, name, n);
	field[n++] = '\n';
	for (unsigned i = 0; i < 8; i++)
		field[n++] = (char)(i ? 0 : length);
	memcpy(field + n, value, length);
	field[n + length] = '\n';
	return memmem(entry, size, field, n + length + 1);
}

START_TEST(the_journal_gets_each_field_or_is_told_how_many_entries_it_lost)
{
	struct requester root = {.uid = 0, .pid = 4711};
	struct log_fields fields = {.requester = &root,
				    .domain = "web",
				    .domid = 7,
				    .elapsed = USEC_INFINITY,
				    .result = "two\nlines"};
	_cleanup_folder_ struct folder folder;
	const char *path;
	char entry[4096];
	ssize_t n;
	int fd;

	folder_make(&folder);
	path = folder_path(&folder, "journal");
	journal_set_socket(path);
	journal_sink(LOG_ERR, NULL, "nobody is there yet");
	fd = listen_as_journald(path);
	journal_sink(LOG_ERR, &fields, LINE);
	n = recv(fd, entry, sizeof(entry), 0);
	ck_assert_int_gt(n, 0);
	ck_assert(has_field(entry, (size_t)n, "MESSAGE", LINE));
	ck_assert(has_field(entry, (size_t)n, "XEN_DOMAIN", "web"));
	ck_assert(has_field(entry, (size_t)n, "XEN_RESULT", "two\nlines"));
	ck_assert_ptr_nonnull(memmem(entry, (size_t)n, "\nPRIORITY=3\n", 12));
	ck_assert_ptr_nonnull(memmem(entry, (size_t)n, "\nXEN_DOMID=7\n", 13));
	ck_assert_ptr_nonnull(memmem(entry, (size_t)n, "\nXEN_REQUESTED_UID=0\n", 21));
	ck_assert_ptr_nonnull(memmem(entry, (size_t)n, "\nXEN_REQUESTED_PID=4711\n", 24));
	ck_assert_ptr_nonnull(memmem(entry, (size_t)n, "\nXEN_LOST=1\n", 12));
	for (unsigned i = 0; i < MANY; i++)
		journal_sink(LOG_INFO, NULL, LINE);
	for (unsigned taken = 0; recv(fd, entry, sizeof(entry), 0) > 0; taken++)
		ck_assert_uint_lt(taken, MANY);
	journal_sink(LOG_INFO, NULL, "afterwards");
	n = recv(fd, entry, sizeof(entry), 0);
	ck_assert_int_gt(n, 0);
	ck_assert_ptr_nonnull(memmem(entry, (size_t)n, "XEN_LOST=", 9));
	ck_assert(has_field(entry, (size_t)n, "MESSAGE", "afterwards"));
	close(fd);
}
END_TEST

SUITE("output", a_reader_that_hangs_keeps_nothing_from_going_on,
      a_signal_while_the_reader_is_waited_for_loses_no_message,
      the_journal_gets_each_field_or_is_told_how_many_entries_it_lost);
