/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"

/* Asks for the list of images: 0 and the reply, or a negative exit status with everything said. */
int image_list(const struct context *context, struct varlink_reply *ret);

/* Whether a reply has an image of this name. */
bool image_is_listed(struct json_object *parameters, const char *file);

/*
 * Says that no image has this name, and which one may be meant. list: the reply that has them;
 * NULL: the daemon is asked. Returns the exit status for it.
 */
int image_explain_missing(const struct context *context, const char *file,
			  struct json_object *list);
