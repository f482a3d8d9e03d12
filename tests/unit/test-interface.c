/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <ctype.h>
#include <stdio.h>

#include "core/inventory.h"
#include "unit.h"
#include "util/result.h"
#include "util/str.h"
#include "wire/interface.h"
#include "wire/varlink.h"

#define NAMES_MAX 64

/* The members that a description defines: "method Start", "type Guest" and so on. */
struct description {
	char names[NAMES_MAX][64];
	size_t n;
};

/* Where the word that begins here ends. */
static size_t word_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* Skips "(...)", with what is nested in it. */
static const char *skip_group(const char *p)
{
	int depth = 0;

	do {
		ck_assert_msg(*p, "a parenthesis is never closed");
		depth += (*p == '(') - (*p == ')');
		p++;
	} while (depth > 0);
	return p;
}

static const char *skip_blank(const char *p)
{
	while (*p && (isspace((unsigned char)*p) || *p == '#'))
		p += *p == '#' ? strcspn(p, "\n") : 1;
	return p;
}

/* As the grammar of Varlink has it, so far as we use it. */
static void read_description(const char *text, const char *interface, struct description *ret)
{
	char head[100];
	const char *p = skip_blank(text);

	snprintf(head, sizeof(head), "interface %s\n", interface);
	ck_assert_msg(str_starts_with(p, head), "it does not begin with %s", head);
	p = skip_blank(p + strlen(head));
	while (*p) {
		size_t kind = word_length(p), name = word_length(p + kind + 1);

		ck_assert_uint_gt(kind, 0);
		ck_assert_uint_gt(name, 0);
		ck_assert_uint_lt(ret->n, NAMES_MAX);
		snprintf(ret->names[ret->n++], 64, "%.*s", (int)(kind + 1 + name), p);
		ck_assert_msg(isupper((unsigned char)p[kind + 1]), "%s", ret->names[ret->n - 1]);
		p += kind + 1 + name;
		p = skip_group(p + strspn(p, " "));
		if (str_starts_with(ret->names[ret->n - 1], "method ")) {
			ck_assert(str_starts_with(p, " -> ("));
			p = skip_group(p + strlen(" -> "));
		}
		ck_assert_int_eq(*p, '\n');
		p = skip_blank(p);
	}
}

static bool defines(const struct description *d, const char *kind, const char *full_name)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %s", kind, strrchr(full_name, '.') + 1);
	for (size_t i = 0; i < d->n; i++)
		if (str_equal(d->names[i], name))
			return true;
	return false;
}

/* Whether a table of full names has one that is described. */
static bool has(const char *const *names, size_t n, const char *described)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(strrchr(names[i], '.') + 1, strchr(described, ' ') + 1))
			return true;
	return false;
}

START_TEST(every_method_and_error_is_described_and_no_other)
{
	static const char *const methods[] = {
		METHOD_START,        METHOD_STOP,        METHOD_RESTART, METHOD_CANCEL,
		METHOD_STATUS,       METHOD_PLAN,        METHOD_RELOAD,  METHOD_LIST_IMAGES,
		METHOD_VERIFY_IMAGE, METHOD_DELETE_IMAGE};
	static const char *const errors[] = {ERROR_NO_SUCH_GUEST, ERROR_CONFIGURATION_REFUSED,
					     ERROR_NOT_POSSIBLE};
	struct description d = {0};

	read_description(interface_description, INTERFACE, &d);
	for (size_t i = 0; i < ELEMENTSOF(methods); i++)
		ck_assert_msg(defines(&d, "method", methods[i]), "%s", methods[i]);
	for (size_t i = 0; i < ELEMENTSOF(errors); i++)
		ck_assert_msg(defines(&d, "error", errors[i]), "%s", errors[i]);
	for (size_t i = 0; i < d.n; i++) {
		if (str_starts_with(d.names[i], "method "))
			ck_assert_msg(has(methods, ELEMENTSOF(methods), d.names[i]),
				      "%s is in no table here", d.names[i]);
		if (str_starts_with(d.names[i], "error "))
			ck_assert_msg(has(errors, ELEMENTSOF(errors), d.names[i]),
				      "%s is in no table here", d.names[i]);
	}
}
END_TEST

START_TEST(the_service_interface_is_the_standard_one)
{
	static const char *const errors[] = {
		VARLINK_ERROR_INTERFACE_NOT_FOUND, VARLINK_ERROR_METHOD_NOT_FOUND,
		VARLINK_ERROR_INVALID_PARAMETER, VARLINK_ERROR_PERMISSION_DENIED};
	struct description d = {0};

	read_description(interface_service_description, INTERFACE_SERVICE, &d);
	ck_assert(defines(&d, "method", INTERFACE_SERVICE ".GetInfo"));
	ck_assert(defines(&d, "method", INTERFACE_SERVICE ".GetInterfaceDescription"));
	for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
		ck_assert(str_starts_with(errors[i], INTERFACE_SERVICE "."));
		ck_assert_msg(defines(&d, "error", errors[i]), "%s", errors[i]);
	}
}
END_TEST

START_TEST(every_type_that_is_used_is_defined)
{
	static const char *const types[] = {"State", "Guest", "Event", "Step"};
	struct description d = {0};

	read_description(interface_description, INTERFACE, &d);
	for (size_t i = 0; i < ELEMENTSOF(types); i++) {
		char name[64];

		snprintf(name, sizeof(name), ".%s", types[i]);
		ck_assert_msg(defines(&d, "type", name), "%s", types[i]);
	}
}
END_TEST

START_TEST(every_state_of_a_guest_is_described)
{
	const char *begin = strstr(interface_description, "type State (");
	_cleanup_free_ char *states = NULL;

	ck_assert_ptr_nonnull(begin);
	states = strndup(begin, (size_t)(skip_group(begin + strlen("type State ")) - begin));
	for (int i = 0; i < _GUEST_STATE_MAX; i++) {
		_cleanup_free_ char *name = strdup(guest_state_to_string((enum guest_state)i));
		const char *at;

		/* Varlink has no '-' in names. */
		for (char *p = name; *p; p++)
			*p = *p == '-' ? '_' : *p;
		at = strstr(states, name);
		ck_assert_msg(at && !isalnum((unsigned char)at[-1]) &&
				      strchr(",)", at[strlen(name)]),
			      "%s", name);
	}
}
END_TEST

START_TEST(every_result_of_a_stage_is_described)
{
	char results[100] = "result: ";

	for (int i = 0; i < _RESULT_MAX; i++) {
		strcat(results, i ? ", " : "");
		strcat(results, result_to_string((enum result)i));
	}
	strcat(results, ".");
	ck_assert_msg(strstr(interface_description, results), "%s", results);
}
END_TEST

SUITE("interface", every_method_and_error_is_described_and_no_other,
      the_service_interface_is_the_standard_one, every_type_that_is_used_is_defined,
      every_state_of_a_guest_is_described, every_result_of_a_stage_is_described);
