/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/*
 * Messages of libxl and xl without what can be a password. A disk can be a source of QEMU's or of a
 * script ("rbd:pool/image:key=..."), and their messages have it word by word. They are read by
 * people who may read the journal, or ask for the status, but not the configuration.
 */

/* Whether there can be a password in a disk: it is no path of a file, and more than a name. */
bool hide_is_due(const char *disk);

/* The text without the disk. NULL: no memory. */
char *hide_disk(const char *text, const char *disk);

/* The text without what it quotes, as xl does: `...'. NULL: no memory. */
char *hide_quotes(const char *text);
