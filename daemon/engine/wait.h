/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/executor.h"

/*
 * What a guest waits for that is on its way and whose stage has not begun: another guest by its
 * name, another tool, a place, or the disk. NULL: for nothing of these. Good until the executor
 * goes on.
 */
const char *executor_waits_for(const struct executor *ex, const struct uuid *uuid);
