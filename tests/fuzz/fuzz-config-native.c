/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config.h"
#include "fuzz.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = config_new();
	_cleanup_free_ char *text = fuzz_text(data, size), *reason = NULL;
	int r = config_read_native(c, "/n", text, &reason);

	HOLDS(r == 0 || r == -EINVAL);
	HOLDS(r == 0 ? !reason : str_starts_with(reason, "/n:"));
	HOLDS(r < 0 || c->parallel > 0);
	for (size_t i = 0; i < c->n_warnings; i++)
		HOLDS(!str_empty(c->warnings[i]));
	return 0;
}
