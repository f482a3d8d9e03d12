/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/savers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "util/fd.h"
#include "util/parse.h"
#include "util/str.h"

#define HELPER   "libxl-save-helper"
#define SAVE     "--save-domain"
#define AT_SAVE  1
#define AT_DOMID 4

static const char *argument(const char *arguments, size_t size, size_t index)
{
	const char *end = arguments + size;

	for (const char *a = arguments; a < end; a += strlen(a) + 1)
		if (index-- == 0)
			return a;
	return NULL;
}

bool savers_match(const char *arguments, size_t size, uint32_t domid)
{
	const char *name, *save, *number;
	uint64_t found;

	if (size == 0 || arguments[size - 1] != '\0')
		return false;
	name = argument(arguments, size, 0);
	save = argument(arguments, size, AT_SAVE);
	number = argument(arguments, size, AT_DOMID);
	return str_equal(path_base(name), HELPER) && str_equal(save, SAVE) && number &&
	       parse_u64(number, UINT32_MAX, &found) >= 0 && found == domid;
}

static bool saves(const char *process, uint32_t domid)
{
	_cleanup_close_ int fd = -1;
	char path[64], arguments[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.32s/cmdline", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, arguments, sizeof(arguments));
	return n > 0 && savers_match(arguments, (size_t)n, domid);
}

bool savers_find(uint32_t domid)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (processes && !found && (entry = readdir(processes)))
		found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			saves(entry->d_name, domid);
	if (processes)
		closedir(processes);
	return found;
}
