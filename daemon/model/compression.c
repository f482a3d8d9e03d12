/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/compression.h"

#include "util/str.h"

static const char *const compression_names[_COMPRESSION_MAX] = {
	[COMPRESSION_NONE] = "none",
	[COMPRESSION_ZSTD] = "zstd",
};

const char *compression_to_string(enum compression compression)
{
	return compression_names[compression];
}

enum compression compression_from_string(const char *s)
{
	return (enum compression)str_lookup(compression_names, _COMPRESSION_MAX, s);
}
