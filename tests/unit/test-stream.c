/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <string.h>

#include "stream-maker.h"
#include "unit.h"
#include "worker/image/stream.h"

/* Feeds all of it at once, and says what is wrong with it. */
static enum stream_problem walk(const struct stream_maker *m)
{
	struct stream s = STREAM_INIT;
	int r = stream_feed(&s, m->data, m->size);

	ck_assert_int_eq(r < 0, s.problem != STREAM_NO_PROBLEM);
	r = stream_end(&s);
	ck_assert_int_eq(r, s.problem != STREAM_NO_PROBLEM ? -EBADMSG : 0);
	if (s.problem == STREAM_NO_PROBLEM)
		ck_assert_uint_eq(s.bytes, m->size);
	return s.problem;
}

START_TEST(a_whole_stream_is_walked_to_its_end)
{
	struct stream_maker m = {.size = 0}, small = {.size = 0};

	stream_whole(&m);
	ck_assert_int_eq(walk(&m), STREAM_NO_PROBLEM);
	stream_libxl_header(&small);
	stream_record(&small, LIBXL_LIBXC, 0);
	stream_libxc_header(&small, 2);
	stream_record(&small, LIBXC_END, 0);
	stream_record(&small, LIBXL_END, 0);
	ck_assert_int_eq(walk(&small), STREAM_NO_PROBLEM);
}
END_TEST

START_TEST(a_stream_cut_anywhere_is_cut_short)
{
	struct stream_maker m = {.size = 0};
	size_t size;

	stream_whole(&m);
	size = m.size;
	for (m.size = 0; m.size < size; m.size++)
		ck_assert_int_eq(walk(&m), STREAM_CUT_SHORT);
}
END_TEST

START_TEST(a_stream_that_goes_on_behind_its_end_is_refused)
{
	struct stream_maker m = {.size = 0};

	stream_whole(&m);
	m.size++;
	ck_assert_int_eq(walk(&m), STREAM_GOES_ON);
	m.size += 100;
	ck_assert_int_eq(walk(&m), STREAM_GOES_ON);
}
END_TEST

START_TEST(how_the_bytes_come_makes_no_difference)
{
	struct stream_maker m = {.size = 0};
	struct dice dice = {40};

	stream_whole(&m);
	for (int round = 0; round < 2000; round++) {
		struct stream whole = STREAM_INIT, split = STREAM_INIT;
		struct stream_maker spoilt = m;
		int r = 0;

		/* Most of them spoilt: refusals must not depend on it either. */
		if (!dice_once_in(&dice, 10))
			spoilt.data[dice_pick(&dice, m.size)] ^= (uint8_t)(1U
									   << dice_pick(&dice, 8));
		stream_feed(&whole, spoilt.data, spoilt.size);
		stream_end(&whole);
		for (size_t i = 0; i < spoilt.size && r == 0;) {
			size_t n = MIN(1 + dice_pick(&dice, 20), spoilt.size - i);

			r = stream_feed(&split, spoilt.data + i, n);
			i += n;
		}
		stream_end(&split);
		ck_assert_int_eq(whole.problem, split.problem);
		if (whole.problem == STREAM_NO_PROBLEM)
			ck_assert_uint_eq(whole.bytes, split.bytes);
	}
}
END_TEST

START_TEST(once_refused_it_stays_refused)
{
	struct stream s = STREAM_INIT;
	enum stream_problem problem;

	ck_assert_int_eq(stream_feed(&s, "0123456789abcdef", 16), -EBADMSG);
	problem = s.problem;
	ck_assert_int_eq(stream_feed(&s, "x", 1), -EBADMSG);
	ck_assert_int_eq(stream_feed(&s, "", 0), -EBADMSG);
	ck_assert_int_eq(stream_end(&s), -EBADMSG);
	ck_assert_int_eq(s.problem, problem);
}
END_TEST

/* A whole stream with one byte changed. */
static enum stream_problem spoil(size_t at, uint8_t value)
{
	struct stream_maker m = {.size = 0};

	stream_whole(&m);
	m.data[at] = value;
	return walk(&m);
}

START_TEST(a_head_that_is_not_understood_is_refused)
{
	/* libxl's header, the record that begins the guest, libxc's headers behind it. */
	enum { LIBXL = 0, RECORD = 16, LIBXC = 24, DOMAIN_AT = LIBXC + 24 };

	ck_assert_int_eq(spoil(LIBXL, 'x'), STREAM_NOT_LIBXL);
	ck_assert_int_eq(spoil(LIBXL + 11, 3), STREAM_LIBXL_VERSION_UNKNOWN);
	ck_assert_int_eq(spoil(LIBXL + 11, 1), STREAM_LIBXL_VERSION_UNKNOWN);
	ck_assert_int_eq(spoil(LIBXL + 15, 1), STREAM_FOREIGN_BYTE_ORDER);
	ck_assert_int_eq(spoil(LIBXC, 0), STREAM_NOT_LIBXC);
	ck_assert_int_eq(spoil(LIBXC + 8, 0), STREAM_NOT_LIBXC);
	ck_assert_int_eq(spoil(LIBXC + 15, 1), STREAM_LIBXC_VERSION_UNKNOWN);
	ck_assert_int_eq(spoil(LIBXC + 15, 4), STREAM_LIBXC_VERSION_UNKNOWN);
	ck_assert_int_eq(spoil(LIBXC + 17, 1), STREAM_FOREIGN_BYTE_ORDER);
	ck_assert_int_eq(spoil(DOMAIN_AT + 4, 13), STREAM_FOREIGN_PAGE_SIZE);
	ck_assert_int_eq(spoil(RECORD, 7), STREAM_LIBXL_RECORD_UNKNOWN);
	ck_assert_int_eq(spoil(RECORD + 4, 8), STREAM_SECOND_GUEST);
}
END_TEST

START_TEST(records_that_do_not_fit_are_refused)
{
	struct stream_maker early = {.size = 0}, twice = {.size = 0}, odd = {.size = 0},
			    unknown = {.size = 0}, huge = {.size = 0}, long_end = {.size = 0};

	stream_libxl_header(&early);
	stream_record(&early, LIBXL_END, 0);
	ck_assert_int_eq(walk(&early), STREAM_WITHOUT_GUEST);

	stream_whole(&twice);
	twice.size -= 8;
	stream_record(&twice, LIBXL_LIBXC, 0);
	ck_assert_int_eq(walk(&twice), STREAM_SECOND_GUEST);

	stream_whole(&long_end);
	long_end.size -= 8;
	stream_record(&long_end, LIBXL_END, 8);
	ck_assert_int_eq(walk(&long_end), STREAM_WITHOUT_GUEST);

	stream_libxl_header(&odd);
	stream_record(&odd, LIBXL_LIBXC, 0);
	stream_libxc_header(&odd, 3);
	unknown = huge = odd;
	stream_record(&odd, LIBXC_END, 8);
	ck_assert_int_eq(walk(&odd), STREAM_ODD_END);
	stream_record(&unknown, LIBXC_LAST + 1, 0);
	ck_assert_int_eq(walk(&unknown), STREAM_LIBXC_RECORD_UNKNOWN);

	/* Only the head of it: the body would not fit into any memory. */
	stream_record(&huge, LIBXC_PAGES, 0);
	memcpy(huge.data + huge.size - 4, "\x01\x00\x00\x08", 4);
	ck_assert_int_eq(walk(&huge), STREAM_RECORD_TOO_LONG);
	memcpy(huge.data + huge.size - 4, "\x00\x00\x00\x08", 4);
	ck_assert_int_eq(walk(&huge), STREAM_CUT_SHORT);
}
END_TEST

START_TEST(each_problem_has_words)
{
	ck_assert_ptr_null(stream_problem_to_string(STREAM_NO_PROBLEM));
	for (int i = STREAM_NO_PROBLEM + 1; i < _STREAM_PROBLEM_MAX; i++)
		ck_assert_ptr_nonnull(stream_problem_to_string((enum stream_problem)i));
}
END_TEST

SUITE("stream", a_whole_stream_is_walked_to_its_end, a_stream_cut_anywhere_is_cut_short,
      a_stream_that_goes_on_behind_its_end_is_refused, how_the_bytes_come_makes_no_difference,
      once_refused_it_stays_refused, a_head_that_is_not_understood_is_refused,
      records_that_do_not_fit_are_refused, each_problem_has_words);
