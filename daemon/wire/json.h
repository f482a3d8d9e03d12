/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-c/json.h>

#include "util/macro.h"
#include "util/uuid.h"

/*
 * A thin cover of json-c: bounded, strict parsing, and reading and building objects without
 * checking a type at each step.
 */

#define JSON_DEPTH_MAX 24 /* libxl's own configurations need about ten */

static inline void json_putp(struct json_object **o)
{
	json_object_put(*o);
}

#define _cleanup_json_ _cleanup_(json_putp)

/*
 * One JSON object (no array, no number), UTF-8, nothing after it: 0, -EBADMSG or -ENOMEM. What is
 * above 0x7f may be escaped or not, whatever json-c takes itself.
 */
int json_parse(const char *text, size_t length, struct json_object **ret);

/*
 * The value of a key, borrowed from the object: NULL, false or a negative errno if it is missing or
 * of another type. json_get_u64() refuses negative numbers.
 */
struct json_object *json_get(struct json_object *o, const char *key, enum json_type type);
const char *json_get_string(struct json_object *o, const char *key);
bool json_get_bool(struct json_object *o, const char *key);
int json_get_u64(struct json_object *o, const char *key, uint64_t *ret);
int json_get_uuid(struct json_object *o, const char *key, struct uuid *ret);

/*
 * Each adds one member and returns 0 or -ENOMEM. A NULL string adds nothing. json_add() takes the
 * value over in any case.
 */
int json_add(struct json_object *o, const char *key, struct json_object *value);
int json_add_string(struct json_object *o, const char *key, const char *value);
int json_add_bool(struct json_object *o, const char *key, bool value);
int json_add_u64(struct json_object *o, const char *key, uint64_t value);
int json_add_uuid(struct json_object *o, const char *key, const struct uuid *value);

/* Appends to an array; takes the value over in any case. */
int json_append(struct json_object *array, struct json_object *value);

/*
 * The text on one line and in ASCII, so that any JSON parser takes it; owned by the object until
 * this is called again, or the object is changed or freed. Bytes that are not UTF-8 (a guest's name
 * and a file's can hold any) become \xHH in the string. NULL: no memory.
 */
const char *json_text(struct json_object *o, size_t *ret_length);

/*
 * The same as a message: the size counts the NUL byte that ends it (wire/frame.h). NULL: no memory,
 * also for the object itself, which is NULL then.
 */
const char *json_message(struct json_object *o, size_t *ret_size);

/* Writes it to a file or a socket. Takes the object over, which may be NULL. 0 or -errno. */
int json_write(int fd, struct json_object *o_taken);
