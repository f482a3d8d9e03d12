/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <json-c/json_object_iterator.h>
#include <limits.h>
#include <stdio.h>

#include "util/fd.h"
#include "util/utf8.h"

/* The longest form of one byte: what is not UTF-8 becomes \\xHH. */
#define ESCAPED_MAX 5

/* The length of \uXXXX. */
#define UNIT_SIZE 6

static inline void tokener_freep(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

/* Word by word: a reply on many guests is megabytes long, and is looked through at each end. */
static bool is_ascii(const char *text, size_t length)
{
	uint64_t word, all = 0;

	for (; length >= sizeof(word); length -= sizeof(word), text += sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		all |= word;
	}
	while (length > 0)
		all |= (unsigned char)text[--length];
	return !(all & UINT64_C(0x8080808080808080));
}

/* Reading. */

static int parse(const char *text, size_t length, int flags, struct json_object **ret)
{
	_cleanup_(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	_cleanup_json_ struct json_object *o = NULL;

	if (!tokener)
		return -ENOMEM;
	if (length > INT_MAX)
		return -EBADMSG;
	json_tokener_set_flags(tokener, flags);
	errno = 0;
	o = json_tokener_parse_ex(tokener, text, (int)length);
	/* json-c goes on without the parts that it had no memory for. */
	if (errno == ENOMEM)
		return -ENOMEM;
	if (!o || !json_object_is_type(o, json_type_object))
		return -EBADMSG;
	for (size_t i = json_tokener_get_parse_end(tokener); i < length; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return -EBADMSG;
	*ret = TAKE_PTR(o);
	return 0;
}

/* For the grammar any letter is as good as what stands there; it has its place in strings only. */
static int check_grammar(const char *text, size_t length)
{
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_free_ char *copy = malloc(length + 1);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++)
		copy[i] = (char)(isascii((unsigned char)text[i]) ? text[i] : 'x');
	copy[length] = '\0';
	return parse(copy, length, JSON_TOKENER_STRICT, &o);
}

static bool can_have_pairs(const char *text, size_t length)
{
	/* Most texts have no backslash at all, which is found out faster. */
	return memchr(text, '\\', length) &&
	       (memmem(text, length, "\\ud", 3) || memmem(text, length, "\\uD", 3));
}

/* The value of "\uXXXX"; 0 for another text. */
static uint32_t read_unit(const char *text, size_t length)
{
	char digits[5] = "";

	if (length < UNIT_SIZE || text[0] != '\\' || text[1] != 'u')
		return 0;
	memcpy(digits, text + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (uint32_t)strtoul(digits, NULL, 16)
							     : 0;
}

/* The character of a pair of surrogates; 0 if there is no pair. */
static uint32_t read_pair(const char *text, size_t length)
{
	uint32_t high = read_unit(text, length);
	uint32_t low = length > UNIT_SIZE ? read_unit(text + UNIT_SIZE, length - UNIT_SIZE) : 0;

	if ((high & 0xfc00) != 0xd800 || (low & 0xfc00) != 0xdc00)
		return 0;
	return 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
}

/* The same with each pair as the character itself. NULL: no memory. */
static char *decode_pairs(const char *text, size_t length, size_t *ret_length)
{
	char *decoded = malloc(length + 1), *out = decoded;
	size_t n;

	if (!decoded)
		return NULL;
	for (size_t i = 0; i < length; i += n) {
		uint32_t c = read_pair(text + i, length - i);

		if (c) {
			n = 2 * UNIT_SIZE;
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
			*out++ = (char)(0x80 | (c >> 6 & 0x3f));
			*out++ = (char)(0x80 | (c & 0x3f));
		} else {
			/* "\\ud83d" is a backslash and letters. */
			n = text[i] == '\\' && i + 1 < length ? 2 : 1;
			memcpy(out, text + i, n);
			out += n;
		}
	}
	*out = '\0';
	*ret_length = (size_t)(out - decoded);
	return decoded;
}

/*
 * From 0.18 on, json-c takes no byte above 0x7f where it is strict; and before 0.19 it loses some
 * of the characters that are written as pairs. So it gets these without being strict, once it has
 * found nothing wrong with the rest.
 */
int json_parse(const char *text, size_t length, struct json_object **ret)
{
	_cleanup_free_ char *decoded = NULL;
	int r;

	if (is_ascii(text, length) && !can_have_pairs(text, length))
		return parse(text, length, JSON_TOKENER_STRICT, ret);
	if (!utf8_is_valid(text, length))
		return -EBADMSG;
	r = check_grammar(text, length);
	if (r < 0)
		return r;
	decoded = decode_pairs(text, length, &length);
	return decoded ? parse(decoded, length, 0, ret) : -ENOMEM;
}

struct json_object *json_get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!o || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

const char *json_get_string(struct json_object *o, const char *key)
{
	struct json_object *value = json_get(o, key, json_type_string);
	const char *s = value ? json_object_get_string(value) : NULL;

	/* A string with a NUL inside would be cut without a word. */
	if (s && strlen(s) != (size_t)json_object_get_string_len(value))
		return NULL;
	return s;
}

bool json_get_bool(struct json_object *o, const char *key)
{
	struct json_object *value = json_get(o, key, json_type_boolean);

	return value && json_object_get_boolean(value);
}

int json_get_u64(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *value = json_get(o, key, json_type_int);

	if (!value)
		return -ENOENT;
	if (json_object_get_int64(value) < 0)
		return -EINVAL;
	*ret = json_object_get_uint64(value);
	return 0;
}

int json_get_uuid(struct json_object *o, const char *key, struct uuid *ret)
{
	const char *s = json_get_string(o, key);

	return s ? uuid_parse(s, ret) : -ENOENT;
}

/* Writing. */

int json_add(struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(o, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

int json_add_string(struct json_object *o, const char *key, const char *value)
{
	return value ? json_add(o, key, json_object_new_string(value)) : 0;
}

int json_add_bool(struct json_object *o, const char *key, bool value)
{
	return json_add(o, key, json_object_new_boolean(value));
}

int json_add_u64(struct json_object *o, const char *key, uint64_t value)
{
	return json_add(o, key, json_object_new_uint64(value));
}

int json_add_uuid(struct json_object *o, const char *key, const struct uuid *value)
{
	return json_add(o, key, json_object_new_string(UUID_TEXT(value)));
}

int json_append(struct json_object *array, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_array_add(array, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int write_character(char *out, uint32_t c)
{
	if (c < 0x10000)
		return sprintf(out, "\\u%04" PRIx32, c);
	c -= 0x10000;
	return sprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (c >> 10),
		       0xdc00 + (c & 0x3ff));
}

/* The same JSON without a byte above 0x7f, all of which stand in strings. NULL: no memory. */
static char *to_ascii(const char *text, size_t length, size_t *ret_length)
{
	char *ascii = malloc(length * ESCAPED_MAX + 1), *out = ascii;
	size_t n;

	if (!ascii)
		return NULL;
	for (size_t i = 0; i < length; i += n) {
		uint32_t c;

		n = utf8_decode(text + i, length - i, &c);
		if (n == 1)
			*out++ = text[i];
		else if (n > 1)
			out += write_character(out, c);
		else
			out += sprintf(out, "\\\\x%02x", (unsigned char)text[i]);
		n = MAX(n, (size_t)1);
	}
	*out = '\0';
	*ret_length = (size_t)(out - ascii);
	return ascii;
}

static void free_text(struct json_object *o _unused_, void *text)
{
	free(text);
}

const char *json_text(struct json_object *o, size_t *ret_length)
{
	size_t length;
	const char *text;

	errno = 0;
	text = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	/* Without memory, json-c leaves parts out of the text, and returns no error. */
	if (errno == ENOMEM)
		return NULL;
	if (text && !is_ascii(text, length)) {
		char *ascii = to_ascii(text, length, &length);

		if (!ascii)
			return NULL;
		json_object_set_userdata(o, ascii, free_text);
		text = ascii;
	}
	if (ret_length)
		*ret_length = length;
	return text;
}

const char *json_message(struct json_object *o, size_t *ret_size)
{
	size_t length;
	const char *text = o ? json_text(o, &length) : NULL;

	if (text)
		*ret_size = length + 1;
	return text;
}

int json_write(int fd, struct json_object *o_taken)
{
	_cleanup_json_ struct json_object *o = o_taken;
	size_t size;
	const char *message = json_message(o, &size);

	return message ? fd_write_all(fd, message, size) : -ENOMEM;
}
