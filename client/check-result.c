/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "check-result.h"

#include "cell.h"
#include "guest-view.h"
#include "model/host-lock.h"
#include "progress-line.h"
#include "util/human.h"
#include "util/str.h"

/* More names make no line that a person reads. */
#define NAMES_MAX        5
#define NAME_MAX_COLUMNS 64

static const char *const status_names[] = {
	[CHECK_OK] = "OK",
	[CHECK_WARNING] = "WARNING",
	[CHECK_CRITICAL] = "CRITICAL",
	[CHECK_UNKNOWN] = "UNKNOWN",
};

/* Guests in trouble of one kind. */
struct troubled {
	unsigned n;
	char names[2048];
};

struct count {
	unsigned wanted, running, all;
	struct troubled down, paused, moving;
};

void check_clean_bars(char *s)
{
	while ((s = strchr(s, '|')))
		*s = '?';
}

static void add_name(struct troubled *t, const struct guest_view *g)
{
	size_t used = strlen(t->names);
	_cleanup_free_ char *name = t->n++ < NAMES_MAX ? cut_text(g->name, NAME_MAX_COLUMNS) : NULL;

	if (name)
		snprintf(t->names + used, sizeof(t->names) - used, "%s%s (%s)",
			 used > 0 ? ", " : "", name,
			 g->waits ? "waits" : guest_state_to_string(g->state));
}

/* The host goes down: it was to come to that. */
static bool is_done(const struct guest_view *g)
{
	return g->state == GUEST_SAVED || g->state == GUEST_STOPPED;
}

static struct count count(struct json_object *list, bool named, bool going_down)
{
	struct count c = {0};

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct guest_view g = guest_view_of(json_object_array_get_idx(list, i));

		g.wanted = g.wanted || (named && !json_get_string(g.o, "migrated_to"));
		if (!guest_view_counts(&g) || g.state < 0)
			continue;
		c.all++;
		c.wanted += g.wanted;
		c.running += g.state == GUEST_RUNNING;
		if (guest_view_is_moving(&g) || (going_down && is_done(&g)))
			add_name(&c.moving, &g);
		else if (guest_view_is_missing(&g) && guest_view_is_down(&g))
			add_name(&c.down, &g);
		else if (guest_view_is_missing(&g))
			add_name(&c.paused, &g);
	}
	return c;
}

/* Adds to the text, and raises the status. */
static int add(struct check_result *result, enum check_status status, const char *format, ...)
	_printf_(3, 4);

static int add(struct check_result *result, enum check_status status, const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *before = result->text;
	va_list ap;
	int r;

	result->text = NULL;
	result->status = MAX(result->status, status);
	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	if (r < 0)
		return r;
	check_clean_bars(text);
	return str_format(&result->text, "%s%s%s", before ? before : "", before ? "; " : "", text);
}

static int add_guests(struct check_result *result, enum check_status status, const char *what,
		      const struct troubled *t)
{
	char more[32] = "";

	if (t->n == 0)
		return 0;
	if (t->n > NAMES_MAX)
		snprintf(more, sizeof(more), " and %u more", t->n - NAMES_MAX);
	return add(result, status, "%u %s: %s%s", t->n, what, t->names, more);
}

static unsigned length_of(struct json_object *o, const char *key)
{
	struct json_object *list = json_get(o, key, json_type_array);

	return list ? (unsigned)json_object_array_length(list) : 0;
}

static int judge_host(struct check_result *result, struct json_object *host)
{
	enum host_lock lock = host_lock_from_string(json_get_string(host, "lock"));
	const char *kind = json_get_string(host, "going_down");
	uint64_t grants = 0, needs = 0;

	if (!host)
		return 0;
	if (kind)
		return add(result, CHECK_WARNING, "the host is shutting down (%s)", kind);
	if (json_get_u64(host, "grants_usec", &grants) < 0)
		return add(result, CHECK_WARNING, "logind is not responding");
	if (lock == HOST_LOCK_ASKED)
		return add(result, CHECK_WARNING, "logind has not granted the inhibitor lock");
	json_get_u64(host, "needs_usec", &needs);
	if (lock == HOST_LOCK_HELD && needs > grants)
		return add(result, CHECK_WARNING, "a shutdown needs %s, and logind grants %s",
			   DURATION(rounded_time(needs, true)),
			   DURATION(rounded_time(grants, false)));
	return 0;
}

static int write_data(struct check_result *result, const struct count *c, struct json_object *host)
{
	uint64_t grants, needs;
	char needed[40] = "", granted[40] = "";

	if (json_get_u64(host, "needs_usec", &needs) >= 0)
		snprintf(needed, sizeof(needed), " needed=%.0fs", (double)needs / USEC_PER_SEC);
	if (json_get_u64(host, "grants_usec", &grants) >= 0)
		snprintf(granted, sizeof(granted), " granted=%.0fs", (double)grants / USEC_PER_SEC);
	return str_format(&result->data, "wanted=%u running=%u failed=%u moving=%u%s%s", c->wanted,
			  c->running, c->down.n, c->moving.n, needed, granted);
}

int check_judge(struct json_object *parameters, bool named, struct check_result *ret)
{
	struct json_object *settings = json_get(parameters, "settings", json_type_object);
	struct json_object *host = json_get(parameters, "host", json_type_object);
	const char *lost = json_get_string(parameters, "lost");
	struct count c = count(json_get(parameters, "guests", json_type_array), named,
			       json_get_string(host, "going_down"));
	unsigned notes = length_of(parameters, "warnings");
	struct check_result result = {.status = CHECK_OK};
	int r;

	/* What follows is from before that. */
	r = lost ? add(&result, CHECK_CRITICAL, "%s", lost) : 0;
	if (c.all == 0)
		r = r < 0 ? r : add(&result, CHECK_OK, "no guest should run");
	else
		r = r < 0 ? r : add(&result, CHECK_OK, "%u of %u guests run", c.running, c.all);
	if (length_of(settings, "refused") > 0)
		r = r < 0 ? r : add(&result, CHECK_CRITICAL, "settings are refused");
	r = r < 0 ? r : add_guests(&result, CHECK_CRITICAL, "down", &c.down);
	/* Perhaps on purpose. */
	r = r < 0 ? r : add_guests(&result, CHECK_WARNING, "not running", &c.paused);
	r = r < 0 ? r : add_guests(&result, CHECK_WARNING, "under way", &c.moving);
	r = r < 0 ? r : judge_host(&result, host);
	if (notes > 0)
		r = r < 0 ? r
			  : add(&result, CHECK_WARNING, "%u note%s, see 'xendomainsctl status'",
				notes, notes == 1 ? "" : "s");
	r = r < 0 ? r : write_data(&result, &c, host);
	if (r < 0) {
		check_done(&result);
		return r;
	}
	*ret = result;
	return 0;
}

void check_done(struct check_result *result)
{
	free(result->text);
	free(result->data);
}

static void print_json(FILE *out, const struct check_result *result)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? json_add_string(o, "status", status_names[result->status]) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "text", result->text);
	r = r < 0 ? r : json_add_string(o, "data", result->data);
	if (r >= 0)
		fprintf(out, "%s\n", json_text(o, NULL));
}

void check_print(FILE *out, const struct check_result *result, bool json)
{
	if (json)
		print_json(out, result);
	else
		fprintf(out, "XENDOMAINS %s - %s%s%s\n", status_names[result->status], result->text,
			result->data ? " | " : "", result->data ? result->data : "");
}

int check_usage(void)
{
	puts("XENDOMAINS UNKNOWN - the command line has a mistake: check takes names of guests, and "
	     "no thresholds");
	return CHECK_UNKNOWN;
}
