/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * What a survey reads, one piece at a time, and what it tells of it on the channel. Any of it can
 * lie on a server that does not answer, and then its reader never returns.
 */
enum survey_kind {
	SURVEY_IMAGES,  /* the directory of images; tells the names of its files */
	SURVEY_ROOM,    /* in that */
	SURVEY_CONFIGS, /* the directory of configurations; tells the names of its files */
	SURVEY_IMAGE,
	SURVEY_CONFIG,
};

struct survey_folders {
	const char *autostart, *save; /* either may be NULL */
	struct json_object *known;    /* the stamps of configurations that need not be parsed */
	int inotify; /* tells of changes to all that is read; an inotify descriptor */
};

/*
 * The name of a file is a message of its own, after this byte: it can hold any other bytes. No
 * other message begins so.
 */
#define SURVEY_NAME '/'

/* The path of a directory, or of the file of this name in it. 0 or -ENOMEM. */
int survey_job_path(enum survey_kind kind, const struct survey_folders *folders, const char *name,
		    char **ret);

/* Reads it, and tells what it says. 0, also where it cannot be read, or -errno. */
int survey_job_read(enum survey_kind kind, const struct survey_folders *folders, const char *name,
		    int out);

/*
 * Tells that it is not known what it says. pending: it may still be told. Touches no file. 0 or
 * -errno.
 */
int survey_job_miss(enum survey_kind kind, const struct survey_folders *folders, const char *name,
		    const char *why, bool pending, int out);
