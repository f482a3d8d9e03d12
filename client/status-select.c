/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-select.h"

#include <fnmatch.h>

#include "option-value.h"
#include "util/nearest.h"
#include "util/parse.h"
#include "util/str.h"

#define DOMID_LIMIT 65535

static const char *const sort_names[_STATUS_SORT_MAX] = {
	[STATUS_SORT_STATE] = "state",   [STATUS_SORT_NAME] = "name",
	[STATUS_SORT_MEMORY] = "memory", [STATUS_SORT_CPU] = "cpu",
	[STATUS_SORT_SINCE] = "since",   [STATUS_SORT_DOMID] = "domid",
};

enum {
	GROUP_WANTED = _GUEST_STATE_MAX,
	GROUP_DOWN,
	GROUP_WAITING,
	GROUPS_END,
};

int status_states_parse(const char *value, struct status_states *ret)
{
	const char *names[GROUPS_END] = {
		[GROUP_WANTED] = "wanted", [GROUP_DOWN] = "down", [GROUP_WAITING] = "waiting"};
	bool chosen[GROUPS_END] = {false};
	size_t order[GROUPS_END];
	int n;

	for (int i = 0; i < _GUEST_STATE_MAX; i++)
		names[i] = guest_state_to_string((enum guest_state)i);
	n = option_value_list("--state", value, names, GROUPS_END, order);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		chosen[order[i]] = true;
	memcpy(ret->states, chosen, sizeof(ret->states));
	ret->wanted = chosen[GROUP_WANTED];
	ret->down = chosen[GROUP_DOWN];
	ret->waiting = chosen[GROUP_WAITING];
	ret->some = true;
	return 0;
}

int status_sort_parse(const char *value, enum status_sort *ret)
{
	int r = option_value("--sort", value, sort_names, _STATUS_SORT_MAX);

	if (r < 0)
		return r;
	*ret = (enum status_sort)r;
	return 0;
}

static bool has_domid(const struct guest_view *g, uint64_t domid)
{
	uint64_t found;

	return json_get_u64(g->o, "domid", &found) >= 0 && found == domid;
}

static bool has_uuid(const struct guest_view *g, const struct uuid *uuid)
{
	struct uuid found;

	return json_get_uuid(g->o, "uuid", &found) >= 0 && uuid_equal(&found, uuid);
}

/* The ways to mean a guest. The first by which one is found counts. */
enum way { WAY_NAME, WAY_UUID, WAY_DOMID, WAY_PATTERN, WAYS_END };

static bool is_meant(const struct guest_view *g, enum way way, const char *word)
{
	struct uuid uuid;
	uint64_t domid;

	switch (way) {
	case WAY_NAME:
		return str_equal(g->name, word);
	case WAY_UUID:
		return uuid_parse(word, &uuid) >= 0 && !uuid_is_null(&uuid) && has_uuid(g, &uuid);
	case WAY_DOMID:
		return parse_u64(word, DOMID_LIMIT, &domid) >= 0 && has_domid(g, domid);
	case WAY_PATTERN:
		return fnmatch(word, g->name, 0) == 0;
	case WAYS_END:
		break;
	}
	return false;
}

/* Marks the guests that a word means; false if there are none. */
static bool mark(struct json_object *list, const char *word, bool *kept)
{
	size_t n = json_object_array_length(list);
	bool found = false;

	for (enum way way = WAY_NAME; !found && way < WAYS_END; way++)
		for (size_t i = 0; i < n; i++) {
			struct guest_view g = guest_view_of(json_object_array_get_idx(list, i));

			if (!is_meant(&g, way, word))
				continue;
			found = kept[i] = true;
		}
	return found;
}

/* Replaces the list by these of its elements. */
static int replace(struct json_object *parameters, struct json_object **elements, size_t n)
{
	_cleanup_json_ struct json_object *list = json_object_new_array();
	int r = list ? 0 : -ENOMEM;

	/* A null in the list is no guest, and would be taken for a lack of memory. */
	for (size_t i = 0; r >= 0 && i < n; i++)
		if (elements[i])
			r = json_append(list, json_object_get(elements[i]));
	return r < 0 ? r : json_add(parameters, "guests", TAKE_PTR(list));
}

static int keep(struct json_object *parameters, struct json_object *list, const bool *kept)
{
	size_t n = json_object_array_length(list), n_kept = 0;
	_cleanup_free_ struct json_object **elements = calloc(n + 1, sizeof(struct json_object *));

	if (!elements)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (kept[i])
			elements[n_kept++] = json_object_array_get_idx(list, i);
	return replace(parameters, elements, n_kept);
}

int status_keep_named(struct json_object *parameters, char *const *names, const char **ret_unknown)
{
	struct json_object *list = json_get(parameters, "guests", json_type_array);
	_cleanup_free_ bool *kept = NULL;

	if (!list || !names[0])
		return 0;
	kept = calloc(json_object_array_length(list) + 1, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	for (; *names; names++)
		if (!mark(list, *names, kept)) {
			*ret_unknown = *names;
			return -ENOENT;
		}
	return keep(parameters, list, kept);
}

static bool is_in(const struct guest_view *g, const struct status_states *s)
{
	if (g->state >= 0 && s->states[g->state])
		return true;
	return (s->wanted && g->wanted) || (s->waiting && g->waits) ||
	       (s->down && guest_view_is_missing(g) && !guest_view_is_moving(g));
}

int status_keep_states(struct json_object *parameters, const struct status_states *states)
{
	struct json_object *list = json_get(parameters, "guests", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;
	_cleanup_free_ bool *kept = calloc(n + 1, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	if (!list || !states->some)
		return 0;
	for (size_t i = 0; i < n; i++) {
		struct guest_view g = guest_view_of(json_object_array_get_idx(list, i));

		kept[i] = is_in(&g, states);
	}
	return keep(parameters, list, kept);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* A guest without the number comes last. */
static int compare_members(const struct guest_view *a, const struct guest_view *b, const char *key,
			   bool largest_first)
{
	uint64_t x, y;
	bool has_x = json_get_u64(a->o, key, &x) >= 0, has_y = json_get_u64(b->o, key, &y) >= 0;

	if (!has_x || !has_y)
		return (int)has_y - (int)has_x;
	return largest_first ? compare_numbers(y, x) : compare_numbers(x, y);
}

static int compare_by(const struct guest_view *a, const struct guest_view *b, enum status_sort sort)
{
	switch (sort) {
	case STATUS_SORT_STATE:
		return compare_numbers(guest_view_rank(a), guest_view_rank(b));
	case STATUS_SORT_MEMORY:
		return compare_members(a, b, "memory_kib", true);
	case STATUS_SORT_CPU:
		return compare_members(a, b, "cpu_time_usec", true);
	case STATUS_SORT_SINCE:
		return compare_members(a, b, "since_usec", true);
	case STATUS_SORT_DOMID:
		return compare_members(a, b, "domid", false);
	case STATUS_SORT_NAME:
	case STATUS_SORT_NONE:
	case _STATUS_SORT_MAX:
	case _STATUS_SORT_INVALID:
		break;
	}
	return 0;
}

static int compare(const void *a, const void *b, void *data)
{
	const struct guest_view *x = a, *y = b;
	int r = compare_by(x, y, *(const enum status_sort *)data);

	return r != 0 ? r : strcmp(x->name, y->name);
}

int status_sort(struct json_object *parameters, enum status_sort sort)
{
	struct json_object *list = json_get(parameters, "guests", json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;
	_cleanup_free_ struct json_object **elements = calloc(n + 1, sizeof(struct json_object *));
	_cleanup_free_ struct guest_view *guests = calloc(n + 1, sizeof(*guests));

	if (!elements || !guests)
		return -ENOMEM;
	if (!list || sort == STATUS_SORT_NONE)
		return 0;
	for (size_t i = 0; i < n; i++)
		guests[i] = guest_view_of(json_object_array_get_idx(list, i));
	qsort_r(guests, n, sizeof(*guests), compare, &sort);
	for (size_t i = 0; i < n; i++)
		elements[i] = guests[i].o;
	return replace(parameters, elements, n);
}

static bool has_file(const struct guest_view *g, const char *member, const char *name)
{
	const char *path = json_get_string(g->o, member);

	return path && str_equal(path_base(path), path_base(name));
}

const char *status_nearest(struct json_object *parameters, const char *name)
{
	struct json_object *list = json_get(parameters, "guests", json_type_array);
	struct nearest nearest = {.word = name};

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct guest_view g = guest_view_of(json_object_array_get_idx(list, i));

		if (has_file(&g, "configuration", name) || has_file(&g, "image", name))
			return g.name;
		nearest_consider(&nearest, g.name);
	}
	return nearest.found;
}
