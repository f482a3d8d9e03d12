/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/directory.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <systemd/sd-device.h>

#include "util/str.h"

/* The numbers of devices can be others after a boot, and some file systems go by them. */
static int find_uuid(dev_t number, char **ret)
{
	sd_device *device = NULL;
	const char *value = NULL;
	int r = sd_device_new_from_devnum(&device, 'b', number);

	r = r < 0 ? r : sd_device_get_property_value(device, "ID_FS_UUID", &value);
	r = r < 0 ? r : str_format(ret, "%s", value);
	sd_device_unref(device);
	return r;
}

int directory_identify(const char *path, char **ret)
{
	_cleanup_free_ char *uuid = NULL;
	struct statfs fs;
	struct stat st;
	int r;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	r = find_uuid(st.st_dev, &uuid);
	if (r == -ENOMEM)
		return r;
	if (r >= 0)
		return str_format(ret, "%s:%" PRIu64, uuid, (uint64_t)st.st_ino);
	return str_format(ret, "%08x%08x:%" PRIu64, (unsigned)fs.f_fsid.__val[0],
			  (unsigned)fs.f_fsid.__val[1], (uint64_t)st.st_ino);
}
