/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * The process that saves a domain: libxl's save helper, which every tool on libxl starts before the
 * domain is suspended. Its arguments name the domain (Xen 4.15 to 4.20): --save-domain, two
 * descriptors, the number.
 */

/* Whether a process of this host saves the domain. What cannot be read is no such process. */
bool savers_find(uint32_t domid);

/* The same for the arguments of one process, each with its terminator. */
bool savers_match(const char *arguments, size_t size, uint32_t domid);
