/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/host.h"

#include "util/str.h"
#include "wire/json.h"

#define SPEED_MAX    1000
#define MEMORY_MIB   256
#define DURATION_MS  1000
#define MIB_S_MAX    (1ULL << 30)
#define LOSS_MAX     1000ULL
#define CPUS_MAX     4096ULL
#define ROOM_MAX_MIB (1ULL << 40)

static void way_done(struct sim_way *w)
{
	free(w->error);
}

static void guest_done(struct sim_guest *g)
{
	free(g->name);
	free(g->config);
	free(g->config_error);
	free(g->image_error);
	free(g->ejects);
	way_done(&g->create);
	way_done(&g->restore);
	way_done(&g->save);
	way_done(&g->destroy);
	way_done(&g->migrate);
	way_done(&g->shutdown);
}

struct sim_host *sim_host_free(struct sim_host *host)
{
	if (!host)
		return NULL;
	for (size_t i = 0; i < host->n_guests; i++)
		guest_done(&host->guests[i]);
	free(host->guests);
	free(host);
	return NULL;
}

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

static int read_end(struct json_object *o, struct sim_guest *g)
{
	struct json_object *ends = json_get(o, "ends", json_type_object);

	if (!ends)
		return 0;
	g->ends_after = number(ends, "after_ms", DURATION_MS) * USEC_PER_MSEC;
	g->ends_with = shutdown_reason_from_string(json_get_string(ends, "reason"));
	return g->ends_with < 0 ? -EINVAL : 0;
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

static int read_identity(struct json_object *o, size_t index, struct sim_guest *g)
{
	int r = json_get_uuid(o, "uuid", &g->uuid);

	if (r == -EINVAL)
		return r;
	g->has_uuid = r >= 0;
	if (!g->has_uuid)
		g->uuid = plain_uuid(index);
	r = str_replace(&g->name, json_get_string(o, "name"));
	return r >= 0 && str_empty(g->name) ? -EINVAL : r;
}

static int read_action(struct json_object *o, const char *key, enum death_action *ret)
{
	*ret = death_action_from_string(json_get_string(o, key));
	return *ret < 0 ? -EINVAL : 0;
}

static int read_actions(struct json_object *o, struct sim_guest *g)
{
	int r = read_action(o, "on_poweroff", &g->on_poweroff);

	r = r < 0 ? r : read_action(o, "on_reboot", &g->on_reboot);
	r = r < 0 ? r : read_action(o, "on_watchdog", &g->on_watchdog);
	r = r < 0 ? r : read_action(o, "on_crash", &g->on_crash);
	return r < 0 ? r : read_action(o, "on_soft_reset", &g->on_soft_reset);
}

static int read_guest(struct json_object *o, size_t index, struct sim_guest *g)
{
	const char *manager = json_get_string(o, "manager");
	int r = read_identity(o, index, g);

	g->memory_kib = number(o, "memory_mib", MEMORY_MIB) * 1024;
	g->vcpus = (unsigned)number(o, "vcpus", 1);
	g->saved = json_get_bool(o, "saved");
	g->running = json_get_bool(o, "running");
	g->driver = json_get_bool(o, "driver");
	g->up_after = number(o, "up_ms", 0) * USEC_PER_MSEC;
	g->appears_after = number(o, "appears_ms", 0) * USEC_PER_MSEC;
	g->manager = manager ? domain_manager_from_string(manager) : DOMAIN_MANAGER_XENDOMAINSD;
	if (g->manager < 0 || read_actions(o, g) < 0)
		return -EINVAL;
	r = r < 0 ? r : str_replace(&g->ejects, json_get_string(o, "ejects"));
	r = r < 0 ? r : str_replace(&g->config, json_get_string(o, "config"));
	r = r < 0 ? r : str_replace(&g->config_error, json_get_string(o, "config_error"));
	r = r < 0 ? r : str_replace(&g->image_error, json_get_string(o, "image_error"));
	r = r < 0 ? r : read_way(o, "create", DURATION_MS, &g->create);
	r = r < 0 ? r : read_way(o, "restore", DURATION_MS, &g->restore);
	r = r < 0 ? r : read_way(o, "save", DURATION_MS, &g->save);
	r = r < 0 ? r : read_way(o, "destroy", DURATION_MS / 10, &g->destroy);
	r = r < 0 ? r : read_way(o, "migrate", DURATION_MS, &g->migrate);
	r = r < 0 ? r : read_way(o, "shutdown", DURATION_MS, &g->shutdown);
	g->reboots = json_get_bool(json_get(o, "shutdown", json_type_object), "reboots");
	return r < 0 ? r : read_end(o, g);
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
	host->speed = (unsigned)MIN(number(o, "speed", 1), (uint64_t)SPEED_MAX);
	host->cpus = (unsigned)MIN(number(o, "cpus", 0), CPUS_MAX);
	host->room_kib = MIN(number(o, "room_mib", 0), ROOM_MAX_MIB) * 1024;
	read_disk(o, &host->disk);
	host->n_guests = json_object_array_length(guests);
	host->guests = calloc(host->n_guests + 1, sizeof(*host->guests));
	if (!host->guests)
		return -ENOMEM;
	for (size_t i = 0; i < host->n_guests; i++) {
		r = read_guest(json_object_array_get_idx(guests, i), i, &host->guests[i]);
		if (r == -EINVAL && str_format(ret_reason,
					       "guest %zu has no name, or a word in it that is not "
					       "known (uuid, manager, on_..., reason)",
					       i + 1) < 0)
			r = -ENOMEM;
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(host);
	return 0;
}

const struct sim_way *sim_guest_way(const struct sim_guest *g, enum operation operation)
{
	switch (operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTART:
	case OPERATION_SOFT_RESET:
		return &g->create;
	case OPERATION_RESTORE:
		return &g->restore;
	case OPERATION_SAVE:
		return &g->save;
	case OPERATION_MIGRATE:
		return &g->migrate;
	case OPERATION_RESUME:
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return &g->destroy;
}
