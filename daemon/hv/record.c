/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"

#define ROOM_NAME ".room"

/* For the marks and the result of one operation, and of so many at one time. */
#define ROOM_PER_FILE (16U << 10)
#define ROOM_KEPT     (64 * ROOM_PER_FILE)

static int open_room(const char *folder)
{
	_cleanup_free_ char *path = NULL;
	int fd, r = str_format(&path, "%s/" ROOM_NAME, folder);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

void record_keep_room(const char *folder)
{
	_cleanup_close_ int fd = open_room(folder);
	struct stat st;

	/* Piece by piece, as it may be that not all of it is there. */
	while (fd >= 0 && fstat(fd, &st) == 0 && st.st_size < ROOM_KEPT &&
	       fallocate(fd, 0, st.st_size, ROOM_PER_FILE) == 0)
		;
}

static bool give_room(const char *folder, off_t size)
{
	_cleanup_close_ int fd = open_room(folder);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	       ftruncate(fd, MAX(st.st_size - size, 0)) == 0;
}

/* Without the room, the operation is tried nevertheless. */
static void take_room(int fd, const char *folder, off_t size)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) < 0 && errno == ENOSPC &&
	    give_room(folder, size))
		fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size);
}

static int open_record(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
				      0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* An operation that could not be recovered may have left something here: it is given up.
	 */
	return ftruncate(fd, 0) < 0 ? -errno : TAKE_FD(fd);
}

int record_create(const char *folder, const char *path, const struct operation_request *request)
{
	_cleanup_json_ struct json_object *message = operation_request_message(request, usec_now());
	_cleanup_close_ int fd = -1;
	const char *text;
	size_t size;
	int r;

	text = json_message(message, &size);
	if (!text)
		return -ENOMEM;
	fd = open_record(path);
	if (fd < 0)
		return fd;
	take_room(fd, folder, (off_t)size + ROOM_PER_FILE);
	r = fd_write_all(fd, text, size);
	if (r < 0) {
		unlink(path);
		return r;
	}
	return TAKE_FD(fd);
}

void record_put_aside(const char *path, const char *why)
{
	_cleanup_free_ char *aside = NULL;
	int r = file_put_aside(path, ".unreadable-", &aside);

	if (r < 0)
		log_error_errno(r, "Failed to rename the operation file %s", path);
	else
		log_error("%s %s, renamed it to %s", why, path, aside);
}
