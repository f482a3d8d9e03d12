/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/survey-tell.h"

#include "util/str.h"
#include "util/utf8.h"
#include "worker/channel.h"
#include "worker/inotify.h"

int survey_note(int channel, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	return r < 0 ? r : channel_send(channel, "note", json_object_new_string(text));
}

int survey_unwatched(int channel)
{
	return channel_send(channel, "unwatched", json_object_new_boolean(true));
}

int survey_watch(int channel, int inotify, const char *path)
{
	return inotify_tell(inotify, path) < 0 ? survey_unwatched(channel) : 0;
}

int survey_watch_file(int channel, int inotify, const char *path, const struct stat *st)
{
	return st->st_nlink > 1 || S_ISLNK(st->st_mode) ? survey_watch(channel, inotify, path) : 0;
}

bool survey_is_utf8(const char *s)
{
	return utf8_is_valid(s, strlen(s));
}

int survey_set_error(struct json_object *o, const char *path, const char *problem)
{
	_cleanup_free_ char *text = NULL;
	int r = str_format(&text, "%s: %s", path, problem);

	return r < 0 ? r : json_add_string(o, "error", text);
}

/* libxl writes such a flag as a word. */
bool survey_is_driver(struct json_object *config)
{
	struct json_object *info = json_get(config, "c_info", json_type_object);

	return str_equal(json_get_string(info, "driver_domain"), "True");
}

bool survey_is_dangling(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && errno == ENOENT && lstat(path, &st) >= 0;
}
