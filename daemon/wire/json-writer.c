/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/json-writer.h"

#include <stdio.h>

#define ROOM_FIRST 4096

/* Of a number, and of a character that is escaped: "\u001f". */
#define NUMBER_MAX  24
#define ESCAPED_MAX 6

static bool make_room(struct json_writer *w, size_t size)
{
	size_t room = w->room ? w->room : ROOM_FIRST;
	char *bigger;

	while (room - w->size < size)
		room *= 2;
	if (w->failed || room == w->room)
		return !w->failed;
	bigger = realloc(w->text, room);
	w->failed = !bigger;
	if (!bigger)
		return false;
	w->text = bigger;
	w->room = room;
	return true;
}

static void put(struct json_writer *w, const char *text, size_t size)
{
	if (!make_room(w, size))
		return;
	memcpy(w->text + w->size, text, size);
	w->size += size;
}

/* A comma comes between two values, and none before the first. */
static void separate(struct json_writer *w)
{
	if (w->size > 0 && !strchr("[{", w->text[w->size - 1]))
		put(w, ",", 1);
}

static char escape(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return c < ' ' ? 'u' : 0;
	}
}

static void put_string(struct json_writer *w, const char *text)
{
	size_t length = strlen(text);
	char *out;

	if (!make_room(w, ESCAPED_MAX * length + sizeof("\"\"")))
		return;
	out = w->text + w->size;
	*out++ = '"';
	for (size_t i = 0; i < length; i++) {
		char letter = escape((unsigned char)text[i]);

		if (letter)
			*out++ = '\\';
		if (letter == 'u')
			out += sprintf(out, "u%04x", (unsigned char)text[i]);
		else
			*out++ = letter ? letter : text[i];
	}
	*out++ = '"';
	w->size = (size_t)(out - w->text);
}

static void put_key(struct json_writer *w, const char *key)
{
	separate(w);
	put_string(w, key);
	put(w, ":", 1);
}

static void begin(struct json_writer *w, const char *bracket)
{
	separate(w);
	put(w, bracket, 1);
}

void json_writer_begin_array(struct json_writer *w)
{
	begin(w, "[");
}

void json_writer_begin_object(struct json_writer *w)
{
	begin(w, "{");
}

void json_writer_end_array(struct json_writer *w)
{
	put(w, "]", 1);
}

void json_writer_end_object(struct json_writer *w)
{
	put(w, "}", 1);
}

void json_writer_begin_member(struct json_writer *w, const char *key)
{
	put_key(w, key);
	put(w, "{", 1);
}

void json_writer_string(struct json_writer *w, const char *key, const char *value)
{
	if (!value)
		return;
	put_key(w, key);
	put_string(w, value);
}

void json_writer_bool(struct json_writer *w, const char *key, bool value)
{
	put_key(w, key);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void json_writer_u64(struct json_writer *w, const char *key, uint64_t value)
{
	char text[NUMBER_MAX];
	size_t begin = sizeof(text);

	/* A guest has half a dozen numbers: printf() would take a tenth of the answer. */
	do {
		text[--begin] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	put_key(w, key);
	put(w, text + begin, sizeof(text) - begin);
}

void json_writer_uuid(struct json_writer *w, const char *key, const struct uuid *value)
{
	json_writer_string(w, key, UUID_TEXT(value));
}

void json_writer_begin_list(struct json_writer *w, const char *key)
{
	put_key(w, key);
	put(w, "[", 1);
}

void json_writer_element(struct json_writer *w, const char *value)
{
	separate(w);
	put_string(w, value);
}

struct json_object *json_writer_take(struct json_writer *w)
{
	struct json_object *o;

	put(w, "", 1);
	o = w->failed ? NULL : json_object_new_object();
	if (o)
		json_object_set_serializer(o, json_object_userdata_to_json_string,
					   TAKE_PTR(w->text), json_object_free_userdata);
	json_writer_done(w);
	return o;
}

void json_writer_done(struct json_writer *w)
{
	free(w->text);
	*w = (struct json_writer){0};
}
