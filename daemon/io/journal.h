/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/log.h"

/* True if standard error goes to the journal: then journal_sink() may be set. */
bool journal_is_stderr(void);

/* Sends a message with its fields (log_set_sink()). */
void journal_sink(int level, const struct log_fields *fields, const char *message);
