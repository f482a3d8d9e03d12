/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "util/str.h"
#include "worker/image/image.h"

/* The bytes as the head of an image. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	enum image_problem problem = _IMAGE_PROBLEM_INVALID;
	int r = image_header_parse(data, size, &header, &problem);

	HOLDS(r == 0 || r == -ENOEXEC || r == -EBADMSG);
	HOLDS(r == 0 || (problem >= 0 && !header.config));
	if (r < 0)
		return 0;
	HOLDS(!str_empty(header.name) && header.config);
	HOLDS(header.stream > 0 && (size_t)header.stream <= size);
	HOLDS(header.ours || !header.stamp);
	return 0;
}
