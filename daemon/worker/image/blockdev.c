/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/blockdev.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <systemd/sd-device.h>

#include "util/fd.h"
#include "util/str.h"
#include "worker/image/regions.h"

struct blockdev {
	char *identity;
	bool settled; /* udev is done with it */
	uint64_t size;
	uint64_t hashes[_REGION_MAX];
};

static void blockdev_done(struct blockdev *b)
{
	free(b->identity);
}

/* The kernel's names of devices change from boot to boot; these last. */
static const char *lasting_name(sd_device *device)
{
	static const char *const properties[] = {"DM_UUID", "ID_PART_ENTRY_UUID", "MD_UUID",
						 "ID_WWN_WITH_EXTENSION", "ID_SERIAL"};
	const char *value;

	for (size_t i = 0; i < ELEMENTSOF(properties); i++)
		if (sd_device_get_property_value(device, properties[i], &value) >= 0 &&
		    !str_empty(value))
			return value;
	if (sd_device_get_sysattr_value(device, "loop/backing_file", &value) >= 0)
		return value;
	return sd_device_get_sysname(device, &value) >= 0 ? value : NULL;
}

static int identify(dev_t number, struct blockdev *b)
{
	sd_device *device = NULL;
	const char *name = NULL;
	int r = sd_device_new_from_devnum(&device, 'b', number);

	if (r >= 0)
		name = lasting_name(device);
	r = r < 0 ? r : name ? str_format(&b->identity, "%s", name) : -ENODEV;
	b->settled = device && sd_device_get_is_initialized(device) > 0;
	sd_device_unref(device);
	return r;
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_DIRECT);

	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int look(const char *path, struct blockdev *ret)
{
	_cleanup_(blockdev_done) struct blockdev b = {0};
	_cleanup_close_ int fd = open_device(path);
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;

	if (r >= 0 && !S_ISBLK(st.st_mode))
		r = -ENOTBLK;
	if (r >= 0 && ioctl(fd, BLKGETSIZE64, &b.size) < 0)
		r = -errno;
	r = r < 0 ? r : identify(st.st_rdev, &b);
	r = r < 0 ? r : regions_hash(fd, b.size, b.hashes);
	if (r < 0)
		return r;
	*ret = b;
	b = (struct blockdev){0};
	return 0;
}

static void hash_text(uint64_t hash, char text[17])
{
	snprintf(text, 17, "%016" PRIx64, hash);
}

int blockdev_describe(const char *path, struct json_object *description)
{
	_cleanup_(blockdev_done) struct blockdev b = {0};
	char hash[17];
	int r = look(path, &b);

	r = r < 0 ? r : json_add_string(description, "device", b.identity);
	r = r < 0 ? r : json_add_u64(description, "size", b.size);
	for (int i = 0; r >= 0 && i < _REGION_MAX; i++) {
		hash_text(b.hashes[i], hash);
		r = json_add_string(description, region_to_string((enum region)i), hash);
	}
	return r;
}

static const char *region_changed(enum region region)
{
	switch (region) {
	case REGION_START:
		return "was written, at its beginning, after the guest was saved";
	case REGION_END:
		return "was written, at its end, after the guest was saved";
	case REGION_PARTITIONS:
		return "was written, at the beginning of a partition, after the guest was saved";
	case _REGION_MAX:
	case _REGION_INVALID:
		break;
	}
	return "was written";
}

int blockdev_compare(const char *path, struct json_object *description, const char **ret_how)
{
	_cleanup_(blockdev_done) struct blockdev b = {0};
	const char *identity = json_get_string(description, "device"), *how = NULL;
	uint64_t size;
	char hash[17];
	int r;

	if (!identity || json_get_u64(description, "size", &size) < 0)
		return -EBADMSG;
	for (int i = 0; i < _REGION_MAX; i++)
		if (!json_get_string(description, region_to_string((enum region)i)))
			return -EBADMSG;
	r = look(path, &b);
	if (r < 0 && r != -ENOTBLK)
		return r == -ENOMEM ? r : -ENODEV;
	if (r == -ENOTBLK)
		how = "is not a block device now";
	/* udev tells what a device is called a while after the device has come. */
	else if (!str_equal(b.identity, identity) && !b.settled)
		return -ENODEV;
	else if (!str_equal(b.identity, identity))
		how = "is another device now";
	else if (b.size != size)
		how = "has another size now";
	for (int i = 0; !how && i < _REGION_MAX; i++) {
		const char *was = json_get_string(description, region_to_string((enum region)i));

		hash_text(b.hashes[i], hash);
		if (!str_equal(was, hash))
			how = region_changed((enum region)i);
	}
	*ret_how = how;
	return 0;
}
