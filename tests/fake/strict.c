/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dlfcn.h>
#include <json-c/json.h>

/*
 * Preloaded into a process, has its json-c be as strict as version 0.18 where char is signed: with
 * JSON_TOKENER_STRICT no byte above 0x7f is taken.
 */

struct json_object *json_tokener_parse_ex(struct json_tokener *tokener, const char *text, int size)
{
	__typeof__(&json_tokener_parse_ex) real = __extension__(__typeof__(&json_tokener_parse_ex))
		dlsym(RTLD_NEXT, "json_tokener_parse_ex");

	if (tokener->flags & JSON_TOKENER_STRICT)
		for (int i = 0; i < size; i++)
			if ((unsigned char)text[i] > 0x7f)
				return NULL;
	return real(tokener, text, size);
}
