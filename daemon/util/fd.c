/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "util/str.h"
#include "util/time.h"

/* More files than this are not put aside within a second. */
#define ASIDE_TRIES 1000

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n == 0)
			return -EIO;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int fd_pwrite_all(int fd, const void *data, size_t size, off_t offset)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = pwrite(fd, p, size, offset);

		if (n == 0)
			return -EIO;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		offset += n;
		size -= (size_t)n;
	}
	return 0;
}

int fd_read_all(int fd, void *data, size_t size)
{
	char *p = data;

	while (size > 0) {
		ssize_t n = read(fd, p, size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			return -ENODATA;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* One descriptor, beside one byte: nothing goes over a socket of streams without one. */
struct fd_message {
	char byte;
	struct iovec data;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr header;
};

static void fd_message_init(struct fd_message *m)
{
	*m = (struct fd_message){
		.data = {.iov_base = &m->byte, .iov_len = 1},
		.header = {.msg_iov = &m->data,
			   .msg_iovlen = 1,
			   .msg_control = m->control,
			   .msg_controllen = sizeof(m->control)},
	};
}

int fd_pass(int channel, int fd)
{
	struct fd_message m;
	struct cmsghdr *rights;

	fd_message_init(&m);
	rights = CMSG_FIRSTHDR(&m.header);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	return TEMP_FAILURE_RETRY(sendmsg(channel, &m.header, MSG_NOSIGNAL)) < 0 ? -errno : 0;
}

int fd_receive(int channel, int *ret)
{
	struct fd_message m;
	const struct cmsghdr *rights;
	ssize_t n;

	fd_message_init(&m);
	n = TEMP_FAILURE_RETRY(recvmsg(channel, &m.header, MSG_CMSG_CLOEXEC));
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	rights = CMSG_FIRSTHDR(&m.header);
	if (!rights || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS ||
	    rights->cmsg_len != CMSG_LEN(sizeof(*ret)))
		return -EBADMSG;
	memcpy(ret, CMSG_DATA(rights), sizeof(*ret));
	return 0;
}

int fd_read_file(int fd, size_t max, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0, room = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	for (;;) {
		ssize_t n;

		if (size + 1 >= room) {
			char *bigger;

			room = room ? room * 2 : 4096;
			bigger = realloc(data, room);
			if (!bigger)
				return -ENOMEM;
			data = bigger;
		}
		n = read(fd, data + size, room - size - 1);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > max)
			return -EFBIG;
	}
	data[size] = '\0';
	if (ret_size)
		*ret_size = size;
	*ret = TAKE_PTR(data);
	return 0;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	return fd_read_file(fd, max, ret, ret_size);
}

int fsync_parent(const char *path)
{
	const char *base = path_base(path);
	_cleanup_free_ char *folder = base == path ? strdup(".")
						   : strndup(path, (size_t)(base - path));
	_cleanup_close_ int fd = -1;

	if (!folder)
		return -ENOMEM;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) >= 0)
		return 0;
	/* Not every file system supports this. Then only the caller's lock protects the file. */
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (access(to, F_OK) == 0)
		return -EEXIST;
	return rename(from, to) < 0 ? -errno : 0;
}

int file_put_aside(const char *path, const char *mark, char **ret)
{
	unsigned long long now = usec_now_wall() / USEC_PER_SEC;
	_cleanup_free_ char *aside = NULL;
	int r = -EEXIST;

	for (unsigned i = 0; r == -EEXIST && i < ASIDE_TRIES; i++) {
		free(TAKE_PTR(aside));
		r = str_format(&aside, "%s%s%llu", path, mark, now + i);
		r = r < 0 ? r : rename_new(path, aside);
	}
	if (r >= 0)
		*ret = TAKE_PTR(aside);
	return r;
}

int make_directory(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int make_directory_of(const char *file, mode_t mode)
{
	size_t length = (size_t)(path_base(file) - file);
	_cleanup_free_ char *folder = NULL;
	int r;

	if (length <= 1)
		return 0;
	folder = strndup(file, length - 1);
	if (!folder)
		return -ENOMEM;
	r = make_directory(folder, mode);
	return r < 0 ? r : fsync_parent(folder);
}
