/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config.h"
#include "fuzz.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = config_new();
	_cleanup_free_ char *reason = NULL;
	int r = config_read_variables(c, "/x", (const char *)data, size, &reason);

	HOLDS(r == 0 || r == -EINVAL);
	HOLDS(r == 0 ? !reason : str_starts_with(reason, "/x:"));
	if (r < 0)
		return 0;
	/* What the rest of the program relies on. */
	HOLDS(!c->save || c->save[0] == '/');
	HOLDS(!c->autostart || c->autostart[0] == '/');
	HOLDS(c->stop_limit > 0);
	HOLDS(c->shutdown.enabled || !c->shutdown.wait);
	for (size_t i = 0; i < c->n_warnings; i++)
		HOLDS(!str_empty(c->warnings[i]));
	return 0;
}
