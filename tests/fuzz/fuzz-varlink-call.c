/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "wire/varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct varlink_call call = {0}, again = {0};
	const char *text;
	size_t length;

	if (varlink_call_parse((const char *)data, size, &call) < 0) {
		HOLDS(!call.message);
		return 0;
	}
	HOLDS(call.method);
	HOLDS(!call.parameters || json_object_is_type(call.parameters, json_type_object));
	/* What was understood is understood again. */
	text = json_text(call.message, &length);
	HOLDS(varlink_call_parse(text, length, &again) == 0);
	HOLDS(strcmp(call.method, again.method) == 0);
	HOLDS(call.more == again.more && call.oneway == again.oneway);
	varlink_call_done(&again);
	varlink_call_done(&call);
	return 0;
}
