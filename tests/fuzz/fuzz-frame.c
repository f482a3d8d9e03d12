/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "wire/frame.h"

#define MESSAGE_MAX 50

/*
 * The first byte says in which sizes the rest comes. Messages must come out as they stand there,
 * and what is held must be bounded.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct framer f = FRAMER_INIT(MESSAGE_MAX);
	unsigned sizes = size ? data[0] : 0;
	size_t fed = 1, taken = 1;
	int r = 0;

	while (r == 0 && fed < size) {
		size_t n = MIN((size_t)(sizes % 61), size - fed), length;
		const char *text;

		sizes = sizes * 5 + 7;
		r = framer_feed(&f, data + fed, n);
		fed += n;
		HOLDS(r == 0 || r == -EMSGSIZE);
		/* Now and then nobody asks. */
		while (r == 0 && sizes % 3 && framer_next(&f, &text, &length) > 0) {
			HOLDS(length == strnlen((const char *)data + taken, fed - taken));
			HOLDS(memcmp(text, data + taken, length + 1) == 0);
			taken += length + 1;
		}
		HOLDS(framer_held(&f) == fed - taken);
		if (r < 0)
			HOLDS(fed - taken > MESSAGE_MAX &&
			      !memchr(data + taken, '\0', MESSAGE_MAX + 1));
	}
	framer_done(&f);
	HOLDS(framer_held(&f) == 0);
	return 0;
}
