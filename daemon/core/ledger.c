/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/ledger.h"

#include "util/domid.h"
#include "util/quote.h"
#include "util/str.h"

/* No limit that can be configured needs more of a guest's restarts than this. */
#define RESTARTS_KEPT 100

#define FIRST_PAUSE USEC_PER_SEC
#define LAST_PAUSE  (60 * USEC_PER_SEC)

/* Texts. */

/*
 * Finds the pasts that have a text as a name or a path. Changed pasts are added at the next lookup.
 * A text that a past no longer has is still found: the caller compares.
 */
struct ledger_words {
	struct index words;
	struct past **changed;
	size_t n_changed;
	bool failed; /* there was no memory for one: each past is looked at from then on */
};

/* It is about to be changed. */
static void note_change(struct ledger_words *w, struct past *past)
{
	struct past **bigger;

	/* Records of one guest often follow each other. */
	if (w->n_changed > 0 && w->changed[w->n_changed - 1] == past)
		return;
	bigger = realloc(w->changed, (w->n_changed + 1) * sizeof(*bigger));
	if (!bigger) {
		w->failed = true;
		return;
	}
	w->changed = bigger;
	w->changed[w->n_changed++] = past;
}

static int add_word(struct ledger_words *w, const char *text, struct past *past)
{
	uint64_t hash = text ? hash_text(text) : 0;
	const struct index_entry *e = index_first(&w->words, hash);

	if (!text)
		return 0;
	for (; e; e = index_next(&w->words, e))
		if (e->item == past)
			return 0;
	return index_add(&w->words, hash, past);
}

static int add_words(struct ledger_words *w, struct past *past)
{
	int r = add_word(w, past->name, past);

	r = r < 0 ? r : add_word(w, past->source, past);
	r = r < 0 ? r : add_word(w, past->away_name, past);
	r = r < 0 ? r : add_word(w, past->lives.name, past);
	for (size_t i = 0; r >= 0 && i < past->lives.n_images; i++) {
		r = add_word(w, past->lives.images[i]->name, past);
		r = r < 0 ? r : add_word(w, past->lives.images[i]->path, past);
	}
	return r;
}

static void catch_up(struct ledger_words *w)
{
	for (size_t i = 0; i < w->n_changed; i++)
		w->failed |= add_words(w, w->changed[i]) < 0;
	w->n_changed = 0;
}

static void words_done(struct ledger_words *w)
{
	index_done(&w->words);
	free(w->changed);
}

/* Pasts. */

struct ledger *ledger_new(void)
{
	_cleanup_(ledger_freep) struct ledger *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->words = calloc(1, sizeof(*h->words));
	return h->words ? TAKE_PTR(h) : NULL;
}

static void drawn_free(struct drawn_name *drawn)
{
	if (drawn)
		free(drawn->name);
	free(drawn);
}

void ledger_free(struct ledger *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_pasts; i++) {
		lives_done(&h->pasts[i]->lives);
		free(h->pasts[i]->name);
		free(h->pasts[i]->source);
		free(h->pasts[i]->failure);
		free(h->pasts[i]->remark);
		free(h->pasts[i]->refusal);
		free(h->pasts[i]->restarts);
		free(h->pasts[i]->placed_as);
		free(h->pasts[i]->away);
		free(h->pasts[i]->away_name);
		free(h->pasts[i]->away_reason);
		free(h->pasts[i]);
	}
	for (size_t i = 0; i < h->n_names; i++)
		drawn_free(h->names[i]);
	index_done(&h->by_name);
	index_done(&h->by_uuid);
	if (h->words)
		words_done(h->words);
	free(h->words);
	free(h->loss);
	for (size_t i = 0; i < PACED_MAX; i++)
		free(h->paced[i].directory);
	free(h->pasts);
	free(h->names);
	free(h);
}

static struct past *find(const struct ledger *h, const struct uuid *uuid)
{
	const struct index_entry *e = index_first(&h->by_uuid, hash_uuid(uuid));

	for (; e; e = index_next(&h->by_uuid, e)) {
		struct past *past = e->item;

		if (uuid_equal(&past->uuid, uuid))
			return past;
	}
	return NULL;
}

static struct past *find_or_add(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find(h, uuid);
	struct past **bigger;

	if (past) {
		note_change(h->words, past);
		return past;
	}
	bigger = realloc(h->pasts, (h->n_pasts + 1) * sizeof(*bigger));
	if (!bigger)
		return NULL;
	h->pasts = bigger;
	past = calloc(1, sizeof(*past));
	if (!past || index_add(&h->by_uuid, hash_uuid(uuid), past) < 0) {
		free(past);
		return NULL;
	}
	past->uuid = *uuid;
	past->number = h->n_pasts;
	h->pasts[h->n_pasts++] = past;
	note_change(h->words, past);
	return past;
}

const struct past *ledger_find(const struct ledger *h, const struct uuid *uuid)
{
	return find(h, uuid);
}

const struct past *ledger_next_with(const struct ledger *h, const char *text,
				    const struct past *after)
{
	size_t number = after ? after->number + 1 : 0;
	const struct past *next = NULL;
	const struct index_entry *e;

	catch_up(h->words);
	if (h->words->failed)
		return number < h->n_pasts ? h->pasts[number] : NULL;
	e = index_first(&h->words->words, hash_text(text));
	for (; e; e = index_next(&h->words->words, e)) {
		const struct past *past = e->item;

		if (past->number >= number && (!next || past->number < next->number))
			next = past;
	}
	return next;
}

bool ledger_knows_source(const struct ledger *h, const char *path)
{
	const struct past *past = NULL;

	while ((past = ledger_next_with(h, path, past)))
		if (str_equal(past->source, path))
			return true;
	return false;
}

int ledger_set_failure(struct ledger *h, const struct uuid *uuid, const char *failure, usec_t wall)
{
	struct past *past = failure ? find_or_add(h, uuid) : find(h, uuid);

	if (!past)
		return failure ? -ENOMEM : 0;
	past->noted = wall;
	past->unended = DOMID_NONE;
	str_replace(&past->refusal, NULL);
	str_replace(&past->remark, NULL);
	return str_replace(&past->failure, failure);
}

void ledger_set_unended(struct ledger *h, const struct uuid *uuid, uint32_t domid)
{
	struct past *past = find(h, uuid);

	if (past)
		past->unended = domid;
}

int ledger_set_remark(struct ledger *h, const struct uuid *uuid, const char *remark, usec_t wall)
{
	struct past *past = find_or_add(h, uuid);

	if (!past)
		return -ENOMEM;
	past->noted = wall;
	str_replace(&past->refusal, NULL);
	str_replace(&past->failure, NULL);
	return str_replace(&past->remark, remark);
}

void ledger_forget_refusal(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find(h, uuid);

	if (past)
		str_replace(&past->refusal, NULL);
}

int ledger_set_refusal(struct ledger *h, const struct uuid *uuid, const char *refusal)
{
	struct past *past = find_or_add(h, uuid);

	return past ? str_replace(&past->refusal, refusal) : -ENOMEM;
}

int ledger_add_restart(struct ledger *h, const struct uuid *uuid, usec_t now)
{
	struct past *past = find_or_add(h, uuid);
	usec_t *bigger;

	if (!past)
		return -ENOMEM;
	if (past->n_restarts == RESTARTS_KEPT) {
		past->n_restarts--;
		memmove(past->restarts, past->restarts + 1, past->n_restarts * sizeof(usec_t));
	}
	bigger = realloc(past->restarts, (past->n_restarts + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	past->restarts = bigger;
	past->restarts[past->n_restarts++] = now;
	return 0;
}

static unsigned count_recent(const struct ledger *h, const struct uuid *uuid, usec_t now,
			     usec_t interval)
{
	const struct past *past = find(h, uuid);
	unsigned recent = 0;

	for (size_t i = 0; past && i < past->n_restarts; i++)
		if (usec_sub(now, past->restarts[i]) < interval)
			recent++;
	return recent;
}

bool ledger_may_restart(const struct ledger *h, const struct uuid *uuid, usec_t now, unsigned limit,
			usec_t interval)
{
	return count_recent(h, uuid, now, interval) < limit;
}

usec_t ledger_restart_pause(const struct ledger *h, const struct uuid *uuid, usec_t now,
			    usec_t interval)
{
	unsigned recent = count_recent(h, uuid, now, interval);
	usec_t pause = FIRST_PAUSE;

	if (recent == 0)
		return 0;
	while (--recent > 0 && pause < LAST_PAUSE)
		pause *= 2;
	return MIN(pause, LAST_PAUSE);
}

void ledger_forgive(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find(h, uuid);

	if (!past)
		return;
	str_replace(&past->failure, NULL);
	str_replace(&past->remark, NULL);
	str_replace(&past->refusal, NULL);
	past->n_restarts = 0;
}

int ledger_set_away(struct ledger *h, const struct uuid *uuid, const char *name, const char *target,
		    bool unknown)
{
	struct past *past = find_or_add(h, uuid);
	_cleanup_free_ char *reason = NULL;
	int r;

	if (!past)
		return -ENOMEM;
	if (unknown)
		r = str_format(&reason,
			       "the migration to %s was not confirmed: the guest may be running "
			       "there. Check with 'xl list' on that host. If it does not run "
			       "there, run 'xendomainsctl start %s' to start it here",
			       target, AS_ARGUMENT(name));
	else
		r = str_format(&reason,
			       "was migrated to %s. To bring it back, migrate it from there. If "
			       "it does not run there any more, run 'xendomainsctl start %s' to "
			       "start it here",
			       target, AS_ARGUMENT(name));
	r = r < 0 ? r : str_replace(&past->away, target);
	r = r < 0 ? r : str_replace(&past->away_name, name);
	if (r < 0)
		return r;
	free(past->away_reason);
	past->away_reason = TAKE_PTR(reason);
	past->away_unknown = unknown;
	past->away_copy = past->away_followed = false;
	return 0;
}

bool past_is_elsewhere(const struct past *past)
{
	return str_equal(past->away, AWAY_ELSEWHERE);
}

void ledger_see_copy(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find(h, uuid);

	if (past)
		past->away_copy = true;
}

void ledger_follow_away(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find(h, uuid);

	if (past)
		past->away_followed = true;
}

void ledger_set_returned(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find(h, uuid);

	if (!past)
		return;
	str_replace(&past->away, NULL);
	str_replace(&past->away_name, NULL);
	str_replace(&past->away_reason, NULL);
	past->away_unknown = past->away_copy = past->away_followed = false;
}

const struct past *ledger_find_away(const struct ledger *h, const char *name)
{
	const struct past *past = NULL;

	while ((past = ledger_next_with(h, name, past)))
		if (past->away && !past->away_followed && str_equal(past->away_name, name))
			return past;
	return NULL;
}

static struct drawn_name *find_name(const struct ledger *h, const char *name)
{
	const struct index_entry *e = index_first(&h->by_name, hash_text(name));

	for (; e; e = index_next(&h->by_name, e)) {
		struct drawn_name *drawn = e->item;

		if (str_equal(drawn->name, name))
			return drawn;
	}
	return NULL;
}

const struct uuid *ledger_drawn(const struct ledger *h, const char *name)
{
	const struct drawn_name *drawn = find_name(h, name);

	return drawn ? &drawn->uuid : NULL;
}

int ledger_set_drawn(struct ledger *h, const char *name, const struct uuid *uuid)
{
	struct drawn_name *drawn = find_name(h, name);
	struct drawn_name **bigger;

	if (drawn) {
		drawn->uuid = *uuid;
		return 0;
	}
	bigger = realloc(h->names, (h->n_names + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	h->names = bigger;
	drawn = calloc(1, sizeof(*drawn));
	if (!drawn || str_replace(&drawn->name, name) < 0 ||
	    index_add(&h->by_name, hash_text(name), drawn) < 0) {
		drawn_free(drawn);
		return -ENOMEM;
	}
	drawn->uuid = *uuid;
	h->names[h->n_names++] = drawn;
	return 0;
}

struct lives *ledger_lives(struct ledger *h, const struct uuid *uuid)
{
	struct past *past = find_or_add(h, uuid);

	return past ? &past->lives : NULL;
}

static bool is_followed_away(const struct past *past, const char *name, const char *source)
{
	return past->away &&
	       (str_equal(past->away_name, name) || (source && str_equal(past->source, source)));
}

/* text: the name, or the file. */
static void follow(struct ledger *h, const char *text, const struct uuid *uuid, const char *name,
		   const char *source)
{
	for (const struct past *p = NULL; (p = ledger_next_with(h, text, p));) {
		struct past *past = h->pasts[p->number];

		if (uuid_equal(&past->uuid, uuid))
			continue;
		lives_follow(&past->lives, name);
		past->away_followed = past->away_followed || is_followed_away(past, name, source);
	}
}

void ledger_follow(struct ledger *h, const struct uuid *uuid, const char *name, const char *source)
{
	follow(h, name, uuid, name, source);
	if (source)
		follow(h, source, uuid, name, source);
}

int ledger_set_name(struct ledger *h, const struct uuid *uuid, const char *name, const char *source)
{
	struct past *past = find_or_add(h, uuid);
	int r = past ? 0 : -ENOMEM;

	if (r >= 0 && name)
		r = str_replace(&past->name, name);
	return r < 0 || !source ? r : str_replace(&past->source, source);
}

int ledger_doubt(struct ledger *h, const char *loss)
{
	for (size_t i = 0; i < h->n_pasts; i++) {
		lives_doubt(&h->pasts[i]->lives);
		h->pasts[i]->placed = false;
	}
	return str_replace(&h->loss, loss);
}

/* What was seen of a clone that kept the UUID does not tell where the guest is. */
static bool is_placed(const struct past *past, const char *name)
{
	return past && past->placed &&
	       (!name || !past->placed_as || str_equal(past->placed_as, name));
}

bool ledger_may_be_away(const struct ledger *h, const struct uuid *uuid, const char *name)
{
	return h->loss && !is_placed(find(h, uuid), name);
}

int ledger_place(struct ledger *h, const struct uuid *uuid, const char *name)
{
	struct past *past = find(h, uuid);
	bool first = past && !past->placed;

	if (!past || (!first && str_equal(past->placed_as, name)))
		return 0;
	past->placed = true;
	return str_replace(&past->placed_as, first ? name : NULL);
}

enum image_standing ledger_judge(const struct ledger *h, const struct uuid *uuid,
				 const struct uuid *image, const char *name, usec_t written_wall)
{
	const struct past *past = find(h, uuid);
	enum image_standing standing = IMAGE_UNKNOWN;

	if (uuid_is_null(image))
		return IMAGE_UNKNOWN;
	if (past)
		standing = lives_judge(&past->lives, image, name, written_wall);
	return standing == IMAGE_UNKNOWN && h->loss && !is_placed(past, name) ? IMAGE_FORGOTTEN
									      : standing;
}

enum image_standing ledger_judge_by_name(const struct ledger *h, const struct uuid *uuid,
					 const char *name, const struct uuid *image, usec_t written)
{
	static const struct lives none;
	const struct past *own = find(h, uuid);
	enum image_standing standing = ledger_judge(h, uuid, image, name, written);

	for (const struct past *past = NULL; (past = ledger_next_with(h, name, past));) {
		enum image_standing after;

		if (past == own || uuid_is_null(image) || !str_equal(past->name, name))
			continue;
		after = lives_judge_after(own ? &own->lives : &none, &past->lives, image, written);
		/* A used up image stays so. Otherwise the worse of the two judgements counts. */
		if (standing != IMAGE_USED_UP && after == IMAGE_OUTLIVED)
			standing = IMAGE_OUTLIVED;
		else if (standing != IMAGE_USED_UP && standing != IMAGE_OUTLIVED &&
			 after == IMAGE_SUSPECT)
			standing = IMAGE_SUSPECT;
	}
	return standing;
}

/* Paces. */

/* Whether stops told of it, or may have: what is of no known directory is of the first that is. */
static bool is_of(const struct disk_paces *d, const char *directory)
{
	return !directory || !d->directory || str_equal(d->directory, directory);
}

int ledger_add_pace(struct ledger *h, enum compression c, const char *directory, uint64_t rate,
		    uint64_t disk)
{
	struct disk_paces found;
	size_t at = 0;

	while (at + 1 < PACED_MAX && !is_of(&h->paced[at], directory))
		at++;
	if (!is_of(&h->paced[at], directory)) {
		free(h->paced[at].directory);
		h->paced[at] = (struct disk_paces){0};
	}
	found = h->paced[at];
	memmove(&h->paced[1], &h->paced[0], at * sizeof(found));
	h->paced[0] = found;
	paces_add(&h->paced[0].paces[c], rate, disk);
	return directory ? str_replace(&h->paced[0].directory, directory) : 0;
}

const struct paces *ledger_paces(const struct ledger *h, enum compression c, const char *directory)
{
	static const struct paces none;

	for (size_t i = 0; i < PACED_MAX; i++)
		if (is_of(&h->paced[i], directory))
			return &h->paced[i].paces[c];
	return &none;
}
