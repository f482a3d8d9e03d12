/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/regions.h"

#include <unistd.h>
#include <xxhash.h>

#include "worker/image/partitions.h"

#define ENDS_SIZE      (1U << 20)
#define PARTITION_SIZE (256U << 10)

/* Every disk can be read in pieces of this, and at multiples of it. */
#define ALIGNMENT 4096U

static const char *const region_names[_REGION_MAX] = {
	[REGION_START] = "start",
	[REGION_END] = "end",
	[REGION_PARTITIONS] = "partitions",
};

const char *region_to_string(enum region region)
{
	return region_names[region];
}

/*
 * Length bytes at offset, or as many as there are; and what lies around them, for both are aligned.
 * How many there are, or -errno. The buffer has room for ALIGNMENT more.
 */
static ssize_t read_at(int fd, uint64_t size, uint64_t offset, size_t length, uint8_t *buffer)
{
	size_t skew = offset % ALIGNMENT, got = 0;

	if (offset >= size)
		return 0;
	offset -= skew;
	length = (length + skew + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	length = (size_t)MIN((uint64_t)length, size - offset);
	while (got < length) {
		ssize_t n = pread(fd, buffer + got, length - got, (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		got += (size_t)n;
	}
	return (ssize_t)length;
}

static int hash_partitions(int fd, uint64_t size, const uint64_t *starts, size_t n, uint8_t *buffer,
			   uint64_t *ret)
{
	XXH64_state_t *state = XXH64_createState();
	ssize_t length = 0;

	if (!state)
		return -ENOMEM;
	XXH64_reset(state, 0);
	for (size_t i = 0; i < n && length >= 0; i++) {
		length = read_at(fd, size, starts[i], PARTITION_SIZE, buffer);
		if (length > 0)
			XXH64_update(state, buffer, (size_t)length);
	}
	*ret = XXH64_digest(state);
	XXH64_freeState(state);
	return length < 0 ? (int)length : 0;
}

int regions_hash(int fd, uint64_t size, uint64_t ret[_REGION_MAX])
{
	_cleanup_free_ uint8_t *buffer = NULL;
	uint64_t starts[PARTITIONS_MAX];
	ssize_t length;
	size_t n;

	if (posix_memalign((void **)&buffer, ALIGNMENT, ENDS_SIZE + ALIGNMENT) != 0) {
		buffer = NULL;
		return -ENOMEM;
	}
	length = read_at(fd, size, 0, ENDS_SIZE, buffer);
	if (length < 0)
		return (int)length;
	ret[REGION_START] = XXH64(buffer, (size_t)length, 0);
	n = partitions_find(buffer, (size_t)length, starts);
	length = read_at(fd, size, size - MIN(size, (uint64_t)ENDS_SIZE), ENDS_SIZE, buffer);
	if (length < 0)
		return (int)length;
	ret[REGION_END] = XXH64(buffer, (size_t)length, 0);
	return hash_partitions(fd, size, starts, n, buffer, &ret[REGION_PARTITIONS]);
}
