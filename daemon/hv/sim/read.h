/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/sim/host.h"

/*
 * Reads the file of a simulated host. 0, -EINVAL with *ret_reason (what is wrong, and with which
 * guest), or -ENOMEM.
 */
int sim_host_read(const char *text, size_t size, struct sim_host **ret, char **ret_reason);
