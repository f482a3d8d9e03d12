/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

#include "util/macro.h"

struct uuid {
	uint8_t bytes[16];
};

#define UUID_TEXT_SIZE 37 /* with the terminator */

#define UUID_NULL ((struct uuid){.bytes = {0}})

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool uuid_is_null(const struct uuid *u)
{
	return uuid_equal(u, &UUID_NULL);
}

/* The usual 36 characters; hexadecimal digits of either case. 0 or -EINVAL. */
int uuid_parse(const char *s, struct uuid *ret);

/* Lower case, into a buffer of UUID_TEXT_SIZE, which is also returned. */
const char *uuid_format(const struct uuid *u, char *buffer);

/* For use in an argument list: the text lives to the end of the enclosing block. */
#define UUID_TEXT(u) uuid_format((u), (char[UUID_TEXT_SIZE]){0})

/* A random one (RFC 4122, version 4). 0 or -errno. */
int uuid_random(struct uuid *ret);

/* A set of them. */
struct uuid_list {
	struct uuid *items;
	size_t n;
};

/* 0, also if it is there already, or -ENOMEM. */
int uuid_list_add(struct uuid_list *list, const struct uuid *uuid);
bool uuid_list_has(const struct uuid_list *list, const struct uuid *uuid);
void uuid_list_clear(struct uuid_list *list);
