/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "libsystemd.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"

#define LIBRARY "libsystemd.so.0"

#define FUNCTION(name)                                                                             \
	{                                                                                          \
		"sd_" #name, offsetof(struct libsystemd, name)                                     \
	}

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(bus_call_method),
	FUNCTION(bus_close_unref),
	FUNCTION(bus_get_property_string),
	FUNCTION(bus_get_property_strv),
	FUNCTION(bus_get_property_trivial),
	FUNCTION(bus_message_enter_container),
	FUNCTION(bus_message_read),
	FUNCTION(bus_message_unref),
	FUNCTION(bus_new),
	FUNCTION(bus_open_system),
	FUNCTION(bus_set_address),
	FUNCTION(bus_set_method_call_timeout),
	FUNCTION(bus_start),
	FUNCTION(bus_unref),
	FUNCTION(notify),
};

static bool load(struct libsystemd *ret)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	struct libsystemd loaded;

	if (!library)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(functions); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return false;
		memcpy((char *)&loaded + functions[i].offset, &function, sizeof(function));
	}
	*ret = loaded;
	return true;
}

const struct libsystemd *libsystemd_load(void)
{
	static struct libsystemd loaded;
	static bool tried, worked;

	if (!tried) {
		tried = true;
		worked = load(&loaded);
		if (!worked)
			fprintf(stderr, "Failed to load libsystemd: %s\n", dlerror());
	}
	return worked ? &loaded : NULL;
}
