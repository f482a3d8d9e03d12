/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Preloaded into a process, stands in for a disk that does not answer: for as long as the file
 * HOLD_DISK is there, no sync returns, and no rename of a file in the folder HOLD_BELOW. HOLD_IN
 * names the program that is meant; its children are left alone, unless they are the same program.
 */

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

#define PAUSE_USEC 10000

static bool is_meant(void)
{
	const char *program = getenv("HOLD_IN");
	char name[256] = "";

	return program && readlink("/proc/self/exe", name, sizeof(name) - 1) > 0 &&
	       strstr(name, program);
}

static void wait_for_disk(void)
{
	const char *held = getenv("HOLD_DISK");

	while (held && is_meant() && access(held, F_OK) == 0)
		usleep(PAUSE_USEC);
}

int fsync(int fd)
{
	wait_for_disk();
	return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	wait_for_disk();
	return REAL(fdatasync)(fd);
}

int rename(const char *from, const char *to)
{
	const char *folder = getenv("HOLD_BELOW");

	if (folder && strncmp(from, folder, strlen(folder)) == 0)
		wait_for_disk();
	return REAL(rename)(from, to);
}
