/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

/* Values of options that are words of a table of n names, some of which may be NULL. */

/* The index of the word, or -EINVAL with the mistake named. */
int option_value(const char *option, const char *value, const char *const *names, size_t n);

/*
 * Takes words with commas between them, each of which counts once. How many there are, with their
 * indices in ret, which has room for n; or -EINVAL with the mistake named, or -ENOMEM.
 */
int option_value_list(const char *option, const char *value, const char *const *names, size_t n,
		      size_t *ret);
