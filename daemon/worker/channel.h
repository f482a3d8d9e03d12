/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/frame.h"
#include "wire/json.h"

/* The socket over which a worker that was asked something is asked, and answers (hv/inquiry.h). */

/* Waits for the question. 0 or -errno. */
int channel_receive(int channel, struct json_object **ret);

/* The same for one of several messages; the framer holds what has come of the others. */
int channel_receive_next(int channel, struct framer *framer, struct json_object **ret);

/* Sends an object with one member of this name, which is taken over in any case. 0 or -errno. */
int channel_send(int channel, const char *kind, struct json_object *body);

/* Sends the last message, which says that no more follow. */
int channel_send_end(int channel);
