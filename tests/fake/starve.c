/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Preloaded into a process, has no memory for its Nth allocation (STARVE_AT=N), and for that one
 * only; or for each of a size from STARVE_FROM on and below STARVE_BELOW, in bytes. Json-c's parser
 * is spared, which crashes, or leaves out what it had no memory for. STARVE_IN names the program
 * that is meant. When it ends it writes to STARVE_NOTE, a file, how many allocations it has made.
 */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

struct json_object;
struct json_tokener;

struct json_object *json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int size);

static long at, calls;
static size_t from = SIZE_MAX, below;
static __thread bool parsing;

static long read_number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
	const char *program = getenv("STARVE_IN");
	char name[256] = "";

	if (program && readlink("/proc/self/exe", name, sizeof(name) - 1) > 0 &&
	    strstr(name, program)) {
		at = read_number("STARVE_AT", 0);
		from = (size_t)read_number("STARVE_FROM", LONG_MAX);
		below = (size_t)read_number("STARVE_BELOW", LONG_MAX);
	}
	calls = 0;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("STARVE_NOTE");
	long total = calls;
	int fd = at && path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%ld\n", total);
	close(fd);
}

static bool starves(size_t size)
{
	bool in_range = size >= from && size < below;

	if (parsing || (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) != at && !in_range))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return starves(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return starves(n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return starves(size) ? NULL : __libc_realloc(old, size);
}

struct json_object *json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int size)
{
	__typeof__(&json_tokener_parse_ex) real = __extension__(__typeof__(&json_tokener_parse_ex))
		dlsym(RTLD_NEXT, "json_tokener_parse_ex");
	struct json_object *o;

	parsing = true;
	o = real(tokener, text, size);
	parsing = false;
	return o;
}
