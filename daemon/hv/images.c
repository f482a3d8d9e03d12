/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/images.h"

#include <sys/queue.h>

#include "hv/inquiry.h"
#include "util/str.h"

/* To read an image through can take long; to look at one cannot. */
#define LOOK_LIMIT (90 * USEC_PER_SEC)

/*
 * So many questions of a kind are asked at a time: more would only be in each other's way. Root has
 * places of its own. A list is made for all who ask: one is under way, and the other places are for
 * workers that were killed and do not end.
 */
#define LISTS_MAX  4
#define OTHERS_MAX 4
#define ROOTS_MAX  8

struct asker {
	LIST_ENTRY(asker) entry;
	uint64_t id;
	struct hv_asker hv;
};

struct question {
	LIST_ENTRY(question) entry;
	struct images *images;
	enum image_action action;
	bool is_root; /* who asked */
	char *save;
	struct inquiry *inquiry; /* NULL: it has not begun */
	struct json_object *entries;
	LIST_HEAD(, asker) askers;
	bool over; /* answered, and kept while its worker is alive */
};

struct images {
	struct loop *loop;
	const struct program *program;
	LIST_HEAD(, question) questions;
	uint64_t last_id;
};

static void asker_free(struct asker *asker)
{
	LIST_REMOVE(asker, entry);
	free(asker);
}

static struct question *question_free(struct question *q)
{
	if (!q)
		return NULL;
	LIST_REMOVE(q, entry);
	while (!LIST_EMPTY(&q->askers))
		asker_free(LIST_FIRST(&q->askers));
	inquiry_free(q->inquiry);
	json_object_put(q->entries);
	free(q->save);
	free(q);
	return NULL;
}

DEFINE_CLEANUP(struct question, question_free);

/* An image that is read has one asker. */
static void tell_progress(struct question *q, const struct operation_progress *progress)
{
	struct asker *asker = LIST_FIRST(&q->askers);

	if (asker && asker->hv.progress)
		asker->hv.progress(asker->hv.data, progress->bytes, progress->total);
}

static int on_message(void *data, const char *text, size_t length)
{
	_cleanup_json_ struct json_object *message = NULL;
	struct operation_progress progress;
	struct question *q = data;
	struct json_object *entry;
	int r = json_parse(text, length, &message);

	if (r < 0)
		return r;
	if (json_get_bool(message, "end"))
		return 1;
	if (operation_progress_get(message, &progress)) {
		tell_progress(q, &progress);
		return 0;
	}
	entry = json_get(message, "entry", json_type_object);
	return entry ? json_append(q->entries, json_object_get(entry)) : -EBADMSG;
}

/* What an asker does then may add others, or take them away. */
static void tell(struct question *q, const char *reason)
{
	while (!LIST_EMPTY(&q->askers)) {
		struct asker asker = *LIST_FIRST(&q->askers);

		asker_free(LIST_FIRST(&q->askers));
		asker.hv.answered(asker.hv.data, reason ? NULL : q->entries, reason);
	}
}

static void begin_waiting(struct images *images);

static void on_answered(void *data, const char *reason)
{
	struct question *q = data;
	struct images *images = q->images;

	tell(q, reason);
	q->over = true;
	if (!inquiry_is_alive(q->inquiry))
		question_free(q);
	begin_waiting(images);
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

/* Frees the answered questions whose worker has ended. */
static void clean_up(struct images *images)
{
	struct question *q = LIST_FIRST(&images->questions);

	while (q) {
		struct question *next = LIST_NEXT(q, entry);

		if (q->over && !inquiry_is_alive(q->inquiry))
			question_free(q);
		q = next;
	}
}

static bool has_place(const struct question *asked)
{
	size_t n = 0, most = asked->is_root ? ROOTS_MAX : OTHERS_MAX;
	bool lists = asked->action == IMAGE_LIST;
	const struct question *q;

	LIST_FOREACH(q, &asked->images->questions, entry)
	n += q->inquiry && q->action == asked->action && (lists || q->is_root == asked->is_root);
	return n < (lists ? LISTS_MAX : most);
}

/* Starts its worker. 0 or -errno. */
static int begin(struct question *q, const char *file)
{
	struct image_query query = {.action = q->action, .save = q->save, .file = file};
	_cleanup_json_ struct json_object *request = image_query_message(&query);
	size_t size;
	const char *text = json_message(request, &size);
	_cleanup_free_ char *message = text ? strdup(text) : NULL;
	struct inquiry_options options = {
		.given = -1,
		.program = q->images->program,
		.verb = OPERATION_VERB_IMAGES,
		.limit = q->action == IMAGE_VERIFY ? USEC_INFINITY : LOOK_LIMIT,
		/* A list has as long for each image. */
		.lives = q->action == IMAGE_LIST,
	};

	if (!has_place(q))
		return -EUSERS;
	if (!message)
		return -ENOMEM;
	return inquiry_new(q->images->loop, &options, TAKE_PTR(message), size,
			   &(struct inquiry_callbacks){
				   .message = on_message,
				   .answered = on_answered,
				   .data = q,
			   },
			   &q->inquiry);
}

/* A list of a directory that is being made, or, not begun, is to be made. */
static struct question *find_list(const struct images *images, const char *save, bool begun)
{
	struct question *q;

	LIST_FOREACH(q, &images->questions, entry)
	if (q->action == IMAGE_LIST && !q->over && !!q->inquiry == begun &&
	    str_equal(q->save, save))
		return q;
	return NULL;
}

static struct question *find_due(const struct images *images)
{
	struct question *q;

	LIST_FOREACH(q, &images->questions, entry)
	if (!q->inquiry && !find_list(images, q->save, true))
		return q;
	return NULL;
}

static void begin_waiting(struct images *images)
{
	struct question *q;

	clean_up(images);
	while ((q = find_due(images))) {
		int r = LIST_EMPTY(&q->askers) ? -ECANCELED : begin(q, NULL);

		if (r < 0) {
			tell(q, strerror(-r));
			question_free(q);
		}
	}
}

static int add_question(struct images *images, const struct image_query *query, bool is_root,
			struct question **ret)
{
	_cleanup_(question_freep) struct question *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	*q = (struct question){.images = images, .action = query->action, .is_root = is_root};
	LIST_INIT(&q->askers);
	LIST_INSERT_HEAD(&images->questions, q, entry);
	q->entries = json_object_new_array();
	r = str_replace(&q->save, query->save);
	if (r < 0 || !q->entries)
		return -ENOMEM;
	*ret = TAKE_PTR(q);
	return 0;
}

/*
 * Who asks for a list while one is being made gets the next one, with all others that do: the one
 * that has begun may have missed what he means.
 */
static int find_question(struct images *images, const struct image_query *query, bool is_root,
			 struct question **ret)
{
	bool lists = query->action == IMAGE_LIST;
	_cleanup_(question_freep) struct question *q = NULL;
	int r;

	*ret = lists ? find_list(images, query->save, false) : NULL;
	if (*ret)
		return 0;
	r = add_question(images, query, is_root, &q);
	if (r >= 0 && !(lists && find_list(images, query->save, true)))
		r = begin(q, query->file);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(q);
	return 0;
}

int images_ask(struct images *images, const struct image_query *query, const struct hv_asker *hv,
	       uint64_t *ret_id)
{
	_cleanup_free_ struct asker *asker = calloc(1, sizeof(*asker));
	struct question *q;
	int r;

	clean_up(images);
	r = asker ? find_question(images, query, hv->is_root, &q) : -ENOMEM;
	if (r < 0)
		return r;
	*asker = (struct asker){.id = ++images->last_id, .hv = *hv};
	*ret_id = asker->id;
	LIST_INSERT_HEAD(&q->askers, asker, entry);
	TAKE_PTR(asker);
	return 0;
}

void images_forget(struct images *images, uint64_t id)
{
	struct question *q;
	struct asker *asker;

	LIST_FOREACH(q, &images->questions, entry)
	LIST_FOREACH(asker, &q->askers, entry)
	if (asker->id == id) {
		asker_free(asker);
		if (q->inquiry && LIST_EMPTY(&q->askers))
			inquiry_kill(q->inquiry);
		return;
	}
}
