/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Where Linux tells of the hypervisor below it (Documentation/ABI/stable/sysfs-hypervisor-xen). */
#define XEN_VERSION_DIRECTORY "/sys/hypervisor/version"

/*
 * The version of the Xen that runs, as "4.17". libxl is of one such version, and of the Xen of
 * another one it can do nothing but read and write XenStore. 0 or -errno.
 */
int xen_version_read(const char *directory, char **ret);
