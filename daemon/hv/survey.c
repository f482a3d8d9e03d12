/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/survey.h"

#include <signal.h>
#include <sys/socket.h>

#include "hv/spawn.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/process.h"
#include "util/str.h"
#include "wire/frame.h"
#include "wire/operation.h"

/* A folder that takes longer does not answer. */
#define SURVEY_LIMIT (90 * USEC_PER_SEC)

struct surveyor {
	struct loop *loop;
	char *program;
	surveyed_fn fn;
	void *data;

	int pidfd, channel;
	struct watch *end, *news;
	struct timer *limit;
	struct framer framer;
	struct survey *survey;
	struct survey *known; /* what is not parsed again is taken from here */
	bool complete;        /* its last word has come */
	int error;            /* or something it said was not understood */
	bool answered;        /* the limit is over, and it was killed */
};

static void forget(struct surveyor *s)
{
	s->end = watch_free(s->end);
	s->news = watch_free(s->news);
	timer_clear(s->limit);
	if (s->pidfd >= 0)
		close(s->pidfd);
	if (s->channel >= 0)
		close(s->channel);
	s->pidfd = s->channel = -1;
	framer_done(&s->framer);
	survey_free(s->survey);
	survey_free(s->known);
	s->survey = s->known = NULL;
}

static int take_config(struct survey *survey, const struct survey *known, struct json_object *o)
{
	const char *path = json_get_string(o, "path");
	const struct survey_config *old = NULL;
	struct survey_config c = {0};
	int r;

	if (!path)
		return -EBADMSG;
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
		.consumed = json_get_bool(o, "consumed"),
		.driver = json_get_bool(o, "driver"),
	};
	int r = str_replace(&image.path, json_get_string(o, "path"));

	json_get_u64(o, "size", &image.size);
	r = r < 0 ? r : str_replace(&image.name, json_get_string(o, "name"));
	r = r < 0 ? r : str_replace(&image.error, json_get_string(o, "error"));
	if (json_get_uuid(o, "uuid", &image.uuid) < 0 && !image.error)
		r = -EBADMSG;
	json_get_uuid(o, "id", &image.id);
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
	if (json_get_string(message, "note"))
		return survey_add_note(survey, json_get_string(message, "note"));
	return -EBADMSG;
}

static void on_news(void *data, unsigned events _unused_)
{
	struct surveyor *s = data;
	char chunk[16384];
	const char *text;
	size_t length;
	ssize_t n = recv(s->channel, chunk, sizeof(chunk), MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Why there is no more shows when it ends. */
		s->news = watch_free(s->news);
		return;
	}
	r = framer_feed(&s->framer, chunk, (size_t)n);
	while (r == 0 && framer_next(&s->framer, &text, &length) > 0)
		r = survey_take_message(s->survey, s->known, text, length);
	if (r > 0)
		s->complete = true;
	else if (r < 0 && s->error == 0)
		s->error = r;
}

/* Only now the next survey can begin, and only now whoever waits for this one is told. */
static void on_ended(void *data, unsigned events _unused_)
{
	_cleanup_(survey_freep) struct survey *survey = NULL;
	struct surveyor *s = data;
	const char *reason = "the worker that reads the folders has died";
	bool answered = s->answered;

	/* Its last words may still be unread. */
	while (s->news)
		on_news(s, WATCH_READ);
	spawn_reap(s->pidfd);
	if (s->error < 0)
		reason = strerror(-s->error);
	else if (s->complete)
		survey = TAKE_PTR(s->survey);
	forget(s);
	if (answered)
		return;
	if (survey)
		survey_sort(survey);
	reason = survey ? NULL : reason;
	s->fn(s->data, TAKE_PTR(survey), reason);
}

static void on_limit(void *data)
{
	struct surveyor *s = data;

	process_signal(s->pidfd, SIGKILL);
	s->answered = true;
	s->fn(s->data, NULL, "a folder does not answer");
}

int surveyor_new(struct loop *loop, const char *program, surveyed_fn fn, void *data,
		 struct surveyor **ret)
{
	_cleanup_(surveyor_freep) struct surveyor *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct surveyor){
		.loop = loop,
		.fn = fn,
		.data = data,
		.pidfd = -1,
		.channel = -1,
		.framer = FRAMER_INIT(OPERATION_MESSAGE_MAX),
	};
	r = str_replace(&s->program, program);
	r = r < 0 ? r : timer_new(loop, on_limit, s, &s->limit);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct surveyor *surveyor_free(struct surveyor *s)
{
	if (!s)
		return NULL;
	if (s->pidfd >= 0)
		process_signal(s->pidfd, SIGKILL);
	if (s->limit)
		forget(s);
	timer_free(s->limit);
	free(s->program);
	free(s);
	return NULL;
}

/* What is known already, so that it need not be parsed again. */
static int add_known(struct json_object *o, const struct survey *known)
{
	_cleanup_json_ struct json_object *list = json_object_new_object();
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && known && i < known->n_configs; i++)
		r = json_add_string(list, known->configs[i].path, known->configs[i].stamp);
	return r < 0 ? r : json_add(o, "known", TAKE_PTR(list));
}

static int send_request(int channel, const char *autostart, const char *save,
			const struct survey *known)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	const char *text;
	size_t length;
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "autostart", autostart);
	r = r < 0 ? r : json_add_string(o, "save", save);
	r = r < 0 ? r : add_known(o, known);
	if (r < 0)
		return r;
	text = json_text(o, &length);
	if (!text)
		return -ENOMEM;
	/* A socket takes this at once; if not, the worker is stuck already. */
	return send(channel, text, length + 1, MSG_NOSIGNAL) == (ssize_t)length + 1 ? 0 : -EIO;
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
	int r;

	if (s->pidfd >= 0)
		return -EBUSY;
	s->pidfd = spawn_worker(s->program, OPERATION_VERB_SURVEY, -1, &s->channel);
	if (s->pidfd < 0)
		return s->pidfd;
	s->answered = s->complete = false;
	s->error = 0;
	s->survey = calloc(1, sizeof(*s->survey));
	r = s->survey ? 0 : -ENOMEM;
	r = r < 0 ? r : copy_configs(known, &s->known);
	r = r < 0 ? r : send_request(s->channel, autostart, save, known);
	r = r < 0 ? r : watch_new(s->loop, s->pidfd, WATCH_READ, on_ended, s, &s->end);
	r = r < 0 ? r : watch_new(s->loop, s->channel, WATCH_READ, on_news, s, &s->news);
	if (r < 0) {
		process_signal(s->pidfd, SIGKILL);
		forget(s);
		return r;
	}
	timer_set_after(s->limit, SURVEY_LIMIT);
	return 0;
}
