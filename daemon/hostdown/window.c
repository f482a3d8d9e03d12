/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/window.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/str.h"

#define FILE_NAME "window"
#define FILE_MAX  32

void window_note(const char *folder, usec_t begin)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int r = str_format(&path, "%s/" FILE_NAME, folder);

	if (r >= 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		r = fd < 0 || dprintf(fd, "%" PRIu64, begin) < 0 ? -errno : 0;
	}
	if (r < 0)
		log_warning_errno(r, "Failed to record when the host began to go down");
}

void window_forget(const char *folder)
{
	_cleanup_free_ char *path = NULL;

	if (str_format(&path, "%s/" FILE_NAME, folder) >= 0)
		unlink(path);
}

int window_recall(const char *folder, usec_t *ret_begin)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	int r = str_format(&path, "%s/" FILE_NAME, folder);

	r = r < 0 ? r : file_read(path, FILE_MAX, &text, NULL);
	return r < 0 ? r : parse_u64(text, UINT64_MAX, ret_begin);
}
