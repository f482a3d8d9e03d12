/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* Where images are saved. */

/*
 * Whether others than root can put another file in the place of an image: who can write its
 * directory can, unless the sticky bit keeps them to files of their own.
 */
bool place_is_open(const struct stat *folder);

/*
 * Why no image can be saved in a directory, in words, as far as that can be told without a file in
 * it; NULL: nothing is known against it. A save makes a directory that is not there, in the one
 * above. 0 or -ENOMEM.
 */
int place_judge(const char *folder, char **ret);
