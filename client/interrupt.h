/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From now on Ctrl-C prints text, which must stay, before it ends the client; unless it is ignored,
 * as in the background.
 */
void interrupt_begin(const char *text);

/* Ctrl-C ends the client without a word again. */
void interrupt_end(void);
