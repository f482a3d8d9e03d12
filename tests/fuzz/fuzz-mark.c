/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "util/str.h"
#include "wire/mark.h"

/* The bytes as a mark, and as the configuration that a mark is made from. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct uuid uuid = {.bytes = {1, 2, 3}};
	_cleanup_free_ char *config = fuzz_text(data, size), *text = NULL;
	struct mark mark = {0};
	const char *vdev;
	uint32_t devid;

	if (mark_parse((const char *)data, size, &mark) == 0) {
		HOLDS(mark.text);
		for (size_t i = 0; mark_removable(&mark, i, &vdev, &devid) != -ENOENT; i++)
			HOLDS(i < MARK_REMOVABLE_MAX);
	}
	mark_done(&mark);
	if (mark_format(&uuid, config, config, NULL, &text) < 0)
		return 0;
	HOLDS(mark_parse(text, strlen(text), &mark) == 0);
	HOLDS(uuid_equal(&mark.uuid, &uuid));
	HOLDS(mark.source);
	mark_done(&mark);
	return 0;
}
