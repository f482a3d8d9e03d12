/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "util/str.h"
#include "worker/handshake.h"

/* The first byte says which answer is awaited, and in which sizes the rest comes. */
static void feed(const uint8_t *data, size_t size)
{
	unsigned sizes = data[0] / _HANDSHAKE_MAX;
	struct handshake whole, split;
	size_t total, fed = 0;
	int r = 0;

	handshake_expect(&whole, (enum handshake_answer)(data[0] % _HANDSHAKE_MAX));
	handshake_expect(&split, whole.expected);
	total = handshake_missing(&whole);
	HOLDS(total <= HANDSHAKE_ANSWER_MAX);
	data++;
	size = MIN(size - 1, total);
	while (fed < size && r == 0) {
		size_t n = MIN((size_t)(sizes % 7), size - fed);

		sizes = sizes * 5 + 7;
		r = handshake_feed(&split, data + fed, n);
		fed += n;
		HOLDS(split.n_got == fed && handshake_missing(&split) == total - fed);
	}
	HOLDS(size == 0 || (r == 1) == (handshake_feed(&whole, data, size) == 1));
	HOLDS(r != 1 || (fed == total && whole.status == split.status));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size), *words = handshake_words(text);

	if (size > 0)
		feed(data, size);
	for (size_t i = 0; words && words[i]; i++)
		HOLDS((unsigned char)words[i] >= 0x20 && words[i] != 0x7f);
	HOLDS(!words || strlen(words) < 500);
	return 0;
}
