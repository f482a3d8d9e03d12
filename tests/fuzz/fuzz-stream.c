/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "worker/image/stream.h"

/* The first byte says in which sizes the rest comes: that must make no difference. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream whole = STREAM_INIT, split = STREAM_INIT;
	unsigned sizes = size ? data[0] : 0;
	int r = 0;

	if (size == 0)
		return 0;
	stream_feed(&whole, data + 1, size - 1);
	for (size_t fed = 1; fed < size;) {
		size_t n = MIN((size_t)(sizes % 23), size - fed);

		sizes = sizes * 5 + 7;
		r = stream_feed(&split, data + fed, n);
		fed += n;
		HOLDS(r == 0 || r == -EBADMSG);
		HOLDS((r < 0) == (split.problem != STREAM_NO_PROBLEM));
	}
	HOLDS(stream_end(&whole) == stream_end(&split));
	HOLDS(whole.problem == split.problem);
	HOLDS(whole.problem != STREAM_NO_PROBLEM ||
	      (whole.bytes == size - 1 && split.bytes == size - 1));
	return 0;
}
