/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/shell.h"
#include "fuzz.h"
#include "util/str.h"

/* Assignments, written down again as NAME='value'. */
struct script {
	const char *input;
	size_t input_size;
	unsigned n_refused;
	char *text;
	size_t size;
	FILE *out;
};

static int write_down(void *data, const struct shell_place *at, const char *name, const char *value)
{
	struct script *s = data;

	HOLDS(at->line > 0);
	HOLDS(!str_empty(name));
	fprintf(s->out, "%s='", name);
	for (; *value; value++)
		if (*value == '\'')
			fputs("'\\''", s->out);
		else
			fputc(*value, s->out);
	fputs("'\n", s->out);
	return 0;
}

static int count_refusal(void *data, const struct shell_place *at, const char *reason)
{
	struct script *s = data;

	HOLDS(at->line > 0 && at->line <= s->input_size + 1);
	HOLDS(!str_empty(reason));
	s->n_refused++;
	return 0;
}

/* A file sources itself, or its end. */
static int source(void *data, const char *path, const char **ret_text, size_t *ret_size)
{
	struct script *s = data;
	size_t skipped = path[1] == 'e' ? s->input_size / 2 : 0;

	HOLDS(path[0] == '/');
	*ret_text = s->input + skipped;
	*ret_size = s->input_size - skipped;
	return 0;
}

static void read_script(const char *text, size_t size, struct script *ret)
{
	const struct shell_handler handler = {
		.assign = write_down,
		.refuse = count_refusal,
		.source = source,
		.data = ret,
	};

	ret->input = text;
	ret->input_size = size;
	ret->out = open_memstream(&ret->text, &ret->size);
	HOLDS(ret->out);
	HOLDS(shell_read(&handler, "/x", text, size) == 0);
	fclose(ret->out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script first = {0}, second = {0};

	/* What it means does not depend on how it is written. */
	read_script((const char *)data, size, &first);
	read_script(first.text, first.size, &second);
	HOLDS(second.n_refused == 0);
	HOLDS(str_equal(first.text, second.text));
	free(first.text);
	free(second.text);
	return 0;
}
