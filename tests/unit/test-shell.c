/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "core/shell.h"
#include "unit.h"
#include "util/str.h"

/* Adds "|" and a text to what is there. */
static void add(char **all, const char *text)
{
	char *longer;

	ck_assert_int_eq(str_format(&longer, "%s%s%s", *all, **all ? "|" : "", text), 0);
	free(*all);
	*all = longer;
}

static int collect(void *data, const struct shell_place *at _unused_, const char *name,
		   const char *value)
{
	_cleanup_free_ char *text = NULL;

	ck_assert_int_eq(str_format(&text, "%s=%s", name, value), 0);
	add(data, text);
	return 0;
}

/* Of the reason, what stands in the text itself, if it begins with that: 'rm', $A. */
static int collect_refusal(void *data, const struct shell_place *at, const char *reason)
{
	_cleanup_free_ char *text = NULL;
	size_t length = strchr("'$", reason[0]) ? strcspn(reason, " ") : 0;

	ck_assert_int_eq(str_format(&text, "%s%u!%.*s", str_equal(at->path, "/x") ? "" : at->path,
				    at->line, (int)length, reason),
			 0);
	add(data, text);
	return 0;
}

/* The files that can be sourced. */
static int find_file(void *data _unused_, const char *path, const char **ret_text, size_t *ret_size)
{
	static const char *const files[][2] = {
		{"/a", "A=a\n"},
		{"/b", "B=b$A\n. /a\n"},
		{"/bad", "C=1\nrm\nD=2"},
		{"/self", "S=1\n. /self"},
		{"/twice", ". /twice\n. /twice\n"},
	};

	for (size_t i = 0; i < ELEMENTSOF(files); i++)
		if (str_equal(files[i][0], path)) {
			*ret_text = files[i][1];
			*ret_size = strlen(files[i][1]);
			return 0;
		}
	return -ENOENT;
}

static int read_bytes(const char *text, size_t size, char **all)
{
	return shell_read(
		&(struct shell_handler){
			.assign = collect,
			.refuse = collect_refusal,
			.source = find_file,
			.data = all,
		},
		"/x", text, size);
}

/* All of it as "NAME=value|NAME=value"; a refusal is "LINE!", and may tell what is refused. */
static char *read_text(const char *text)
{
	_cleanup_free_ char *all = strdup("");

	ck_assert_int_eq(read_bytes(text, strlen(text), &all), 0);
	return TAKE_PTR(all);
}

struct reading {
	const char *text, *expected;
};

/* The first refusal ends it, and is all that there is then. */
static int keep_first(void *data, const struct shell_place *at, const char *reason)
{
	char **all = data;

	(*all)[0] = '\0';
	collect_refusal(data, at, reason);
	return -EINVAL;
}

static char *read_strictly(const char *text)
{
	_cleanup_free_ char *all = strdup("");
	int r = shell_read(
		&(struct shell_handler){
			.assign = collect,
			.refuse = keep_first,
			.source = find_file,
			.data = &all,
		},
		"/x", text, strlen(text));

	ck_assert(r == 0 || r == -EINVAL);
	return TAKE_PTR(all);
}

static void expect_of(char *(*read)(const char *text), const struct reading *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *said = read(cases[i].text);

		ck_assert_msg(str_equal(said, cases[i].expected), "%s: %s, not %s", cases[i].text,
			      said, cases[i].expected);
	}
}

static void expect(const struct reading *cases, size_t n)
{
	expect_of(read_strictly, cases, n);
}

START_TEST(plain_assignments_are_read)
{
	static const struct reading cases[] = {
		{"", ""},
		{"\n\n", ""},
		{"A=1", "A=1"},
		{"A=1\nB=2\n", "A=1|B=2"},
		{"A=1;B=2", "A=1|B=2"},
		{"A=1 B=2", "A=1|B=2"},
		{"  A=1\t", "A=1"},
		{"A=", "A="},
		{"A=\nB=", "A=|B="},
		{"_a9=x", "_a9=x"},
		{"A=/var/lib/xen/save", "A=/var/lib/xen/save"},
		{"A=a=b", "A=a=b"},
		{"A=*?[x]{y,z}!%@^,.:+-", "A=*?[x]{y,z}!%@^,.:+-"},
		{"A=1\nA=2", "A=1|A=2"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(comments_are_left_out_where_a_shell_does)
{
	static const struct reading cases[] = {
		{"# nothing", ""},    {"#A=1\nB=2", "B=2"},
		{"A=1 # one", "A=1"}, {"A=1;# one\nB=2", "A=1|B=2"},
		{"A=1#2", "A=1#2"},   {"A=''#2", "A=#2"},
		{"# \\\nA=1", "A=1"}, {"# $(rm) `rm` \"\nA=1", "A=1"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(quotes_mean_what_they_mean_to_a_shell)
{
	static const struct reading cases[] = {
		{"A='a b'", "A=a b"},
		{"A=\"a b\"", "A=a b"},
		{"A=\"\"", "A="},
		{"A=''", "A="},
		{"A='a'b\"c\"d", "A=abcd"},
		{"A='\"$B`'", "A=\"$B`"},
		{"A=\"'\"", "A='"},
		{"A='a\\b'", "A=a\\b"},
		{"A=\"a\\b\"", "A=a\\b"},
		{"A=\"\\$B \\` \\\" \\\\\"", "A=$B ` \" \\"},
		{"A=\"$\"", "A=$"},
		{"A=\"a $ b\"", "A=a $ b"},
		{"A=\"50%$\"", "A=50%$"},
		{"A=\"|&;<>()\"", "A=|&;<>()"},
		{"A='# no comment'", "A=# no comment"},
		{"A='a\nb'", "A=a\nb"},
		{"A=\"a\nb\"\nB=1", "A=a\nb|B=1"},
		{"A=\"~\"", "A=~"},
		{"A=a~", "A=a~"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(a_backslash_quotes_and_continues)
{
	static const struct reading cases[] = {
		{"A=a\\ b", "A=a b"}, {"A=\\$B", "A=$B"},       {"A=\\\\", "A=\\"},
		{"A=\\#x", "A=#x"},   {"A=\\~", "A=~"},         {"A=\\\nb", "A=b"},
		{"A=a\\\nb", "A=ab"}, {"A=\"a\\\nb\"", "A=ab"}, {"A=1 \\\nB=2", "A=1|B=2"},
		{"\\\nA=1", "A=1"},   {"A=a\\;b", "A=a;b"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(what_was_set_above_is_put_in)
{
	static const struct reading cases[] = {
		{"A=x\nB=$A", "A=x|B=x"},
		{"A=x\nB=${A}y", "A=x|B=xy"},
		{"A=x\nB=\"$A/$A\"", "A=x|B=x/x"},
		{"A='a b'\nB=$A", "A=a b|B=a b"},
		{"A='$Z'\nB=$A", "A=$Z|B=$Z"},
		{"A=1\nA=$A$A\nA=$A$A", "A=1|A=11|A=1111"},
		{"A=\nB=x$A", "A=|B=x"},
		{"A=1 B=$A", "A=1|B=1"},
		{"AB=1\nA=2\nC=$AB", "AB=1|A=2|C=1"},
		{"A=x\nB=$A-", "A=x|B=x-"},
		{"A=1\nB=$A:", "A=1|B=1:"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(export_is_no_command)
{
	static const struct reading cases[] = {
		{"export A=1", "A=1"},    {"export A=1 B=2", "A=1|B=2"},
		{"A=1\nexport A", "A=1"}, {"export A B", ""},
		{"export", ""},           {"export\nA=1", "A=1"},
		{"export=1", "export=1"}, {"exported=1", "exported=1"},
		{"export A;B=1", "B=1"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(a_value_with_a_command_in_it_is_refused)
{
	static const struct reading cases[] = {
		{"A=$(rm)", "1!$(...)"},
		{"A=\"$(rm)\"", "1!$(...)"},
		{"A=`rm`", "1!"},
		{"A=\"`rm`\"", "1!"},
		{"\nA='x\ny'\nB=\"1\n`rm`\"", "5!"},
		{"A=${B:-rm}", "1!"},
		{"A=1\nB=\"${A%x}\"", "2!"},
		{"A=${}", "1!"},
		{"A=${A", "1!"},
		{"A=1|rm", "1!'|'"},
		{"A=1&", "1!'&'"},
		{"A=<x", "1!'<'"},
		{"A=1>x", "1!'>'"},
		{"A=(1 2)", "1!'('"},
		{"A=1)", "1!')'"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

/* A shell puts something in for these; that they stood for themselves would be a silent surprise.
 */
START_TEST(a_value_that_only_a_shell_knows_is_refused)
{
	static const char *const cases[] = {
		"A=$$",     "A=\"$$\"", "A=$0",         "A=\"$1\"", "A=\"$?\"",       "A=\"$#\"",
		"A=\"$@\"", "A=\"$*\"", "A=\"$-\"",     "A=\"$!\"", "A=\"$[1+1]\"",   "A=$'x'",
		"A=$\"x\"", "A=$.",     "A=\"$\\\nB\"", "A=$\\\nB", "B=1\nA=$B\\\nC",
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *said = read_strictly(cases[i]);

		ck_assert_msg(str_ends_with(said, "!"), "%s: %s", cases[i], said);
	}
}
END_TEST

START_TEST(a_word_that_is_a_command_is_refused_with_its_line)
{
	static const struct reading cases[] = {
		{"rm", "1!'rm'"},         {"A=1\n\nif true", "3!'if'"},
		{"A=1 rm", "1!'rm'"},     {"A=1;rm -r x", "1!'rm'"},
		{"A+=1", "1!'A+=1'"},     {"A = 1", "1!"},
		{"A[0]=1", "1!'A[0]=1'"}, {"1A=x", "1!'1A=x'"},
		{"'A'=1", "1!''A'=1'"},   {"export -n A", "1!'-n'"},
		{"export A\nB", "2!'B'"}, {"\xc3\xa4=1", "1!'\xc3\xa4=1'"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(blanks_around_the_sign_are_explained)
{
	static const struct reading cases[] = {
		{"A = 1", "1!"},
		{"A\t=1", "1!"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(what_is_not_closed_is_refused_where_it_begins)
{
	static const struct reading cases[] = {
		{"A='x", "1!"},        {"A=1\nB=\"x\ny", "2!"}, {"A=\"x\\\"", "1!"},
		{"A=\"x\\", "1!"},     {"A=x\\", "1!"},         {"A=1\nB=$C", "2!$C"},
		{"A=$A", "1!$A"},      {"B=$AB\nA=1", "1!$AB"}, {"A=~/x", "1!'~'"},
		{"A=/x:~/y", "1!'~'"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(a_file_from_another_system_is_explained)
{
	static const struct reading cases[] = {
		{"A=1\r\nB=2\r\n", "1!"},
		{"\r\n# x\r\nA='1'\r\n", "3!"},
		{"A=\"x\r\"", "A=x\r"},
	};

	expect(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	static const char text[] = "A=1\0B=2\n";
	_cleanup_free_ char *all = strdup("");

	ck_assert_int_eq(read_bytes(text, sizeof(text) - 1, &all), 0);
	ck_assert_str_eq(all, "1!");
}
END_TEST

START_TEST(the_size_counts_and_not_a_terminator)
{
	_cleanup_free_ char *all = strdup("");

	ck_assert_int_eq(read_bytes("A=12", 3, &all), 0);
	ck_assert_str_eq(all, "A=1");
}
END_TEST

START_TEST(a_value_that_doubles_at_each_line_ends_somewhere)
{
	_cleanup_free_ char *said = NULL;
	char text[1000] = "A=0123456789abcdef\n";

	for (int i = 0; i < 40; i++)
		strcat(text, "A=$A$A\n");
	said = read_strictly(text);
	ck_assert(str_equal(said, "14!"));
}
END_TEST

static int stop_at_second(void *data, const struct shell_place *at, const char *name _unused_,
			  const char *value _unused_)
{
	unsigned *seen = data;

	*seen = at->line;
	return at->line == 2 ? -EXFULL : 0;
}

START_TEST(the_callback_can_end_it_and_knows_the_line)
{
	static const char text[] = "A=1\nB='x\ny'\nC=3\n";
	unsigned seen = 0;

	ck_assert_int_eq(shell_read(&(struct shell_handler){.assign = stop_at_second,
							    .refuse = collect_refusal,
							    .source = find_file,
							    .data = &seen},
				    "/x", text, strlen(text)),
			 -EXFULL);
	ck_assert_uint_eq(seen, 2);
}
END_TEST

START_TEST(the_rest_is_read_when_a_line_is_refused)
{
	static const struct reading cases[] = {
		{"rm\nA=1", "1!'rm'|A=1"},
		{"A=1 rm B=2\nC=3", "1!'rm'|C=3"},
		/* An assignment before a command is for that only. */
		{"A= --wait\nB=2", "1!'--wait'|B=2"},
		{"A=s u\nB=2 C=3", "1!'u'|B=2|C=3"},
		/* Lines that may be another's are left out. */
		{"A=1\nif x\nB=2\nfi", "A=1|2!'if'"},
		{"f() {\nA=1\n}", "1!'f()'"},
		{"cat <<E\nA=1\nE", "1!'cat'"},
		{"A=`x`\nB=2", "1!|B=2"},
		{"A=`x`;B=2\nC=3", "1!|C=3"},
		/* Of a quote that is closed, no line is one of its own. */
		{"A=\"`x`\nB=2\"\nC=3", "1!|C=3"},
		{"rm 'x\nB=2' # it's\nC=3", "1!'rm'|C=3"},
		{"rm x\\\nB=2\nC=3", "1!'rm'|C=3"},
		{"A='x\nB=2\n", "1!|B=2"},
		{"A=$B\nB=2\nC=$B", "1!$B|B=2|C=2"},
		{"A=1\nA=~\nC=$A", "A=1|2!'~'|C=1"},
	};

	expect_of(read_text, cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(a_file_that_is_sourced_is_read_where_it_stands)
{
	static const struct reading cases[] = {
		{". /a", "A=a"},
		{"source /a\nA=1", "A=a|A=1"},
		{"A=1\nsource\t'/a' # x\nB=$A", "A=1|A=a|B=a"},
		{"A=1;. /a;B=2", "A=1|A=a|B=2"},
		{". \\\n/a\nB=$", "A=a|B=$"},
		{"A=1\n. /b\nC=$B$A", "A=1|B=b1|A=a|C=b1a"},
		{". /bad\nE=3\nrm", "C=1|/bad2!'rm'|D=2|E=3|3!'rm'"},
		{"source=1", "source=1"},
	};

	expect_of(read_text, cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(a_file_that_cannot_be_sourced_is_a_refused_line)
{
	static const struct reading cases[] = {
		{"A=1\n. /none\nB=2", "A=1|2!|B=2"},
		{". a", "1!"},
		{"source", "1!"},
		{"A=/a\n. $A", "A=/a|2!'$'"},
		{". /a*", "1!'*'"},
		{". /a b", "1!"},
		{". `a`", "1!"},
		{". /a && rm", "1!"},
		{"A=1 . /a", "1!'.'"},
		{"export . /a", "1!'.'"},
	};

	expect_of(read_text, cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(files_that_source_themselves_end_somewhere)
{
	_cleanup_free_ char *self = read_text(". /self"), *twice = read_text(". /twice");

	ck_assert(str_starts_with(self, "S=1|S=1|"));
	ck_assert_ptr_nonnull(strstr(self, "/self2!"));
	ck_assert_ptr_nonnull(strstr(twice, "/twice1!"));
}
END_TEST

SUITE("shell", the_rest_is_read_when_a_line_is_refused,
      a_file_that_is_sourced_is_read_where_it_stands,
      a_file_that_cannot_be_sourced_is_a_refused_line, files_that_source_themselves_end_somewhere,
      plain_assignments_are_read, comments_are_left_out_where_a_shell_does,
      quotes_mean_what_they_mean_to_a_shell, a_backslash_quotes_and_continues,
      what_was_set_above_is_put_in, export_is_no_command, a_value_with_a_command_in_it_is_refused,
      a_value_that_only_a_shell_knows_is_refused, a_word_that_is_a_command_is_refused_with_its_line,
      blanks_around_the_sign_are_explained, what_is_not_closed_is_refused_where_it_begins,
      a_file_from_another_system_is_explained, a_nul_byte_is_refused,
      the_size_counts_and_not_a_terminator, a_value_that_doubles_at_each_line_ends_somewhere,
      the_callback_can_end_it_and_knows_the_line);
