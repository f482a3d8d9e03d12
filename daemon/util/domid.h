/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* The number of no domain. Xen has 15 bits for them. */
#define DOMID_NONE UINT32_MAX
