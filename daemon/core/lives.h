/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/image-standing.h"
#include "util/time.h"
#include "util/uuid.h"

/*
 * The lives of one guest, and what they mean for its images. A life begins when a domain of the
 * guest runs its first instruction, and no image that is older may be restored from then on.
 */

/* The last thing that is known of a guest. */
enum life {
	LIFE_UNKNOWN,
	LIFE_BEGAN,     /* it ran */
	LIFE_SUSPENDED, /* it was suspended, and then its domain was gone: another tool saved it */
	LIFE_VANISHED,  /* its domain was gone from one moment to the next */
	LIFE_ENDED,     /* it has shut down or crashed */
	LIFE_SAVED,     /* to an image of ours */
	_LIFE_MAX,
	_LIFE_INVALID = -EINVAL,
};

/* An image that the ledger has heard of. */
struct known_image {
	struct uuid id;
	enum image_standing standing;
	bool certain;  /* no record after the one that tells of it can be missing */
	bool followed; /* a life of another UUID, by the same name, has begun since */
	char *name;    /* of the domain that was saved to it; NULL: it is not known */
	char *other;   /* a second domain of the UUID, there then or (DISPUTED) since; NULL: none */
	char *path;    /* where it was saved */
	char *directory; /* which directory that was (worker/image/directory.h) */
};

/* More images of one guest than this are not remembered. */
#define KNOWN_IMAGES_MAX 16

struct lives {
	enum life last;
	usec_t wall;  /* when that was; SUSPENDED: when it was first seen suspended */
	bool found;   /* SUSPENDED: it may have been so for long by then */
	bool alone;   /* ENDED: it shut down, and nothing of ours had asked it to */
	usec_t gone;  /* SUSPENDED: when its domain was known to be gone; 0: not yet */
	usec_t began; /* when its last life began, or was first seen; 0: none is known */
	bool ahead; /* the clock was set back before these times: they prove nothing of an image */
	char *name; /* of the domain of that life; NULL: not known, or surely the guest's */
	uint32_t domid;   /* BEGAN: of which domain ... */
	struct uuid boot; /* ... in which boot of the host */
	uint32_t latest;  /* the highest number of a domain of the guest, in that boot */
	struct known_image *images[KNOWN_IMAGES_MAX];
	size_t n_images;
};

const char *life_to_string(enum life life);
enum life life_from_string(const char *s);

void lives_done(struct lives *l);

/*
 * A life begins, from an image if from is not null: every earlier image is outlived. But the newest
 * image of a domain of another name keeps its standing if that domain ran beside the one of this
 * name, and is disputed otherwise. Name NULL: it is outlived, too. 0 or -ENOMEM.
 */
int lives_begin(struct lives *l, const struct uuid *from, const char *name, usec_t wall,
		uint32_t domid, const struct uuid *boot);

/*
 * A domain of this name was saved. An earlier image of a domain of this name is outlived; one of
 * another name is of a second domain of the same UUID, and keeps its standing. saved: the record of
 * the image; its standing does not count. 0 or -ENOMEM.
 */
int lives_save(struct lives *l, const struct known_image *saved, usec_t wall);

/*
 * Its domain has ended: how is one of SUSPENDED, VANISHED and ENDED. found: the domain was in this
 * condition at the first look of a daemon.
 */
void lives_end(struct lives *l, enum life how, usec_t wall, bool found);

/* The suspended domain is gone: no tool saves it any longer. */
void lives_go(struct lives *l, usec_t wall);

/* Whether its domain has shut down, and nothing of ours had asked for that. */
bool lives_ended_alone(const struct lives *l);

/* Whether its last known time is in the future: the clock was set back. */
bool lives_is_ahead(const struct lives *l, usec_t now_wall);

/* The image was there while the guest ran. 0 or -ENOMEM. */
int lives_outlive(struct lives *l, const struct uuid *image);

/* Records may be missing: the newest image may not be the newest. */
void lives_doubt(struct lives *l);

/* A life of another UUID begins by this name: that says something where the name is the guest. */
void lives_follow(struct lives *l, const char *name);

/*
 * What an image is worth that was written at this time (of the wall clock). name: of the domain in
 * it; NULL: not known.
 */
enum image_standing lives_judge(const struct lives *l, const struct uuid *image, const char *name,
				usec_t written);

/*
 * What lives of another UUID say of an image of these, where both are of one guest, known by its
 * name: OUTLIVED, SUSPECT, or UNKNOWN, which says nothing.
 */
enum image_standing lives_judge_after(const struct lives *l, const struct lives *other,
				      const struct uuid *image, usec_t written);

/* What is known of an image; NULL: nothing. */
const struct known_image *lives_find(const struct lives *l, const struct uuid *image);

/* The name of the domain that makes an image disputed. */
const char *lives_disputant(const struct lives *l, const struct uuid *image);

/* The image that the guest's memory should be in, disputed or not, or NULL. */
const struct known_image *lives_newest(const struct lives *l);

/* What the ledger says of an image in one word, as it was before (compaction). 0 or -ENOMEM. */
int lives_restore_image(struct lives *l, const struct known_image *image);
