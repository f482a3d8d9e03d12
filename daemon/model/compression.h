/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* How the stream in an image is compressed. Images and operation files hold these names. */
enum compression {
	COMPRESSION_NONE,
	COMPRESSION_ZSTD,
	_COMPRESSION_MAX,
	_COMPRESSION_INVALID = -EINVAL,
};

const char *compression_to_string(enum compression compression);
enum compression compression_from_string(const char *s);
