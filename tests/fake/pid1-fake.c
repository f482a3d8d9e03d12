/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "pid1-fake.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/macro.h"
#include "util/str.h"
#include "util/time.h"

#define PATH  "/org/freedesktop/systemd1"
#define UNITS PATH "/unit"

/* One of each is enough for a test. */
static struct {
	char state[32], job[64], active[64], unit[64], other[64];
	uint64_t timeout, begun;
} f = {.state = "running", .timeout = 1800000000};

static int on_list_jobs(sd_bus_message *m, void *data _unused_, sd_bus_error *error _unused_)
{
	sd_bus_message *reply;
	int r = sd_bus_message_new_method_return(m, &reply);

	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "(usssoo)");
	if (r >= 0 && f.job[0])
		r = sd_bus_message_append(reply, "(usssoo)", 1U, f.job, "start", "waiting", "/job",
					  "/unit");
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r;
}

static int on_load_unit(sd_bus_message *m, void *data _unused_, sd_bus_error *error _unused_)
{
	const char *unit;
	char *path = NULL;
	int r = sd_bus_message_read(m, "s", &unit);

	r = r < 0 ? r : sd_bus_path_encode(UNITS, unit, &path);
	r = r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
	free(path);
	return r;
}

static bool is_stopping(void)
{
	return str_ends_with(f.job, ".target");
}

static int get(sd_bus *bus _unused_, const char *path, const char *interface _unused_,
	       const char *property, sd_bus_message *reply, void *data _unused_,
	       sd_bus_error *error _unused_)
{
	_cleanup_free_ char *unit = NULL;

	if (sd_bus_path_decode(path, UNITS, &unit) < 0)
		return -ENOMEM;
	if (str_equal(property, "SystemState"))
		pid1_fake_asked(is_stopping() ? "stopping" : f.state);
	if (str_equal(property, "SystemState") && str_equal(f.state, "silent"))
		return -EIO;
	if (str_equal(property, "SystemState"))
		return sd_bus_message_append(reply, "s", is_stopping() ? "stopping" : f.state);
	if (str_equal(property, "ShutdownStartTimestampMonotonic"))
		return sd_bus_message_append(reply, "t", f.begun);
	if (str_equal(property, "DefaultTimeoutStopUSec"))
		return sd_bus_message_append(reply, "t", (uint64_t)90000000);
	if (str_equal(property, "JobTimeoutUSec"))
		return sd_bus_message_append(reply, "t", f.timeout);
	if (str_equal(property, "JobRunningTimeoutUSec"))
		return sd_bus_message_append(reply, "t", UINT64_MAX);
	if (str_equal(property, "ActiveState"))
		return sd_bus_message_append(reply, "s",
					     str_equal(unit, f.active) ? "active" : "inactive");
	return str_equal(unit, f.unit)
		       ? sd_bus_message_append(reply, "as", 2, "shutdown.target", f.other)
		       : sd_bus_message_append(reply, "as", 1, "shutdown.target");
}

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("ListJobs", "", "a(usssoo)", on_list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("LoadUnit", "s", "o", on_load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("SystemState", "s", get, 0, 0),
	SD_BUS_PROPERTY("ShutdownStartTimestampMonotonic", "t", get, 0, 0),
	SD_BUS_PROPERTY("DefaultTimeoutStopUSec", "t", get, 0, 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable unit_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ActiveState", "s", get, 0, 0),
	SD_BUS_PROPERTY("ConflictedBy", "as", get, 0, 0),
	SD_BUS_PROPERTY("JobTimeoutUSec", "t", get, 0, 0),
	SD_BUS_PROPERTY("JobRunningTimeoutUSec", "t", get, 0, 0),
	SD_BUS_VTABLE_END,
};

int pid1_fake_add(sd_bus *bus)
{
	int r = sd_bus_add_object_vtable(bus, NULL, PATH, "org.freedesktop.systemd1.Manager",
					 manager_vtable, NULL);

	r = r < 0 ? r
		  : sd_bus_add_fallback_vtable(bus, NULL, UNITS, "org.freedesktop.systemd1.Unit",
					       unit_vtable, NULL, NULL);
	return r < 0 ? r : sd_bus_request_name(bus, "org.freedesktop.systemd1", 0);
}

void pid1_fake_obey(const char *verb, const char *word, const char *other)
{
	if (str_equal(verb, "state"))
		snprintf(f.state, sizeof(f.state), "%s", word);
	else if (str_equal(verb, "job"))
		snprintf(f.job, sizeof(f.job), "%s", word);
	else if (str_equal(verb, "active"))
		snprintf(f.active, sizeof(f.active), "%s", word);
	else if (str_equal(verb, "timeout"))
		f.timeout = strtoull(word, NULL, 10) * 1000000;
	else if (str_equal(verb, "begun"))
		f.begun = usec_now() - strtoull(word, NULL, 10) * 1000000;
	else if (str_equal(verb, "conflict")) {
		snprintf(f.unit, sizeof(f.unit), "%s", word);
		snprintf(f.other, sizeof(f.other), "%s", other);
	}
}
