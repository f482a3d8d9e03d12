/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/images.h"

#include <sys/queue.h>

#include "util/str.h"

struct sim_question {
	LIST_ENTRY(sim_question) entry;
	struct sim_images *images;
	uint64_t id;
	enum image_action action;
	char *file;
	struct timer *answer;
	struct hv_asker asker;
};

struct sim_images {
	struct loop *loop;
	struct sim_host *host;
	LIST_HEAD(, sim_question) questions;
	uint64_t last_id;
};

static struct sim_question *question_free(struct sim_question *q)
{
	if (!q)
		return NULL;
	LIST_REMOVE(q, entry);
	timer_free(q->answer);
	free(q->file);
	free(q);
	return NULL;
}

DEFINE_CLEANUP(struct sim_question, question_free);

static int describe(const struct sim_guest *g, struct json_object *entry)
{
	int r = json_add_string(entry, "kind", "image");

	r = r < 0 ? r : json_add_string(entry, "name", g->name);
	r = r < 0 ? r : json_add_uuid(entry, "uuid", &g->uuid);
	r = r < 0 ? r : json_add_u64(entry, "size", g->memory_kib * 1024);
	r = r < 0 ? r : json_add_u64(entry, "disk_size", g->memory_kib * 1024);
	r = r < 0 ? r : json_add_string(entry, "by", "xendomainsd");
	return r < 0 ? r : json_add_string(entry, "problem", g->image_error);
}

/* It takes no time. */
static int verify(const struct sim_question *q, const struct sim_guest *g,
		  struct json_object *entry)
{
	uint64_t size = g->memory_kib * 1024;

	if (g->image_error)
		return 0;
	if (q->asker.progress)
		q->asker.progress(q->asker.data, size, size);
	return json_add_bool(entry, "verified", true);
}

/* Carries out the action on one image, and describes it. */
static int handle(const struct sim_question *q, struct sim_guest *g, struct json_object *entry)
{
	int r = describe(g, entry);

	if (r < 0 || q->action == IMAGE_LIST)
		return r;
	if (q->action == IMAGE_VERIFY)
		return verify(q, g, entry);
	g->saved = false;
	return json_add_bool(entry, "deleted", true);
}

static int describe_missing(struct json_object *entry)
{
	int r = json_add_string(entry, "problem", strerror(ENOENT));

	return r < 0 ? r : json_add_bool(entry, "missing", true);
}

static int add_entry(const struct sim_question *q, struct json_object *list, const char *file,
		     struct sim_guest *g)
{
	_cleanup_json_ struct json_object *entry = json_object_new_object();
	int r = entry ? json_add_string(entry, "file", file) : -ENOMEM;

	if (r >= 0)
		r = g ? handle(q, g, entry) : describe_missing(entry);
	return r < 0 ? r : json_append(list, TAKE_PTR(entry));
}

static int answer(const struct sim_question *q, struct json_object *list)
{
	struct sim_host *host = q->images->host;
	bool found = false;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < host->n_guests; i++) {
		struct sim_guest *g = &host->guests[i];

		if (!g->saved || (q->file && !str_equal(q->file, g->name)))
			continue;
		found = true;
		host->surveyed &= q->action != IMAGE_DELETE;
		r = add_entry(q, list, g->name, g);
	}
	return r >= 0 && q->file && !found ? add_entry(q, list, q->file, NULL) : r;
}

static void on_answer(void *data)
{
	_cleanup_json_ struct json_object *list = json_object_new_array();
	struct sim_question *q = data;
	struct hv_asker asker = q->asker;
	int r = list ? answer(q, list) : -ENOMEM;

	question_free(q);
	asker.answered(asker.data, r < 0 ? NULL : list, r < 0 ? strerror(-r) : NULL);
}

int sim_images_new(struct loop *loop, struct sim_host *host, struct sim_images **ret)
{
	struct sim_images *images = calloc(1, sizeof(*images));

	if (!images)
		return -ENOMEM;
	*images = (struct sim_images){.loop = loop, .host = host};
	LIST_INIT(&images->questions);
	*ret = images;
	return 0;
}

struct sim_images *sim_images_free(struct sim_images *images)
{
	if (!images)
		return NULL;
	while (!LIST_EMPTY(&images->questions))
		question_free(LIST_FIRST(&images->questions));
	free(images);
	return NULL;
}

int sim_images_ask(struct sim_images *images, const struct image_query *query,
		   const struct hv_asker *asker, uint64_t *ret_id)
{
	_cleanup_(question_freep) struct sim_question *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	*q = (struct sim_question){
		.images = images,
		.id = ++images->last_id,
		.action = query->action,
		.asker = *asker,
	};
	LIST_INSERT_HEAD(&images->questions, q, entry);
	r = str_replace(&q->file, query->file);
	r = r < 0 ? r : timer_new(images->loop, on_answer, q, &q->answer);
	if (r < 0)
		return r;
	timer_set_after(q->answer, 0);
	*ret_id = TAKE_PTR(q)->id;
	return 0;
}

void sim_images_forget(struct sim_images *images, uint64_t id)
{
	struct sim_question *q;

	LIST_FOREACH(q, &images->questions, entry)
	if (q->id == id) {
		question_free(q);
		return;
	}
}
