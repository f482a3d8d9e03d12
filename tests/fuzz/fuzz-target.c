/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "model/migrate-target.h"
#include "util/str.h"

static void check(const struct target *t)
{
	/* What is run begins with a word, and no word could be taken for something else. */
	HOLDS(!str_empty(t->host) && t->host[0] != '-');
	HOLDS(t->command && t->command[0]);
	for (size_t i = 0; t->command[i]; i++)
		HOLDS(!strpbrk(t->command[i], "$`\\;&|<>()*?[]{}!~#\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(target_list_done) struct target_list list = {0}, copy = {0};
	_cleanup_(target_done) struct target target = {0};
	_cleanup_free_ char *text = fuzz_text(data, size);
	enum target_problem problem = _TARGET_PROBLEM_INVALID;
	int r = target_parse(text, &target, &problem);

	HOLDS(r == 0 || r == -ENODATA || (r == -EINVAL && problem >= 0));
	if (r == 0)
		check(&target);
	problem = _TARGET_PROBLEM_INVALID;
	r = target_list_parse(text, &list, &problem);
	HOLDS(r == 0 || (r == -EINVAL && problem >= 0));
	HOLDS(target_list_copy(&list, &copy) == 0 && copy.n == list.n);
	for (size_t i = 0; i < copy.n; i++)
		check(&copy.targets[i]);
	return 0;
}
