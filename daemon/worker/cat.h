/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Writes an image to a pipe or a file as "xl restore" takes it, that is, without compression. Its
 * last bytes are written only when all of it was found to be whole: of any other image, the reader
 * sees a stream that breaks off. Says on standard error what is wrong. 0 or -errno.
 */
int run_cat(const char *path, int out);
