/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/shell.h"
#include "fuzz.h"
#include "util/str.h"

/* Assignments, written down again as NAME='value'. */
struct script {
	char *text;
	size_t size;
	FILE *out;
};

static int write_down(void *data, unsigned line, const char *name, const char *value)
{
	struct script *s = data;

	HOLDS(line > 0);
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

static int read_script(const char *text, size_t size, struct script *ret)
{
	_cleanup_free_ char *reason = NULL;
	unsigned line = 0;
	int r;

	ret->out = open_memstream(&ret->text, &ret->size);
	HOLDS(ret->out);
	r = shell_read(text, size, write_down, ret, &line, &reason);
	fclose(ret->out);
	HOLDS(r == 0 || r == -EINVAL);
	HOLDS(r == 0 ? !reason : reason && line > 0 && line <= size + 1);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script first = {0}, second = {0};

	if (read_script((const char *)data, size, &first) == 0) {
		/* What it means does not depend on how it is written. */
		HOLDS(read_script(first.text, first.size, &second) == 0);
		HOLDS(str_equal(first.text, second.text));
	}
	free(first.text);
	free(second.text);
	return 0;
}
