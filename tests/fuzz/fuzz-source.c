/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "util/fd.h"
#include "worker/image/source.h"

/* More is not read, however much is said to be there. */
#define ROOM (1U << 20)

/* What comes out of the file, in pieces of a size. How much, or -EBADMSG with the problem. */
static ssize_t read_all(int fd, uint64_t bytes, size_t piece, uint8_t *ret,
			enum stream_problem *ret_problem)
{
	struct source *s;
	size_t have = 0;
	ssize_t n = 1;

	HOLDS(lseek(fd, 0, SEEK_SET) == 0);
	HOLDS(source_new(fd, COMPRESSION_ZSTD, bytes, &s) == 0);
	*ret_problem = STREAM_NO_PROBLEM;
	while (n > 0) {
		n = source_read(s, ret + have, piece, ret_problem);
		HOLDS(n <= (ssize_t)piece);
		have += n > 0 ? (size_t)n : 0;
		HOLDS(have <= bytes);
	}
	source_free(s);
	HOLDS(n == 0 || n == -EBADMSG);
	HOLDS((n < 0) == (*ret_problem != STREAM_NO_PROBLEM));
	HOLDS(n < 0 || have == bytes);
	return n < 0 ? n : (ssize_t)have;
}

/*
 * Three bytes of how much is said to be in the file, and the file, a compressed stream. In which
 * pieces it is read must make no difference.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *once = malloc(2 * ROOM), *pieces = malloc(2 * ROOM);
	_cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
	enum stream_problem problem, same;
	uint64_t bytes;
	ssize_t n;

	if (size < 3)
		return 0;
	bytes = (data[0] | (uint64_t)data[1] << 8 | (uint64_t)data[2] << 16) % ROOM;
	HOLDS(once && pieces && fd >= 0 && fd_write_all(fd, data + 3, size - 3) == 0);
	n = read_all(fd, bytes, ROOM, once, &problem);
	HOLDS(read_all(fd, bytes, 4099, pieces, &same) == n);
	HOLDS(n < 0 || memcmp(once, pieces, (size_t)n) == 0);
	return 0;
}
