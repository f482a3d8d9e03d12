/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "util/macro.h"

/*
 * Output whose reader may hang: the journal, when its disk does. No guest waits for that. A message
 * that is not taken within OUTPUT_PATIENCE_MSEC is lost; those after it are not waited for, until
 * one is taken again.
 */
#define OUTPUT_PATIENCE_MSEC 1000

struct output {
	int fd;
	int patience_msec;
	bool stuck;         /* the reader is not waited for */
	unsigned long lost; /* messages, since one was taken */
};

#define OUTPUT_INIT(_fd)                                                                           \
	{                                                                                          \
		.fd = (_fd), .patience_msec = OUTPUT_PATIENCE_MSEC                                 \
	}

/* Whether something can be written now, or within the timeout. If not, a message is lost. */
bool output_is_ready(struct output *o);

/* How many messages were lost before the one that is taken now. */
unsigned long output_recover(struct output *o);

/*
 * Puts a stream in the place of standard error or standard output, buffered like that one, which
 * loses what is not read in time. It stays for the life of the process. 0 or -errno.
 */
int output_guard_stderr(void);
int output_guard_stdout(void);
