/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/mark.h"

static const char *const actions[] = {"on_poweroff", "on_reboot", "on_crash"};

int mark_format(const struct uuid *uuid, const char *source, const char *config_text, char **ret)
{
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	char *text;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (!o)
		return -ENOMEM;
	r = r < 0 ? r : json_add_uuid(o, "uuid", uuid);
	r = r < 0 ? r : json_add_string(o, "source", source);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(actions); i++)
		r = json_add_string(o, actions[i], json_get_string(config, actions[i]));
	if (r < 0)
		return r;
	text = strdup(json_text(o, NULL));
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int mark_parse(const char *text, size_t length, struct mark *ret)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct mark mark = {0};
	int r = json_parse(text, length, &o);

	if (r < 0)
		return r;
	if (json_get_uuid(o, "uuid", &mark.uuid) < 0)
		return -EBADMSG;
	mark.source = json_get_string(o, "source");
	mark.on_poweroff = json_get_string(o, "on_poweroff");
	mark.on_reboot = json_get_string(o, "on_reboot");
	mark.on_crash = json_get_string(o, "on_crash");
	mark.text = TAKE_PTR(o);
	*ret = mark;
	return 0;
}

void mark_done(struct mark *mark)
{
	json_object_put(mark->text);
	*mark = (struct mark){0};
}
