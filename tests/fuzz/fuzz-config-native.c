/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config-text.h"
#include "fuzz.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = config_new();
	_cleanup_free_ char *text = fuzz_text(data, size);

	HOLDS(config_read_native(c, "/n", text) == 0);
	HOLDS(c->broken ? c->n_refusals > 0 : true);
	for (size_t i = 0; i < c->n_refusals; i++)
		HOLDS(str_equal(c->refusals[i].path, "/n") && c->refusals[i].line > 0 &&
		      c->refusals[i].line <= size + 1);
	/* Also where lines are left out. */
	HOLDS(c->parallel > 0);
	HOLDS(c->answer_limit > 0);
	for (size_t i = 0; i < c->n_warnings; i++)
		HOLDS(!str_empty(c->warnings[i]));
	return 0;
}
