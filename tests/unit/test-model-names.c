/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/beginning.h"
#include "model/compression.h"
#include "model/guest-state.h"
#include "model/host-lock.h"
#include "model/image-standing.h"
#include "model/stage.h"
#include "unit.h"

/* For each enum, its names back and forth, and what is no name. */
#define EXPECT_NAMES(type, max)                                                                    \
	do {                                                                                       \
		for (int i = 0; i < (max); i++)                                                    \
			ck_assert_int_eq(type##_from_string(type##_to_string((enum type)i)), i);   \
		ck_assert_int_eq(type##_from_string("nonsense"), -EINVAL);                         \
		ck_assert_int_eq(type##_from_string(NULL), -EINVAL);                               \
	} while (0)

START_TEST(names_and_numbers_are_inverse)
{
	EXPECT_NAMES(beginning, _BEGINNING_MAX);
	EXPECT_NAMES(compression, _COMPRESSION_MAX);
	EXPECT_NAMES(guest_state, _GUEST_STATE_MAX);
	EXPECT_NAMES(host_lock, _HOST_LOCK_MAX);
	EXPECT_NAMES(image_standing, _IMAGE_STANDING_MAX);
	EXPECT_NAMES(stage, _STAGE_MAX);
}
END_TEST

START_TEST(no_stage_has_no_name)
{
	ck_assert_ptr_null(stage_to_string(_STAGE_INVALID));
}
END_TEST

/* Ledgers, operation files and images hold these, and are read by other versions. */
START_TEST(words_of_files_stay_as_they_are)
{
	ck_assert_int_eq(beginning_from_string("create"), BEGINNING_CREATE);
	ck_assert_int_eq(compression_from_string("zstd"), COMPRESSION_ZSTD);
	ck_assert_int_eq(image_standing_from_string("suspect"), IMAGE_SUSPECT);
	ck_assert_int_eq(image_standing_from_string("newest"), IMAGE_NEWEST);
	ck_assert_int_eq(image_standing_from_string("forgotten"), IMAGE_FORGOTTEN);
}
END_TEST

SUITE("model-names", names_and_numbers_are_inverse, no_stage_has_no_name,
      words_of_files_stay_as_they_are);
