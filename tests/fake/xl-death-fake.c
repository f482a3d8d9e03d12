/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "fake.h"
#include "util/fd.h"
#include "util/str.h"
#include "worker/xl/xl.h"

/* What the stand-in for libxl does with guests that have ended, and with their disks. */

/* The numbers that Xen gives to IDE disks begin like this one. */
#define FIRST_DEVID 768

#define DISKS_MAX 16

static bool has_shut_down(struct json_object *d)
{
	return !str_equal(fake_state(d), "running") && !str_equal(fake_state(d), "paused") &&
	       !str_equal(fake_state(d), "suspended");
}

int xl_core_dump(struct xl *xl _unused_, uint32_t domid, const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct json_object *d = NULL, *behaviour;
	const char *boot;
	uint64_t msec;
	struct fake w;
	int r = fd < 0 ? -errno : fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	behaviour = fake_behaviour(json_get(d, "config", json_type_object));
	boot = json_get_string(d, "boot");
	msec = fake_number(behaviour, "dump_ms", 0);
	r = json_get_string(behaviour, "dump_error") ? -EIO : fd_write_all(fd, boot, strlen(boot));
	fake_log(&w, "%u %s dumped %s", domid, json_get_string(d, "name"), boot);
	fake_close(&w);
	poll(NULL, 0, (int)msec);
	return r;
}

int xl_preserve(struct xl *xl _unused_, uint32_t domid, const char *suffix, const struct uuid *uuid)
{
	_cleanup_free_ char *name = NULL;
	struct json_object *d = NULL;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	r = str_format(&name, "%s%s", json_get_string(d, "name"), suffix);
	json_add_string(d, "name", name);
	json_add_uuid(d, "uuid", uuid);
	w.changed = true;
	fake_log(&w, "%u %s preserved %s", domid, name, json_get_string(d, "boot"));
	fake_close(&w);
	return r;
}

int xl_soft_reset(struct xl *xl _unused_, uint32_t domid, const char *config_text,
		  const struct uuid *uuid)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *d = NULL, *info;
	const char *error;
	struct fake w;
	int r = json_parse(config_text, strlen(config_text), &config);

	r = r < 0 ? r : fake_open_domain(&w, domid, &d);
	if (r < 0)
		return r;
	info = json_get(config, "c_info", json_type_object);
	error = json_get_string(fake_behaviour(config), "reset_error");
	if (str_equal(error, "not supported")) {
		r = -EOPNOTSUPP;
	} else if (error || !has_shut_down(d)) {
		r = -EIO;
	} else {
		json_add_uuid(info, "uuid", uuid);
		json_add(d, "config", TAKE_PTR(config));
		json_object_object_del(d, "mark");
		fake_log(&w, "%u %s reset %s", domid, json_get_string(d, "name"),
			 json_get_string(d, "boot"));
		fake_set_state(&w, d, "paused");
	}
	fake_close(&w);
	return r;
}

int xl_get_update(struct xl *xl _unused_, uint32_t domid, char **ret, size_t *ret_size)
{
	struct json_object *d = NULL;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	r = json_get_string(d, "update") ? str_replace(ret, json_get_string(d, "update")) : -ENOENT;
	if (r >= 0)
		*ret_size = strlen(*ret);
	fake_close(&w);
	return r;
}

int xl_drop_update(struct xl *xl _unused_, uint32_t domid)
{
	struct json_object *d = NULL;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	json_object_object_del(d, "update");
	w.changed = true;
	fake_close(&w);
	return 0;
}

static bool is_removable(struct json_object *d, size_t index, const char **ret_vdev)
{
	struct json_object *disks = json_get(json_get(d, "config", json_type_object), "disks",
					     json_type_array);
	struct json_object *disk = disks ? json_object_array_get_idx(disks, index) : NULL;

	*ret_vdev = disk ? json_get_string(disk, "vdev") : NULL;
	return disk && fake_number(disk, "removable", 0);
}

int xl_list_removable(struct xl *xl _unused_, uint32_t domid, struct xl_disk *disks, size_t max,
		      size_t *ret_n)
{
	struct json_object *d = NULL;
	const char *vdev;
	struct fake w;
	size_t n = 0;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	for (size_t i = 0; i < DISKS_MAX && n < max; i++)
		if (is_removable(d, i, &vdev)) {
			disks[n].devid = FIRST_DEVID + (uint32_t)i;
			strncpy(disks[n].vdev, vdev, sizeof(disks[n].vdev) - 1);
			disks[n++].vdev[sizeof(disks->vdev) - 1] = '\0';
		}
	fake_close(&w);
	*ret_n = n;
	return 0;
}

int xl_eject(struct xl *xl _unused_, uint32_t domid, const char *vdev)
{
	struct json_object *d = NULL;
	const char *other;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	r = -EINVAL;
	for (size_t i = 0; i < DISKS_MAX; i++)
		if (is_removable(d, i, &other) && str_equal(other, vdev))
			r = 0;
	if (r >= 0 && str_equal(json_get_string(d, "eject"), vdev)) {
		fake_log(&w, "%u ejects %s", domid, vdev);
		json_object_object_del(d, "eject");
		w.changed = true;
	}
	fake_close(&w);
	return r;
}
