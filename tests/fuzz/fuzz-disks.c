/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "util/str.h"
#include "worker/image/disks.h"

/* A configuration and a stamp, with a NUL byte between them. The disks are only looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *config = fuzz_text(data, size), *reason = NULL;
	enum disks_verdict verdict = DISKS_CHANGED;
	size_t length = strlen(config);
	const char *stamp = length < size ? config + length + 1 : NULL;

	HOLDS(disks_compare(config, stamp, &verdict, &reason) == 0);
	HOLDS((verdict >= DISKS_MISSING) == !!reason);
	/* Without a stamp nothing can have changed, for nothing is known. */
	HOLDS(stamp || verdict != DISKS_CHANGED);
	free(TAKE_PTR(reason));
	HOLDS(disks_compare_first(config, stamp, NULL, &verdict, &reason) == 0);
	HOLDS((verdict >= DISKS_MISSING) == !!reason);
	HOLDS(verdict != DISKS_CHANGED);
	return 0;
}
