/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xenstore.h>

#include "hv/nodes.h"
#include "unit.h"
#include "util/str.h"

/* A XenStore in memory, which tells of changes as xenstored does. */

#define NODES_MAX   512
#define WATCHES_MAX 512
#define EVENTS_MAX  5000
#define TEXT_MAX    80

struct stored {
	char path[TEXT_MAX], value[TEXT_MAX];
};

struct told {
	char path[TEXT_MAX], token[TEXT_MAX];
};

static struct stored store[NODES_MAX];
static struct told watches[WATCHES_MAX], events[EVENTS_MAX];
static size_t n_store, n_watches, n_events, n_reads;
static int refuse_reads, refuse_watches; /* with this errno */

static struct xs_handle *const handle = (struct xs_handle *)&n_store;

static void forget_everything(void)
{
	n_store = n_watches = n_events = n_reads = 0;
	refuse_reads = refuse_watches = 0;
}

static void copy(char *to, const char *text)
{
	ck_assert_uint_lt(strlen(text), TEXT_MAX);
	strcpy(to, text);
}

static bool is_within(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return str_starts_with(path, folder) && (path[length] == '\0' || path[length] == '/');
}

/* An event that is the same as one that waits is dropped. */
static void tell(const char *path, const char *token)
{
	for (size_t i = 0; i < n_events; i++)
		if (str_equal(events[i].path, path) && str_equal(events[i].token, token))
			return;
	ck_assert_uint_lt(n_events, EVENTS_MAX);
	copy(events[n_events].path, path);
	copy(events[n_events++].token, token);
}

static void fire(const char *path, bool removed)
{
	for (size_t i = 0; i < n_watches; i++)
		if (is_within(path, watches[i].path) ||
		    (removed && is_within(watches[i].path, path)))
			tell(path, watches[i].token);
}

static struct stored *stored(const char *path)
{
	for (size_t i = 0; i < n_store; i++)
		if (str_equal(store[i].path, path))
			return &store[i];
	return NULL;
}

static void put(const char *path, const char *value)
{
	struct stored *s = stored(path);

	if (!s) {
		ck_assert_uint_lt(n_store, NODES_MAX);
		s = &store[n_store++];
		copy(s->path, path);
	}
	copy(s->value, value);
	fire(path, false);
}

static void drop(const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_store; i++)
		if (!is_within(store[i].path, path))
			store[kept++] = store[i];
	if (kept < n_store)
		fire(path, true);
	n_store = kept;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	ck_assert_ptr_eq(h, handle);
	errno = refuse_watches;
	if (refuse_watches)
		return false;
	for (size_t i = 0; i < n_watches; i++) {
		errno = EEXIST;
		if (str_equal(watches[i].path, path) && str_equal(watches[i].token, token))
			return false;
	}
	ck_assert_uint_lt(n_watches, WATCHES_MAX);
	copy(watches[n_watches].path, path);
	copy(watches[n_watches++].token, token);
	tell(path, token);
	return true;
}

bool xs_unwatch(struct xs_handle *h _unused_, const char *path, const char *token)
{
	size_t kept = 0, before = n_watches;

	for (size_t i = 0; i < n_watches; i++)
		if (!str_equal(watches[i].path, path) || !str_equal(watches[i].token, token))
			watches[kept++] = watches[i];
	n_watches = kept;
	return n_watches < before;
}

char **xs_check_watch(struct xs_handle *h _unused_)
{
	char **event;
	char *text;

	errno = EAGAIN;
	if (n_events == 0)
		return NULL;
	event = malloc(2 * sizeof(char *) + 2 * TEXT_MAX);
	ck_assert_ptr_nonnull(event);
	text = (char *)(event + 2);
	event[XS_WATCH_PATH] = memcpy(text, events[0].path, TEXT_MAX);
	event[XS_WATCH_TOKEN] = memcpy(text + TEXT_MAX, events[0].token, TEXT_MAX);
	memmove(events, events + 1, --n_events * sizeof(*events));
	return event;
}

void *xs_read(struct xs_handle *h _unused_, xs_transaction_t t _unused_, const char *path,
	      unsigned *ret_length)
{
	const struct stored *s = stored(path);

	n_reads++;
	errno = refuse_reads ? refuse_reads : ENOENT;
	if (refuse_reads || !s)
		return NULL;
	if (ret_length)
		*ret_length = (unsigned)strlen(s->value);
	return strdup(s->value);
}

char **xs_directory(struct xs_handle *h _unused_, xs_transaction_t t _unused_, const char *path,
		    unsigned *ret_n)
{
	char **names = calloc(NODES_MAX, sizeof(char *) + TEXT_MAX);
	char *text = (char *)(names + NODES_MAX);
	size_t n = 0, length = strlen(path);

	ck_assert_ptr_nonnull(names);
	n_reads++;
	for (size_t i = 0; i < n_store; i++) {
		if (!is_within(store[i].path, path) || store[i].path[length] == '\0')
			continue;
		names[n] = text + n * TEXT_MAX;
		copy(names[n], store[i].path + length + 1);
		names[n][strcspn(names[n], "/")] = '\0';
		if (n == 0 || !str_equal(names[n], names[n - 1]))
			n++;
	}
	errno = ENOENT;
	if (n == 0)
		free(names);
	*ret_n = (unsigned)n;
	return n == 0 ? NULL : names;
}

/* Looks. */

static const struct uuid built = {.bytes = {1}};

static void *check(void *p)
{
	ck_assert_ptr_nonnull(p);
	return p;
}

static struct nodes *make(void)
{
	struct nodes *nodes;

	forget_everything();
	ck_assert_int_eq(nodes_new(handle, &nodes), 0);
	return nodes;
}

static unsigned begin(struct nodes *nodes)
{
	unsigned news;

	ck_assert_int_eq(nodes_begin(nodes, &news), 0);
	return news;
}

static const char *look(struct nodes *nodes, uint32_t domid, enum node node)
{
	const char *value;

	begin(nodes);
	value = domain_node(check(nodes_of(nodes, domid, &built)), node, NULL);
	ck_assert_int_eq(nodes_end(nodes), 0);
	return value;
}

START_TEST(a_look_where_nothing_has_changed_takes_one_read)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();

	put("/local/domain/5/name", "web");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	ck_assert_ptr_null(look(nodes, 5, NODE_TARGET));
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	ck_assert_ptr_null(look(nodes, 5, NODE_TARGET));
	n_reads = 0;
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	ck_assert_ptr_null(look(nodes, 5, NODE_TARGET));
	ck_assert_uint_eq(n_reads, 2);
}
END_TEST

START_TEST(a_node_that_changes_appears_or_goes_is_read_again)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();

	put("/local/domain/5/name", "web");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	put("/local/domain/5/name", "--web");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "--web");
	ck_assert_ptr_null(look(nodes, 5, NODE_MARK));
	put("/libxl/5/xendomainsd", "{}");
	ck_assert_str_eq(look(nodes, 5, NODE_MARK), "{}");
	drop("/local/domain/5");
	ck_assert_ptr_null(look(nodes, 5, NODE_NAME));
}
END_TEST

static void one_look(struct nodes *nodes)
{
	static const enum node asked[] = {NODE_VM,       NODE_NAME,    NODE_DRIVER,
					  NODE_TARGET,   NODE_MARK,    NODE_PCI,
					  NODE_POWEROFF, NODE_SUSPEND, NODE_CANNOT_SUSPEND};
	struct domain_nodes *d;

	begin(nodes);
	d = check(nodes_of(nodes, 5, &built));
	for (size_t i = 0; i < ELEMENTSOF(asked); i++)
		domain_node(d, asked[i], NULL);
	domain_node_eject(d, 0, 5632);
	ck_assert_int_eq(nodes_end(nodes), 0);
}

static unsigned news(struct nodes *nodes)
{
	unsigned news;

	ck_assert_int_eq(nodes_take_news(nodes, &news), 0);
	return news;
}

START_TEST(news_tell_who_wrote)
{
	static const struct {
		const char *path;
		unsigned news;
	} cases[] = {
		{"/local/domain/5/name", NEWS_DOMAINS},
		{"/local/domain/5/vm", 0},
		{"/local/domain/5/target", NEWS_DOMAINS},
		{"/local/domain/5/libxl", NEWS_GUESTS},
		{"/libxl/5/xendomainsd", 0},
		{"/libxl/5/xendomainsd-suspend", 0},
		{"/libxl/5/device/vbd/51712/params", 0},
		{"/local/domain/5/control/shutdown", 0},
		{"/local/domain/5/control/feature-poweroff2", 0},
		{"/local/domain/5/control/feature-poweroff", NEWS_GUESTS},
		{"/local/domain/5/control/feature-suspend", 0},
		{"/local/domain/5/data/cant_suspend_reason", 0},
		{"/local/domain/5/device/vbd/5632/eject", NEWS_GUESTS},
		{"/local/domain/5/data/other", 0},
		{"/local/domain/6/name", 0},
	};
	_cleanup_(nodes_freep) struct nodes *nodes = make();

	put("/local/domain/5/vm", "/vm/web");
	one_look(nodes);
	news(nodes);
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		put(cases[i].path, "1");
		ck_assert_msg(news(nodes) == cases[i].news, "%s", cases[i].path);
		put("/local/domain/5/vm", "/vm/web");
		one_look(nodes);
		news(nodes);
	}
}
END_TEST

START_TEST(what_another_domain_with_the_number_says_counts)
{
	static const struct uuid other = {.bytes = {2}};
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	struct domain_nodes *d;

	put("/local/domain/5/name", "web");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	n_watches = 0; /* nothing is told */
	put("/local/domain/5/name", "mail");
	begin(nodes);
	d = check(nodes_of(nodes, 5, &other));
	ck_assert_str_eq(domain_node(d, NODE_NAME, NULL), "mail");
	ck_assert_int_eq(nodes_end(nodes), 0);
}
END_TEST

START_TEST(nothing_is_watched_of_domains_that_are_gone)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	size_t before = n_watches;

	one_look(nodes);
	ck_assert_uint_gt(n_watches, before);
	begin(nodes);
	ck_assert_ptr_nonnull(nodes_find(nodes, 5));
	ck_assert_int_eq(nodes_end(nodes), 0);
	ck_assert_ptr_null(nodes_find(nodes, 5));
	ck_assert_uint_eq(n_watches, before);
}
END_TEST

START_TEST(more_news_than_can_be_taken_make_everything_stale)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	char path[TEXT_MAX];
	unsigned news;

	put("/local/domain/5/name", "web");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	ck_assert_ptr_null(look(nodes, 5, NODE_POWEROFF));
	/* A guest can make nodes below its own. */
	for (unsigned i = 0; i < EVENTS_MAX - 100; i++) {
		snprintf(path, sizeof(path), "/local/domain/5/control/feature-poweroff/%u", i);
		fire(path, false);
	}
	put("/local/domain/5/name", "mail");
	ck_assert_int_eq(nodes_take_news(nodes, &news), -EAGAIN);
	ck_assert_uint_eq(news, NEWS_GUESTS);
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "mail");
	ck_assert_uint_gt(n_events, 0);
}
END_TEST

START_TEST(a_node_that_cannot_be_read_is_not_taken_for_missing)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	unsigned news;

	put("/local/domain/5/name", "web");
	begin(nodes);
	refuse_reads = ENOMEM;
	domain_node(check(nodes_of(nodes, 5, &built)), NODE_NAME, NULL);
	ck_assert_int_eq(nodes_end(nodes), -ENOMEM);
	ck_assert_int_eq(nodes_begin(nodes, &news), -ENOMEM);
	refuse_reads = 0;
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
}
END_TEST

START_TEST(a_node_that_cannot_be_watched_is_read_each_time)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();

	refuse_watches = ENOMEM;
	put("/local/domain/5/name", "web");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "web");
	put("/local/domain/5/name", "mail");
	ck_assert_str_eq(look(nodes, 5, NODE_NAME), "mail");
}
END_TEST

/* A look at a domain that is down, with this CPU time. */
static const char *look_down(struct nodes *nodes, enum node node, bool dying, uint64_t cpu_time)
{
	struct domain_nodes *d;
	const char *value;

	begin(nodes);
	d = check(nodes_of(nodes, 5, &built));
	domain_nodes_down(d, dying, cpu_time);
	value = domain_node(d, node, NULL);
	ck_assert_int_eq(nodes_end(nodes), 0);
	return value;
}

/* A change that nothing is told of. */
static void put_silently(const char *path, const char *value)
{
	size_t before = n_watches;

	n_watches = 0;
	put(path, value);
	n_watches = before;
}

#define PATH_MARK "/libxl/5/xendomainsd"

START_TEST(a_domain_that_stays_down_is_read_once)
{
	static const enum node asked[] = {NODE_MARK, NODE_NAME, NODE_POWEROFF, NODE_PENDING,
					  NODE_BUILT};
	_cleanup_(nodes_freep) struct nodes *nodes = make();

	put(PATH_MARK, "old");
	ck_assert_str_eq(look(nodes, 5, NODE_MARK), "old");
	put_silently(PATH_MARK, "new");
	ck_assert_str_eq(look(nodes, 5, NODE_MARK), "old");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 7), "new");
	for (size_t i = 0; i < ELEMENTSOF(asked); i++) {
		look_down(nodes, asked[i], false, 7);
		/* Where it was read, its watch has told of itself. */
		look_down(nodes, asked[i], false, 7);
		n_reads = 0;
		look_down(nodes, asked[i], false, 7);
		ck_assert_uint_eq(n_reads, 1);
	}
	put(PATH_MARK, "newer");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 7), "newer");
}
END_TEST

START_TEST(a_domain_that_is_down_is_read_anew_where_it_may_be_another_case)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();

	put(PATH_MARK, "1");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 7), "1");
	/* It has run between two looks. */
	put_silently(PATH_MARK, "2");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 8), "2");
	put_silently(PATH_MARK, "3");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, true, 8), "3");
	/* A worker of ours has ended, or the domain was up. */
	put_silently(PATH_MARK, "4");
	domain_nodes_recheck(check(nodes_find(nodes, 5)));
	ck_assert_str_eq(look_down(nodes, NODE_MARK, true, 8), "4");
}
END_TEST

START_TEST(what_could_not_be_read_of_a_domain_that_is_down_is_read_again)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	struct domain_nodes *d;

	put("/vm/01000000-0000-0000-0000-000000000000/start_time", "12.34");
	begin(nodes);
	d = check(nodes_of(nodes, 5, &built));
	domain_nodes_down(d, false, 7);
	refuse_reads = EIO;
	ck_assert_ptr_null(domain_node(d, NODE_BUILT, NULL));
	ck_assert_int_eq(nodes_end(nodes), -EIO);
	refuse_reads = 0;
	ck_assert_str_eq(look_down(nodes, NODE_BUILT, false, 7), "12.34");
}
END_TEST

/* oxenstored may hold an event back then. */
START_TEST(a_domain_that_is_down_is_read_anew_after_many_events)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	char path[TEXT_MAX];
	unsigned ignored;

	put(PATH_MARK, "old");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 7), "old");
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/libxl/6/device/%u", i);
		fire(path, false);
		ck_assert_int_eq(nodes_take_news(nodes, &ignored), 0);
	}
	put_silently(PATH_MARK, "new");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 7), "new");
	put_silently(PATH_MARK, "newer");
	ck_assert_str_eq(look_down(nodes, NODE_MARK, false, 7), "new");
}
END_TEST

START_TEST(the_time_of_building_is_read_until_it_is_there)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	size_t before = n_watches;

	ck_assert_ptr_null(look(nodes, 5, NODE_BUILT));
	put("/vm/01000000-0000-0000-0000-000000000000/start_time", "12.34");
	ck_assert_str_eq(look(nodes, 5, NODE_BUILT), "12.34");
	n_reads = 0;
	ck_assert_str_eq(look(nodes, 5, NODE_BUILT), "12.34");
	ck_assert_uint_eq(n_reads, 1);
	ck_assert_uint_eq(n_watches, before);
}
END_TEST

static size_t n_backends(struct nodes *nodes, uint32_t *ret_first)
{
	const uint32_t *backends;
	size_t n;

	begin(nodes);
	ck_assert_int_eq(domain_backends(check(nodes_of(nodes, 5, &built)), &backends, &n), 0);
	*ret_first = n > 0 ? backends[0] : UINT32_MAX;
	ck_assert_int_eq(nodes_end(nodes), 0);
	return n;
}

START_TEST(devices_are_read_again_when_one_comes_or_goes)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	uint32_t first;

	ck_assert_uint_eq(n_backends(nodes, &first), 0);
	put("/libxl/5/device/vbd/51712/backend", "/local/domain/3/backend/vbd/5/51712");
	put("/libxl/5/device/vif/0/backend", "/local/domain/0/backend/vif/5/0");
	put("/libxl/5/device/vif/1/backend", "no path");
	ck_assert_uint_eq(n_backends(nodes, &first), 2);
	ck_assert_uint_eq(first, 3);
	ck_assert_uint_eq(n_backends(nodes, &first), 2);
	n_reads = 0;
	ck_assert_uint_eq(n_backends(nodes, &first), 2);
	ck_assert_uint_eq(n_reads, 1);
	drop("/libxl/5/device/vbd");
	ck_assert_uint_eq(n_backends(nodes, &first), 1);
	ck_assert_uint_eq(first, 0);
}
END_TEST

START_TEST(a_guest_that_runs_costs_three_watches)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	size_t before = n_watches;

	one_look(nodes);
	begin(nodes);
	domain_nodes_settle(check(nodes_of(nodes, 5, &built)));
	ck_assert_int_eq(nodes_end(nodes), 0);
	one_look(nodes);
	/* And one for the disk that it may eject. */
	ck_assert_uint_eq(n_watches - before, 3 + 1);
}
END_TEST

START_TEST(the_kind_of_a_domain_is_settled_when_it_runs)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	static const struct uuid other = {.bytes = {2}};
	struct domain_nodes *d;

	ck_assert_ptr_null(look(nodes, 5, NODE_TARGET));
	put("/local/domain/5/target", "4");
	ck_assert_str_eq(look(nodes, 5, NODE_TARGET), "4");
	begin(nodes);
	domain_nodes_settle(check(nodes_of(nodes, 5, &built)));
	ck_assert_int_eq(nodes_end(nodes), 0);
	put("/local/domain/5/target", "3");
	ck_assert_str_eq(look(nodes, 5, NODE_TARGET), "4");
	n_reads = 0;
	ck_assert_str_eq(look(nodes, 5, NODE_TARGET), "4");
	ck_assert_uint_eq(n_reads, 1);
	/* The next domain of the number is another one. */
	begin(nodes);
	d = check(nodes_of(nodes, 5, &other));
	ck_assert_str_eq(domain_node(d, NODE_TARGET, NULL), "3");
	ck_assert_int_eq(nodes_end(nodes), 0);
	put("/local/domain/5/target", "2");
	begin(nodes);
	d = check(nodes_of(nodes, 5, &other));
	ck_assert_str_eq(domain_node(d, NODE_TARGET, NULL), "2");
	ck_assert_int_eq(nodes_end(nodes), 0);
}
END_TEST

/* FOLDER/DOMID/NAME; those that are asked for come first. */
static const struct {
	const char *folder, *name;
	enum node node;
} kept[] = {
	{"/local/domain", "/name", NODE_NAME},
	{"/local/domain", "/vm", NODE_VM},
	{"/local/domain", "/target", NODE_TARGET},
	{"/libxl", "/xendomainsd", NODE_MARK},
	{"/libxl", "/device/pci/0/backend", NODE_PCI},
	{"/local/domain", "/control/feature-poweroff", NODE_POWEROFF},
	{"/local/domain", "/control", _NODE_MAX},
	{"/local/domain", "", _NODE_MAX},
	{"/libxl", "", _NODE_MAX},
	{"/libxl", "/device", _NODE_MAX},
};

#define N_ASKED 6

static const char *format_path(size_t what, size_t domid)
{
	static char path[TEXT_MAX];

	snprintf(path, sizeof(path), "%s/%zu%s", kept[what].folder, domid, kept[what].name);
	return path;
}

static void write_something(struct dice *dice)
{
	size_t what = dice_pick(dice, ELEMENTSOF(kept)), domid = dice_pick(dice, 4);
	const char *path = format_path(what, domid);

	if (what < N_ASKED && dice_pick(dice, 4) > 0)
		put(path, dice_pick(dice, 2) ? "/vm/1" : "/vm/2");
	else
		drop(path);
	/* libxl changes it in a transaction that writes the name, too. */
	if (kept[what].node == NODE_VM)
		put(format_path(0, domid), "name");
}

static void compare_something(struct nodes *nodes, size_t domid, struct dice *dice)
{
	size_t what = dice_pick(dice, N_ASKED);
	struct stored *s = stored(format_path(what, domid));
	struct domain_nodes *d = check(nodes_of(nodes, (uint32_t)domid, &built));

	ck_assert_pstr_eq(domain_node(d, kept[what].node, NULL), s ? s->value : NULL);
}

/* Whatever toolstacks and guests write, and whichever domains end or take numbers again. */
START_TEST(what_is_kept_is_what_stands_in_xenstore)
{
	_cleanup_(nodes_freep) struct nodes *nodes = make();
	struct dice dice = {.state = 15};
	unsigned ignored;

	for (unsigned turn = 0; turn < 20000; turn++) {
		write_something(&dice);
		if (dice_pick(&dice, 3) == 0)
			nodes_take_news(nodes, &ignored);
		if (dice_pick(&dice, 3) > 0)
			continue;
		begin(nodes);
		for (size_t domid = 0; domid < 4; domid++)
			if (dice_pick(&dice, 8) > 0)
				compare_something(nodes, domid, &dice);
		ck_assert_int_eq(nodes_end(nodes), 0);
	}
}
END_TEST

SUITE("nodes", a_domain_that_stays_down_is_read_once,
      a_domain_that_is_down_is_read_anew_where_it_may_be_another_case,
      what_could_not_be_read_of_a_domain_that_is_down_is_read_again,
      a_domain_that_is_down_is_read_anew_after_many_events,
      the_time_of_building_is_read_until_it_is_there,
      a_look_where_nothing_has_changed_takes_one_read,
      a_node_that_changes_appears_or_goes_is_read_again, news_tell_who_wrote,
      what_another_domain_with_the_number_says_counts, nothing_is_watched_of_domains_that_are_gone,
      more_news_than_can_be_taken_make_everything_stale,
      a_node_that_cannot_be_read_is_not_taken_for_missing,
      a_node_that_cannot_be_watched_is_read_each_time, a_guest_that_runs_costs_three_watches,
      the_kind_of_a_domain_is_settled_when_it_runs, devices_are_read_again_when_one_comes_or_goes,
      what_is_kept_is_what_stands_in_xenstore);
