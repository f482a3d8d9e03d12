/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/boots.h"

#include <stdio.h>
#include <sys/types.h>

#include "util/macro.h"
#include "wire/ledger-record.h"

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static bool is_between(const char *line, size_t length, const struct uuid *then,
		       const struct uuid *now, usec_t since)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record record;

	return ledger_record_parse(line, length, &record, &o) >= 0 && record.time_wall > since &&
	       !uuid_equal(&record.boot, then) && !uuid_equal(&record.boot, now);
}

bool boots_between(const char *ledger, const struct uuid *then, usec_t since)
{
	_cleanup_(close_file) FILE *file = ledger ? fopen(ledger, "re") : NULL;
	_cleanup_free_ char *line = NULL;
	bool between = false;
	struct uuid now;
	size_t size = 0;
	ssize_t n;

	if (!file || ledger_boot_id(&now) < 0)
		return false;
	while (!between && (n = getline(&line, &size, file)) > 0)
		between = is_between(line, (size_t)(n - (line[n - 1] == '\n')), then, &now, since);
	return between;
}
