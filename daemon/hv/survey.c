/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/survey.h"

#include "hv/changes.h"
#include "hv/inquiry.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/operation.h"

/* The worker reads no file itself, and says something of each in 30 s. */
#define SILENCE_LIMIT (90 * USEC_PER_SEC)

struct surveyor {
	struct loop *loop;
	const struct program *program;
	struct surveyor_callbacks callbacks;

	struct inquiry *inquiry; /* under way, or the last one */
	struct survey *survey;
	/* Files that are not parsed again are taken from here, while a survey is under way. */
	struct survey *known;
	/* Since the survey that is under way began; and since the last one that has ended did. */
	struct changes changes, changes_since_last;
	struct watch *watch; /* for the first of the latter; or NULL */
};

static int take_config(struct survey *survey, const struct survey *known, struct json_object *o)
{
	const char *path = json_get_string(o, "path");
	const struct survey_config *old = NULL;
	struct survey_config c = {0};
	int r;

	if (!path)
		return -EBADMSG;
	c.pending = json_get_bool(o, "pending");
	c.unanswered = json_get_bool(o, "unanswered");
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
		.pending = json_get_bool(o, "pending"),
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

static int take_stuck(struct survey *survey, struct json_object *o)
{
	const char *path = json_get_string(o, "path"), *reader = json_get_string(o, "reader");

	return path && reader ? survey_add_stuck(survey, path, reader) : -EBADMSG;
}

static int take_told(struct survey *survey, const char *what)
{
	if (str_equal(what, "images"))
		survey->images_told = true;
	else if (str_equal(what, "configurations"))
		survey->configs_told = true;
	else
		return -EBADMSG;
	return 0;
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
	o = json_get(message, "stuck", json_type_object);
	if (o)
		return take_stuck(survey, o);
	if (json_get_bool(message, "unlisted")) {
		survey->unlisted = true;
		return 0;
	}
	if (json_get_bool(message, "unwatched")) {
		survey->unwatched = true;
		return 0;
	}
	if (json_get_string(message, "told"))
		return take_told(survey, json_get_string(message, "told"));
	if (json_get_u64(message, "room", &survey->room) >= 0) {
		survey->room_known = true;
		return 0;
	}
	if (json_get_string(message, "directory"))
		return str_replace(&survey->directory, json_get_string(message, "directory"));
	if (json_get_string(message, "unreadable"))
		return str_replace(&survey->unreadable, json_get_string(message, "unreadable"));
	if (json_get_string(message, "unfit"))
		return str_replace(&survey->unfit, json_get_string(message, "unfit"));
	if (json_get_string(message, "dangling"))
		return survey_add_dangling(survey, json_get_string(message, "dangling"));
	if (json_get_string(message, "note"))
		return survey_add_note(survey, json_get_string(message, "note"));
	return -EBADMSG;
}

static int on_message(void *data, const char *text, size_t length)
{
	struct surveyor *s = data;

	return survey_take_message(s->survey, s->known, text, length);
}

static void forget_last(struct surveyor *s)
{
	s->watch = watch_free(s->watch);
	changes_close(&s->changes_since_last);
}

static void on_answered(void *data, const char *reason)
{
	struct surveyor *s = data;
	_cleanup_(survey_freep) struct survey *survey = TAKE_PTR(s->survey);

	survey_free(TAKE_PTR(s->known));
	forget_last(s);
	if (!reason) {
		survey_sort(survey);
		if (!survey->unwatched)
			s->changes_since_last = s->changes;
		else
			changes_close(&s->changes);
	} else {
		changes_close(&s->changes);
	}
	s->changes = CHANGES_NONE;
	s->callbacks.surveyed(s->callbacks.data, reason ? NULL : TAKE_PTR(survey), reason);
}

int surveyor_new(struct loop *loop, const struct program *program,
		 const struct surveyor_callbacks *callbacks, struct surveyor **ret)
{
	_cleanup_(surveyor_freep) struct surveyor *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct surveyor){
		.loop = loop,
		.program = program,
		.callbacks = *callbacks,
		.changes = CHANGES_NONE,
		.changes_since_last = CHANGES_NONE,
	};
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
	changes_close(&s->changes);
	forget_last(s);
	free(s);
	return NULL;
}

/* The messages of a request. */
struct survey_request {
	char *text;
	size_t size;
};

/* Takes the message over. */
static int add_message(struct survey_request *request, struct json_object *message_taken)
{
	_cleanup_json_ struct json_object *message = message_taken;
	size_t size;
	const char *text = json_message(message, &size);
	char *bigger = text ? realloc(request->text, request->size + size) : NULL;

	if (!bigger)
		return -ENOMEM;
	memcpy(bigger + request->size, text, size);
	request->text = bigger;
	request->size += size;
	return 0;
}

static int add_pair(struct survey_request *request, const char *key, const char *value,
		    const char *other_key, const char *other)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? json_add_string(o, key, value) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, other_key, other);
	return r < 0 ? r : add_message(request, TAKE_PTR(o));
}

/* Known files come first, so that the worker does not parse them again. */
static int make_request(const char *autostart, const char *save, const struct survey *known,
			struct survey_request *request)
{
	int r = 0;

	/* A file that had an error is read again: the error may be over. */
	for (size_t i = 0; r >= 0 && known && i < known->n_configs; i++)
		if (!known->configs[i].error)
			r = add_pair(request, "known", known->configs[i].path, "stamp",
				     known->configs[i].stamp);
	for (size_t i = 0; r >= 0 && known && i < known->n_stuck; i++)
		r = add_pair(request, "stuck", known->stuck[i].path, "reader",
			     known->stuck[i].reader);
	return r < 0 ? r : add_pair(request, "autostart", autostart, "save", save);
}

/* The survey may be freed while the worker is at it. */
static int copy_configs(const struct survey *from, struct survey **ret)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	if (r >= 0 && from)
		r = survey_copy_configs(s, from);
	if (r < 0)
		return r;
	survey_sort(s);
	*ret = TAKE_PTR(s);
	return 0;
}

static int begin(struct surveyor *s, const char *autostart, const char *save,
		 const struct survey *known, struct survey_request *request)
{
	struct inquiry_options options = {
		.program = s->program,
		.verb = OPERATION_VERB_SURVEY,
		.given = s->changes.files,
		.limit = SILENCE_LIMIT,
		.lives = true,
	};
	struct inquiry_callbacks callbacks = {
		.message = on_message,
		.answered = on_answered,
		.data = s,
	};
	int r = make_request(autostart, save, known, request);

	r = r < 0 ? r : copy_configs(known, &s->known);
	return r < 0 ? r
		     : inquiry_new(s->loop, &options, TAKE_PTR(request->text), request->size,
				   &callbacks, &s->inquiry);
}

int surveyor_begin(struct surveyor *s, const char *autostart, const char *save,
		   const struct survey *known)
{
	struct survey_request request = {0};
	int r;

	if (s->inquiry && inquiry_is_alive(s->inquiry))
		return -EBUSY;
	s->inquiry = inquiry_free(s->inquiry);
	survey_free(s->survey);
	survey_free(TAKE_PTR(s->known));
	s->survey = calloc(1, sizeof(*s->survey));
	if (!s->survey)
		return -ENOMEM;
	changes_close(&s->changes);
	/* Without them a caller asks for another survey, sooner than it had to. */
	r = changes_open(&s->changes);
	if (r < 0)
		log_warning_errno(r, "Failed to watch the directories for changes");
	r = begin(s, autostart, save, known, &request);
	free(request.text);
	return r;
}

bool surveyor_is_current(struct surveyor *s)
{
	if (changes_are_none(&s->changes_since_last))
		return true;
	/* A change of mounts is told only once. */
	forget_last(s);
	return false;
}

static void on_files(void *data, unsigned events _unused_)
{
	struct surveyor *s = data;

	s->watch = watch_free(s->watch);
	s->callbacks.changed(s->callbacks.data);
}

void surveyor_watch(struct surveyor *s)
{
	int r;

	if (s->watch || s->changes_since_last.files < 0)
		return;
	r = watch_new(s->loop, s->changes_since_last.files, WATCH_READ, on_files, s, &s->watch);
	if (r < 0)
		log_warning_errno(r, "Failed to watch the directories for changes");
}

const struct survey *surveyor_so_far(const struct surveyor *s)
{
	return s->survey;
}
