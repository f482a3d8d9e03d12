/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-facts.h"

#include "cell.h"

/* A member of the policy, and how a person types it. */
struct word {
	const char *key, *text;
};

/* In the guest's configuration. */
static const struct word ends[] = {
	{"on_poweroff", "on_poweroff="},     {"on_reboot", "on_reboot="},
	{"on_watchdog", "on_watchdog="},     {"on_crash", "on_crash="},
	{"on_soft_reset", "on_soft_reset="},
};

/* In the settings. */
static const struct word settings[] = {
	{"image_changed", "ImageChanged="},
	{"image_unknown", "ImageUnknown="},
	{"image_compression", "ImageCompression="},
};

static void print_disks(FILE *out, struct json_object *disks, size_t width, print_fact_fn print)
{
	size_t n = disks ? json_object_array_length(disks) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *disk = json_object_array_get_idx(disks, i);
		const char *path = json_get_string(disk, "path");
		bool hidden = json_get_bool(disk, "hidden");
		_cleanup_free_ char *text = NULL;

		if (str_format(&text, "%s %s%s", or_dash(json_get_string(disk, "device")),
			       path     ? path
			       : hidden ? "(path not shown)"
					: "(empty)",
			       json_get_bool(disk, "writable") ? "" : ", read-only") >= 0)
			print(out, "disk", text, width);
	}
}

static void write_words(FILE *out, struct json_object *policy, const struct word *words, size_t n)
{
	const char *separator = "";

	for (size_t i = 0; i < n; i++) {
		const char *value = json_get_string(policy, words[i].key);

		if (!value)
			continue;
		fprintf(out, "%s%s%s", separator, words[i].text, value);
		separator = ", ";
	}
}

static void print_ends(FILE *out, struct json_object *policy, size_t width, print_fact_fn print)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	write_words(f, policy, ends, ELEMENTSOF(ends));
	if (fclose(f) == 0)
		print(out, "when it ends", text, width);
}

static void print_settings(FILE *out, struct json_object *policy, size_t width, print_fact_fn print)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f;

	/* Without settings in effect there are none of a guest. */
	if (!json_get_string(policy, settings[0].key))
		return;
	f = open_memstream(&text, &size);
	if (!f)
		return;
	write_words(f, policy, settings, ELEMENTSOF(settings));
	fprintf(f, ", ForcedDestroy=%s", json_get_bool(policy, "forced_destroy") ? "yes" : "no");
	if (fclose(f) == 0)
		print(out, "settings", text, width);
}

void status_print_facts(FILE *out, struct json_object *guest, size_t width, print_fact_fn print)
{
	struct json_object *policy = json_get(guest, "policy", json_type_object);

	print_disks(out, json_get(guest, "disks", json_type_array), width, print);
	print_ends(out, policy, width, print);
	print_settings(out, policy, width, print);
}
