/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/human.h"

#include <stdio.h>

#include "util/macro.h"

#define MINUTE 60ULL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* From here on a tenth tells nothing more. */
#define TENTHS_MAX 100

#define UNIT 1024ULL

typedef unsigned long long ull;

static void two_parts(ull seconds, ull large, const char *large_name, ull small,
		      const char *small_name, char *buffer, size_t size)
{
	ull rest = seconds % large / small;

	if (rest)
		snprintf(buffer, size, "%llu %s %llu %s", seconds / large, large_name, rest,
			 small_name);
	else
		snprintf(buffer, size, "%llu %s", seconds / large, large_name);
}

const char *human_duration(usec_t usec, char *buffer, size_t size)
{
	ull tenths = usec / (USEC_PER_SEC / 10) + (usec % (USEC_PER_SEC / 10) >= USEC_PER_SEC / 20);
	ull seconds = usec / USEC_PER_SEC + (usec % USEC_PER_SEC >= USEC_PER_SEC / 2);

	if (tenths < TENTHS_MAX && tenths % 10)
		snprintf(buffer, size, "%llu.%llu s", tenths / 10, tenths % 10);
	else if (seconds < MINUTE)
		snprintf(buffer, size, "%llu s", seconds);
	else if (seconds < HOUR)
		two_parts(seconds, MINUTE, "min", 1, "s", buffer, size);
	else if (seconds < DAY)
		two_parts(seconds, HOUR, "h", MINUTE, "min", buffer, size);
	else
		two_parts(seconds, DAY, "d", HOUR, "h", buffer, size);
	return buffer;
}

static const char *scaled(uint64_t bytes, const char *suffix, char *buffer, size_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	ull whole, tenths;
	size_t i = 0;

	if (bytes < UNIT) {
		snprintf(buffer, size, "%llu B%s", (ull)bytes, suffix);
		return buffer;
	}
	/* A number that rounds to 1024 is 1.0 of the next unit. */
	for (whole = bytes; whole >= UNIT * UNIT - UNIT / 2 && i < ELEMENTSOF(units) - 1; i++)
		whole /= UNIT;
	tenths = (whole * 10 + UNIT / 2) / UNIT;
	if (tenths < TENTHS_MAX)
		snprintf(buffer, size, "%llu.%llu %s%s", tenths / 10, tenths % 10, units[i],
			 suffix);
	else
		snprintf(buffer, size, "%llu %s%s", (whole + UNIT / 2) / UNIT, units[i], suffix);
	return buffer;
}

const char *human_size(uint64_t bytes, char *buffer, size_t size)
{
	return scaled(bytes, "", buffer, size);
}

const char *human_rate(uint64_t bytes_per_second, char *buffer, size_t size)
{
	return scaled(bytes_per_second, "/s", buffer, size);
}
