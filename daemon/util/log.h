/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <syslog.h>

#include "util/journal-fields.h"
#include "util/msgid.h"

/*
 * All messages pass through here. A message may carry the fields that the journal indexes
 * (XEN_DOMAIN= and so on); where they go is up to the sink. Until log_set_sink() is called they
 * are written to standard error, which is also what the client and the workers keep.
 */

/* The message begins with the guest's name if there is one, and is safe to print; fields are not.
 */
typedef void (*log_sink_fn)(int level, const struct log_fields *fields, const char *message);

void log_set_sink(log_sink_fn sink);

/* Messages less urgent than this level (LOG_ERR .. LOG_DEBUG) are dropped. */
void log_set_max_level(int level);

/* With true, standard error gets "<N>" before each line, for a reader like systemd's. */
void log_set_prefix(bool prefix);

void log_message(int level, const struct log_fields *fields, const char *format, ...)
	_printf_(3, 4);

#define log_debug(...)   log_message(LOG_DEBUG, NULL, __VA_ARGS__)
#define log_info(...)    log_message(LOG_INFO, NULL, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, NULL, __VA_ARGS__)
#define log_error(...)   log_message(LOG_ERR, NULL, __VA_ARGS__)

/* Logs "text: strerror" for a negative errno, and returns it. */
int log_errno(int level, int error, const char *format, ...) _printf_(3, 4);

#define log_error_errno(error, ...)   log_errno(LOG_ERR, error, __VA_ARGS__)
#define log_warning_errno(error, ...) log_errno(LOG_WARNING, error, __VA_ARGS__)
