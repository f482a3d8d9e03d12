/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/*
 * Tells what an image says: the file of this name in the directory. path is of the file. 0, also
 * where it cannot be read, or -errno.
 */
int survey_image_read(int channel, int inotify, const char *directory, const char *file,
		      const char *path);

/* Tells that it is not known what it says. pending: it may still be told. Touches no file. */
int survey_image_miss(int channel, const char *file, const char *path, const char *why,
		      bool pending);
