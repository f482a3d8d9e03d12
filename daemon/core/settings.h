/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"

/* All settings, the values that each accepts, and which of them apply to single guests. */

struct setting;

/*
 * Reads a value into the field of a setting. 0, -ENOMEM, or -EINVAL with *ret_reason ("NAME=VALUE:
 * what it must be", the caller's), and the field as it was.
 */
typedef int (*setting_fn)(const struct setting *s, void *field, const char *value,
			  char **ret_reason);

struct setting {
	const char *name;
	setting_fn parse;
	size_t offset, size; /* of the field */
	uint64_t scale;      /* for times: microseconds to a unit */
	uint64_t min;        /* for numbers */
	bool cosmetic;       /* decides nothing that becomes of a guest */
};

struct setting_list {
	const struct setting *settings;
	size_t n;
};

/* Fields of struct config; the last ones are of struct guest_settings. */
extern const struct setting_list config_variables, config_host_keys, config_guest_keys;

/* NULL if there is none of this name. */
const struct setting *setting_find(const struct setting_list *list, const char *name);

/* The name of one that may be meant by a word that is none; NULL: none is near it. */
const char *setting_meant(const struct setting_list *list, const char *word);

const char *image_policy_to_string(enum image_policy policy);

/* What holds for a guest of this name. */
struct guest_settings config_guest(const struct config *c, const char *name);
