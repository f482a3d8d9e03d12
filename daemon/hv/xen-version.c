/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/xen-version.h"

#include "util/fd.h"
#include "util/str.h"

#define NUMBER_MAX 16

static int read_number(const char *directory, const char *name, char **ret)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	int r = str_format(&path, "%s/%s", directory, name);

	r = r < 0 ? r : file_read(path, NUMBER_MAX, &text, NULL);
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	if (str_empty(text) || text[strspn(text, "0123456789")])
		return -EBADMSG;
	*ret = TAKE_PTR(text);
	return 0;
}

int xen_version_read(const char *directory, char **ret)
{
	_cleanup_free_ char *major = NULL, *minor = NULL;
	int r = read_number(directory, "major", &major);

	r = r < 0 ? r : read_number(directory, "minor", &minor);
	return r < 0 ? r : str_format(ret, "%s.%s", major, minor);
}
