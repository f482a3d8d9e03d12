/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * The mark that says that a domain is ours: the value of /libxl/DOMID/xendomainsd in XenStore,
 * which guests cannot write and which Xen removes with the domain. A worker writes it while the
 * domain is still paused, the daemon reads it.
 */
#define MARK_KEY "xendomainsd"

struct mark {
	struct json_object *text; /* owns what follows */
	struct uuid uuid;         /* of the domain: a number can be used again, a mark cannot */
	const char *source;
	const char *on_poweroff, *on_reboot, *on_crash; /* libxl's words; NULL: its default */
};

/*
 * The value for a domain, with the actions taken from its configuration (libxl's JSON). 0,
 * -EBADMSG for a configuration that is none, or -ENOMEM.
 */
int mark_format(const struct uuid *uuid, const char *source, const char *config, char **ret);

/* 0, -EBADMSG, or -ENOMEM. */
int mark_parse(const char *text, size_t length, struct mark *ret);
void mark_done(struct mark *mark);
