/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/index.h"

#define MANY 1000

START_TEST(an_empty_index_has_nothing)
{
	struct index x = {0};

	ck_assert_ptr_null(index_first(&x, 1));
	index_done(&x);
}
END_TEST

START_TEST(each_item_is_found_however_many_there_are)
{
	static int items[MANY];
	struct index x = {0};

	for (size_t i = 0; i < MANY; i++)
		ck_assert_int_eq(index_add(&x, hash_bytes(&i, sizeof(i)), &items[i]), 0);
	for (size_t i = 0; i < MANY; i++) {
		const struct index_entry *e = index_first(&x, hash_bytes(&i, sizeof(i)));

		ck_assert_ptr_nonnull(e);
		ck_assert_ptr_eq(e->item, &items[i]);
		ck_assert_ptr_null(index_next(&x, e));
	}
	ck_assert_ptr_null(index_first(&x, hash_text("another")));
	index_done(&x);
}
END_TEST

/* The first file, or domain, of a name counts: no growth may change which that is. */
START_TEST(items_of_one_hash_stay_in_order)
{
	static int items[MANY];
	const struct index_entry *e;
	struct index x = {0};
	size_t n = 0;

	for (size_t i = 0; i < MANY; i++)
		ck_assert_int_eq(index_add(&x, i % 2, &items[i]), 0);
	for (e = index_first(&x, 1); e; e = index_next(&x, e))
		ck_assert_ptr_eq(e->item, &items[2 * n++ + 1]);
	ck_assert_uint_eq(n, MANY / 2);
	index_done(&x);
}
END_TEST

START_TEST(keys_are_told_apart)
{
	struct uuid a = {.bytes = {1}}, b = {.bytes = {[15] = 1}};

	ck_assert_uint_ne(hash_uuid(&a), hash_uuid(&b));
	ck_assert_uint_ne(hash_text("web"), hash_text("wed"));
	ck_assert_uint_eq(hash_text("web"), hash_bytes("website", 3));
}
END_TEST

START_TEST(what_was_taken_out_is_not_found_and_leaves_its_room)
{
	struct index x = {0};
	const struct index_entry *entries;
	int items[40];

	for (size_t i = 0; i < ELEMENTSOF(items); i++)
		ck_assert_int_eq(index_add(&x, i, &items[i]), 0);
	entries = x.entries;
	index_clear(&x);
	for (size_t i = 0; i < ELEMENTSOF(items); i++)
		ck_assert_ptr_null(index_first(&x, i));
	for (size_t i = 0; i < ELEMENTSOF(items); i += 2)
		ck_assert_int_eq(index_add(&x, i, &items[i]), 0);
	for (size_t i = 0; i < ELEMENTSOF(items); i++) {
		const struct index_entry *e = index_first(&x, i);

		ck_assert(i % 2 ? !e : e->item == &items[i] && !index_next(&x, e));
	}
	ck_assert_ptr_eq(x.entries, entries);
	index_done(&x);
	index_clear(&x);
	ck_assert_uint_eq(x.n, 0);
}
END_TEST

SUITE("index", an_empty_index_has_nothing, each_item_is_found_however_many_there_are,
      items_of_one_hash_stay_in_order, keys_are_told_apart,
      what_was_taken_out_is_not_found_and_leaves_its_room);
