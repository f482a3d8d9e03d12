/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#define QUOTE_MAX 1024

/*
 * The word as a shell takes it, in the buffer of this size: for a command that a person is told to
 * type. A word that would not be shown as it is, or that has no room there, which no name of a
 * guest needs, becomes "...".
 */
const char *quote_word(const char *word, char *buffer, size_t size);

/* The same, valid to the end of the block that it is used in. */
#define QUOTED(word) quote_word((word), (char[QUOTE_MAX]){0}, QUOTE_MAX)

/* The same for an argument of a command: a word that begins with '-' is no option. */
const char *quote_argument(const char *word, char *buffer, size_t size);

#define AS_ARGUMENT(word) quote_argument((word), (char[QUOTE_MAX]){0}, QUOTE_MAX)
