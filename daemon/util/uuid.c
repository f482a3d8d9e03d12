/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/uuid.h"

#include <ctype.h>
#include <sys/random.h>

static bool hyphen_at(size_t position)
{
	return position == 8 || position == 13 || position == 18 || position == 23;
}

static int hex_value(char c)
{
	if (!isxdigit((unsigned char)c))
		return -1;
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

int uuid_parse(const char *s, struct uuid *ret)
{
	struct uuid u;
	size_t n = 0;

	if (strlen(s) != UUID_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; s[i];) {
		int high, low;

		if (hyphen_at(i)) {
			if (s[i++] != '-')
				return -EINVAL;
			continue;
		}
		high = hex_value(s[i]);
		low = hex_value(s[i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		u.bytes[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*ret = u;
	return 0;
}

const char *uuid_format(const struct uuid *u, char *buffer)
{
	static const char digits[] = "0123456789abcdef";
	char *out = buffer;

	for (size_t i = 0; i < sizeof(u->bytes); i++) {
		if (hyphen_at((size_t)(out - buffer)))
			*out++ = '-';
		*out++ = digits[u->bytes[i] >> 4];
		*out++ = digits[u->bytes[i] & 0xf];
	}
	*out = '\0';
	return buffer;
}

int uuid_random(struct uuid *ret)
{
	struct uuid u;

	if (getrandom(&u, sizeof(u), 0) != sizeof(u))
		return -EIO;
	u.bytes[6] = (uint8_t)((u.bytes[6] & 0x0f) | 0x40);
	u.bytes[8] = (uint8_t)((u.bytes[8] & 0x3f) | 0x80);
	*ret = u;
	return 0;
}

bool uuid_list_has(const struct uuid_list *list, const struct uuid *uuid)
{
	for (size_t i = 0; i < list->n; i++)
		if (uuid_equal(&list->items[i], uuid))
			return true;
	return false;
}

int uuid_list_add(struct uuid_list *list, const struct uuid *uuid)
{
	struct uuid *bigger;

	if (uuid_list_has(list, uuid))
		return 0;
	bigger = realloc(list->items, (list->n + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	list->items = bigger;
	list->items[list->n++] = *uuid;
	return 0;
}

void uuid_list_clear(struct uuid_list *list)
{
	free(list->items);
	*list = (struct uuid_list){0};
}
