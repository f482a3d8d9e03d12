/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <xxhash.h>

#include "fuzz.h"
#include "settings-files/copy.h"
#include "util/str.h"

/* The input with a good first line before it: a checksum cannot be guessed. */
static char *seal(const uint8_t *data, size_t size, size_t *ret_size)
{
	uint64_t hash = XXH3_64bits(data, size);
	int header = snprintf(NULL, 0, "xendomainsd-settings-1 %016" PRIx64 "\n", hash);
	char *text = malloc((size_t)header + size + 1);

	HOLDS(text);
	snprintf(text, (size_t)header + 1, "xendomainsd-settings-1 %016" PRIx64 "\n", hash);
	memcpy(text + header, data, size);
	text[(size_t)header + size] = '\0';
	*ret_size = (size_t)header + size;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(settings_done) struct settings first = {0}, second = {0};
	_cleanup_free_ char *text = NULL, *again = NULL;
	size_t text_size, again_size;
	int r;

	text = seal(data, size, &text_size);
	r = settings_copy_parse(text, text_size, &first);
	HOLDS(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	HOLDS(settings_copy_format(&first, &again, &again_size) == 0);
	HOLDS(settings_copy_parse(again, again_size, &second) == 0);
	HOLDS(first.n_texts == second.n_texts);
	for (size_t i = 0; i < first.n_texts; i++) {
		HOLDS(first.texts[i].kind == second.texts[i].kind);
		HOLDS(str_equal(first.texts[i].path, second.texts[i].path));
		HOLDS(first.texts[i].size == second.texts[i].size);
		HOLDS(memcmp(first.texts[i].text, second.texts[i].text, first.texts[i].size) == 0);
	}
	return 0;
}
