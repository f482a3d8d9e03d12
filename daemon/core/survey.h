/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/index.h"
#include "util/time.h"
#include "util/uuid.h"

/* What the directories XENDOMAINS_AUTO and XENDOMAINS_SAVE hold, as a worker read it. */

/* A guest's configuration file. Either error is set, or name and config are. */
struct survey_config {
	char *path;
	char *stamp; /* changes when the file, or what it is read with, does */
	char *error;
	bool pending;    /* with error: it has not answered yet, and may */
	bool unanswered; /* with error: it has not been read, so it may be any guest's */
	char *name;
	char *config;     /* libxl's JSON */
	bool driver;      /* other guests' devices can live in it */
	bool has_uuid;    /* the file says it; otherwise the guest is known by its name */
	struct uuid uuid; /* where has_uuid is true */
	uint64_t memory_kib;
};

/*
 * A saved image. Where error is set, name is what the file's name says and uuid may be null: the
 * guest of that name must not be created as if nothing had been there.
 */
struct survey_image {
	char *path;
	char *error;
	bool pending; /* as for a configuration */
	char *name;
	bool driver;  /* as for a configuration */
	bool foreign; /* with error: it does not even begin like an image */
	struct uuid uuid;
	struct uuid id; /* of this one image; null where it is not known */
	usec_t written_wall;
	uint64_t size;
};

/* Domains that ran, or were suspended, and then were gone at once. */
struct vanished_list {
	struct vanished {
		struct uuid uuid;
		char *name;
	} * items;
	size_t n;
	bool incomplete; /* not all could be noted: it may have been any */
};

/* A process that waits for a file that does not answer, and could not be ended. */
struct survey_stuck {
	char *path;   /* what it waits for */
	char *reader; /* how a worker finds it again */
};

struct survey {
	struct survey_config *configs;
	size_t n_configs;
	struct survey_image *images;
	size_t n_images;
	size_t n_pending; /* of both, while it is made */
	/* By name, as survey_index() has found them: configurations without a UUID, images with
	 * one. */
	struct index nameless, named_images;
	bool indexed;
	char **notes; /* what was skipped */
	size_t n_notes;
	char **dangling; /* configurations that are links whose target is not there */
	size_t n_dangling;
	char *directory; /* of the images; "": missing; NULL: it was not asked
			  */
	uint64_t room;   /* for images, in bytes, where it is known */
	bool room_known;
	char *unfit;      /* why none can be saved; NULL: nothing is known against it */
	char *unreadable; /* why images are not known; NULL: they are listed here */
	bool unlisted;    /* configurations are not known */
	bool unwatched;   /* it may become another without that being noticed */
	struct survey_stuck *stuck;
	size_t n_stuck;
	/* While it is made: each image or configuration is here, if only as pending. */
	bool images_told, configs_told;
	struct vanished_list vanished; /* since it began: an image of one can have come later */
};

void survey_config_done(struct survey_config *c);
void survey_image_done(struct survey_image *i);
void survey_free(struct survey *s);

/*
 * Each takes over what the pointer holds, also on failure, and empties it; what was pending at the
 * same path is replaced. 0 or -ENOMEM.
 */
int survey_add_config(struct survey *s, struct survey_config *c);
int survey_add_image(struct survey *s, struct survey_image *image);
int survey_add_note(struct survey *s, const char *note);
int survey_add_dangling(struct survey *s, const char *path);

/* Adds copies of the configurations of another. 0 or -ENOMEM. */
int survey_copy_configs(struct survey *s, const struct survey *from);

/* 0 or -ENOMEM. */
int survey_add_stuck(struct survey *s, const char *path, const char *reader);

/*
 * The state of knowledge while a survey runs: all that it has told so far, and for the rest what
 * the previous survey knew. Vanished domains are left out. 0 or -ENOMEM.
 */
int survey_so_far(const struct survey *before, const struct survey *unfinished,
		  struct survey **ret);

void vanished_list_done(struct vanished_list *l);

/*
 * So many are noted. Other tools can have domains come and go for as long as no survey is asked
 * for, and only one that begins then has the list end.
 */
#define VANISHED_MAX 1000

/* Notes such a domain, once. If it is one too many, the list is dropped, and incomplete. */
void vanished_list_add(struct vanished_list *l, const struct uuid *uuid, const char *name);

/* Whether a configuration lies in a file that is called as a guest is: "web", or "web.cfg". */
bool survey_is_file_of(const struct survey_config *c, const char *name);

/* What is at a path, and cannot be read: it is known by its place only. NULL: nothing of the kind.
 */
const struct survey_image *survey_find_broken(const struct survey *s, const char *path);

/*
 * Once a survey is complete and sorted, and anew after a change: without it no inventory is built.
 * 0 or -ENOMEM.
 */
int survey_index(struct survey *s);
bool survey_is_indexed(const struct survey *s);

/* Sorts both lists by path: the order in which guests are started. */
void survey_sort(struct survey *s);

/* The survey must be sorted. NULL if it has none of this path. */
const struct survey_config *survey_find_config(const struct survey *s, const char *path);

DEFINE_CLEANUP(struct survey, survey_free);
