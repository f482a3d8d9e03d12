/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "core/ledger.h"
#include "unit.h"
#include "util/str.h"

static const struct uuid web = {.bytes = {1}}, mail = {.bytes = {2}};

static struct ledger *new_history(void)
{
	struct ledger *h = ledger_new();

	ck_assert_ptr_nonnull(h);
	return h;
}

START_TEST(of_a_guest_without_a_past_nothing_is_known)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert_ptr_null(ledger_find(h, &web));
	ck_assert(ledger_may_restart(h, &web, 1000, 1, 1000));
	ck_assert_ptr_null(ledger_drawn(h, "web"));
	ck_assert_int_eq(ledger_judge(h, &web, &mail, NULL, 5), IMAGE_UNKNOWN);
	/* That all is well with it is not worth a note. */
	ck_assert_int_eq(ledger_set_failure(h, &web, NULL, 7), 0);
	ledger_forgive(h, &web);
	ck_assert_ptr_null(ledger_find(h, &web));
}
END_TEST

START_TEST(a_failure_is_kept_until_it_is_over)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert_int_eq(ledger_set_failure(h, &web, "first", 7), 0);
	ck_assert_int_eq(ledger_set_failure(h, &mail, "other", 7), 0);
	ck_assert_str_eq(ledger_find(h, &web)->failure, "first");
	ck_assert_int_eq(ledger_set_failure(h, &web, "second", 7), 0);
	ck_assert_str_eq(ledger_find(h, &web)->failure, "second");
	ck_assert_str_eq(ledger_find(h, &mail)->failure, "other");
	ck_assert_int_eq(ledger_set_failure(h, &web, NULL, 7), 0);
	ck_assert_ptr_null(ledger_find(h, &web)->failure);
}
END_TEST

START_TEST(restarts_count_within_the_interval_only)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	for (usec_t t = 100; t <= 300; t += 100)
		ck_assert_int_eq(ledger_add_restart(h, &web, t), 0);
	ck_assert(!ledger_may_restart(h, &web, 300, 3, 1000));
	ck_assert(ledger_may_restart(h, &web, 300, 4, 1000));
	ck_assert(ledger_may_restart(h, &mail, 300, 3, 1000));
	/* The first one, at 100, is out of an interval of 1000 from 1100 on. */
	ck_assert(!ledger_may_restart(h, &web, 1099, 3, 1000));
	ck_assert(ledger_may_restart(h, &web, 1100, 3, 1000));
	ck_assert(!ledger_may_restart(h, &web, 1100, 2, 1000));
	ck_assert(ledger_may_restart(h, &web, 9999, 1, 1000));
}
END_TEST

START_TEST(a_limit_of_none_allows_none)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert(!ledger_may_restart(h, &web, 0, 0, 1000));
}
END_TEST

START_TEST(a_restart_of_the_future_counts)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	/* Another clock, or a worker that was faster: better one restart too few. */
	ck_assert_int_eq(ledger_add_restart(h, &web, 5000), 0);
	ck_assert(!ledger_may_restart(h, &web, 1000, 1, 1000));
}
END_TEST

START_TEST(a_guest_that_restarts_for_ever_takes_no_memory_for_ever)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();
	const struct past *past;

	for (usec_t t = 1; t <= 5000; t++)
		ck_assert_int_eq(ledger_add_restart(h, &web, t), 0);
	past = ledger_find(h, &web);
	ck_assert_uint_le(past->n_restarts, 1000);
	/* The newest ones are those that are kept, in order. */
	ck_assert_uint_eq(past->restarts[past->n_restarts - 1], 5000);
	for (size_t i = 1; i < past->n_restarts; i++)
		ck_assert_uint_eq(past->restarts[i], past->restarts[i - 1] + 1);
}
END_TEST

START_TEST(who_wants_a_guest_forgives_it_and_no_other)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert_int_eq(ledger_set_failure(h, &web, "x", 7), 0);
	ck_assert_int_eq(ledger_set_failure(h, &mail, "y", 7), 0);
	ck_assert_int_eq(ledger_add_restart(h, &web, 10), 0);
	ck_assert_int_eq(ledger_add_restart(h, &mail, 10), 0);
	ledger_forgive(h, &web);
	ck_assert_ptr_null(ledger_find(h, &web)->failure);
	ck_assert(ledger_may_restart(h, &web, 10, 1, 1000));
	ck_assert_str_eq(ledger_find(h, &mail)->failure, "y");
	ck_assert(!ledger_may_restart(h, &mail, 10, 1, 1000));
	ck_assert_int_eq(ledger_add_restart(h, &web, 20), 0);
	ck_assert(!ledger_may_restart(h, &web, 20, 1, 1000));
}
END_TEST

/* Inventories point to them. */
START_TEST(a_past_stays_where_it_is)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();
	const struct past *first;

	ck_assert_int_eq(ledger_set_failure(h, &web, "x", 7), 0);
	first = ledger_find(h, &web);
	for (uint8_t i = 1; i < 200; i++)
		ck_assert_int_eq(ledger_set_failure(h, &(struct uuid){.bytes = {9, i}}, "y", 7), 0);
	ck_assert_ptr_eq(ledger_find(h, &web), first);
}
END_TEST

START_TEST(a_name_has_one_uuid_the_newest)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert_int_eq(ledger_set_drawn(h, "web", &web), 0);
	ck_assert_int_eq(ledger_set_drawn(h, "mail", &mail), 0);
	ck_assert(uuid_equal(ledger_drawn(h, "web"), &web));
	ck_assert(uuid_equal(ledger_drawn(h, "mail"), &mail));
	ck_assert_ptr_null(ledger_drawn(h, "we"));
	ck_assert_int_eq(ledger_set_drawn(h, "web", &mail), 0);
	ck_assert(uuid_equal(ledger_drawn(h, "web"), &mail));
	ck_assert_uint_eq(h->n_names, 2);
}
END_TEST

START_TEST(an_image_without_an_id_is_unknown_whatever_the_guest_did)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();
	struct uuid image = {.bytes = {9}};

	lives_begin(ledger_lives(h, &web), &image, "web", 1000, 1, &mail);
	ck_assert_int_eq(ledger_judge(h, &web, &image, NULL, 5), IMAGE_USED_UP);
	ck_assert_int_eq(ledger_judge(h, &web, &UUID_NULL, NULL, 5), IMAGE_UNKNOWN);
	ck_assert_int_eq(ledger_judge(h, &mail, &image, NULL, 5), IMAGE_UNKNOWN);
	ck_assert_int_eq(ledger_doubt(h, "lost"), 0);
	/* That it was used stays true. */
	ck_assert_int_eq(ledger_judge(h, &web, &image, NULL, 5), IMAGE_USED_UP);
	ledger_free(NULL);
}
END_TEST

START_TEST(who_is_away_is_away_until_it_is_here)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();
	const struct past *past;

	ck_assert_int_eq(ledger_set_away(h, &web, "web", "other", true), 0);
	past = ledger_find(h, &web);
	ck_assert_str_eq(past->away, "other");
	ck_assert(past->away_unknown);
	ck_assert_ptr_nonnull(strstr(past->away_reason, " other"));
	ck_assert_ptr_nonnull(strstr(past->away_reason, "xendomainsctl start web"));
	ck_assert_ptr_eq(ledger_find_away(h, "web"), past);
	ck_assert_ptr_null(ledger_find_away(h, "mail"));
	ck_assert_int_eq(ledger_set_away(h, &web, "web", "third", false), 0);
	ck_assert(!past->away_unknown);
	ck_assert_ptr_nonnull(strstr(past->away_reason, " third"));
	ck_assert_ptr_nonnull(strstr(past->away_reason, "xendomainsctl start web"));
	/* That somebody wants it says nothing of where it is. */
	ledger_forgive(h, &web);
	ck_assert_str_eq(past->away, "third");
	ledger_set_returned(h, &web);
	ledger_set_returned(h, &mail);
	ck_assert_ptr_null(past->away);
	ck_assert_ptr_null(past->away_reason);
	ck_assert_ptr_null(ledger_find_away(h, "web"));
}
END_TEST

START_TEST(pauses_between_restarts_grow_up_to_a_minute_and_end_with_the_interval)
{
	static const unsigned seconds[] = {0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
	const usec_t day = 24 * 3600 * USEC_PER_SEC, now = 100 * day;
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	for (size_t i = 0; i < ELEMENTSOF(seconds); i++) {
		ck_assert_uint_eq(ledger_restart_pause(h, &web, now, day),
				  seconds[i] * USEC_PER_SEC);
		ck_assert_int_eq(ledger_add_restart(h, &web, now), 0);
	}
	for (size_t i = 0; i < 200; i++)
		ck_assert_int_eq(ledger_add_restart(h, &web, now), 0);
	ck_assert_uint_eq(ledger_restart_pause(h, &web, now, day), 60 * USEC_PER_SEC);
	ck_assert_uint_eq(ledger_restart_pause(h, &mail, now, day), 0);
	ck_assert_uint_eq(ledger_restart_pause(h, &web, now + day, day), 0);
	ledger_forgive(h, &web);
	ck_assert_uint_eq(ledger_restart_pause(h, &web, now, day), 0);
}
END_TEST

START_TEST(a_remark_is_no_failure_and_takes_its_place)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert_int_eq(ledger_set_failure(h, &web, "no room", 7), 0);
	ck_assert_int_eq(ledger_set_remark(h, &web, "save: no room", 7), 0);
	ck_assert_ptr_null(ledger_find(h, &web)->failure);
	ck_assert_str_eq(ledger_find(h, &web)->remark, "save: no room");
	ck_assert_int_eq(ledger_set_failure(h, &web, "torn", 7), 0);
	ck_assert_ptr_null(ledger_find(h, &web)->remark);
	ck_assert_int_eq(ledger_set_remark(h, &web, "x", 7), 0);
	ledger_forgive(h, &web);
	ck_assert_ptr_null(ledger_find(h, &web)->remark);
}
END_TEST

START_TEST(after_a_loss_a_guest_may_be_away_until_it_is_placed)
{
	_cleanup_(ledger_freep) struct ledger *h = new_history();

	ck_assert_int_eq(ledger_set_failure(h, &web, "x", 7), 0);
	ledger_place(h, &web, NULL);
	ck_assert(!ledger_may_be_away(h, &web, NULL));
	ck_assert(!ledger_may_be_away(h, &mail, NULL));
	ck_assert_int_eq(ledger_doubt(h, "lost"), 0);
	ck_assert(ledger_may_be_away(h, &web, NULL));
	ck_assert(ledger_may_be_away(h, &mail, NULL));
	ledger_place(h, &web, NULL);
	ck_assert(!ledger_may_be_away(h, &web, NULL));
}
END_TEST

/* The pasts that are found by a text and have it as their name: the last bytes of their UUIDs. */
static const char *called(const struct ledger *h, const char *name)
{
	static char found[20];
	const struct past *past = NULL;
	size_t n = 0;

	while ((past = ledger_next_with(h, name, past)))
		if (str_equal(past->name, name))
			found[n++] = (char)('0' + past->uuid.bytes[15]);
	found[n] = '\0';
	return found;
}

/* Which of several comes first decides which of them a configuration stands for. */
START_TEST(pasts_are_found_by_the_names_they_have_now_in_their_order)
{
	_cleanup_(ledger_freep) struct ledger *h = ledger_new();
	struct uuid one = {.bytes = {[15] = 1}}, two = {.bytes = {[15] = 2}};

	ck_assert_int_eq(ledger_set_name(h, &one, "web", "/auto/1"), 0);
	ck_assert_int_eq(ledger_set_name(h, &two, "mail", "/auto/2"), 0);
	ck_assert_str_eq(called(h, "web"), "1");
	ck_assert_str_eq(called(h, "mail"), "2");
	ck_assert_int_eq(ledger_set_name(h, &one, "mail", NULL), 0);
	ck_assert_int_eq(ledger_set_name(h, &two, "web", NULL), 0);
	ck_assert_int_eq(ledger_set_name(h, &one, "web", NULL), 0);
	ck_assert_str_eq(called(h, "web"), "12");
	ck_assert_str_eq(called(h, "mail"), "");
	ck_assert(ledger_knows_source(h, "/auto/2"));
	ck_assert(!ledger_knows_source(h, "/auto"));
}
END_TEST

START_TEST(images_are_found_by_name_and_path)
{
	_cleanup_(ledger_freep) struct ledger *h = ledger_new();
	struct uuid one = {.bytes = {[15] = 1}}, id = {.bytes = {9}};
	struct known_image image = {.id = id, .name = (char *)"web", .path = (char *)"/save/web"};

	ck_assert_int_eq(lives_save(ledger_lives(h, &one), &image, 1), 0);
	ck_assert_ptr_eq(ledger_next_with(h, "web", NULL), ledger_find(h, &one));
	ck_assert_ptr_eq(ledger_next_with(h, "/save/web", NULL), ledger_find(h, &one));
	ck_assert_ptr_null(ledger_next_with(h, "/save/web", ledger_find(h, &one)));
}
END_TEST

SUITE("history", pasts_are_found_by_the_names_they_have_now_in_their_order,
      images_are_found_by_name_and_path, after_a_loss_a_guest_may_be_away_until_it_is_placed,
      a_remark_is_no_failure_and_takes_its_place,
      pauses_between_restarts_grow_up_to_a_minute_and_end_with_the_interval,
      of_a_guest_without_a_past_nothing_is_known, a_failure_is_kept_until_it_is_over,
      restarts_count_within_the_interval_only, a_limit_of_none_allows_none,
      a_restart_of_the_future_counts, a_guest_that_restarts_for_ever_takes_no_memory_for_ever,
      who_wants_a_guest_forgives_it_and_no_other, a_past_stays_where_it_is,
      a_name_has_one_uuid_the_newest, an_image_without_an_id_is_unknown_whatever_the_guest_did,
      who_is_away_is_away_until_it_is_here);
