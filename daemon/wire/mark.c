/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/mark.h"

static const char *const actions[] = {"on_poweroff", "on_reboot", "on_watchdog", "on_crash",
				      "on_soft_reset"};

static int finish(struct json_object *o, char **ret)
{
	const char *text = json_text(o, NULL);
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int mark_format(const struct uuid *uuid, const char *source, const char *config_text,
		struct json_object *removable, char **ret)
{
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = json_parse(config_text, strlen(config_text), &config);

	if (!o)
		return -ENOMEM;
	r = r < 0 ? r : json_add_uuid(o, "uuid", uuid);
	r = r < 0 ? r : json_add_string(o, "source", source);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(actions); i++)
		r = json_add_string(o, actions[i], json_get_string(config, actions[i]));
	if (removable && json_object_array_length(removable) > 0)
		r = r < 0 ? r : json_add(o, "removable", json_object_get(removable));
	return r < 0 ? r : finish(o, ret);
}

int mark_format_preserved(const struct uuid *uuid, const char *source, char **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? json_add_uuid(o, "uuid", uuid) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "source", source);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(actions); i++)
		r = json_add_string(o, actions[i], "preserve");
	return r < 0 ? r : finish(o, ret);
}

int mark_format_saved(const struct uuid *uuid, const struct uuid *image, char **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? json_add_uuid(o, "uuid", uuid) : -ENOMEM;

	r = r < 0 ? r : json_add_uuid(o, "saved", image);
	return r < 0 ? r : finish(o, ret);
}

int mark_removable(const struct mark *mark, size_t index, const char **ret_vdev,
		   uint32_t *ret_devid)
{
	struct json_object *disk;
	const char *vdev;
	uint64_t devid;

	if (!mark->removable || index >= MARK_REMOVABLE_MAX ||
	    index >= json_object_array_length(mark->removable))
		return -ENOENT;
	disk = json_object_array_get_idx(mark->removable, index);
	vdev = json_get_string(disk, "vdev");
	if (!vdev || json_get_u64(disk, "devid", &devid) < 0 || devid > UINT32_MAX)
		return -EBADMSG;
	*ret_vdev = vdev;
	*ret_devid = (uint32_t)devid;
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
	mark.on_watchdog = json_get_string(o, "on_watchdog");
	mark.on_crash = json_get_string(o, "on_crash");
	mark.on_soft_reset = json_get_string(o, "on_soft_reset");
	if (json_get_uuid(o, "saved", &mark.saved) < 0)
		mark.saved = UUID_NULL;
	mark.removable = json_get(o, "removable", json_type_array);
	mark.text = TAKE_PTR(o);
	*ret = mark;
	return 0;
}

void mark_done(struct mark *mark)
{
	json_object_put(mark->text);
	*mark = (struct mark){0};
}
