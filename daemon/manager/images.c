/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"
#include "model/image-names.h"
#include "util/str.h"

/* The image of this name, or one with a suffix of ours after it. */
static bool is_named_after(const char *file, const char *name)
{
	const char *rest = str_starts_with(file, name) ? file + strlen(name) : "?";

	return rest[0] == '\0' || rest[0] == '.';
}

/* A guest that is being saved has an image that no survey has seen yet. */
static bool is_image_of(const char *file, const struct guest *g)
{
	_cleanup_free_ char *name = NULL;

	if (g->image && is_named_after(file, path_base(g->image->path)))
		return true;
	return file_name_escape(g->name, &name) >= 0 && is_named_after(file, name);
}

/* Whether a guest is being brought back from the file, or saved to it. */
static bool is_in_use(const struct manager *m, const char *file)
{
	const struct inventory *inventory = world_inventory(m->world);

	for (size_t i = 0; i < inventory->n; i++)
		if (manager_activity(m, &inventory->guests[i]).name &&
		    is_image_of(file, &inventory->guests[i]))
			return true;
	return false;
}

int manager_ask_images(struct manager *m, enum image_action action, const char *file,
		       const struct hv_asker *asker, uint64_t *ret_id)
{
	struct image_query query = {.action = action, .file = file};

	if (!manager_config(m))
		return -EHOSTDOWN;
	if (!m->config->save)
		return -ENOTDIR;
	if (action == IMAGE_DELETE && is_in_use(m, file))
		return -EBUSY;
	query.save = m->config->save;
	return hv_ask_images(world_hv(m->world), &query, asker, ret_id);
}

void manager_forget_images(struct manager *m, uint64_t id)
{
	hv_forget_images(world_hv(m->world), id);
}
