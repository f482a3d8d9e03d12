/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "manager/manager.h"
#include "wire/json-writer.h"

/*
 * Writes what is told of a guest that is asked for alone: its disks, and the policy that holds for
 * it. Each needs a configuration that can be read.
 */
void facts_write(struct json_writer *w, const struct manager *m, const struct guest *g);
