/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/config-text.h"
#include "fuzz.h"
#include "util/str.h"

static int find_nothing(void *data _unused_, const char *path, const char **ret_text _unused_,
			size_t *ret_size _unused_)
{
	HOLDS(path[0] == '/');
	return -ENOENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = config_new();
	const struct config_source source = {.read = find_nothing};

	HOLDS(config_read_variables(c, "/x", (const char *)data, size, &source) == 0);
	HOLDS(c->broken ? c->n_refusals > 0 : true);
	for (size_t i = 0; i < c->n_refusals; i++)
		HOLDS(str_equal(c->refusals[i].path, "/x") && c->refusals[i].line > 0);
	/* What the rest of the program relies on, also where lines are left out. */
	HOLDS(!c->save || c->save[0] == '/');
	HOLDS(!c->autostart || c->autostart[0] == '/');
	HOLDS(c->stop_limit > 0);
	HOLDS(c->shutdown.enabled || !c->shutdown.wait);
	for (size_t i = 0; i < c->n_warnings; i++)
		HOLDS(!str_empty(c->warnings[i]));
	return 0;
}
