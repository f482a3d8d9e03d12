/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/time.h"
#include "worker/image/pump.h"

/*
 * One save or restore without Xen, for throughput.py: a child stands in for libxl's helper, and
 * the pump carries what the child writes or reads.
 *
 *     pump-bench save IMAGE MEMORY     MEMORY is a file of whole batches
 *     pump-bench restore IMAGE
 *     pump-bench pack IMAGE MEMORY     as save, compressed
 *     pump-bench unpack IMAGE          as restore
 *
 * It prints the seconds that this took, to the end of the sync, and the CPU seconds of this process
 * alone, whose threads are the pump; of a save also how many MiB are in the file.
 */

/* Of memory, libxc sends so much in a record. */
#define BATCH (4U << 20)

/* The type of that record. */
#define PAGE_DATA 1

/* What stands before the stream: a header, and a configuration of any length. */
#define HEAD 12345

static int usage(void)
{
	fprintf(stderr, "usage: pump-bench save|pack IMAGE MEMORY | restore|unpack IMAGE\n");
	return EXIT_FAILURE;
}

static void fail(int error, const char *what)
{
	fprintf(stderr, "pump-bench: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(errno, path);
	return fd;
}

static void write_parts(int fd, struct iovec *parts, int n)
{
	while (n > 0) {
		ssize_t done = writev(fd, parts, n);

		if (done < 0)
			fail(errno, "write to the pump");
		for (; n > 0 && (size_t)done >= parts->iov_len; parts++, n--)
			done -= (ssize_t)parts->iov_len;
		if (n > 0) {
			parts->iov_base = (uint8_t *)parts->iov_base + done;
			parts->iov_len -= (size_t)done;
		}
	}
}

static void write_all(int fd, const void *data, size_t size)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};

	write_parts(fd, &part, 1);
}

/* A libxl header, its record of libxc's stream, and the headers of that. */
static const uint8_t first_words[] = "LibxlFmt\0\0\0\2\0\0\0\0"
				     "\1\0\0\0\0\0\0\0"
				     "\xff\xff\xff\xff\xff\xff\xff\xff"
				     "XENF\0\0\0\3\0\0\0\0\0\0\0\0"
				     "\1\0\0\0\14\0\0\0\4\0\0\0\21\0\0\0";

/* The last record of libxc's, and that of libxl's. */
static const uint8_t last_words[16];

/* The helper of a save: a record of page data for each batch of memory. */
static void send_memory(int fd, uint8_t *memory, size_t size)
{
	static uint8_t numbers[8 + BATCH / 4096 * 8];
	uint32_t head[2] = {htole32(PAGE_DATA), htole32((uint32_t)sizeof(numbers) + BATCH)};

	write_all(fd, first_words, sizeof(first_words) - 1);
	for (size_t at = 0; at < size; at += BATCH) {
		struct iovec parts[] = {
			{.iov_base = head, .iov_len = sizeof(head)},
			{.iov_base = numbers, .iov_len = sizeof(numbers)},
			{.iov_base = memory + at, .iov_len = BATCH},
		};

		write_parts(fd, parts, 3);
	}
	write_all(fd, last_words, sizeof(last_words));
}

/* The helper of a restore. */
static void take_memory(int fd)
{
	uint8_t *batch = malloc(BATCH);
	ssize_t n = batch ? 1 : -1;

	while (n > 0)
		n = read(fd, batch, BATCH);
	if (n < 0)
		fail(errno, "read from the pump");
	free(batch);
}

static uint8_t *map_memory(const char *path, size_t *ret_size)
{
	int fd = open_file(path, O_RDONLY);
	struct stat st;
	uint8_t *memory;

	if (fstat(fd, &st) < 0)
		fail(errno, path);
	if (st.st_size == 0 || st.st_size % BATCH != 0)
		fail(EINVAL, path);
	memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		fail(errno, path);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return memory;
}

/* As libxl does: a program of its own, with one end of the pipe. */
static pid_t start_helper(int fd, const char *memory)
{
	pid_t pid = fork();

	if (pid < 0)
		fail(errno, "fork");
	if (pid > 0)
		return pid;
	dup2(fd, memory ? STDOUT_FILENO : STDIN_FILENO);
	execl("/proc/self/exe", "pump-bench", memory ? "send" : "take", memory, NULL);
	_exit(EXIT_FAILURE);
}

static int run_helper(const char *path)
{
	size_t size;

	if (path) {
		uint8_t *memory = map_memory(path, &size);

		send_memory(STDOUT_FILENO, memory, size);
	} else {
		take_memory(STDIN_FILENO);
	}
	return EXIT_SUCCESS;
}

static double cpu_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int start_save(int fd, const char *memory, enum compression compression, struct pump **ret,
		      int *ret_pipe)
{
	struct stat st;

	if (stat(memory, &st) < 0)
		fail(errno, memory);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, st.st_size + HEAD) < 0 && errno != EOPNOTSUPP)
		fail(errno, "reserve room");
	return pump_to_file(fd, compression, 0, ret, ret_pipe);
}

/* The head has the size of the stream, which is needed to decompress it. */
static int start_restore(int fd, enum compression compression, struct pump **ret, int *ret_pipe)
{
	uint64_t bytes;

	if (pread(fd, &bytes, sizeof(bytes), 0) != sizeof(bytes))
		fail(EIO, "read the head");
	return pump_from_file(fd, compression, bytes, ret, ret_pipe);
}

/* As a worker does: room first, and all is on the disk at the end. */
static void carry(int fd, const char *memory, enum compression compression)
{
	struct pump_result result;
	struct pump *pump;
	int pipe, status, r;
	pid_t helper;

	if (lseek(fd, HEAD, SEEK_SET) < 0)
		fail(errno, "seek");
	r = memory ? start_save(fd, memory, compression, &pump, &pipe)
		   : start_restore(fd, compression, &pump, &pipe);
	if (r < 0)
		fail(-r, "start the pump");
	helper = start_helper(pipe, memory);
	close(pipe);
	pump_join(pump, &result);
	if (result.error < 0)
		fail(-result.error, "carry the stream");
	if (waitpid(helper, &status, 0) < 0 || status != 0)
		fail(ECHILD, "wait for the helper");
	if (memory && pwrite(fd, &result.bytes, sizeof(result.bytes), 0) < 0)
		fail(errno, "write the head");
	if (memory && (ftruncate(fd, HEAD + (off_t)result.stored) < 0 || fsync(fd) < 0))
		fail(errno, "sync");
}

int main(int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";
	const char *memory = argc > 3 ? argv[3] : NULL;
	bool packs = strcmp(verb, memory ? "pack" : "unpack") == 0;
	struct stat st;
	usec_t began;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(verb, "send") == 0 || strcmp(verb, "take") == 0)
		return run_helper(argv[2]);
	if (argc != (memory ? 4 : 3) || (!packs && strcmp(verb, memory ? "save" : "restore") != 0))
		return usage();
	fd = open_file(argv[2], memory ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY);
	if (!memory)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	began = usec_now();
	carry(fd, memory, packs ? COMPRESSION_ZSTD : COMPRESSION_NONE);
	printf("%.3f %.3f", (double)(usec_now() - began) / USEC_PER_SEC, cpu_seconds());
	if (memory && fstat(fd, &st) >= 0)
		printf(" %.0f", (double)st.st_blocks * 512 / (1 << 20));
	putchar('\n');
	return EXIT_SUCCESS;
}
