/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/access.h"

#include <unistd.h>

bool access_is_root(const struct connection *c)
{
	uid_t uid = connection_uid(c);

	return uid == 0 || uid == geteuid();
}

bool access_is_given(enum access access, const struct connection *c, const struct config *config)
{
	if (access == ACCESS_ANYBODY || access_is_root(c))
		return true;
	/* Without settings, no caller is a member of a group. */
	if (!config)
		return false;
	if (config->control_group && connection_is_in_group(c, config->control_gid))
		return true;
	return access == ACCESS_READ && config->read_group &&
	       connection_is_in_group(c, config->read_gid);
}

bool access_is_shared(const struct config *config)
{
	return config && (config->read_group || config->control_group);
}
