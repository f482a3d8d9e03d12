/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <xxhash.h>

#include "fuzz.h"
#include "wire/ledger-record.h"

/* What has the right checksum, which no chance would find. */
static void try_with_checksum(const uint8_t *data, size_t size)
{
	_cleanup_json_ struct json_object *line = NULL, *again = NULL;
	_cleanup_free_ char *text = malloc(size + 18), *written = NULL;
	struct ledger_record record, copy;

	HOLDS(text);
	snprintf(text, 18, "%016" PRIx64 " ", (uint64_t)XXH64(data, size, 0));
	memcpy(text + 17, data, size);
	if (ledger_record_parse(text, size + 17, &record, &line) < 0) {
		HOLDS(!line);
		return;
	}
	HOLDS(record.kind >= 0 && record.kind < _LEDGER_KIND_MAX);
	HOLDS(record.kind != LEDGER_DRAWN || record.name);
	HOLDS(record.kind != LEDGER_SAVED || !uuid_is_null(&record.image));
	/* What is written of it is read as the same. */
	HOLDS(ledger_record_format(&record, &written) == 0);
	HOLDS(ledger_record_parse(written, strlen(written) - 1, &copy, &again) == 0);
	HOLDS(copy.kind == record.kind && uuid_equal(&copy.uuid, &record.uuid));
	HOLDS(uuid_equal(&copy.image, &record.image) && copy.doubtful == record.doubtful);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ struct json_object *line = NULL;
	struct ledger_record entry;

	try_with_checksum(data, size);
	if (ledger_record_parse((const char *)data, size, &entry, &line) < 0) {
		HOLDS(!line);
		return 0;
	}
	HOLDS(line);
	HOLDS(entry.kind >= 0 && entry.kind < _LEDGER_KIND_MAX);
	HOLDS(entry.kind != LEDGER_DRAWN || entry.name);
	return 0;
}
