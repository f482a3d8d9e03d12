/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/host.h"
#include "util/str.h"

static int survey_config(const struct sim_guest *g, struct survey *s)
{
	struct survey_config c = {.has_uuid = g->has_uuid, .memory_kib = g->memory_kib};
	int r;

	if (g->has_uuid)
		c.uuid = g->uuid;
	r = str_replace(&c.path, g->config);
	r = r < 0 ? r : str_replace(&c.error, g->config_error);
	r = r < 0 ? r : str_replace(&c.name, g->name);
	r = r < 0 ? r : str_replace(&c.config, "{}");
	if (r < 0) {
		survey_config_done(&c);
		return r;
	}
	return survey_add_config(s, &c);
}

static int survey_image(const struct sim_guest *g, struct survey *s)
{
	struct survey_image image = {.uuid = g->uuid, .size = g->memory_kib * 1024};
	int r = str_format(&image.path, "/var/lib/xen/save/%s", g->name);

	r = r < 0 ? r : str_replace(&image.name, g->name);
	r = r < 0 ? r : str_replace(&image.error, g->image_error);
	if (r < 0) {
		survey_image_done(&image);
		return r;
	}
	return survey_add_image(s, &image);
}

/* Bytes that the images leave. */
static uint64_t free_room(const struct sim_host *host)
{
	uint64_t used = 0;

	for (size_t i = 0; i < host->n_guests; i++)
		if (host->guests[i].saved)
			used += host->guests[i].memory_kib;
	return used < host->room_kib ? (host->room_kib - used) * 1024 : 0;
}

int sim_host_survey(const struct sim_host *host, bool configs, bool images, struct survey **ret)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < host->n_guests; i++) {
		const struct sim_guest *g = &host->guests[i];

		if (g->config && configs)
			r = survey_config(g, s);
		if (r >= 0 && g->saved && images)
			r = survey_image(g, s);
	}
	if (r < 0)
		return r;
	if (host->room_kib > 0) {
		s->room_known = true;
		s->room = free_room(host);
	}
	survey_sort(s);
	*ret = TAKE_PTR(s);
	return 0;
}
