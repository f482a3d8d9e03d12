/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * Writes JSON as text at once, for lists of all guests: objects of json-c for them take ten times
 * the memory, and most of the time of an answer. A writer that has run out of memory goes on
 * without a word, and has no value in the end. Zeroed memory is an empty writer.
 */
struct json_writer {
	char *text;
	size_t size, room;
	bool failed;
};

/* Each begins a value: the whole, or an element of an array. */
void json_writer_begin_array(struct json_writer *w);
void json_writer_begin_object(struct json_writer *w);
void json_writer_end_array(struct json_writer *w);
void json_writer_end_object(struct json_writer *w);

/* Each writes one member of an object: no key comes twice. A NULL string writes nothing. */
void json_writer_string(struct json_writer *w, const char *key, const char *value);
void json_writer_bool(struct json_writer *w, const char *key, bool value);
void json_writer_u64(struct json_writer *w, const char *key, uint64_t value);
void json_writer_uuid(struct json_writer *w, const char *key, const struct uuid *value);

/* The same for an object: begins it, to be ended as any other. */
void json_writer_begin_member(struct json_writer *w, const char *key);

/* The same for a list of texts, or of objects: begins it, to be ended as an array, and writes one
 * text. */
void json_writer_begin_list(struct json_writer *w, const char *key);
void json_writer_element(struct json_writer *w, const char *value);

/*
 * What was written, as a value that can be added to an object, and has no other use. The writer is
 * empty after that. NULL: no memory.
 */
struct json_object *json_writer_take(struct json_writer *w);

void json_writer_done(struct json_writer *w);
