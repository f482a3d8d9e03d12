/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/*
 * Asks a person at a terminal whether all guests are meant; anywhere else they are. restart: a
 * restart is, which also starts guests that do not run; else a stop. STATUS_OK to go on, or an exit
 * status with everything said.
 */
int confirm_all(const struct context *context, bool restart);
