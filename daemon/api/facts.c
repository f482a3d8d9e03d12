/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/facts.h"

#include "core/settings.h"
#include "util/str.h"

/*
 * What is no path of a file is a source of QEMU's or of a script, which can have a password in it.
 * The configuration is root's to read, and a reply is not.
 */
static void write_path(struct json_writer *w, const char *path)
{
	if (str_empty(path))
		return;
	if (path[0] == '/')
		json_writer_string(w, "path", path);
	else
		json_writer_bool(w, "hidden", true);
}

static void write_disk(struct json_writer *w, struct json_object *disk)
{
	uint64_t writable = 0;

	json_get_u64(disk, "readwrite", &writable);
	json_writer_begin_object(w);
	json_writer_string(w, "device", json_get_string(disk, "vdev"));
	write_path(w, json_get_string(disk, "pdev_path"));
	json_writer_bool(w, "writable", writable);
	json_writer_end_object(w);
}

static void write_disks(struct json_writer *w, struct json_object *config)
{
	struct json_object *disks = json_get(config, "disks", json_type_array);
	size_t n = disks ? json_object_array_length(disks) : 0;

	json_writer_begin_list(w, "disks");
	for (size_t i = 0; i < n; i++)
		write_disk(w, json_object_array_get_idx(disks, i));
	json_writer_end_array(w);
}

static void write_action(struct json_writer *w, const char *key, enum death_action action)
{
	if (action >= 0)
		json_writer_string(w, key, death_action_to_string(action));
}

/* Of a domain of ours, the actions that it was created with. */
static void write_domain_actions(struct json_writer *w, const struct domain *d)
{
	write_action(w, "on_poweroff", d->on_poweroff);
	write_action(w, "on_reboot", d->on_reboot);
	write_action(w, "on_watchdog", d->on_watchdog);
	write_action(w, "on_crash", d->on_crash);
	write_action(w, "on_soft_reset", d->on_soft_reset);
}

static void write_actions(struct json_writer *w, struct json_object *config)
{
	static const char *const keys[] = {"on_poweroff", "on_reboot", "on_watchdog", "on_crash",
					   "on_soft_reset"};

	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		write_action(w, keys[i],
			     death_action_from_string(json_get_string(config, keys[i])));
}

static void write_settings(struct json_writer *w, const struct config *c, const char *name)
{
	struct guest_settings s = config_guest(c, name);

	json_writer_string(w, "image_changed", image_policy_to_string(s.image_changed));
	json_writer_string(w, "image_unknown", image_policy_to_string(s.image_unknown));
	json_writer_string(w, "image_compression", compression_to_string(s.compression));
	json_writer_bool(w, "forced_destroy", s.forced_destroy);
}

void facts_write(struct json_writer *w, const struct manager *m, const struct guest *g)
{
	_cleanup_json_ struct json_object *config = NULL;
	const char *text = g->config ? g->config->config : NULL;
	const struct config *settings = manager_config(m);

	if (text && json_parse(text, strlen(text), &config) >= 0)
		write_disks(w, config);
	json_writer_begin_member(w, "policy");
	if (g->domain && g->domain->manager == DOMAIN_MANAGER_XENDOMAINSD)
		write_domain_actions(w, g->domain);
	else if (config)
		write_actions(w, config);
	if (settings && g->name)
		write_settings(w, settings, g->name);
	json_writer_end_object(w);
}
