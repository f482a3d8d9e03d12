/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * logind-fake FOLDER LOG [COMMAND...]: a stand-in for logind, and for what PID 1 says of itself, on
 * the bus of DBUS_SYSTEM_BUS_ADDRESS. It does as it is told, before it is on the bus and then a
 * line at a time:
 *
 *     prepare KIND     the host is about to go down
 *     button KIND      the same, by the power button, which is told of in another way
 *     cancel           it is not any more
 *     forget           the same, with no signal that would say so
 *     refuse yes|no    whether locks are refused
 *     delay SEC        InhibitDelayMaxSec
 *     absent yes       logind is not on the bus, and PID 1 is: before the bus only
 *
 * and what pid1-fake.h has.
 *
 * What becomes of locks goes to LOG, and "? STATE" for each question about the state of the system.
 * Locks live in FOLDER, as those of logind in /run, so that one outlives a restart.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "pid1-fake.h"
#include "util/macro.h"
#include "util/str.h"

#define SERVICE   "org.freedesktop.login1"
#define PATH      "/org/freedesktop/login1"
#define INTERFACE "org.freedesktop.login1.Manager"

static struct {
	sd_bus *bus;
	sd_event *event;
	const char *folder;
	FILE *log;
	int preparing, refuse, absent;
	char kind[32];
	uint64_t delay;
	unsigned last;
} f = {.delay = 600000000};

static void note(const char *what)
{
	fprintf(f.log, "- %s\n", what);
	fflush(f.log);
}

void pid1_fake_asked(const char *state)
{
	fprintf(f.log, "? %s\n", state);
	fflush(f.log);
}

static int on_let_go(sd_event_source *source, int fd, uint32_t events _unused_, void *data)
{
	char *path = data;

	note("unlocked");
	unlink(path);
	free(path);
	sd_event_source_unref(source);
	close(fd);
	return 0;
}

/* Watches a lock until nobody holds it any more. */
static int watch_lock(char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	sd_event_source *source;
	char byte;
	int r;

	if (fd < 0)
		return -errno;
	r = sd_event_add_io(f.event, &source, fd, 0, on_let_go, path);
	if (r < 0)
		return r;
	/* Nobody holds it who could let it go: the holder went while nobody watched. */
	if (f.last == 0 && read(fd, &byte, 1) == 0)
		on_let_go(source, fd, 0, path);
	return 0;
}

static int on_inhibit(sd_bus_message *m, void *data _unused_, sd_bus_error *error)
{
	const char *what, *who, *why, *mode;
	char *path;
	int fd, r = sd_bus_message_read(m, "ssss", &what, &who, &why, &mode);

	if (r < 0)
		return r;
	if (f.refuse || f.preparing) {
		note("refused");
		return sd_bus_error_set(error, SERVICE ".OperationInProgress",
					"The operation inhibition has been requested for is "
					"already running");
	}
	f.last++;
	if (asprintf(&path, "%s/%u-%s-%s-%s", f.folder, (unsigned)getpid() + f.last, what, who,
		     mode) < 0 ||
	    mkfifo(path, 0600) < 0 || watch_lock(path) < 0)
		return -EIO;
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	note("locked");
	r = sd_bus_reply_method_return(m, "h", fd);
	close(fd);
	return r;
}

static int add_inhibitors(sd_bus_message *reply)
{
	DIR *folder = opendir(f.folder);
	const struct dirent *e;
	int r = 0;

	while (r >= 0 && (e = readdir(folder))) {
		char what[32], who[32], mode[32];

		if (sscanf(e->d_name, "%*u-%31[^-]-%31[^-]-%31s", what, who, mode) == 3)
			r = sd_bus_message_append(reply, "(ssssuu)", what, who, "", mode,
						  (uint32_t)getuid(), 1U);
	}
	closedir(folder);
	return r;
}

static int on_list(sd_bus_message *m, void *data _unused_, sd_bus_error *error _unused_)
{
	sd_bus_message *reply;
	int r = sd_bus_message_new_method_return(m, &reply);

	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "(ssssuu)");
	r = r < 0 ? r : add_inhibitors(reply);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r;
}

static int get_preparing(sd_bus *bus _unused_, const char *path _unused_,
			 const char *interface _unused_, const char *property _unused_,
			 sd_bus_message *reply, void *data _unused_, sd_bus_error *error _unused_)
{
	return sd_bus_message_append(reply, "b", f.preparing);
}

static int get_scheduled(sd_bus *bus _unused_, const char *path _unused_,
			 const char *interface _unused_, const char *property _unused_,
			 sd_bus_message *reply, void *data _unused_, sd_bus_error *error _unused_)
{
	return sd_bus_message_append(reply, "(st)", f.kind, (uint64_t)0);
}

static int get_delay(sd_bus *bus _unused_, const char *path _unused_,
		     const char *interface _unused_, const char *property _unused_,
		     sd_bus_message *reply, void *data _unused_, sd_bus_error *error _unused_)
{
	return sd_bus_message_append(reply, "t", f.delay);
}

static const sd_bus_vtable logind_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("ListInhibitors", "", "a(ssssuu)", on_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("PreparingForShutdown", "b", get_preparing, 0, 0),
	SD_BUS_PROPERTY("ScheduledShutdown", "(st)", get_scheduled, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", get_delay, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_SIGNAL("PrepareForShutdown", "b", 0),
	SD_BUS_SIGNAL("PrepareForShutdownWithMetadata", "ba{sv}", 0),
	SD_BUS_VTABLE_END,
};

static void set_preparing(int preparing, const char *kind, bool signal)
{
	f.preparing = preparing;
	snprintf(f.kind, sizeof(f.kind), "%s", kind);
	if (signal)
		sd_bus_emit_signal(f.bus, PATH, INTERFACE, "PrepareForShutdown", "b", preparing);
	else
		sd_bus_emit_properties_changed(f.bus, PATH, INTERFACE, "ScheduledShutdown", NULL);
}

static void press_button(const char *kind)
{
	sd_bus_emit_signal(f.bus, PATH, INTERFACE, "PrepareForShutdownWithMetadata", "ba{sv}", true,
			   1, "type", "s", kind);
	set_preparing(true, "", true);
}

static void obey(const char *line)
{
	char verb[32] = "", word[64] = "", other[64] = "";

	sscanf(line, "%31s %63s %63s", verb, word, other);
	if (str_equal(verb, "prepare"))
		set_preparing(true, word, true);
	else if (str_equal(verb, "button"))
		press_button(word);
	else if (str_equal(verb, "cancel"))
		set_preparing(false, "", true);
	else if (str_equal(verb, "forget"))
		set_preparing(false, "", false);
	else if (str_equal(verb, "refuse"))
		f.refuse = str_equal(word, "yes");
	else if (str_equal(verb, "absent"))
		f.absent = str_equal(word, "yes");
	else if (str_equal(verb, "delay"))
		f.delay = str_equal(word, "infinity") ? UINT64_MAX
						      : strtoull(word, NULL, 10) * 1000000;
	else
		pid1_fake_obey(verb, word, other);
}

static int on_command(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
		      void *data _unused_)
{
	char line[128];

	if (!fgets(line, sizeof(line), stdin))
		return sd_event_exit(f.event, 0);
	obey(line);
	/* Whoever gave it waits for this. */
	puts("done");
	fflush(stdout);
	return 0;
}

/* Locks of the process before. */
static void find_locks(void)
{
	DIR *folder = opendir(f.folder);
	const struct dirent *e;
	char *path;

	while (folder && (e = readdir(folder)))
		if (e->d_name[0] != '.' && asprintf(&path, "%s/%s", f.folder, e->d_name) >= 0)
			watch_lock(path);
	closedir(folder);
}

int main(int argc, char **argv)
{
	int r;

	if (argc < 3)
		return 2;
	f.folder = argv[1];
	f.log = fopen(argv[2], "ae");
	setvbuf(stdin, NULL, _IONBF, 0);
	for (int i = 3; i < argc; i++)
		obey(argv[i]);
	r = f.log ? sd_event_default(&f.event) : -errno;
	r = r < 0 ? r : sd_bus_open_system(&f.bus);
	r = r < 0 ? r : sd_bus_add_object_vtable(f.bus, NULL, PATH, INTERFACE, logind_vtable, NULL);
	r = r < 0 ? r : pid1_fake_add(f.bus);
	r = r < 0 ? r : sd_bus_attach_event(f.bus, f.event, 0);
	r = r < 0 || f.absent ? r : sd_bus_request_name(f.bus, SERVICE, 0);
	r = r < 0 ? r : sd_event_add_io(f.event, NULL, STDIN_FILENO, EPOLLIN, on_command, NULL);
	find_locks();
	if (r < 0) {
		fprintf(stderr, "logind-fake: %s\n", strerror(-r));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	return sd_event_loop(f.event) < 0;
}
