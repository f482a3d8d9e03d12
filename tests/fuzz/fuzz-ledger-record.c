/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "wire/ledger-record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ struct json_object *line = NULL;
	struct ledger_record entry;

	if (ledger_record_parse((const char *)data, size, &entry, &line) < 0) {
		HOLDS(!line);
		return 0;
	}
	HOLDS(line);
	HOLDS(entry.kind >= 0 && entry.kind < _LEDGER_KIND_MAX);
	HOLDS(entry.kind != LEDGER_DRAWN || entry.name);
	return 0;
}
