/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/leftover.h"

#include "util/str.h"

int leftover_explain(const struct domain *d, char **ret)
{
	uint32_t n = d->domid;

	switch (domain_condition(d)) {
	case DOMAIN_PAUSED:
		return str_format(ret, "is paused. Run 'xl unpause %u' to let it go on", n);
	case DOMAIN_UNBUILT:
		return str_format(ret,
				  "another tool is building it (domain %u). Run 'xl destroy %u' "
				  "only if no process is at work on it any more",
				  n, n);
	case DOMAIN_NEVER_RUN:
		return str_format(ret,
				  "its domain %u was built and has never run. Run 'xl unpause "
				  "%u' to let it run, or 'xl destroy %u' to remove it with its "
				  "memory",
				  n, n, n);
	case DOMAIN_SAVING:
		return str_format(ret, "another tool is saving or migrating it (domain %u)", n);
	case DOMAIN_AWAY:
		return str_format(
			ret,
			AWAY_WITH_XL
			"If it runs there, run 'xl destroy %u' here; if not, run 'xl rename %u "
			"NAME' with its own name, and start it",
			n, n);
	case DOMAIN_ENDED:
		if (d->manager == DOMAIN_MANAGER_XL)
			return str_format(ret, "its domain %u has ended (%s). " LEFT_TO_XL, n,
					  shutdown_reason_to_string(d->reason));
		return str_format(ret,
				  "its domain %u has ended (%s) and is kept; 'xl destroy %u' "
				  "removes it",
				  n, shutdown_reason_to_string(d->reason), n);
	case DOMAIN_RUNNING:
	case DOMAIN_SUSPENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return str_format(ret, "its domain %u is in the way", n);
}
