/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "wire/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ struct json_object *line = NULL;
	struct journal_entry entry;

	if (journal_parse((const char *)data, size, &entry, &line) < 0) {
		HOLDS(!line);
		return 0;
	}
	HOLDS(line);
	HOLDS(entry.kind >= 0 && entry.kind < _JOURNAL_KIND_MAX);
	HOLDS(entry.kind != JOURNAL_DRAWN || entry.name);
	return 0;
}
