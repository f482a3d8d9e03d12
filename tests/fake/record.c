/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

/*
 * Preloaded into processes, records the calls that change files below the folders RECORD_FILES, and
 * what is written to the files RECORD_EVENTS, which tell of the world outside (both are lists with
 * colons). All processes write to one file, RECORD_LOG, and none makes such a call while another is
 * in one: the order there is the order in which it happened. With RECORD_BOOT, which is a file,
 * the boot has the ID that stands in it.
 *
 * A record: call, inode, offset, flags, size, path, other path, with tabs between, a line break,
 * and as many bytes as the size says. Only calls that succeeded are in it.
 */

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

#define BOOT_ID   "/proc/sys/kernel/random/boot_id"
#define GONE      " (deleted)"
#define PATH_SIZE 1024

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static pid_t log_owner; /* who has it open: a child that closes what it inherits has it no more */

/* A descriptor that is recorded. */
struct known {
	char path[PATH_SIZE];
	struct stat st;
	int flags;
	bool event;
};

static bool begin(void)
{
	const char *path = getenv("RECORD_LOG");

	if (!path)
		return false;
	pthread_mutex_lock(&mutex);
	if (log_fd < 0 || log_owner != getpid())
		log_fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	log_owner = getpid();
	if (log_fd < 0 || flock(log_fd, LOCK_EX) < 0)
		abort();
	return true;
}

static void end(void)
{
	int error = errno;

	flock(log_fd, LOCK_UN);
	pthread_mutex_unlock(&mutex);
	errno = error;
}

static void write_log(const void *data, size_t size)
{
	if (REAL(write)(log_fd, data, size) != (ssize_t)size)
		abort();
}

static void note(const char *call, const struct known *k, off_t offset, const void *data,
		 size_t size, const char *other)
{
	char line[3 * PATH_SIZE];
	int error = errno;
	int n = snprintf(line, sizeof(line), "%s\t%llu\t%lld\t%d\t%zu\t%s\t%s\n", call,
			 (unsigned long long)k->st.st_ino, (long long)offset, k->flags, size,
			 k->path, other);

	if (n < 0 || (size_t)n >= sizeof(line))
		abort();
	write_log(line, (size_t)n);
	if (size > 0)
		write_log(data, size);
	errno = error;
}

/* Whether the path is one of the list, or, if they are folders, below or just above one. */
static bool is_listed(const char *list, const char *path, bool folders)
{
	size_t length = strlen(path);

	while (list && *list) {
		size_t n = strcspn(list, ":");

		if (length == n && strncmp(path, list, n) == 0)
			return true;
		if (folders && length > n && path[n] == '/' && strncmp(path, list, n) == 0)
			return true;
		/* What has the folder's own name in it. */
		if (folders && length < n && list[length] == '/' &&
		    strncmp(path, list, length) == 0 &&
		    !memchr(list + length + 1, '/', n - length - 1))
			return true;
		list += n + (list[n] == ':');
	}
	return false;
}

static bool is_file(const char *path)
{
	return is_listed(getenv("RECORD_FILES"), path, true);
}

static bool know(int fd, struct known *ret)
{
	char link[64];
	ssize_t n;
	int error = errno;
	bool known = false;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = getenv("RECORD_LOG") ? readlink(link, ret->path, sizeof(ret->path) - 1) : -1;
	if (n > 0 && ret->path[0] == '/') {
		ret->path[n] = '\0';
		if ((size_t)n > strlen(GONE) && strcmp(ret->path + n - strlen(GONE), GONE) == 0)
			ret->path[n - (ssize_t)strlen(GONE)] = '\0';
		ret->event = is_listed(getenv("RECORD_EVENTS"), ret->path, false);
		ret->flags = fcntl(fd, F_GETFL);
		known = (ret->event || is_file(ret->path)) && fstat(fd, &ret->st) == 0;
	}
	errno = error;
	return known;
}

static struct known know_path(const char *path)
{
	struct known k = {0};
	int error = errno;

	if (strlen(path) >= sizeof(k.path))
		abort();
	strcpy(k.path, path);
	if (lstat(path, &k.st) < 0)
		k.st.st_ino = 0;
	errno = error;
	return k;
}

/* Files come to be, and are emptied. */

static int open_recorded(const char *path, int flags, mode_t mode)
{
	struct known before, after;
	int fd;

	if (strcmp(path, BOOT_ID) == 0 && getenv("RECORD_BOOT"))
		return REAL(open)(getenv("RECORD_BOOT"), flags, mode);
	if (!(flags & (O_CREAT | O_TRUNC)) || !is_file(path) || !begin())
		return REAL(open)(path, flags, mode);
	before = know_path(path);
	fd = REAL(open)(path, flags, mode);
	if (fd >= 0) {
		after = know_path(path);
		if (before.st.st_ino == 0)
			note("create", &after, after.st.st_mode & 07777, NULL, 0, "");
		else if (flags & O_TRUNC)
			note("truncate", &after, 0, NULL, 0, "");
	}
	end();
	return fd;
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_recorded(path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
	struct known k;
	int r;

	if (!is_file(path) || !begin())
		return REAL(mkdir)(path, mode);
	r = REAL(mkdir)(path, mode);
	if (r == 0) {
		k = know_path(path);
		note("mkdir", &k, k.st.st_mode & 07777, NULL, 0, "");
	}
	end();
	return r;
}

/* What is in them. */

static ssize_t write_recorded(const struct known *k, int fd, const struct iovec *parts, int n_parts,
			      off_t offset)
{
	size_t left;
	ssize_t n;

	if (!begin())
		abort();
	if (offset >= 0) {
		n = REAL(pwritev)(fd, parts, n_parts, offset);
	} else {
		n = REAL(writev)(fd, parts, n_parts);
		offset = n > 0 ? lseek(fd, 0, SEEK_CUR) - n : 0;
	}
	left = n > 0 ? (size_t)n : 0;
	for (int i = 0; i < n_parts && left > 0; i++) {
		size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;

		note(k->event ? "event" : "write", k, offset, parts[i].iov_base, size, "");
		offset += (off_t)size;
		left -= size;
	}
	end();
	return n;
}

ssize_t write(int fd, const void *data, size_t size)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct known k;

	return know(fd, &k) ? write_recorded(&k, fd, &part, 1, -1) : REAL(write)(fd, data, size);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	struct known k;

	return know(fd, &k) ? write_recorded(&k, fd, parts, n, -1) : REAL(writev)(fd, parts, n);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct known k;

	return know(fd, &k) ? write_recorded(&k, fd, &part, 1, offset)
			    : REAL(pwrite)(fd, data, size, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset)
{
	struct known k;

	return know(fd, &k) ? write_recorded(&k, fd, parts, n, offset)
			    : REAL(pwritev)(fd, parts, n, offset);
}

/* A call on a descriptor of which nothing but itself is to be told. */
#define ON_DESCRIPTOR(call, number, real)                                                          \
	__extension__({                                                                            \
		struct known _k;                                                                   \
		bool _known = know(fd, &_k) && !_k.event && begin();                               \
		int _r = (real);                                                                   \
                                                                                                   \
		if (_known && _r == 0)                                                             \
			note(call, &_k, number, NULL, 0, "");                                      \
		if (_known)                                                                        \
			end();                                                                     \
		_r;                                                                                \
	})

int ftruncate(int fd, off_t length)
{
	return ON_DESCRIPTOR("truncate", length, REAL(ftruncate)(fd, length));
}

/*
 * Room that is kept beyond the end changes nothing that can be read; nor does a hole, which is only
 * made where nothing was written.
 */
int fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (mode & FALLOC_FL_KEEP_SIZE)
		return REAL(fallocate)(fd, mode, offset, length);
	return ON_DESCRIPTOR("extend", offset + length, REAL(fallocate)(fd, mode, offset, length));
}

int fsync(int fd)
{
	return ON_DESCRIPTOR("sync", 0, REAL(fsync)(fd));
}

int fdatasync(int fd)
{
	return ON_DESCRIPTOR("sync", 0, REAL(fdatasync)(fd));
}

int syncfs(int fd)
{
	return ON_DESCRIPTOR("syncfs", 0, REAL(syncfs)(fd));
}

int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	struct known k;
	bool known = know(fd, &k) && !k.event && begin();
	int r = REAL(fsetxattr)(fd, name, value, size, flags);

	if (known && r == 0)
		note("xattr", &k, 0, value, size, name);
	if (known)
		end();
	return r;
}

int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
	struct known k;
	int r;

	if (!is_file(path) || !begin())
		return REAL(setxattr)(path, name, value, size, flags);
	r = REAL(setxattr)(path, name, value, size, flags);
	k = know_path(path);
	if (r == 0)
		note("xattr", &k, 0, value, size, name);
	end();
	return r;
}

/* What they are called. */

/* A call that takes a name away, or gives one. */
#define ON_PATHS(call, from, to, real)                                                             \
	__extension__({                                                                            \
		bool _known = is_file(from) && begin();                                            \
		struct known _k = know_path(from);                                                 \
		int _r = (real);                                                                   \
                                                                                                   \
		if (_known && _r == 0)                                                             \
			note(call, &_k, 0, NULL, 0, to);                                           \
		if (_known)                                                                        \
			end();                                                                     \
		_r;                                                                                \
	})

int rename(const char *from, const char *to)
{
	return ON_PATHS("rename", from, to, REAL(rename)(from, to));
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return ON_PATHS("rename", from, to, REAL(renameat)(from_folder, from, to_folder, to));
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
	return ON_PATHS(flags & RENAME_EXCHANGE ? "exchange" : "rename", from, to,
			REAL(renameat2)(from_folder, from, to_folder, to, flags));
}

int link(const char *from, const char *to)
{
	return ON_PATHS("link", from, to, REAL(link)(from, to));
}

int unlink(const char *path)
{
	return ON_PATHS("unlink", path, "", REAL(unlink)(path));
}
