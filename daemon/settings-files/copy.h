/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "settings-files/files.h"

/*
 * A copy of the last good settings, for a time when the files are refused. It has a checksum: a
 * copy that is torn, too large, another version's or another user's counts as none. The next good
 * settings replace each of them: a copy has nothing that those do not have.
 */

/*
 * Returns 0, -EPROTO where another version wrote it, or -ENODATA or another -errno where there is
 * no copy for these paths.
 */
int settings_copy_read(const struct settings_paths *paths, struct settings *ret);

/*
 * Replaces the copy, on the disk too, unless it says the same already. It waits for the disk: for a
 * helper of the daemon, whose number it takes. Where it fails, where text is NULL for that it would
 * be too large, and where it waits for another helper until neither this daemon nor a next one
 * lives, there is no copy any more, or only an older one that cannot be removed. 0 or -errno.
 */
int settings_copy_put(const struct settings_paths *paths, const char *text, size_t size,
		      pid_t daemon);

/*
 * The content of a copy, and back. 0, -ENOMEM, -EFBIG, -EPROTO (another
 * version wrote it) or -EBADMSG. parse() changes the text.
 */
int settings_copy_format(const struct settings *s, char **ret, size_t *ret_size);
int settings_copy_parse(char *text, size_t size, struct settings *ret);
