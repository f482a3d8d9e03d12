/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * The processes that save or migrate a domain:
 *
 * - libxl's save helper, which every tool on libxl starts before the domain is suspended. Its
 *   arguments name the domain (Xen 4.15 to 4.20): --save-domain, two descriptors, the number.
 * - "xl save" and "xl migrate". They go on when the helper has ended: the device model is still to
 *   be saved, the other host has to answer, the domain has to be destroyed.
 */

/* Whether a process of this host does. What cannot be read is no such process. name may be NULL. */
bool savers_find(uint32_t domid, const char *name);

/* The same for the arguments of one process, each with its terminator. */
bool savers_match(const char *arguments, size_t size, uint32_t domid, const char *name);
