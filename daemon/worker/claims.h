/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/*
 * Memory that workers have been promised for guests that they build. Xen counts it as free until it
 * is in the guest, so two workers that start at once would both be promised the same memory.
 *
 * Each worker claims its amount for as long as it lives, or until the descriptor is closed: the
 * claim is a lock on a range of a file in the runtime directory, as long as the memory is large.
 * The kernel drops it with the process, whatever that dies of.
 */

/* Opens the table of claims. Returns a descriptor, the only one of this process, or -errno. */
int claims_open(void);

/*
 * Claims need KiB if so many as wanted are free besides those that others have claimed.
 * get_free(data, ...) tells how much Xen has; it is called while no other worker looks or claims.
 *
 * Returns 0 with *ret_free: the memory is claimed, or it is less than wanted. -EAGAIN: try again
 * soon, for another worker is looking, or has claimed what is missing and may be using it already.
 */
int claims_take(int fd, uint64_t wanted, uint64_t need, int (*get_free)(void *data, uint64_t *ret),
		void *data, uint64_t *ret_free);
