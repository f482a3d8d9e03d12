/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"

#define WORLD_MAX (16U << 20)

static int path_in(const struct fake *w, const char *name, char **ret)
{
	return str_format(ret, "%s/%s", w->folder, name);
}

static int read_world(struct fake *w)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t size;
	int r = path_in(w, "world", &path);

	r = r < 0 ? r : file_read(path, WORLD_MAX, &text, &size);
	if (r == -ENOENT) {
		w->json = json_object_new_object();
		return w->json ? json_add(w->json, "domains", json_object_new_array()) : -ENOMEM;
	}
	return r < 0 ? r : json_parse(text, size, &w->json);
}

static void apply_events(struct fake *w)
{
	struct json_object *domains = fake_domains(w);
	usec_t now = usec_now(), at;

	for (size_t i = 0; i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i);
		const char *next = json_get_string(d, "next");

		if (!next || json_get_u64(d, "next_at", &at) < 0 || at > now ||
		    str_equal(fake_state(d), "suspended") || str_equal(fake_state(d), "paused"))
			continue;
		fake_set_state(w, d, next);
		json_object_object_del(d, "next");
	}
}

int fake_open(struct fake *ret)
{
	const char *folder = getenv("FAKE_WORLD");
	_cleanup_free_ char *path = NULL;
	struct fake w = {.lock = -1};
	int r;

	if (!folder)
		return -ENODEV;
	r = str_replace(&w.folder, folder);
	r = r < 0 ? r : path_in(&w, "lock", &path);
	if (r >= 0) {
		w.lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		r = w.lock < 0 || flock(w.lock, LOCK_EX) < 0 ? -errno : read_world(&w);
	}
	if (r < 0) {
		if (w.lock >= 0)
			close(w.lock);
		free(w.folder);
		return r;
	}
	apply_events(&w);
	*ret = w;
	return 0;
}

static void write_world(struct fake *w)
{
	_cleanup_free_ char *path = NULL, *new = NULL;
	_cleanup_close_ int fd = -1;
	const char *text;
	size_t length;

	if (path_in(w, "world", &path) < 0 || path_in(w, "world.new", &new) < 0)
		abort();
	text = json_text(w->json, &length);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, text, length) < 0 || rename(new, path) < 0)
		abort();
}

void fake_close(struct fake *w)
{
	if (w->changed)
		write_world(w);
	json_object_put(w->json);
	close(w->lock);
	free(w->folder);
}

void fake_log(struct fake *w, const char *format, ...)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *line = NULL;
	_cleanup_close_ int fd = -1;
	va_list ap;

	va_start(ap, format);
	if (str_vformat(&text, format, ap) < 0 || str_format(&line, "%s\n", text) < 0 ||
	    path_in(w, "log", &path) < 0)
		abort();
	va_end(ap);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, line, strlen(line)) < 0)
		abort();
}

struct json_object *fake_domains(struct fake *w)
{
	return json_get(w->json, "domains", json_type_array);
}

struct json_object *fake_find(struct fake *w, uint64_t domid)
{
	struct json_object *domains = fake_domains(w);
	uint64_t other;

	for (size_t i = 0; i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i);

		if (json_get_u64(d, "domid", &other) >= 0 && other == domid)
			return d;
	}
	return NULL;
}

int fake_open_domain(struct fake *ret, uint64_t domid, struct json_object **ret_domain)
{
	int r = fake_open(ret);

	if (r < 0)
		return r;
	*ret_domain = fake_find(ret, domid);
	if (*ret_domain)
		return 0;
	fake_close(ret);
	return -ESRCH;
}

struct json_object *fake_find_uuid(struct fake *w, const struct uuid *uuid)
{
	struct json_object *domains = fake_domains(w), *found = NULL;
	struct uuid other;

	for (size_t i = 0; i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i);

		if (json_get_uuid(d, "uuid", &other) < 0 || !uuid_equal(&other, uuid))
			continue;
		if (!json_get_bool(d, "dying"))
			return d;
		found = d;
	}
	return found;
}

struct json_object *fake_add(struct fake *w, const struct uuid *uuid, struct json_object *config)
{
	struct json_object *d = json_object_new_object();
	uint64_t last = fake_number(w->json, "last_domid", 0);
	struct json_object *info = json_get(config, "c_info", json_type_object);
	struct uuid boot;

	if (!d || uuid_random(&boot) < 0)
		return NULL;
	json_add_u64(w->json, "last_domid", last + 1);
	json_add_u64(d, "domid", last + 1);
	json_add_uuid(d, "uuid", uuid);
	json_add_uuid(d, "boot", &boot);
	json_add_string(d, "name", json_get_string(info, "name"));
	json_add(d, "config", json_object_get(config));
	json_append(fake_domains(w), d);
	w->changed = true;
	fake_set_state(w, d, "paused");
	return d;
}

uint64_t fake_wanted_kib(struct json_object *config)
{
	return fake_number(json_get(config, "b_info", json_type_object), "max_memkb", 0);
}

uint64_t fake_free_kib(struct fake *w)
{
	return fake_number(w->json, "free_kib", UINT64_MAX);
}

static void add_free(struct fake *w, uint64_t kib)
{
	if (fake_free_kib(w) == UINT64_MAX)
		return;
	json_add_u64(w->json, "free_kib", fake_free_kib(w) + kib);
	w->changed = true;
}

void fake_shrink_dom0(struct fake *w, uint64_t wanted_kib)
{
	uint64_t spare = fake_number(w->json, "dom0_spare_kib", 0), given;

	if (fake_free_kib(w) >= wanted_kib)
		return;
	given = MIN(spare, wanted_kib - fake_free_kib(w));
	json_add_u64(w->json, "dom0_spare_kib", spare - given);
	add_free(w, given);
}

bool fake_populate(struct fake *w, struct json_object *domain)
{
	uint64_t wanted = fake_wanted_kib(json_get(domain, "config", json_type_object));

	if (fake_free_kib(w) == UINT64_MAX)
		return true;
	if (wanted > fake_free_kib(w))
		return false;
	json_add_u64(domain, "memory_kib", wanted);
	json_add_u64(w->json, "free_kib", fake_free_kib(w) - wanted);
	w->changed = true;
	return true;
}

void fake_remove(struct fake *w, uint64_t domid)
{
	struct json_object *domains = fake_domains(w);

	for (size_t i = 0; i < json_object_array_length(domains); i++)
		if (fake_find(w, domid) == json_object_array_get_idx(domains, i)) {
			add_free(w, fake_number(fake_find(w, domid), "memory_kib", 0));
			fake_log(w, "%llu gone", (unsigned long long)domid);
			json_object_array_del_idx(domains, i, 1);
			w->changed = true;
			return;
		}
}

const char *fake_state(struct json_object *domain)
{
	return json_get_string(domain, "state");
}

/* A guest's disk is a file whose last writer the world remembers. */
static void write_disk(struct fake *w, const char *path, uint64_t life)
{
	struct json_object *disks = json_get(w->json, "disks", json_type_object);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (!disks) {
		disks = json_object_new_object();
		json_add(w->json, "disks", disks);
	}
	json_add_u64(disks, path, life);
	if (fd < 0 || fd_write_all(fd, &life, sizeof(life)) < 0)
		abort();
}

/* All that happens in one go with the rest of a change, so that a kill does not come between. */
static void begin_life(struct fake *w, struct json_object *domain)
{
	struct json_object *config = json_get(domain, "config", json_type_object);
	const char *disk = json_get_string(fake_behaviour(config), "disk");
	struct json_object *lives = json_get(w->json, "lives", json_type_array), *life;
	struct json_object *disks = json_get(w->json, "disks", json_type_object);
	uint64_t number;

	if (!disk)
		return;
	if (!lives) {
		lives = json_object_new_array();
		json_add(w->json, "lives", lives);
	}
	number = json_object_array_length(lives) + 1;
	life = json_object_new_object();
	json_append(lives, life);
	json_add_string(life, "name", json_get_string(domain, "name"));
	json_add_string(life, "boot", json_get_string(domain, "boot"));
	json_add_string(life, "disk", disk);
	json_add_u64(life, "domid", fake_number(domain, "domid", 0));
	json_add_u64(life, "from", fake_number(domain, "life", 0));
	json_add_u64(life, "over", fake_number(disks, disk, 0));
	json_add_u64(domain, "life", number);
	write_disk(w, disk, number);
}

int fake_memory(struct json_object *domain, char **ret)
{
	const char *boot = json_get_string(domain, "boot");
	uint64_t life = fake_number(domain, "life", 0);

	return life ? str_format(ret, "%s\n%llu", boot, (unsigned long long)life)
		    : str_format(ret, "%s", boot);
}

void fake_set_state(struct fake *w, struct json_object *domain, const char *state)
{
	fake_log(w, "%llu %s %s %s", (unsigned long long)fake_number(domain, "domid", 0),
		 json_get_string(domain, "name"), state, json_get_string(domain, "boot"));
	json_add_string(domain, "state", state);
	if (str_equal(state, "running"))
		begin_life(w, domain);
	w->changed = true;
}

void fake_schedule(struct fake *w, struct json_object *domain, const char *state, usec_t at)
{
	json_add_string(domain, "next", state);
	json_add_u64(domain, "next_at", at);
	w->changed = true;
}

usec_t fake_next_event(struct fake *w)
{
	struct json_object *domains = fake_domains(w);
	usec_t next = USEC_INFINITY, at;

	for (size_t i = 0; i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i);

		if (json_get_string(d, "next") && json_get_u64(d, "next_at", &at) >= 0 &&
		    str_equal(fake_state(d), "running"))
			next = MIN(next, at);
	}
	return next;
}

struct json_object *fake_behaviour(struct json_object *config)
{
	return json_get(config, "fake", json_type_object);
}

uint64_t fake_number(struct json_object *behaviour, const char *key, uint64_t standard)
{
	uint64_t value;

	return json_get_u64(behaviour, key, &value) < 0 ? standard : value;
}

void fake_let_go(struct fake *w, struct json_object *domain)
{
	struct json_object *config = json_get(domain, "config", json_type_object);
	struct json_object *ends = json_get(fake_behaviour(config), "ends", json_type_object);

	fake_set_state(w, domain, "running");
	if (ends)
		fake_schedule(w, domain, json_get_string(ends, "reason"),
			      usec_now() + fake_number(ends, "after_ms", 0) * USEC_PER_MSEC);
}
