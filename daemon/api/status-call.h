/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "api/request.h"

/*
 * The method Status. With 'more' it is answered again whenever something else is to be told, until
 * the caller goes away.
 */
void status_call_begin(struct request *request);

/* What all calls share. 0 or -errno. */
int status_calls_init(struct control *control);
void status_calls_done(struct control *control);
