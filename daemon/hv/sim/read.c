/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/read.h"

#include "hv/sim/members.h"
#include "util/str.h"

#define SPEED_MAX    1000
#define MEMORY_MIB   256
#define DURATION_MS  1000
#define MIB_S_MAX    (1ULL << 30)
#define LOSS_MAX     1000ULL
#define CPUS_MAX     4096ULL
#define ROOM_MAX_MIB (1ULL << 40)

#define NAME_MAX_SHOWN 64

/* As xl.cfg(5) spells them: a configuration can be copied. */
static const char *const action_words[_DEATH_ACTION_MAX + 1] = {
	[DEATH_DESTROY] = "destroy",
	[DEATH_RESTART] = "restart",
	[DEATH_RENAME_RESTART] = "rename-restart",
	[DEATH_PRESERVE] = "preserve",
	[DEATH_COREDUMP_DESTROY] = "coredump-destroy",
	[DEATH_COREDUMP_RESTART] = "coredump-restart",
	[DEATH_SOFT_RESET] = "soft-reset",
};

static const char *action_word(int index)
{
	return action_words[index];
}

static const char *manager_word(int index)
{
	return index < _DOMAIN_MANAGER_MAX ? domain_manager_to_string(index) : NULL;
}

static const char *reason_word(int index)
{
	return index < _SHUTDOWN_REASON_MAX ? shutdown_reason_to_string(index) : NULL;
}

static const struct sim_member way_members[] = {
	{.name = "ms", .type = json_type_int},
	{.name = "error", .type = json_type_string},
	{.name = "hangs", .type = json_type_boolean},
	{.name = NULL},
};

static const struct sim_member shutdown_members[] = {
	{.name = "ms", .type = json_type_int},
	{.name = "hangs", .type = json_type_boolean},
	{.name = "reboots", .type = json_type_boolean},
	{.name = NULL},
};

static const struct sim_member end_members[] = {
	{.name = "after_ms", .type = json_type_int},
	{.name = "reason", .type = json_type_string, .word = reason_word},
	{.name = NULL},
};

static const struct sim_member guest_members[] = {
	{.name = "name", .type = json_type_string},
	{.name = "uuid", .type = json_type_string},
	{.name = "memory_mib", .type = json_type_int},
	{.name = "vcpus", .type = json_type_int},
	{.name = "config", .type = json_type_string},
	{.name = "config_error", .type = json_type_string},
	{.name = "saved", .type = json_type_boolean},
	{.name = "image_error", .type = json_type_string},
	{.name = "running", .type = json_type_boolean},
	{.name = "manager", .type = json_type_string, .word = manager_word},
	{.name = "driver", .type = json_type_boolean},
	{.name = "create", .type = json_type_object, .members = way_members},
	{.name = "restore", .type = json_type_object, .members = way_members},
	{.name = "migrate", .type = json_type_object, .members = way_members},
	{.name = "save", .type = json_type_object, .members = way_members},
	{.name = "destroy", .type = json_type_object, .members = way_members},
	{.name = "shutdown", .type = json_type_object, .members = shutdown_members},
	{.name = "appears_ms", .type = json_type_int},
	{.name = "up_ms", .type = json_type_int},
	{.name = "ends", .type = json_type_object, .members = end_members},
	{.name = "on_poweroff", .type = json_type_string, .word = action_word},
	{.name = "on_reboot", .type = json_type_string, .word = action_word},
	{.name = "on_watchdog", .type = json_type_string, .word = action_word},
	{.name = "on_crash", .type = json_type_string, .word = action_word},
	{.name = "on_soft_reset", .type = json_type_string, .word = action_word},
	{.name = "ejects", .type = json_type_string},
	{.name = NULL},
};

static const struct sim_member disk_members[] = {
	{.name = "mib_s", .type = json_type_int},
	{.name = "stream_mib_s", .type = json_type_int},
	{.name = "loss_percent", .type = json_type_int},
	{.name = NULL},
};

static const struct sim_member host_members[] = {
	{.name = "speed", .type = json_type_int},
	{.name = "disk", .type = json_type_object, .members = disk_members},
	{.name = "cpus", .type = json_type_int},
	{.name = "room_mib", .type = json_type_int},
	{.name = "guests", .type = json_type_array},
	{.name = NULL},
};

static uint64_t number(struct json_object *o, const char *key, uint64_t standard)
{
	uint64_t value;

	return json_get_u64(o, key, &value) < 0 ? standard : value;
}

static int read_way(struct json_object *o, const char *key, uint64_t standard_ms,
		    struct sim_way *ret)
{
	struct json_object *way = json_get(o, key, json_type_object);

	ret->duration = number(way, "ms", standard_ms) * USEC_PER_MSEC;
	ret->hangs = json_get_bool(way, "hangs");
	return str_replace(&ret->error, json_get_string(way, "error"));
}

/* A UUID that depends on nothing but the guest's place in the file, so that runs can be compared.
 */
static struct uuid plain_uuid(size_t index)
{
	struct uuid u = {.bytes = {[6] = 0x40, [8] = 0x80}};

	for (size_t i = 0; i < 4; i++)
		u.bytes[15 - i] = (uint8_t)((index + 1) >> (8 * i));
	return u;
}

/* 0, -EINVAL with *ret_reason, or -ENOMEM. */
static int refuse(const char *where, const char *what, char **ret_reason)
{
	int r = str_format(ret_reason, "%s: %s", where, what);

	return r < 0 ? r : -EINVAL;
}

static int read_identity(struct json_object *o, size_t index, const char *where,
			 struct sim_guest *g, char **ret_reason)
{
	int r = json_get_uuid(o, "uuid", &g->uuid);

	if (r == -EINVAL)
		return refuse(where, "\"uuid\" is not a UUID", ret_reason);
	g->has_uuid = r >= 0;
	if (!g->has_uuid)
		g->uuid = plain_uuid(index);
	if (str_empty(json_get_string(o, "name")))
		return refuse(where, "it has no \"name\"", ret_reason);
	return str_replace(&g->name, json_get_string(o, "name"));
}

static enum death_action read_action(struct json_object *o, const char *key)
{
	return (enum death_action)sim_word_lookup(action_word, json_get_string(o, key));
}

static int read_end(struct json_object *o, const char *where, struct sim_guest *g,
		    char **ret_reason)
{
	struct json_object *ends = json_get(o, "ends", json_type_object);
	const char *reason = json_get_string(ends, "reason");

	if (!ends)
		return 0;
	if (!reason)
		return refuse(where, "\"ends\" has no \"reason\"", ret_reason);
	g->ends_after = number(ends, "after_ms", DURATION_MS) * USEC_PER_MSEC;
	g->ends_with = (enum shutdown_reason)sim_word_lookup(reason_word, reason);
	return 0;
}

static int read_ways(struct json_object *o, struct sim_guest *g)
{
	int r = read_way(o, "create", DURATION_MS, &g->create);

	r = r < 0 ? r : read_way(o, "restore", DURATION_MS, &g->restore);
	r = r < 0 ? r : read_way(o, "save", DURATION_MS, &g->save);
	r = r < 0 ? r : read_way(o, "destroy", DURATION_MS / 10, &g->destroy);
	r = r < 0 ? r : read_way(o, "migrate", DURATION_MS, &g->migrate);
	g->reboots = json_get_bool(json_get(o, "shutdown", json_type_object), "reboots");
	return r < 0 ? r : read_way(o, "shutdown", DURATION_MS, &g->shutdown);
}

static int read_guest(struct json_object *o, size_t index, const char *where, struct sim_guest *g,
		      char **ret_reason)
{
	int r = o && json_object_is_type(o, json_type_object)
			? sim_members_check(o, guest_members, where, ret_reason)
			: refuse(where, "it is not an object: {...}", ret_reason);

	r = r < 0 ? r : read_identity(o, index, where, g, ret_reason);
	r = r < 0 ? r : read_end(o, where, g, ret_reason);
	if (r < 0)
		return r;
	g->memory_kib = number(o, "memory_mib", MEMORY_MIB) * 1024;
	g->vcpus = (unsigned)number(o, "vcpus", 1);
	g->saved = json_get_bool(o, "saved");
	g->running = json_get_bool(o, "running");
	g->driver = json_get_bool(o, "driver");
	g->up_after = number(o, "up_ms", 0) * USEC_PER_MSEC;
	g->appears_after = number(o, "appears_ms", 0) * USEC_PER_MSEC;
	g->manager = (enum domain_manager)sim_word_lookup(manager_word,
							  json_get_string(o, "manager"));
	g->on_poweroff = read_action(o, "on_poweroff");
	g->on_reboot = read_action(o, "on_reboot");
	g->on_watchdog = read_action(o, "on_watchdog");
	g->on_crash = read_action(o, "on_crash");
	g->on_soft_reset = read_action(o, "on_soft_reset");
	r = str_replace(&g->ejects, json_get_string(o, "ejects"));
	r = r < 0 ? r : str_replace(&g->config, json_get_string(o, "config"));
	r = r < 0 ? r : str_replace(&g->config_error, json_get_string(o, "config_error"));
	r = r < 0 ? r : str_replace(&g->image_error, json_get_string(o, "image_error"));
	return r < 0 ? r : read_ways(o, g);
}

/* Reads one of the list. The reason of a refusal tells its number, and its name if it has one. */
static int read_guest_of(struct json_object *guests, size_t index, struct sim_guest *g,
			 char **ret_reason)
{
	struct json_object *o = json_object_array_get_idx(guests, index);
	const char *name = json_object_is_type(o, json_type_object) ? json_get_string(o, "name")
								    : NULL;
	_cleanup_free_ char *clean = name ? str_printable(name, NAME_MAX_SHOWN) : NULL;
	_cleanup_free_ char *where = NULL;
	int r = clean ? str_format(&where, "guest %zu (\"%s\")", index + 1, clean)
		      : str_format(&where, "guest %zu", index + 1);

	return r < 0 ? r : read_guest(o, index, where, g, ret_reason);
}

static void read_disk(struct json_object *o, struct sim_disk *disk)
{
	struct json_object *members = json_get(o, "disk", json_type_object);

	disk->kib_s = MIN(number(members, "mib_s", 0), MIB_S_MAX) * 1024;
	disk->stream_kib_s = MIN(number(members, "stream_mib_s", 0), MIB_S_MAX) * 1024;
	disk->loss = (unsigned)MIN(number(members, "loss_percent", 0), LOSS_MAX);
}

int sim_host_read(const char *text, size_t size, struct sim_host **ret, char **ret_reason)
{
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_(sim_host_freep) struct sim_host *host = calloc(1, sizeof(*host));
	struct json_object *guests;
	int r;

	if (!host)
		return -ENOMEM;
	r = json_parse(text, size, &o);
	if (r == -ENOMEM)
		return r;
	guests = r < 0 ? NULL : json_get(o, "guests", json_type_array);
	if (!guests) {
		r = str_format(ret_reason,
			       "a simulated host is a JSON object with \"guests\": [...]");
		return r < 0 ? r : -EINVAL;
	}
	r = sim_members_check(o, host_members, "the host", ret_reason);
	if (r < 0)
		return r;
	host->speed = (unsigned)MIN(number(o, "speed", 1), (uint64_t)SPEED_MAX);
	host->cpus = (unsigned)MIN(number(o, "cpus", 0), CPUS_MAX);
	host->room_kib = MIN(number(o, "room_mib", 0), ROOM_MAX_MIB) * 1024;
	read_disk(o, &host->disk);
	host->n_guests = json_object_array_length(guests);
	host->guests = calloc(host->n_guests + 1, sizeof(*host->guests));
	if (!host->guests)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < host->n_guests; i++)
		r = read_guest_of(guests, i, &host->guests[i], ret_reason);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(host);
	return 0;
}
