/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* xl's own configuration, as far as xl does by it what we do in its place. */

#define XL_CONF_FOLDER "/etc/xen"
#define XL_CONF        XL_CONF_FOLDER "/xl.conf"

enum xl_autoballoon {
	XL_AUTOBALLOON_OFF,
	XL_AUTOBALLOON_ON,
	XL_AUTOBALLOON_AUTO, /* on, unless Xen was told how much memory dom0 is to have */
};

struct xl_conf {
	enum xl_autoballoon autoballoon;
	char *lock; /* path of the lock that xl holds while it takes memory from dom0 */
	bool json;  /* xl prints configurations in JSON */
	char *text; /* the file, or "" */
};

/*
 * Reads the file; one that is not there, or that xl would refuse, gives xl's defaults. Returns 0 or
 * -errno.
 */
int xl_conf_read(const char *path, struct xl_conf *ret);
/* The file with a line that has xl print configurations in JSON. 0 or -ENOMEM. */
int xl_conf_with_json(const struct xl_conf *conf, char **ret);

void xl_conf_done(struct xl_conf *conf);
