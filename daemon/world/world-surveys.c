/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/identity.h"
#include "util/log.h"
#include "world/sightings.h"
#include "world/world-private.h"

/* The longest age of a survey without known changes: some changes are not noticed. */
#define SURVEY_AGE_MAX (60 * USEC_PER_SEC)

/* Surveys of the directories, and those who wait for them. */

/* 0, and the survey is taken over, or -ENOMEM. */
static int update_with(struct world *w, struct survey *survey)
{
	int r;

	w->coming = survey;
	r = world_update(w);
	w->coming = NULL;
	/* The survey counts, even if the domains cannot be listed. */
	return r < 0 ? world_rebuild(w, survey, w->domains) : 0;
}

static void begin_survey(struct world *w)
{
	struct waiter *waiter;
	int r;

	/* The list tells the domains that are gone: their saves have written their images. */
	world_update(w);
	vanished_list_done(&w->vanished);
	r = w->lost ? -ENOTCONN : hv_survey(w->hv, w->autostart, w->save, w->survey);
	if (r < 0 && r != -EBUSY)
		log_error_errno(r, "Failed to read the directories of configurations and images");
	w->surveying = r >= 0;
	w->moved = false;
	w->survey_began = loop_now(w->loop);
	/* A survey that had begun before may not have seen what the waiter means. */
	TAILQ_FOREACH(waiter, &w->waiters, entry) {
		waiter->surveying = r >= 0;
		if (r < 0)
			timer_set_after(waiter->limit, 0);
	}
}

struct waiter *waiter_free(struct waiter *waiter)
{
	if (!waiter)
		return NULL;
	TAILQ_REMOVE(&waiter->world->waiters, waiter, entry);
	timer_free(waiter->limit);
	free(waiter);
	return NULL;
}

static void answer(struct waiter *waiter, const char *error)
{
	world_ready_fn fn = waiter->fn;
	void *data = waiter->data;

	waiter_free(waiter);
	fn(data, error);
}

/* Answering may add and remove waiters, so the list is begun anew each time. */
static void answer_all(struct world *w, const char *error)
{
	struct waiter *waiter;

	do {
		TAILQ_FOREACH(waiter, &w->waiters, entry)
			if (waiter->due)
				break;
		if (waiter)
			answer(waiter, error);
	} while (waiter);
}

/* Marks parts of the survey as doubtful that may have changed and that decisions depend on. */
static void doubt_survey(struct world *w)
{
	w->surveyed = 0;
	world_forget_room(w);
	w->survey->unlisted = true;
}

/* Goes by what a survey has told so far. 1 if nothing is missing, 0, or -errno. */
static int take_so_far(struct world *w)
{
	const struct survey *unfinished = w->surveying ? hv_surveyed(w->hv) : NULL;
	_cleanup_(survey_freep) struct survey *survey = NULL;
	struct vanished_list vanished;
	bool all;
	int r;

	if (!unfinished)
		return -ENODATA;
	all = unfinished->images_told && unfinished->configs_told;
	r = survey_so_far(w->survey, unfinished, &survey);
	r = r < 0 ? r : survey_index(survey);
	if (r < 0)
		return r;
	ledger_file_draw_uuids(w->ledger, survey);
	/* An image of a vanished guest can have come that neither survey has seen. */
	vanished = w->survey->vanished;
	survey->vanished = vanished;
	w->survey->vanished = (struct vanished_list){0};
	r = world_rebuild(w, survey, w->domains);
	if (r < 0) {
		w->survey->vanished = vanished;
		survey->vanished = (struct vanished_list){0};
		return r;
	}
	TAKE_PTR(survey);
	w->surveyed = 0;
	return all;
}

/* One look answers all who wait for no survey. */
static void answer_from_last_survey(struct world *w)
{
	struct waiter *waiter;

	ledger_file_refresh(w->ledger);
	world_update(w);
	sightings_record_outlived(w->ledger, w->inventory);
	TAILQ_FOREACH(waiter, &w->waiters, entry)
		waiter->due = waiter->current;
	answer_all(w, NULL);
}

static void wait_for_survey(struct waiter *waiter)
{
	waiter->current = false;
	if (waiter->within != USEC_INFINITY)
		timer_set_after(waiter->limit, waiter->within);
	if (!waiter->world->surveying)
		begin_survey(waiter->world);
}

static void on_waited(void *data)
{
	struct waiter *waiter = data;
	struct world *w = waiter->world;
	const struct survey *told = hv_surveyed(w->hv);
	int r;

	if (waiter->current) {
		if (w->surveyed)
			answer_from_last_survey(w);
		else
			wait_for_survey(waiter);
		return;
	}
	r = take_so_far(w);
	if (r < 0)
		doubt_survey(w);
	world_update(w);
	/* An outlived image keeps no guest from its save. */
	if (r >= 0 && told && told->images_told)
		sightings_record_outlived(w->ledger, w->inventory);
	answer(waiter,
	       r > 0 ? NULL : "timed out reading the directories of configurations and images");
}

/* Whether the last survey is as good as one that would begin now. */
static bool last_survey_counts(const struct world *w)
{
	return w->surveyed && loop_now(w->loop) - w->surveyed < SURVEY_AGE_MAX &&
	       hv_survey_is_current(w->hv);
}

void world_on_surveyed(void *data, struct survey *survey_taken, const char *reason)
{
	struct log_fields unread = {.message_id = MSG_SURVEY_FAILED, LOG_FIELDS_NONE};
	_cleanup_(survey_freep) struct survey *survey = survey_taken;
	struct world *w = data;
	bool again = false, counts;
	struct waiter *waiter;
	int r = 0;

	w->surveying = false;
	if (survey) {
		survey->vanished = w->vanished;
		w->vanished = (struct vanished_list){0};
		ledger_file_refresh(w->ledger);
		ledger_file_draw_uuids(w->ledger, survey);
		r = survey_index(survey);
		r = r < 0 ? r : update_with(w, survey);
		if (r >= 0)
			TAKE_PTR(survey);
		w->surveyed = r < 0 ? 0 : w->survey_began;
	} else {
		log_message(LOG_WARNING, &unread,
			    "Failed to read the directories of configurations and images: %s",
			    reason);
		doubt_survey(w);
		world_update(w);
	}
	if (survey_taken && r >= 0) {
		sightings_record_outlived(w->ledger, w->inventory);
		if (identity_is_settled(w->inventory, w->survey))
			ledger_file_settle(w->ledger);
	}
	w->watched = survey_taken && r >= 0 && hv_survey_is_current(w->hv);
	/* One for all who ask at the same time, also where they have come after its beginning. */
	counts = last_survey_counts(w);
	TAILQ_FOREACH(waiter, &w->waiters, entry)
		waiter->due = waiter->surveying || (waiter->shows && counts);
	answer_all(w, r < 0 ? strerror(-r) : survey_taken ? NULL : reason);
	TAILQ_FOREACH(waiter, &w->waiters, entry)
		again |= !waiter->current;
	if (again && !w->surveying)
		begin_survey(w);
}

bool world_has_changed(const struct world *w)
{
	return w->moved || (w->watched && !hv_survey_is_current(w->hv));
}

void world_watch(struct world *w)
{
	hv_watch_survey(w->hv);
}

void world_forget_room(struct world *w)
{
	w->survey->room_known = false;
}

static int wait_for(struct world *w, bool shows, usec_t limit, world_ready_fn fn, void *data,
		    uint64_t *ret_id)
{
	bool current = shows && last_survey_counts(w);
	usec_t now = loop_now(w->loop);
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	int r;

	if (!waiter)
		return -ENOMEM;
	*waiter = (struct waiter){
		.world = w,
		.shows = shows,
		.current = current,
		.within = limit,
		.fn = fn,
		.data = data,
		.id = ++w->last_id,
	};
	TAILQ_INSERT_TAIL(&w->waiters, waiter, entry);
	r = timer_new(w->loop, on_waited, waiter, &waiter->limit);
	if (r < 0) {
		waiter_free(waiter);
		return r;
	}
	*ret_id = waiter->id;
	if (current)
		timer_set(waiter->limit, MAX(now, w->rested));
	else
		wait_for_survey(waiter);
	return 0;
}

int world_refresh(struct world *w, usec_t limit, world_ready_fn fn, void *data, uint64_t *ret_id)
{
	return wait_for(w, false, limit, fn, data, ret_id);
}

int world_refresh_if_changed(struct world *w, usec_t limit, world_ready_fn fn, void *data,
			     uint64_t *ret_id)
{
	return wait_for(w, true, limit, fn, data, ret_id);
}

void world_unrefresh(struct world *w, uint64_t id)
{
	struct waiter *waiter;

	TAILQ_FOREACH(waiter, &w->waiters, entry)
		if (waiter->id == id) {
			waiter_free(waiter);
			return;
		}
}
