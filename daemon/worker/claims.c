/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/claims.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"

/*
 * The file is empty, and its offsets are in KiB: a process claims from its number times CLAIM_MAX
 * on, so that two claims never meet. Who looks holds offset 0.
 */
#define CLAIM_MAX (UINT64_C(1) << 36)
#define TABLE_MAX INT64_MAX

int claims_open(void)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	_cleanup_free_ char *path = NULL;
	int fd;
	int r;

	folder = folder ? folder : "/run/xendomains";
	r = make_directory(folder, 0755);
	r = r < 0 ? r : str_format(&path, "%s/memory", folder);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static int set_lock(int fd, short type, uint64_t start, uint64_t length)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)start,
		.l_len = (off_t)length,
	};

	if (fcntl(fd, F_SETLK, &lock) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

/* The kernel tells of any one lock in a range: the others are before it, or after it. */
static uint64_t sum(int fd, off_t from, off_t to)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = from,
		.l_len = to - from,
	};

	if (from >= to || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return (uint64_t)lock.l_len + sum(fd, from, lock.l_start) +
	       sum(fd, lock.l_start + lock.l_len, to);
}

int claims_take(int fd, uint64_t wanted, uint64_t need, int (*get_free)(void *data, uint64_t *ret),
		void *data, uint64_t *ret_free)
{
	uint64_t has = 0, others;
	int r = set_lock(fd, F_WRLCK, 0, 1);

	if (r < 0)
		return r;
	others = sum(fd, (off_t)CLAIM_MAX, TABLE_MAX);
	r = get_free(data, &has);
	if (r >= 0 && has >= wanted && has - wanted < others)
		r = -EAGAIN;
	if (r >= 0 && has >= wanted && need > 0)
		r = set_lock(fd, F_WRLCK, (uint64_t)getpid() * CLAIM_MAX, MIN(need, CLAIM_MAX));
	set_lock(fd, F_UNLCK, 0, 1);
	if (r < 0)
		return r;
	*ret_free = has;
	return 0;
}
