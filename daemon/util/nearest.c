/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/nearest.h"

#include <string.h>

#include "util/str.h"

/* A longer word is no slip of the fingers. */
#define LENGTH_MAX 64

/*
 * How many characters are to be put in, left out, replaced, or exchanged with their neighbour.
 * SIZE_MAX: more than max, as far as was looked.
 */
static size_t distance(const char *a, const char *b, size_t max)
{
	size_t rows[3][LENGTH_MAX + 1], n = strlen(a), m = strlen(b);
	size_t *before = rows[0], *last = rows[1], *now = rows[2], least = 0;

	if (n > LENGTH_MAX || m > LENGTH_MAX || MAX(n, m) - MIN(n, m) > max)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *spare = before, reached = least;

		now[0] = least = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = MIN(last[j] + 1, now[j - 1] + 1);
			now[j] = MIN(now[j], last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], before[j - 2] + 1);
			least = MIN(least, now[j]);
		}
		/* No later row has less than the least of two in a row, which neighbours exchange.
		 */
		if (MIN(least, reached) > max)
			return SIZE_MAX;
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

void nearest_consider(struct nearest *n, const char *candidate)
{
	/* A word that was not typed to its end is nearer than one with a slip. */
	bool begins = n->word[0] && n->word[1] && str_starts_with(candidate, n->word);
	/* With a third of its characters wrong it is another word; one may always be. */
	size_t max = MAX(strlen(n->word) / 3, (size_t)1);
	size_t d = begins ? 0 : distance(n->word, candidate, max);

	if (d > max || (n->found && d >= n->distance))
		return;
	n->found = candidate;
	n->distance = d;
}

const char *nearest_word(const char *word, const char *const *candidates, size_t n)
{
	struct nearest nearest = {.word = word};

	for (size_t i = 0; i < n; i++)
		nearest_consider(&nearest, candidates[i]);
	return nearest.found;
}
