/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "hv/survey.h"
#include "util/str.h"

/* Messages with a NUL byte behind each; what the first survey saw is known to the second. */
static struct survey *take_all(const uint8_t *data, size_t size, const struct survey *known)
{
	struct survey *s = calloc(1, sizeof(*s));
	int r = 0;

	HOLDS(s);
	for (size_t at = 0; at < size && r == 0;) {
		size_t length = strnlen((const char *)data + at, size - at);

		r = survey_take_message(s, known, (const char *)data + at, length);
		at += length + 1;
	}
	survey_sort(s);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(survey_freep) struct survey *first = take_all(data, size, NULL);
	_cleanup_(survey_freep) struct survey *second = take_all(data, size, first);

	for (size_t i = 0; i < second->n_configs; i++) {
		const struct survey_config *c = &second->configs[i];

		HOLDS(c->path && (c->error || (c->name && c->config)));
	}
	for (size_t i = 0; i < second->n_images; i++) {
		HOLDS(second->images[i].path && second->images[i].name);
		HOLDS(i == 0 || strcmp(second->images[i - 1].path, second->images[i].path) <= 0);
	}
	return 0;
}
