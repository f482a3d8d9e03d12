/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* What an image is worth, as the ledger says (core/lives.h). */
enum image_standing {
	IMAGE_UNKNOWN,   /* nothing is known of it: its disks have to tell */
	IMAGE_FORGOTTEN, /* the same, and records are lost that may have told of it */
	IMAGE_SUSPECT,   /* unknown, and the guest may have run on after it was written */
	IMAGE_NEWEST,    /* the guest's memory: it has not run since */
	IMAGE_DISPUTED,  /* the same, if the domain that ran since by another name was no life of it
			  */
	IMAGE_OUTLIVED,  /* the guest has run since, or was saved once more */
	IMAGE_USED_UP,   /* the guest has run from it */
	_IMAGE_STANDING_MAX,
	_IMAGE_STANDING_INVALID = -EINVAL,
};

const char *image_standing_to_string(enum image_standing standing);
enum image_standing image_standing_from_string(const char *s);
