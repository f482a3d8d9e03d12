/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "option-value.h"

#include <stdio.h>

#include "meant.h"
#include "util/nearest.h"
#include "util/str.h"
#include "width.h"

static void explain(const char *option, const char *value, const char *const *names, size_t n)
{
	_cleanup_free_ char *clean = text_clean(value);
	struct nearest nearest = {.word = value};
	const char *separator = "";

	for (size_t i = 0; i < n; i++)
		if (names[i])
			nearest_consider(&nearest, names[i]);
	fprintf(stderr, "%s does not take \"%s\"", option, clean ? clean : "");
	meant_ask(stderr, nearest.found);
	fputs(" It takes ", stderr);
	for (size_t i = 0; i < n; i++)
		if (names[i]) {
			fprintf(stderr, "%s%s", separator, names[i]);
			separator = ", ";
		}
	fputc('\n', stderr);
}

int option_value(const char *option, const char *value, const char *const *names, size_t n)
{
	int i = str_lookup(names, n, value);

	if (i < 0)
		explain(option, value, names, n);
	return i;
}

int option_value_list(const char *option, const char *value, const char *const *names, size_t n,
		      size_t *ret)
{
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy, *word;
	int count = 0;

	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&rest, ","))) {
		int i = option_value(option, word, names, n);
		bool known = false;

		if (i < 0)
			return i;
		for (int j = 0; j < count; j++)
			known |= ret[j] == (size_t)i;
		if (!known)
			ret[count++] = (size_t)i;
	}
	return count;
}
