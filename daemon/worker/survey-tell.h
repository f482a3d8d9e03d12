/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/stat.h>

#include "util/macro.h"
#include "wire/json.h"

/* What is told alike of configurations and images. Each returns 0 or -errno. */

/* A sentence for people. */
int survey_note(int channel, const char *format, ...) _printf_(2, 3);

/*
 * Says that the kernel does not tell changes of a file. Then each status reads it anew.
 */
int survey_unwatched(int channel);

/* Has changes told, or says that they are not. Comes before it is read. */
int survey_watch(int channel, int inotify, const char *path);

/* The same for what changes without its directory: a link, or a file with several names. */
int survey_watch_file(int channel, int inotify, const char *path, const struct stat *st);

/* Says in the object why the file is of no use. */
int survey_set_error(struct json_object *o, const char *path, const char *problem);

bool survey_is_utf8(const char *s);

/* Whether other guests' devices can live in a guest with this configuration of libxl. */
bool survey_is_driver(struct json_object *config);

/* A link that leads nowhere is there; what was removed a moment ago is not. */
bool survey_is_dangling(const char *path);
