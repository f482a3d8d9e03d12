/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <xenstore.h>

#include "util/str.h"
#include "worker/xl/private.h"

/* What xl's monitor process has libxl do when a guest ends, or ejects a disk. */

/* xl's own name for the data that config-update leaves. */
#define UPDATE_USERDATA "xl"

int xl_core_dump(struct xl *xl, uint32_t domid, const char *path)
{
	struct xl_call call;

	return xl_call_wait(
		xl, &call, libxl_domain_core_dump(xl->ctx, domid, path, xl_call_how(&call)), false);
}

int xl_preserve(struct xl *xl, uint32_t domid, const char *suffix, const struct uuid *uuid)
{
	libxl_domain_create_info info;
	libxl_uuid new_uuid;
	int r;

	libxl_domain_create_info_init(&info);
	info.name = libxl_domid_to_name(xl->ctx, domid);
	memcpy(libxl_uuid_bytearray(&new_uuid), uuid->bytes, sizeof(uuid->bytes));
	r = info.name ? xl_error(xl, libxl_domain_preserve(xl->ctx, domid, &info, suffix, new_uuid))
		      : -ESRCH;
	libxl_domain_create_info_dispose(&info);
	return r;
}

int xl_soft_reset(struct xl *xl, uint32_t domid, const char *json, const struct uuid *uuid)
{
	libxl_domain_config config;
	struct xl_call call;
	int r = xl_load_config(xl, json, &config);

	if (r < 0)
		return r;
	/* Of a domain that is there, libxl does not tell PVH from HVM. */
	if (config.c_info.type != LIBXL_DOMAIN_TYPE_HVM) {
		libxl_domain_config_dispose(&config);
		return -EOPNOTSUPP;
	}
	memcpy(libxl_uuid_bytearray(&config.c_info.uuid), uuid->bytes, sizeof(uuid->bytes));
	r = xl_call_wait(xl, &call,
			 libxl_domain_soft_reset(xl->ctx, &config, domid, xl_call_how(&call), NULL),
			 false);
	libxl_domain_config_dispose(&config);
	return r;
}

int xl_get_update(struct xl *xl, uint32_t domid, char **ret, size_t *ret_size)
{
	uint8_t *data = NULL;
	int length = 0;

	if (libxl_userdata_retrieve(xl->ctx, domid, UPDATE_USERDATA, &data, &length) != 0)
		return -EIO;
	if (length <= 0) {
		free(data);
		return -ENOENT;
	}
	*ret = (char *)data;
	*ret_size = (size_t)length;
	return 0;
}

int xl_drop_update(struct xl *xl, uint32_t domid)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	/* libxl takes it for an error that there is none, and says so. */
	if (xl_get_update(xl, domid, &text, &size) == -ENOENT)
		return 0;
	return xl_error(xl, libxl_userdata_unlink(xl->ctx, domid, UPDATE_USERDATA));
}

/* The disk's number, and its directory in XenStore. */
static int find_disk(struct xl *xl, uint32_t domid, libxl_device_disk *disk, uint32_t *ret_devid)
{
	libxl_diskinfo info;
	int r;

	libxl_diskinfo_init(&info);
	r = xl_error(xl, libxl_device_disk_getinfo(xl->ctx, domid, disk, &info));
	if (r >= 0)
		*ret_devid = (uint32_t)info.devid;
	libxl_diskinfo_dispose(&info);
	return r;
}

int xl_list_removable(struct xl *xl, uint32_t domid, struct xl_disk *disks, size_t max,
		      size_t *ret_n)
{
	int n = 0, r = 0;
	libxl_device_disk *list = libxl_device_disk_list(xl->ctx, domid, &n);
	size_t found = 0;

	for (int i = 0; list && i < n && found < max; i++) {
		if (!list[i].removable || str_empty(list[i].vdev) ||
		    strlen(list[i].vdev) >= sizeof(disks->vdev))
			continue;
		r = find_disk(xl, domid, &list[i], &disks[found].devid);
		if (r < 0)
			break;
		snprintf(disks[found].vdev, sizeof(disks->vdev), "%s", list[i].vdev);
		found++;
	}
	libxl_device_disk_list_free(list, n);
	if (r < 0)
		return r;
	*ret_n = found;
	return 0;
}

static bool is_wanted(struct xs_handle *xs, uint32_t domid, uint32_t devid)
{
	char path[128], *value;
	bool wanted;

	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u/eject", domid, devid);
	value = xs_read(xs, XBT_NULL, path, NULL);
	wanted = str_equal(value, "eject");
	free(value);
	return wanted;
}

/*
 * The guest's word is taken back, as libxl does. In a transaction: the node may have gone with the
 * guest, and a write would make it again.
 */
static int acknowledge(struct xs_handle *xs, uint32_t domid, uint32_t devid)
{
	char path[128];
	int r = -EAGAIN;

	snprintf(path, sizeof(path), "/local/domain/%u/device/vbd/%u/eject", domid, devid);
	while (r == -EAGAIN) {
		xs_transaction_t t = xs_transaction_start(xs);
		char *value;
		bool written;

		if (t == XBT_NULL) {
			r = -errno;
			break;
		}
		value = xs_read(xs, t, path, NULL);
		written = value && xs_write(xs, t, path, "", 0);
		free(value);
		r = xs_transaction_end(xs, t, !written) ? 0 : -errno;
	}
	return r;
}

static int insert_empty(struct xl *xl, uint32_t domid, libxl_device_disk *disk)
{
	libxl_device_disk empty;
	struct xl_call call;
	int r;

	libxl_device_disk_init(&empty);
	empty.vdev = strdup(disk->vdev);
	empty.pdev_path = strdup("");
	empty.format = LIBXL_DISK_FORMAT_EMPTY;
	empty.backend = disk->backend;
	empty.removable = 1;
	empty.is_cdrom = 1;
	r = empty.vdev && empty.pdev_path
		    ? xl_call_wait(xl, &call,
				   libxl_cdrom_insert(xl->ctx, domid, &empty, xl_call_how(&call)),
				   false)
		    : -ENOMEM;
	libxl_device_disk_dispose(&empty);
	return r;
}

int xl_eject(struct xl *xl, uint32_t domid, const char *vdev)
{
	struct xs_handle *xs = xs_open(0);
	libxl_device_disk disk;
	uint32_t devid;
	int r, acknowledged;

	if (!xs)
		return -errno;

	libxl_device_disk_init(&disk);
	r = xl_error(xl, libxl_vdev_to_device_disk(xl->ctx, domid, vdev, &disk));
	if (r >= 0)
		r = find_disk(xl, domid, &disk, &devid);
	if (r >= 0 && is_wanted(xs, domid, devid)) {
		r = disk.removable ? insert_empty(xl, domid, &disk) : -EPERM;
		acknowledged = acknowledge(xs, domid, devid);
		r = r < 0 ? r : acknowledged;
	}
	libxl_device_disk_dispose(&disk);
	xs_close(xs);
	return r;
}
