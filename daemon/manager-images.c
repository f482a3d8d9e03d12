/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager-private.h"
#include "util/str.h"

/* Whether a guest is being brought back from the file, or saved to it. */
static bool is_in_use(const struct manager *m, const char *file)
{
	const struct inventory *inventory = world_inventory(m->world);

	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (g->image && str_equal(path_base(g->image->path), file) &&
		    manager_activity(m, g).name)
			return true;
	}
	return false;
}

int manager_ask_images(struct manager *m, enum image_action action, const char *file,
		       hv_images_fn fn, void *data, uint64_t *ret_id)
{
	struct image_query query = {.action = action, .file = file};

	if (!m->config)
		return -EHOSTDOWN;
	if (!m->config->save)
		return -ENOTDIR;
	if (action == IMAGE_DELETE && is_in_use(m, file))
		return -EBUSY;
	query.save = m->config->save;
	return hv_ask_images(world_hv(m->world), &query, fn, data, ret_id);
}

void manager_forget_images(struct manager *m, uint64_t id)
{
	hv_forget_images(world_hv(m->world), id);
}
