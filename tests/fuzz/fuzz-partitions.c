/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "worker/image/partitions.h"

/* The beginning of a disk that a guest has written. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t starts[PARTITIONS_MAX];

	HOLDS(partitions_find(data, size, starts) <= PARTITIONS_MAX);
	return 0;
}
