/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Finds the word that a mistyped one was meant to be. */
struct nearest {
	const char *word;  /* that was typed */
	const char *found; /* or NULL */
	size_t distance;   /* of found */
};

/* Takes one more word into account; it must stay as long as the structure. */
void nearest_consider(struct nearest *n, const char *candidate);

/* The word that it is about, if one is near enough; or NULL. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n);
