/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

/*
 * What the client uses of libsystemd, which is loaded where it is first needed. Only a unit needs
 * it, and to begin with it takes longer than all that 'status' does (docs/measurements.md).
 */
struct libsystemd {
	typeof(sd_bus_call_method) *bus_call_method;
	typeof(sd_bus_close_unref) *bus_close_unref;
	typeof(sd_bus_get_property_string) *bus_get_property_string;
	typeof(sd_bus_get_property_strv) *bus_get_property_strv;
	typeof(sd_bus_get_property_trivial) *bus_get_property_trivial;
	typeof(sd_bus_message_enter_container) *bus_message_enter_container;
	typeof(sd_bus_message_read) *bus_message_read;
	typeof(sd_bus_message_unref) *bus_message_unref;
	typeof(sd_bus_new) *bus_new;
	typeof(sd_bus_open_system) *bus_open_system;
	typeof(sd_bus_set_address) *bus_set_address;
	typeof(sd_bus_set_method_call_timeout) *bus_set_method_call_timeout;
	typeof(sd_bus_start) *bus_start;
	typeof(sd_bus_unref) *bus_unref;
	typeof(sd_notify) *notify;
};

/* NULL where it, or one of these functions, cannot be loaded: that is said, once. */
const struct libsystemd *libsystemd_load(void);
