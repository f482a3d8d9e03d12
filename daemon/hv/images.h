/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"
#include "hv/spawn.h"
#include "io/loop.h"

/* Questions about saved images, each answered by a worker: see hv_ask_images(). */
struct images;

int images_new(struct loop *loop, const struct program *program, struct images **ret);
struct images *images_free(struct images *images);

int images_ask(struct images *images, const struct image_query *query, const struct hv_asker *hv,
	       uint64_t *ret_id);
void images_forget(struct images *images, uint64_t id);

DEFINE_CLEANUP(struct images, images_free);
