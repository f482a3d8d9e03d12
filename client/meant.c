/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "meant.h"

#include "util/macro.h"
#include "width.h"

void meant_ask(FILE *out, const char *found)
{
	_cleanup_free_ char *clean = found ? text_clean(found) : NULL;

	fputc('.', out);
	if (clean)
		fprintf(out, " Did you mean \"%s\"?", clean);
}
