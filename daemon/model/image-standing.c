/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/image-standing.h"

#include "util/str.h"

static const char *const standing_names[_IMAGE_STANDING_MAX] = {
	[IMAGE_UNKNOWN] = "unknown", [IMAGE_FORGOTTEN] = "forgotten", [IMAGE_SUSPECT] = "suspect",
	[IMAGE_NEWEST] = "newest",   [IMAGE_DISPUTED] = "disputed",   [IMAGE_OUTLIVED] = "outlived",
	[IMAGE_USED_UP] = "used-up",
};

const char *image_standing_to_string(enum image_standing standing)
{
	return standing_names[standing];
}

enum image_standing image_standing_from_string(const char *s)
{
	return (enum image_standing)str_lookup(standing_names, _IMAGE_STANDING_MAX, s);
}
