/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"
#include "hv/sim/host.h"
#include "io/loop.h"

/* Questions about the images of a simulated host: see hv_ask_images(). */
struct sim_images;

/* The host stays the caller's; one of its images can be deleted. */
int sim_images_new(struct loop *loop, struct sim_host *host, struct sim_images **ret);
struct sim_images *sim_images_free(struct sim_images *images);

int sim_images_ask(struct sim_images *images, const struct image_query *query,
		   const struct hv_asker *asker, uint64_t *ret_id);
void sim_images_forget(struct sim_images *images, uint64_t id);

DEFINE_CLEANUP(struct sim_images, sim_images_free);
