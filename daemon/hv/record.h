/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/operation.h"

/*
 * Files of operations, in a directory that others may fill: room for them is
 * kept in a file of its own, so that a guest is saved all the same.
 */

/* Fills up the room that is kept, as far as there is any. */
void record_keep_room(const char *folder);

/*
 * Makes the file of an operation, locked, with the request in it and room for what its worker will
 * write. A descriptor, -EBUSY if another process has it locked, or another -errno.
 */
int record_create(const char *folder, const char *path, const struct operation_request *request);

/* Keeps a file that is of no use for people. why: begins a sentence that ends with the path. */
void record_put_aside(const char *path, const char *why);

/* Why it is of no use. */
#define RECORD_NOT_READ "Failed to parse the operation file"
#define RECORD_NOT_OURS "Another version of xendomainsd wrote the operation file"
