/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/partitions.h"

#include "util/bytes.h"
#include "util/macro.h"

#define MBR_SIZE         512
#define MBR_ENTRIES      446
#define MBR_ENTRY_SIZE   16
#define MBR_ENTRY_TYPE   4
#define MBR_ENTRY_START  8
#define MBR_SIGNATURE_AT 510
#define MBR_TYPE_GPT     0xee

#define GPT_SIGNATURE   "EFI PART"
#define GPT_HEADER_SIZE 92
#define GPT_ENTRIES_AT  72
#define GPT_N_ENTRIES   80
#define GPT_ENTRY_SIZE  84
#define GPT_ENTRY_MIN   128
#define GPT_ENTRY_START 32
#define GPT_TYPE_SIZE   16

static size_t find_gpt(const uint8_t *start, size_t length, uint64_t sector, uint64_t *ret)
{
	static const uint8_t unused[GPT_TYPE_SIZE];
	const uint8_t *header = start + sector;
	uint64_t at, size;
	uint32_t n;
	size_t found = 0;

	if (length < sector + GPT_HEADER_SIZE || memcmp(header, GPT_SIGNATURE, 8) != 0)
		return 0;
	at = le64_at(header + GPT_ENTRIES_AT);
	n = MIN(le32_at(header + GPT_N_ENTRIES), (uint32_t)PARTITIONS_MAX);
	size = le32_at(header + GPT_ENTRY_SIZE);
	if (size < GPT_ENTRY_MIN || at > length / sector)
		return 0;
	at *= sector;
	for (; n > 0 && at + GPT_ENTRY_MIN <= length; n--, at += size) {
		uint64_t first = le64_at(start + at + GPT_ENTRY_START);

		if (memcmp(start + at, unused, sizeof(unused)) != 0 && first < UINT64_MAX / sector)
			ret[found++] = first * sector;
	}
	return found;
}

static size_t find_mbr(const uint8_t *start, uint64_t *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < 4; i++) {
		const uint8_t *entry = start + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

		if (entry[MBR_ENTRY_TYPE] != 0 && entry[MBR_ENTRY_TYPE] != MBR_TYPE_GPT)
			ret[found++] = (uint64_t)le32_at(entry + MBR_ENTRY_START) * MBR_SIZE;
	}
	return found;
}

size_t partitions_find(const uint8_t *start, size_t length, uint64_t ret[PARTITIONS_MAX])
{
	static const uint64_t sectors[] = {512, 4096};
	size_t found = 0;

	for (size_t i = 0; i < ELEMENTSOF(sectors) && found == 0; i++)
		found = find_gpt(start, length, sectors[i], ret);
	if (found > 0 || length < MBR_SIZE || start[MBR_SIGNATURE_AT] != 0x55 ||
	    start[MBR_SIGNATURE_AT + 1] != 0xaa)
		return found;
	return find_mbr(start, ret);
}
