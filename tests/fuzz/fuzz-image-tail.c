/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "util/fd.h"
#include "worker/image/image.h"

#define CONFIG "{\"c_info\":{\"name\":\"web\",\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\"}}"
#define TAIL   4096
#define HALF   2048

/*
 * The bytes as the two texts in the tail of an image, with a NUL byte between them; the second one
 * is the first stamp, too. Their checksums are right: no fuzzer would ever find them.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *facts = fuzz_text(data, size);
	_cleanup_free_ uint8_t *head = NULL;
	_cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
	/* The header says that, too. */
	enum compression compression = strstr(facts, "\"compression\"") ? COMPRESSION_ZSTD
									: COMPRESSION_NONE;
	size_t length = strlen(facts), head_size;
	enum image_problem problem = _IMAGE_PROBLEM_INVALID;
	int r;

	HOLDS(fd >= 0 && image_header_make(CONFIG, compression, &head, &head_size) == 0);
	HOLDS(fd_write_all(fd, head, head_size) == 0);
	/* Either half is written as a stamp, whose place is counted from the end. */
	r = image_write_stamp(fd, facts, (off_t)(head_size - HALF));
	HOLDS(r == 0 || r == -EMSGSIZE);
	if (length < size && r == 0)
		r = image_write_stamp(fd, facts + length + 1, (off_t)head_size);
	if (length < size && r == 0)
		r = image_write_first_stamp(fd, facts + length + 1, (off_t)head_size);
	if (r < 0)
		return 0;
	r = image_read_header(fd, &header, &problem);
	HOLDS(r == 0 || (r == -EBADMSG && problem >= 0));
	HOLDS(r < 0 || (header.ours && (size_t)header.stream == head_size));
	HOLDS(!header.stamp == !header.first_stamp);
	HOLDS(r < 0 || header.facts.compression == compression);
	return 0;
}
