/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/survey.h"

#include "hv/inquiry.h"
#include "util/str.h"
#include "wire/operation.h"

/* A folder that takes longer does not answer. */
#define SURVEY_LIMIT (90 * USEC_PER_SEC)

struct surveyor {
	struct loop *loop;
	char *program;
	surveyed_fn fn;
	void *data;

	struct inquiry *inquiry; /* under way, or the last one */
	struct survey *survey;
	struct survey *known; /* what is not parsed again is taken from here */
};

static int take_config(struct survey *survey, const struct survey *known, struct json_object *o)
{
	const char *path = json_get_string(o, "path");
	const struct survey_config *old = NULL;
	struct survey_config c = {0};
	int r;

	if (!path)
		return -EBADMSG;
	if (json_get_bool(o, "folder"))
		survey->unlisted = true;
	if (json_get_bool(o, "unchanged")) {
		old = known ? survey_find_config(known, path) : NULL;
		if (!old)
			return -EBADMSG;
		c.has_uuid = old->has_uuid;
		c.uuid = old->uuid;
		c.memory_kib = old->memory_kib;
		c.driver = old->driver;
	} else {
		c.has_uuid = json_get_uuid(o, "uuid", &c.uuid) >= 0;
		json_get_u64(o, "memory_kib", &c.memory_kib);
		c.driver = json_get_bool(o, "driver");
	}
	r = str_replace(&c.path, path);
	r = r < 0 ? r : str_replace(&c.stamp, json_get_string(o, "stamp"));
	r = r < 0 ? r : str_replace(&c.error, old ? old->error : json_get_string(o, "error"));
	r = r < 0 ? r : str_replace(&c.name, old ? old->name : json_get_string(o, "name"));
	r = r < 0 ? r : str_replace(&c.config, old ? old->config : json_get_string(o, "config"));
	if (r >= 0 && !c.error && (!c.name || !c.config))
		r = -EBADMSG;
	if (r < 0) {
		survey_config_done(&c);
		return r;
	}
	return survey_add_config(survey, &c);
}

static int take_image(struct survey *survey, struct json_object *o)
{
	struct survey_image image = {
		.foreign = json_get_bool(o, "foreign"),
		.driver = json_get_bool(o, "driver"),
	};
	int r = str_replace(&image.path, json_get_string(o, "path"));

	json_get_u64(o, "size", &image.size);
	r = r < 0 ? r : str_replace(&image.name, json_get_string(o, "name"));
	r = r < 0 ? r : str_replace(&image.error, json_get_string(o, "error"));
	if (json_get_uuid(o, "uuid", &image.uuid) < 0 && !image.error)
		r = -EBADMSG;
	json_get_uuid(o, "id", &image.id);
	json_get_u64(o, "written_usec", &image.written_wall);
	if (r >= 0 && (!image.path || !image.name))
		r = -EBADMSG;
	if (r < 0) {
		survey_image_done(&image);
		return r;
	}
	return survey_add_image(survey, &image);
}

int survey_take_message(struct survey *survey, const struct survey *known, const char *text,
			size_t length)
{
	_cleanup_json_ struct json_object *message = NULL;
	struct json_object *o;
	int r = json_parse(text, length, &message);

	if (r < 0)
		return r;
	if (json_get_bool(message, "end"))
		return 1;
	o = json_get(message, "configuration", json_type_object);
	if (o)
		return take_config(survey, known, o);
	o = json_get(message, "image", json_type_object);
	if (o)
		return take_image(survey, o);
	if (json_get_u64(message, "room", &survey->room) >= 0) {
		survey->room_known = true;
		return 0;
	}
	if (json_get_string(message, "directory"))
		return str_replace(&survey->directory, json_get_string(message, "directory"));
	if (json_get_string(message, "unreadable"))
		return str_replace(&survey->unreadable, json_get_string(message, "unreadable"));
	if (json_get_string(message, "note"))
		return survey_add_note(survey, json_get_string(message, "note"));
	return -EBADMSG;
}

static int on_message(void *data, const char *text, size_t length)
{
	struct surveyor *s = data;

	return survey_take_message(s->survey, s->known, text, length);
}

static void on_answered(void *data, const char *reason)
{
	_cleanup_(survey_freep) struct survey *survey = NULL;
	struct surveyor *s = data;

	if (!reason) {
		survey = TAKE_PTR(s->survey);
		survey_sort(survey);
	}
	s->fn(s->data, TAKE_PTR(survey), reason);
}

int surveyor_new(struct loop *loop, const char *program, surveyed_fn fn, void *data,
		 struct surveyor **ret)
{
	_cleanup_(surveyor_freep) struct surveyor *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct surveyor){.loop = loop, .fn = fn, .data = data};
	r = str_replace(&s->program, program);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct surveyor *surveyor_free(struct surveyor *s)
{
	if (!s)
		return NULL;
	inquiry_free(s->inquiry);
	survey_free(s->survey);
	survey_free(s->known);
	free(s->program);
	free(s);
	return NULL;
}

/* What is known already, so that it need not be parsed again. */
static int add_known(struct json_object *o, const struct survey *known)
{
	_cleanup_json_ struct json_object *list = json_object_new_object();
	int r = list ? 0 : -ENOMEM;

	/* What went wrong may have been for a moment only. */
	for (size_t i = 0; r >= 0 && known && i < known->n_configs; i++)
		if (!known->configs[i].error)
			r = json_add_string(list, known->configs[i].path, known->configs[i].stamp);
	return r < 0 ? r : json_add(o, "known", TAKE_PTR(list));
}

static struct json_object *make_request(const char *autostart, const char *save,
					const struct survey *known)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "autostart", autostart);
	r = r < 0 ? r : json_add_string(o, "save", save);
	r = r < 0 ? r : add_known(o, known);
	return r < 0 ? NULL : TAKE_PTR(o);
}

/* The survey may be freed while the worker is at it. */
static int copy_configs(const struct survey *from, struct survey **ret)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && from && i < from->n_configs; i++) {
		struct survey_config c = from->configs[i];

		c.path = c.stamp = c.error = c.name = c.config = NULL;
		r = str_replace(&c.path, from->configs[i].path);
		r = r < 0 ? r : str_replace(&c.stamp, from->configs[i].stamp);
		r = r < 0 ? r : str_replace(&c.error, from->configs[i].error);
		r = r < 0 ? r : str_replace(&c.name, from->configs[i].name);
		r = r < 0 ? r : str_replace(&c.config, from->configs[i].config);
		if (r < 0)
			survey_config_done(&c);
		else
			r = survey_add_config(s, &c);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int surveyor_begin(struct surveyor *s, const char *autostart, const char *save,
		   const struct survey *known)
{
	struct inquiry_options options = {
		.program = s->program,
		.verb = OPERATION_VERB_SURVEY,
		.limit = SURVEY_LIMIT,
	};
	struct inquiry_callbacks callbacks = {
		.message = on_message,
		.answered = on_answered,
		.data = s,
	};
	_cleanup_json_ struct json_object *request = make_request(autostart, save, known);
	int r;

	if (s->inquiry && inquiry_is_alive(s->inquiry))
		return -EBUSY;
	s->inquiry = inquiry_free(s->inquiry);
	survey_free(s->survey);
	survey_free(TAKE_PTR(s->known));
	s->survey = calloc(1, sizeof(*s->survey));
	if (!s->survey || !request)
		return -ENOMEM;
	r = copy_configs(known, &s->known);
	return r < 0 ? r : inquiry_new(s->loop, &options, request, &callbacks, &s->inquiry);
}
