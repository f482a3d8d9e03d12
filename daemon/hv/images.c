/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/images.h"

#include <sys/queue.h>

#include "hv/inquiry.h"
#include "util/str.h"

/* To read an image through can take long; to look at one cannot. */
#define LOOK_LIMIT (90 * USEC_PER_SEC)

/* More of them at a time would only be in each other's way. */
#define QUESTIONS_MAX 8

struct question {
	LIST_ENTRY(question) entry;
	struct images *images;
	uint64_t id;
	struct inquiry *inquiry;
	struct json_object *entries;
	hv_images_fn fn; /* NULL: the caller is gone */
	void *data;
	bool over; /* answered, and kept while its worker is alive */
};

struct images {
	struct loop *loop;
	const struct program *program;
	LIST_HEAD(, question) questions;
	uint64_t last_id;
};

static struct question *question_free(struct question *q)
{
	if (!q)
		return NULL;
	LIST_REMOVE(q, entry);
	inquiry_free(q->inquiry);
	json_object_put(q->entries);
	free(q);
	return NULL;
}

DEFINE_CLEANUP(struct question, question_free);

static int on_message(void *data, const char *text, size_t length)
{
	_cleanup_json_ struct json_object *message = NULL;
	struct question *q = data;
	struct json_object *entry;
	int r = json_parse(text, length, &message);

	if (r < 0)
		return r;
	if (json_get_bool(message, "end"))
		return 1;
	entry = json_get(message, "entry", json_type_object);
	return entry ? json_append(q->entries, json_object_get(entry)) : -EBADMSG;
}

static void on_answered(void *data, const char *reason)
{
	struct question *q = data;

	q->over = true;
	if (q->fn)
		q->fn(q->data, reason ? NULL : q->entries, reason);
	if (!inquiry_is_alive(q->inquiry))
		question_free(q);
}

int images_new(struct loop *loop, const struct program *program, struct images **ret)
{
	_cleanup_(images_freep) struct images *images = calloc(1, sizeof(*images));

	if (!images)
		return -ENOMEM;
	images->loop = loop;
	images->program = program;
	LIST_INIT(&images->questions);
	*ret = TAKE_PTR(images);
	return 0;
}

struct images *images_free(struct images *images)
{
	if (!images)
		return NULL;
	while (!LIST_EMPTY(&images->questions))
		question_free(LIST_FIRST(&images->questions));
	free(images);
	return NULL;
}

/* Frees the answered questions whose worker has ended. Returns the number of those that remain. */
static size_t count(struct images *images)
{
	struct question *q = LIST_FIRST(&images->questions);
	size_t n = 0;

	while (q) {
		struct question *next = LIST_NEXT(q, entry);

		if (q->over && !inquiry_is_alive(q->inquiry))
			question_free(q);
		else
			n++;
		q = next;
	}
	return n;
}

int images_ask(struct images *images, const struct image_query *query, hv_images_fn fn, void *data,
	       uint64_t *ret_id)
{
	_cleanup_json_ struct json_object *request = image_query_message(query);
	size_t size;
	const char *text = json_message(request, &size);
	_cleanup_free_ char *message = text ? strdup(text) : NULL;
	_cleanup_(question_freep) struct question *q = NULL;
	struct inquiry_options options = {
		.given = -1,
		.program = images->program,
		.verb = OPERATION_VERB_IMAGES,
		.limit = query->action == IMAGE_VERIFY ? USEC_INFINITY : LOOK_LIMIT,
		/* A list has as long for each image. */
		.lives = query->action == IMAGE_LIST,
	};
	int r;

	if (count(images) >= QUESTIONS_MAX)
		return -EBUSY;
	q = calloc(1, sizeof(*q));
	if (!q || !message)
		return -ENOMEM;
	*q = (struct question){.images = images, .id = ++images->last_id, .fn = fn, .data = data};
	LIST_INSERT_HEAD(&images->questions, q, entry);
	q->entries = json_object_new_array();
	if (!q->entries)
		return -ENOMEM;
	r = inquiry_new(images->loop, &options, TAKE_PTR(message), size,
			&(struct inquiry_callbacks){
				.message = on_message,
				.answered = on_answered,
				.data = q,
			},
			&q->inquiry);
	if (r < 0)
		return r;
	*ret_id = TAKE_PTR(q)->id;
	return 0;
}

void images_forget(struct images *images, uint64_t id)
{
	struct question *q;

	LIST_FOREACH(q, &images->questions, entry)
	if (q->id == id) {
		q->fn = NULL;
		inquiry_kill(q->inquiry);
		return;
	}
}
