/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"
#include "util/fd.h"
#include "util/str.h"

#define SEED_MAX (1U << 20)

/* Beginnings of a seed are tried too, but not all of those of a long one. */
#define BEGINNINGS_MAX 2000

/* In memory of its own size, so that a step too far is noticed. */
static void run(const char *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	HOLDS(copy);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int replay(const char *path)
{
	_cleanup_free_ char *data = NULL;
	size_t size, step;
	int r = file_read(path, SEED_MAX, &data, &size);

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
		return r;
	}
	step = size / BEGINNINGS_MAX + 1;
	for (size_t length = 0; length < size; length += step)
		run(data, length);
	run(data, size);
	return 0;
}

/* Replays all that is in the folder, and the empty input. */
int main(int argc, char **argv)
{
	struct dirent **entries;
	int n = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
	int r = 0, seeds = 0;

	if (n < 0) {
		fprintf(stderr, "Usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	run("", 0);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (entries[i]->d_name[0] != '.' && r >= 0) {
			r = str_format(&path, "%s/%s", argv[1], entries[i]->d_name);
			r = r < 0 ? r : replay(path);
			seeds++;
		}
		free(entries[i]);
	}
	free(entries);
	/* A corpus that is gone would let any target pass. */
	return r < 0 || seeds == 0 ? 1 : 0;
}
