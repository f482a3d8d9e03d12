/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/savers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "util/fd.h"
#include "util/parse.h"
#include "util/str.h"

#define HELPER "libxl-save-helper"
#define XL     "xl"
/* As the kernel has it, in 15 bytes. */
#define HELPER_SHORT "libxl-save-help"
#define SAVE         "--save-domain"
#define AT_SAVE      1
#define AT_DOMID     4

static const char *argument(const char *arguments, size_t size, size_t index)
{
	const char *end = arguments + size;

	for (const char *a = arguments; a < end; a += strlen(a) + 1)
		if (index-- == 0)
			return a;
	return NULL;
}

static bool is_number(const char *argument, uint32_t domid)
{
	uint64_t found;

	return argument && parse_u64(argument, UINT32_MAX, &found) >= 0 && found == domid;
}

static bool is_helper(const char *arguments, size_t size, uint32_t domid)
{
	return str_equal(argument(arguments, size, AT_SAVE), SAVE) &&
	       is_number(argument(arguments, size, AT_DOMID), domid);
}

/* xl takes any beginning of a command's name that can be no other's. */
static bool is_command(const char *word)
{
	return strlen(word) > 1 && (strncmp("save", word, strlen(word)) == 0 ||
				    strncmp("migrate", word, strlen(word)) == 0);
}

/* Options may be anywhere, so the domain can be any word after the command. */
static bool is_xl(const char *arguments, size_t size, uint32_t domid, const char *name)
{
	bool command = false;
	const char *word;

	for (size_t i = 1; (word = argument(arguments, size, i)); i++) {
		if (command && (str_equal(word, name) || is_number(word, domid)))
			return true;
		command = command || is_command(word);
	}
	return false;
}

/* Its program, or NULL if that is none that saves. */
static const char *find_program(const char *arguments, size_t size)
{
	static const char *const programs[] = {HELPER, XL};
	const char *program;

	if (size == 0 || arguments[size - 1] != '\0')
		return NULL;
	program = path_base(argument(arguments, size, 0));
	for (size_t i = 0; i < ELEMENTSOF(programs); i++)
		if (str_equal(program, programs[i]))
			return program;
	return NULL;
}

bool savers_match(const char *arguments, size_t size, uint32_t domid, const char *name)
{
	const char *program = find_program(arguments, size);

	if (str_equal(program, HELPER))
		return is_helper(arguments, size, domid);
	return program && is_xl(arguments, size, domid, name);
}

static int add(struct savers *savers, const char *arguments, size_t size)
{
	struct saver *bigger = realloc(savers->items, (savers->n + 1) * sizeof(*bigger));
	char *copy;

	if (!bigger)
		return -ENOMEM;
	savers->items = bigger;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, arguments, size);
	savers->items[savers->n++] = (struct saver){.arguments = copy, .size = size};
	return 0;
}

/* The number of bytes, 0 if the process has ended meanwhile, or -errno. */
static ssize_t read_of(const char *process, const char *file, char *ret, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.32s/%s", process, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, size);
	if (n < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	return n;
}

/*
 * The arguments of a process that waits for memory from a server that does not answer cannot be
 * read. Its short name can: so only those of these programs are.
 */
static bool may_save(const char *name, size_t size)
{
	static const char *const names[] = {XL "\n", HELPER_SHORT "\n"};

	for (size_t i = 0; i < ELEMENTSOF(names); i++)
		if (size == strlen(names[i]) && memcmp(name, names[i], size) == 0)
			return true;
	return false;
}

static int add_process(struct savers *savers, const char *process)
{
	char name[64], arguments[4096];
	ssize_t n = read_of(process, "comm", name, sizeof(name));

	if (n <= 0 || !may_save(name, (size_t)n))
		return (int)n < 0 ? (int)n : 0;
	n = read_of(process, "cmdline", arguments, sizeof(arguments));
	if (n < 0)
		return (int)n;
	if (n == (ssize_t)sizeof(arguments))
		arguments[n - 1] = '\0';
	return n > 0 && find_program(arguments, (size_t)n) ? add(savers, arguments, (size_t)n) : 0;
}

int savers_find(struct savers *ret)
{
	_cleanup_(savers_done) struct savers savers = {0};
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	int r = 0;

	if (!processes)
		return -errno;
	while (r >= 0 && (errno = 0, entry = readdir(processes)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			r = add_process(&savers, entry->d_name);
	if (r >= 0 && errno)
		r = -errno;
	closedir(processes);
	if (r < 0)
		return r;
	*ret = savers;
	savers = (struct savers){0};
	return 0;
}

void savers_done(struct savers *savers)
{
	for (size_t i = 0; i < savers->n; i++)
		free(savers->items[i].arguments);
	free(savers->items);
	*savers = (struct savers){0};
}

bool savers_have(const struct savers *savers, uint32_t domid, const char *name)
{
	for (size_t i = 0; i < savers->n; i++)
		if (savers_match(savers->items[i].arguments, savers->items[i].size, domid, name))
			return true;
	return false;
}
