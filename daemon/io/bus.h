/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"

/*
 * A connection to the system bus that lives in the loop, and is made again when it is lost. No call
 * waits. Only this directory knows what an sd_bus is.
 */
struct bus;
struct sd_bus;

struct bus_callbacks {
	/* There is a connection, the first one or a new one; calls can be queued. */
	void (*up)(void *data);
	/* It is lost: slots of it are to be released. */
	void (*down)(void *data);
	void *data;
};

/* Connects from the loop. 0 or -ENOMEM. */
int bus_new(struct loop *loop, const struct bus_callbacks *callbacks, struct bus **ret);
struct bus *bus_free(struct bus *bus);

/* NULL while there is no connection. */
struct sd_bus *bus_handle(const struct bus *bus);

/* To be called after anything was queued from outside a callback of the connection. */
void bus_touch(struct bus *bus);

DEFINE_CLEANUP(struct bus, bus_free);
