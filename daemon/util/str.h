/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdarg.h>
#include <string.h>

#include "util/macro.h"

/* Formats into a new string. 0 or -ENOMEM; *ret is the caller's. */
int str_format(char **ret, const char *format, ...) _printf_(2, 3);
int str_vformat(char **ret, const char *format, va_list ap) _printf_(2, 0);

/* Replaces *s, which may be NULL, by a copy of value, which may be NULL too. 0 or -ENOMEM. */
int str_replace(char **s, const char *value);

static inline bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool str_empty(const char *s)
{
	return !s || s[0] == '\0';
}

bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);

/* The part of path after its last slash. */
const char *path_base(const char *path);

/* Whether a path is that of a file in a directory, and in none below it; false if one of them is
 * NULL. */
bool path_lies_in(const char *path, const char *directory);

/* Whether s is safe to print on a terminal or in a log as it is. */
bool str_is_printable(const char *s);

/*
 * A copy of s that is safe to print there: at most max bytes of it, bytes that do not print
 * replaced by '?', cut text marked by "...". NULL when memory is short.
 */
char *str_printable(const char *s, size_t max);

/* The same, written to a place of max and STR_CUT_SIZE bytes. Returns its length. */
#define STR_CUT_SIZE sizeof("...")
size_t str_print(const char *s, size_t max, char *out);

/* The index of s in a table of n names, some of which may be NULL; -EINVAL if it is missing. */
int str_lookup(const char *const *names, size_t n, const char *s);
