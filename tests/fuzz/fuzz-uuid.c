/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <strings.h>

#include "fuzz.h"
#include "util/uuid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size);
	struct uuid u;

	if (uuid_parse(text, &u) == 0)
		HOLDS(strcasecmp(UUID_TEXT(&u), text) == 0);
	return 0;
}
