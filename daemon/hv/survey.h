/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/survey.h"
#include "hv/spawn.h"
#include "io/loop.h"

/*
 * Looks into the directories through a worker, since a directory can lie on a disk or a server that
 * does not answer.
 */
struct surveyor;

struct surveyor_callbacks {
	/* survey is the callee's; NULL after an error, with its reason. */
	void (*surveyed)(void *data, struct survey *survey, const char *reason);
	/* As surveyor_watch() says. */
	void (*changed)(void *data);
	void *data;
};

int surveyor_new(struct loop *loop, const struct program *program,
		 const struct surveyor_callbacks *callbacks, struct surveyor **ret);
struct surveyor *surveyor_free(struct surveyor *s);

/* As hv_survey(). */
int surveyor_begin(struct surveyor *s, const char *autostart, const char *save,
		   const struct survey *known);

/* As hv_survey_is_current(). */
bool surveyor_is_current(struct surveyor *s);

/* As hv_watch_survey(). */
void surveyor_watch(struct surveyor *s);

/* As hv_surveyed(). */
const struct survey *surveyor_so_far(const struct surveyor *s);

/* Reads one message of a survey worker into a survey. 1 if it was the last one, 0, or -errno. */
int survey_take_message(struct survey *survey, const struct survey *known, const char *text,
			size_t length);

DEFINE_CLEANUP(struct surveyor, surveyor_free);
