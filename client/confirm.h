/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/*
 * Asks a person at a terminal whether all guests are meant; anywhere else they are. question is
 * what would be done to them ("Stop"). STATUS_OK to go on, or an exit status with everything said.
 */
int confirm_all(const struct context *context, const char *question);
