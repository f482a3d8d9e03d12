/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Preloaded into a process, kills it at its Nth call (KILL_AT=N) that changes something outside of
 * it: files, sockets, processes. With N from 1 on, until it lives, a process is killed at each of
 * its steps. KILL_IN names the program that is meant; its children are left alone.
 *
 * With KILL_WITH=EIO, ENOSPC, EBADMSG, ESTALE or EUCLEAN that call fails instead, with this error;
 * with KILL_WITH=hang it never returns. With KILL_WITH=stop the process stops (SIGSTOP) before it.
 * Where the lock on the fake world is held, which would stop everybody, these two wait for the next
 * call without it. The process does not stop if the file KILL_NOTE is there, and not in a fork, for
 * the others act while the program itself stands still. KILL_NOTE is made when it comes to a fault,
 * with the process's number. KILL_BELOW names a folder: calls that open or read a file in it are
 * counted, too.
 */

static int locked = -1;
static pid_t program; /* which counts; a fork of it counts on for itself */

static bool str_is(const char *s, const char *other)
{
	return s && strcmp(s, other) == 0;
}

static int error_of_fault(void)
{
	const char *with = getenv("KILL_WITH");

	if (!with)
		return 0;
	if (str_is(with, "EIO"))
		return EIO;
	if (str_is(with, "EBADMSG"))
		return EBADMSG;
	if (str_is(with, "ESTALE"))
		return ESTALE;
	return str_is(with, "EUCLEAN") ? EUCLEAN : ENOSPC;
}

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* False if the file is there already, or none is named. */
static bool note(void)
{
	const char *path = getenv("KILL_NOTE");
	int fd = path ? REAL(open)(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return false;
	dprintf(fd, "%d\n", getpid());
	close(fd);
	return true;
}

static int stop_here(void)
{
	if (getpid() == program && note())
		raise(SIGSTOP);
	return 0;
}

/* 0, or the error that the call is to fail with. */
static int strike(void)
{
	static long at = -1;
	static long calls;
	bool stops, hangs;

	if (at < 0) {
		const char *text = getenv("KILL_AT");
		const char *in = getenv("KILL_IN");
		const char *verb = getenv("KILL_VERB");
		char name[256] = "", line[512] = "";
		ssize_t n = readlink("/proc/self/exe", name, sizeof(name) - 1);
		int fd = REAL(open)("/proc/self/cmdline", O_RDONLY);
		ssize_t m = fd >= 0 ? REAL(read)(fd, line, sizeof(line) - 1) : 0;

		if (fd >= 0)
			close(fd);
		for (ssize_t i = 0; i < m - 1; i++)
			if (!line[i])
				line[i] = ' ';
		program = getpid();
		at = text && in && n > 0 && strstr(name, in) && (!verb || strstr(line, verb))
			     ? atol(text)
			     : 0;
	}
	/* Threads count together. */
	if (at <= 0 || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) != at)
		return 0;
	if (error_of_fault() == 0)
		raise(SIGKILL);
	stops = str_is(getenv("KILL_WITH"), "stop");
	hangs = str_is(getenv("KILL_WITH"), "hang");
	if ((stops || hangs) && locked >= 0) {
		at++;
		return 0;
	}
	if (stops)
		return stop_here();
	note();
	while (hangs)
		pause();
	return error_of_fault();
}

/* Makes the call, unless it is to fail. */
#define CALL(real)                                                                                 \
	__extension__({                                                                            \
		int _error = strike();                                                             \
                                                                                                   \
		if (_error)                                                                        \
			errno = _error;                                                            \
		_error ? -1 : (real);                                                              \
	})

static bool is_below(const char *path)
{
	const char *folder = getenv("KILL_BELOW");

	return folder && strncmp(path, folder, strlen(folder)) == 0;
}

/* Not static: with fortified headers the calls below are inline. */
__attribute__((visibility("hidden"))) bool is_of_below(int fd);

bool is_of_below(int fd)
{
	char link[64], path[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) > 0 && is_below(path);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return is_below(path) ? CALL(REAL(open)(path, flags, mode)) : REAL(open)(path, flags, mode);
}

ssize_t read(int fd, void *data, size_t size)
{
	return is_of_below(fd) ? CALL(REAL(read)(fd, data, size)) : REAL(read)(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
	return is_of_below(fd) ? CALL(REAL(pread)(fd, data, size, offset))
			       : REAL(pread)(fd, data, size, offset);
}

int fstat(int fd, struct stat *st)
{
	return is_of_below(fd) ? CALL(REAL(fstat)(fd, st)) : REAL(fstat)(fd, st);
}

ssize_t write(int fd, const void *data, size_t size)
{
	return CALL(REAL(write)(fd, data, size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return CALL(REAL(pwrite)(fd, data, size, offset));
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	return CALL(REAL(send)(fd, data, size, flags));
}

int rename(const char *from, const char *to)
{
	return CALL(REAL(rename)(from, to));
}

int unlink(const char *path)
{
	return CALL(REAL(unlink)(path));
}

int fsync(int fd)
{
	return CALL(REAL(fsync)(fd));
}

int fdatasync(int fd)
{
	return CALL(REAL(fdatasync)(fd));
}

int ftruncate(int fd, off_t length)
{
	return CALL(REAL(ftruncate)(fd, length));
}

int flock(int fd, int operation)
{
	int r = CALL(REAL(flock)(fd, operation));

	if (r == 0 && operation == LOCK_EX)
		locked = fd;
	return r;
}

int close(int fd)
{
	if (fd == locked)
		locked = -1;
	return REAL(close)(fd);
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int error = strike();

	return error ? error : REAL(posix_spawnp)(pid, file, actions, attributes, argv, envp);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int error = strike();

	return error ? error : REAL(posix_spawn)(pid, path, actions, attributes, argv, envp);
}
