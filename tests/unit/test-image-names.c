/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <limits.h>

#include "model/image-names.h"
#include "unit.h"
#include "util/str.h"

static const struct {
	const char *name, *file;
} file_names[] = {
	{"web", "web"},
	{"web.example.org", "web.example.org"},
	{"A-z_0+1,2=3@4^5", "A-z_0+1,2=3@4^5"},
	{"..", "%2E."},
	{".", "%2E"},
	{".hidden", "%2Ehidden"},
	{"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
	{"a b", "a%20b"},
	{"50%", "50%25"},
	{"a\nb", "a%0Ab"},
	{"gr\xc3\xbc", "gr%C3%BC"},
	{"~web", "%7Eweb"},
	/* What means something to us must not come from a guest. */
	{"web.part", "web%2Epart"},
	{"web.restoring", "web%2Erestoring"},
	{"web.stale-1", "web%2Estale-1"},
	{"web.part.part", "web.part%2Epart"},
	{"web.partner", "web.partner"},
	{"web.restoring2", "web.restoring2"},
};

START_TEST(a_name_that_is_no_file_name_is_escaped)
{
	for (size_t i = 0; i < ELEMENTSOF(file_names); i++) {
		_cleanup_free_ char *file = NULL, *name = NULL;

		ck_assert_int_eq(file_name_escape(file_names[i].name, &file), 0);
		ck_assert_str_eq(file, file_names[i].file);
		ck_assert_int_eq(file_name_unescape(file, &name), 0);
		ck_assert_str_eq(name, file_names[i].name);
	}
}
END_TEST

START_TEST(any_name_comes_back_from_its_file)
{
	struct dice dice = {1};

	for (int round = 0; round < 2000; round++) {
		_cleanup_free_ char *file = NULL, *back = NULL;
		char name[40] = "";
		size_t length = 1 + dice_pick(&dice, sizeof(name) - 1);

		for (size_t i = 0; i < length; i++)
			name[i] = dice_once_in(&dice, 4) ? "./%- "[dice_pick(&dice, 5)]
							 : (char)(1 + dice_pick(&dice, 255));
		ck_assert_int_eq(file_name_escape(name, &file), 0);
		ck_assert_int_ne(file[0], '.');
		ck_assert_ptr_null(strchr(file, '/'));
		ck_assert_int_eq(file_name_unescape(file, &back), 0);
		ck_assert_str_eq(back, name);
	}
}
END_TEST

START_TEST(a_name_too_long_for_a_file_is_refused)
{
	_cleanup_free_ char *file = NULL;
	char name[NAME_MAX + 1];

	/* Room is left for ".stale-" and a time behind it. */
	memset(name, 'a', sizeof(name));
	name[NAME_MAX - 32] = '\0';
	ck_assert_int_eq(file_name_escape(name, &file), 0);
	ck_assert_uint_le(strlen(file) + strlen(".stale-18446744073709551615"), NAME_MAX);
	name[NAME_MAX - 32] = 'a';
	name[NAME_MAX - 31] = '\0';
	free(TAKE_PTR(file));
	ck_assert_int_eq(file_name_escape(name, &file), -ENAMETOOLONG);
	memset(name, ' ', 100);
	name[100] = '\0';
	ck_assert_int_eq(file_name_escape(name, &file), -ENAMETOOLONG);
	ck_assert_int_eq(file_name_escape("", &file), -EINVAL);
	ck_assert_ptr_null(file);
}
END_TEST

START_TEST(a_broken_escape_is_refused)
{
	static const char *const broken[] = {"%", "a%", "%2", "%2e", "%zz", "%00", "a%0", "% 20"};
	char *name = NULL;

	for (size_t i = 0; i < ELEMENTSOF(broken); i++)
		ck_assert_int_eq(file_name_unescape(broken[i], &name), -EINVAL);
	ck_assert_ptr_null(name);
}
END_TEST

SUITE("image-names", a_name_that_is_no_file_name_is_escaped, any_name_comes_back_from_its_file,
      a_name_too_long_for_a_file_is_refused, a_broken_escape_is_refused);
