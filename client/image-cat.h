/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/*
 * Writes an image to standard output as "xl restore" takes it, by the worker, in place of this
 * process. A file without a slash is one in the directory of images, which the daemon is asked for.
 * An exit status.
 */
int image_cat(const struct context *context, const char *file);
