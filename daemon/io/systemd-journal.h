/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/log.h"

/*
 * Messages for systemd-journald, by its native protocol: sd_journal_sendv() waits for a journald
 * that hangs, and so would the guests of a host that goes down.
 * Source: systemd.io/JOURNAL_NATIVE_PROTOCOL.
 */

/* True if standard error goes to the journal: then journal_sink() may be set. */
bool journal_is_stderr(void);

/* Where messages are sent, from the next one on; the journal unless it is said. path is kept. */
void journal_set_socket(const char *path);

/*
 * Sends a message with its fields (log_set_sink()). One that is not taken in time is lost
 * (util/output.h), and the next one that is taken has their number, XEN_LOST=.
 */
void journal_sink(int level, const struct log_fields *fields, const char *message);
