/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"
#include "core/ledger.h"
#include "core/survey.h"
#include "model/guest-state.h"

/*
 * The guests of this host: what is configured, what is saved and what runs, put together. A guest
 * is its UUID; a configuration that gives none stands for the guest of its name, with a UUID that
 * was drawn for it once. An inventory is built anew whenever one of its sources has changed, and
 * points into them: it must not outlive them. Of several domains with one UUID, each is a guest,
 * unless it is dying. The configuration stands for one that was made from it or has its name; of
 * several such, for the one that lives, or else for the one of its name.
 */

/* An image of a guest, and what the ledger says of it. */
struct guest_image {
	const struct survey_image *image;
	enum image_standing standing;
};

struct guest {
	struct uuid uuid; /* null only where the configuration cannot be used */
	const char *name;
	const struct survey_config *config; /* each of these may be NULL */
	const struct survey_image *image;   /* the one to restore; others are of earlier lives */
	enum image_standing standing;       /* of image */
	struct guest_image *images;         /* all of them */
	size_t n_images;
	const struct known_image *missing; /* the image that the ledger knows, and is not there */
	const struct guest **rivals; /* whose memory, in an image or missing, may be this guest's */
	size_t n_rivals;
	const struct guest *former; /* that had its name or file before: its images go aside */
	bool replaced;              /* it is the former of another guest */
	const struct domain *domain;
	struct guest *twin; /* the guest of the same UUID that has configuration and images. It has
			     * no domain where it is not certain that this one is not it */
	const char *other;  /* its name, or that of the one whose twin this is; NULL: neither */
	bool shared;        /* an image of this UUID may be the other one's memory */
	const struct past *past;
	const struct past
		*other_life; /* of its name and another UUID, which has ended since; or NULL */
	char *hold;          /* why it must not be started before a person has decided */
	char *departed;      /* which guest that was migrated away it may be; NULL: none */
	bool occupied;       /* held for a domain that may be it: not even a cold start is made */
	char *warning;       /* what is wrong although it runs */
	const char *unseen;  /* why it is not known whether it has an image; NULL: it is known */
	bool unplaced;       /* a record is lost that may have told that it was migrated away ... */
	bool migrates;       /* ... and others tell, or told, of migrations */
	bool vanished;       /* its domain went after its images were listed */
	bool unlisted;       /* it may have a configuration that cannot be read */
	bool unmounted; /* no configuration can be read: it may be one of those that are away */
	bool busy;      /* a worker is at it ... */
	unsigned done;  /* ... and has saved or migrated so many thousandths of its memory */
	usec_t noticed; /* since when its files are why it fails, as far as is known; 0: not */
	uint64_t noticed_for; /* the hash of that reason */
	char *conflict;       /* why its configuration cannot be used although it can be read */
	char *own_name;       /* where name is not another guest's */
};

struct inventory {
	struct guest *guests;
	size_t n;
	struct index by_uuid;
	const struct ledger *ledger;
	uint64_t room; /* for images that are not complete, in bytes, where it is known */
	bool room_known;
	const char *directory; /* of the images (worker/image/directory.h); NULL: not known */
	const char *unfit;     /* why no image can be saved; NULL: nothing is known against it */
};

void inventory_free(struct inventory *inventory);

const struct guest *inventory_find(const struct inventory *inventory, const struct uuid *uuid);

/* Each guest of a UUID, in their order. after: the one before; NULL for the first. NULL at the end.
 */
struct guest *inventory_next(const struct inventory *inventory, const struct uuid *uuid,
			     const struct guest *after);

/*
 * Records that a worker works on the guests of this UUID, if there are any; and how much of their
 * memory it has saved or migrated, in thousandths.
 */
void inventory_set_busy(struct inventory *inventory, const struct uuid *uuid, unsigned permille);

/*
 * Notes why it must not be started before a person has decided. The first reason counts. 0 or
 * -ENOMEM.
 */
int guest_hold(struct guest *g, const char *format, ...) _printf_(2, 3);

/* Whether a person means this guest by its name, or its UUID in text. */
bool guest_is_named(const struct guest *g, const char *name);

/* The guest of a name that has a domain; NULL: none. */
const struct guest *inventory_find_running(const struct inventory *inventory, const char *name);

/* By UUID in text, or by name. NULL if there is no such guest. */
const struct guest *inventory_find_named(const struct inventory *inventory, const char *name);

/*
 * The image that the ledger calls the newest of another guest, and that was saved to this path;
 * NULL if there is none. A second domain of the UUID is another guest where it has another name.
 */
const struct known_image *inventory_find_others_image(const struct inventory *inventory,
						      const struct guest *g, const char *path);

/* The state of a guest without an operation, and the reason for it, if any. */
enum guest_state guest_state(const struct guest *g, const char **ret_reason);

/*
 * Since when it has been in this state, for this reason of guest_state()'s, or since when that
 * reason is known, by the wall clock; 0: that is not known.
 */
usec_t guest_since(const struct guest *g, enum guest_state state, const char *reason);
usec_t guest_reason_since(const struct guest *g, const char *reason);

/* Whether the reason is on record: how something ended, perhaps long ago, not how the guest is now.
 */
bool guest_reason_is_past(const struct guest *g, const char *reason);

/*
 * Whether nothing but the UUID says that a domain is the guest: configuration, or else images, have
 * another name, and it was not made from that configuration. A clone that kept the UUID is so, and
 * so is a guest that was renamed.
 */
bool inventory_is_stranger(const struct guest *g, const struct domain *d);

/* True if an image is of an earlier life, and must not be restored. */
bool standing_is_past(enum image_standing standing);

/* Of such an image, in words. */
const char *standing_why_past(enum image_standing standing);

/*
 * The record that it has left for another host, or may have; NULL: it has not, or is back. A guest
 * that is its name is back once a domain of its name has run here, whatever UUID that had.
 */
const struct past *guest_departure(const struct guest *g);

/*
 * True if its domain is what a migration of ours left here, and it is not known whether it runs
 * elsewhere.
 */
bool guest_is_undecided(const struct guest *g);

/* True if a save has left the domain: its memory is in an image, and it can be destroyed. */
bool guest_is_left(const struct guest *g);

/*
 * True if the domain has ended and the guest lives on in another one: that has its UUID and the
 * name in its configuration, which this one has lost. To restart it would run the guest twice.
 */
bool guest_is_superseded(const struct guest *g);

/*
 * True if the domain has ended, and was kept under another UUID when its guest was restarted
 * (rename-restart): no life of that UUID is known.
 */
bool guest_is_preserved(const struct guest *g);

/* True if the domain is there and has not shut down: its kernel is alive. */
bool guest_is_alive(const struct guest *g);

DEFINE_CLEANUP(struct inventory, inventory_free);
