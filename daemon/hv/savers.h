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

struct savers {
	struct saver {
		char *arguments; /* each with its terminator */
		size_t size;
	} * items;
	size_t n;
};

/* Finds all of this host that may do so. One that cannot be looked at is an error. 0 or -errno. */
int savers_find(struct savers *ret);
void savers_done(struct savers *savers);

/* Whether one of them does so to this domain. name may be NULL. */
bool savers_have(const struct savers *savers, uint32_t domid, const char *name);

/* The same for the arguments of one process. */
bool savers_match(const char *arguments, size_t size, uint32_t domid, const char *name);
