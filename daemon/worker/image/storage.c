/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"

/* Volumes are rarely stacked as deeply as this. */
#define DEPTH_MAX 16

#define ATTRIBUTE_MAX (64 << 10)

/* By the numbers in statfs(2): file systems on disks of this host, or in its memory. */
static const uint32_t local_types[] = {
	0xef53,     /* ext2 to ext4 */
	0x58465342, /* XFS */
	0x9123683e, /* Btrfs */
	0x2fc12fc1, /* ZFS */
	0xf2f52010, /* F2FS */
	0xca451a4e, /* bcachefs */
	0x3153464a, /* JFS */
	0x01021994, /* tmpfs */
	0x794c7630, /* overlay */
};

bool storage_is_local_file(const char *path)
{
	struct statfs st;
	bool local = false;
	struct stat file;

	if (statfs(path, &st) < 0 || stat(path, &file) < 0)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(local_types); i++)
		local |= (uint32_t)st.f_type == local_types[i];
	if (!local)
		return false;
	/* Without a device of its own (Btrfs, ZFS, tmpfs) what lies below cannot be found. */
	return major(file.st_dev) == 0 || storage_is_local_device(file.st_dev);
}

static int read_attribute(const char *device, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	size_t size;
	int r = str_format(&path, "%s/%s", device, name);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd_read_file(fd, ATTRIBUTE_MAX, ret, &size);
}

static bool has_attribute(const char *device, const char *name)
{
	_cleanup_free_ char *path = NULL;

	return str_format(&path, "%s/%s", device, name) >= 0 && access(path, F_OK) == 0;
}

/* The directory of a device in sysfs, without links in it. */
static int find_folder(dev_t number, char ret[PATH_MAX])
{
	char link[64];

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(number), minor(number));
	return realpath(link, ret) ? 0 : -errno;
}

/* A disk that is attached to this host, by its driver and by what it hangs on. */
static bool is_local_disk(const char *folder)
{
	static const char *const drivers[] = {"sd", "nvme", "vd", "xvd", "mmcblk", "hd", "pmem"};
	static const char *const networks[] = {"/session", "/rport-", "/nvme-fabrics/"};
	const char *name = path_base(folder);
	_cleanup_free_ char *transport = NULL;
	bool known = false;

	for (size_t i = 0; i < ELEMENTSOF(drivers); i++)
		known |= str_starts_with(name, drivers[i]);
	for (size_t i = 0; i < ELEMENTSOF(networks); i++)
		if (strstr(folder, networks[i]))
			return false;
	if (!known || !str_starts_with(name, "nvme"))
		return known;
	/* One with several ways to it hangs on none of them. */
	return read_attribute(folder, "device/transport", &transport) >= 0 &&
	       str_starts_with(transport, "pcie");
}

static bool is_local(const char *folder, unsigned depth);

/* All devices that a volume lies on. -1: it lies on none. */
static int are_slaves_local(const char *folder, unsigned depth)
{
	_cleanup_free_ char *path = NULL;
	struct dirent *entry;
	int local = -1;
	DIR *slaves;

	if (str_format(&path, "%s/slaves", folder) < 0)
		return 0;
	slaves = opendir(path);
	if (!slaves)
		return -1;
	while (local != 0 && (entry = readdir(slaves))) {
		_cleanup_free_ char *link = NULL;
		char slave[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		local = str_format(&link, "%s/%s", path, entry->d_name) >= 0 &&
			realpath(link, slave) && is_local(slave, depth + 1);
	}
	closedir(slaves);
	return local;
}

static bool is_local(const char *folder, unsigned depth)
{
	_cleanup_free_ char *backing = NULL;
	int slaves;

	if (depth > DEPTH_MAX)
		return false;
	if (has_attribute(folder, "partition")) {
		_cleanup_free_ char *disk = strndup(folder,
						    (size_t)(path_base(folder) - folder) - 1);

		return disk && is_local(disk, depth + 1);
	}
	if (read_attribute(folder, "loop/backing_file", &backing) >= 0) {
		backing[strcspn(backing, "\n")] = '\0';
		return storage_is_local_file(backing);
	}
	slaves = are_slaves_local(folder, depth);
	return slaves < 0 ? is_local_disk(folder) : slaves;
}

bool storage_is_local_device(dev_t number)
{
	char folder[PATH_MAX];

	return find_folder(number, folder) >= 0 && is_local(folder, 0);
}

/* Documentation/block/stat.rst of Linux: the 7th figure, and the 14th where there is one. */
static int read_written(const char *folder, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	uint64_t written, discarded = 0;
	int n, r = read_attribute(folder, "stat", &text);

	if (r < 0)
		return r;
	n = sscanf(text, "%*u %*u %*u %*u %*u %*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %" SCNu64,
		   &written, &discarded);
	if (n < 1)
		return -EBADMSG;
	*ret = written + discarded;
	return 0;
}

/* What was written to a disk, less what was written to its partitions. */
static int read_past_partitions(const char *disk, uint64_t *ret)
{
	uint64_t whole, parts = 0, part;
	struct dirent *entry;
	/* The whole disk first: later writes must not count as writes past the partitions. */
	int r = read_written(disk, &whole);
	DIR *folder = r < 0 ? NULL : opendir(disk);

	if (!folder)
		return r < 0 ? r : -errno;
	while ((entry = readdir(folder))) {
		_cleanup_free_ char *path = NULL;

		if (str_format(&path, "%s/%s", disk, entry->d_name) >= 0 &&
		    has_attribute(path, "partition") && read_written(path, &part) >= 0)
			parts += part;
	}
	closedir(folder);
	*ret = whole > parts ? whole - parts : 0;
	return 0;
}

int storage_written(dev_t number, uint64_t *ret)
{
	_cleanup_free_ char *disk = NULL;
	uint64_t written, past = 0;
	char folder[PATH_MAX];
	int r = find_folder(number, folder);

	r = r < 0 ? r : read_written(folder, &written);
	if (r >= 0 && has_attribute(folder, "partition")) {
		disk = strndup(folder, (size_t)(path_base(folder) - folder) - 1);
		r = disk ? read_past_partitions(disk, &past) : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = written + past;
	return 0;
}

int storage_backing_file(dev_t number, char **ret)
{
	char folder[PATH_MAX];
	int r = find_folder(number, folder);

	r = r < 0 ? r : read_attribute(folder, "loop/backing_file", ret);
	if (r >= 0)
		(*ret)[strcspn(*ret, "\n")] = '\0';
	return r;
}
