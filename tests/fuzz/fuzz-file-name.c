/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <limits.h>

#include "fuzz.h"
#include "model/image-names.h"
#include "util/str.h"

/* The bytes as the name of a guest, and as that of a file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_text(data, size), *file = NULL, *back = NULL, *name = NULL;
	_cleanup_free_ char *printable = str_printable(text, 20);

	HOLDS(strlen(printable) <= 20 + strlen("..."));
	if (file_name_escape(text, &file) == 0) {
		HOLDS(!str_empty(file) && strlen(file) < NAME_MAX);
		HOLDS(!strchr(file, '/') && file[0] != '.');
		HOLDS(!str_ends_with(file, ".part") && !str_ends_with(file, ".restoring"));
		HOLDS(!strstr(file, ".stale-"));
		HOLDS(file_name_unescape(file, &back) == 0);
		HOLDS(str_equal(back, text));
	}
	if (file_name_unescape(text, &name) == 0)
		HOLDS(strlen(name) <= strlen(text));
	return 0;
}
