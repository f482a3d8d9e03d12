/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/lives.h"

#include "util/str.h"

/* A guest is suspended before it is seen so, and its image may be complete by then. */
#define NOTICE_SLACK (5 * USEC_PER_SEC)

/* The time of a file comes from a clock that may be a tick late. */
#define FILE_SLACK (10 * USEC_PER_MSEC)

/* A clock is set to the right time in steps as small as this without any harm. */
#define CLOCK_SLACK (1 * USEC_PER_SEC)

/* A domain that is gone at once may have been saved: the suspension was too short to be seen. */
#define VANISH_SLACK (60 * USEC_PER_SEC)

static const char *const life_names[_LIFE_MAX] = {
	[LIFE_UNKNOWN] = "unknown",   [LIFE_BEGAN] = "began", [LIFE_SUSPENDED] = "suspended",
	[LIFE_VANISHED] = "vanished", [LIFE_ENDED] = "ended", [LIFE_SAVED] = "saved",
};

const char *life_to_string(enum life life)
{
	return life_names[life];
}

enum life life_from_string(const char *s)
{
	return (enum life)str_lookup(life_names, _LIFE_MAX, s);
}

static void known_image_free(struct known_image *image)
{
	free(image->name);
	free(image->other);
	free(image->path);
	free(image->directory);
	free(image);
}

void lives_done(struct lives *l)
{
	for (size_t i = 0; i < l->n_images; i++)
		known_image_free(l->images[i]);
	free(l->name);
	*l = (struct lives){0};
}

static struct known_image *find(const struct lives *l, const struct uuid *id)
{
	for (size_t i = 0; i < l->n_images; i++)
		if (uuid_equal(&l->images[i]->id, id))
			return l->images[i];
	return NULL;
}

static void drop(struct lives *l, size_t i)
{
	known_image_free(l->images[i]);
	l->n_images--;
	memmove(&l->images[i], &l->images[i + 1], (l->n_images - i) * sizeof(l->images[0]));
}

const struct known_image *lives_find(const struct lives *l, const struct uuid *id)
{
	return find(l, id);
}

/* Whether a guest's memory may be in it. */
static bool is_current(const struct known_image *image)
{
	return image->standing == IMAGE_NEWEST || image->standing == IMAGE_DISPUTED;
}

/* The oldest goes that is worth nothing any more, and the oldest of all where each is. */
static void make_place(struct lives *l)
{
	size_t i = 0;

	while (i < l->n_images && is_current(l->images[i]))
		i++;
	drop(l, i < l->n_images ? i : 0);
}

/* NULL: no memory. */
static struct known_image *find_or_add(struct lives *l, const struct uuid *id)
{
	struct known_image *image = find(l, id);

	if (image)
		return image;
	image = calloc(1, sizeof(*image));
	if (!image)
		return NULL;
	*image = (struct known_image){.id = *id, .certain = true};
	if (l->n_images == KNOWN_IMAGES_MAX)
		make_place(l);
	l->images[l->n_images++] = image;
	return image;
}

/*
 * A domain of this name runs, NULL: one that is this guest for certain. The second domain of the
 * UUID runs on: that says nothing of the one that was saved. A domain of another name may be
 * another guest, a clone that kept the UUID, or this guest after a rename: this cannot be told.
 */
static int outlive(struct known_image *image, const char *name)
{
	if (image->standing == IMAGE_USED_UP)
		return 0;
	if (!name || !image->name || !is_current(image) || str_equal(image->name, name)) {
		image->standing = IMAGE_OUTLIVED;
		return 0;
	}
	if (str_equal(image->other, name) || image->standing == IMAGE_DISPUTED)
		return 0;
	image->standing = IMAGE_DISPUTED;
	return str_replace(&image->other, name);
}

int lives_begin(struct lives *l, const struct uuid *from, const char *name, usec_t wall,
		uint32_t domid, const struct uuid *boot)
{
	struct known_image *used;
	int r = 0;

	for (size_t i = 0; i < l->n_images; i++)
		r = outlive(l->images[i], name) < 0 ? -ENOMEM : r;
	if (!uuid_is_null(from)) {
		used = find_or_add(l, from);
		if (used)
			used->standing = IMAGE_USED_UP;
		else
			r = -ENOMEM;
	}
	l->last = LIFE_BEGAN;
	l->wall = wall;
	l->began = wall;
	l->ahead = false;
	l->latest = uuid_equal(&l->boot, boot) ? MAX(l->latest, domid) : domid;
	l->domid = domid;
	l->boot = *boot;
	return r < 0 ? r : str_replace(&l->name, name);
}

void lives_follow(struct lives *l, const char *name)
{
	for (size_t i = 0; i < l->n_images; i++)
		if (str_equal(l->images[i]->name, name))
			l->images[i]->followed = true;
}

int lives_restore_image(struct lives *l, const struct known_image *from)
{
	struct known_image *image = find_or_add(l, &from->id);
	int r;

	if (!image)
		return -ENOMEM;
	r = str_replace(&image->name, from->name);
	r = r < 0 ? r : str_replace(&image->other, from->other);
	r = r < 0 ? r : str_replace(&image->path, from->path);
	r = r < 0 ? r : str_replace(&image->directory, from->directory);
	image->standing = from->standing;
	image->certain = from->certain;
	image->followed = from->followed;
	return r;
}

int lives_save(struct lives *l, const struct known_image *saved, usec_t wall)
{
	struct known_image image = *saved;

	for (size_t i = 0; i < l->n_images; i++)
		if (is_current(l->images[i]) && str_equal(l->images[i]->name, saved->name))
			l->images[i]->standing = IMAGE_OUTLIVED;
	image.standing = IMAGE_NEWEST;
	image.certain = true;
	image.followed = false;
	l->last = LIFE_SAVED;
	l->wall = wall;
	l->ahead = false;
	return lives_restore_image(l, &image);
}

void lives_end(struct lives *l, enum life how, usec_t wall, bool found)
{
	/* The domain of a saved guest ends after the save: the guest stays saved. */
	if (l->last == LIFE_SAVED)
		return;
	l->last = how;
	l->wall = wall;
	l->found = found;
	l->alone = false;
	l->gone = 0;
	l->ahead = false;
}

void lives_go(struct lives *l, usec_t wall)
{
	l->gone = wall;
}

bool lives_ended_alone(const struct lives *l)
{
	return l->last == LIFE_ENDED && l->alone;
}

bool lives_is_ahead(const struct lives *l, usec_t now_wall)
{
	return MAX(l->wall, l->gone) > usec_add(now_wall, CLOCK_SLACK);
}

/* The image of a guest that was seen suspended was written between that and its domain's end. */
static enum image_standing judge_suspended(const struct lives *l, usec_t written)
{
	/* From before it was found so, it is a checkpoint, or the image that was being written. */
	if (usec_add(written, NOTICE_SLACK) < l->wall)
		return l->found ? IMAGE_SUSPECT : IMAGE_OUTLIVED;
	/* A copy has a time of its own. But the clock may have gone back. */
	return l->gone >= l->wall && written > usec_add(l->gone, NOTICE_SLACK) ? IMAGE_SUSPECT
									       : IMAGE_NEWEST;
}

int lives_outlive(struct lives *l, const struct uuid *id)
{
	struct known_image *image = find_or_add(l, id);

	if (!image)
		return -ENOMEM;
	if (image->standing != IMAGE_USED_UP)
		image->standing = IMAGE_OUTLIVED;
	return 0;
}

void lives_doubt(struct lives *l)
{
	for (size_t i = 0; i < l->n_images; i++)
		l->images[i]->certain = false;
	l->last = LIFE_UNKNOWN;
}

/* An image that the ledger has no save of: another tool's, a copy, or one of a lost ledger. */
static enum image_standing judge_by_time(const struct lives *l, usec_t written)
{
	/* However that life ended: it was no life of this image. But the clock may have gone back.
	 */
	if (l->began > 0 && l->wall >= l->began && usec_add(written, FILE_SLACK) <= l->began)
		return IMAGE_OUTLIVED;
	switch (l->last) {
	case LIFE_BEGAN:
		return IMAGE_SUSPECT;
	case LIFE_SUSPENDED:
		return judge_suspended(l, written);
	case LIFE_VANISHED:
		return usec_add(written, VANISH_SLACK) < l->wall ? IMAGE_OUTLIVED : IMAGE_SUSPECT;
	case LIFE_ENDED:
	case LIFE_SAVED:
		/* The record of the image that it was saved to may be damaged. */
		if (l->last == LIFE_SAVED && !lives_newest(l))
			return IMAGE_UNKNOWN;
		/* No save follows an end. The guest ran again, unseen; or it is a copy, and so the
		 * time is the copy's. */
		return written <= l->wall ? IMAGE_OUTLIVED : IMAGE_SUSPECT;
	case LIFE_UNKNOWN:
	case _LIFE_MAX:
	case _LIFE_INVALID:
		break;
	}
	return IMAGE_UNKNOWN;
}

const char *lives_disputant(const struct lives *l, const struct uuid *id)
{
	const struct known_image *image = find(l, id);

	return image ? image->other : l->name;
}

/* If the clock was set back, an image with a time before the life may be newer than the life. */
static enum image_standing doubt_times(const struct lives *l, enum image_standing standing)
{
	bool went_back = l->ahead || (l->gone > 0 && l->gone < l->wall);

	return standing == IMAGE_OUTLIVED && went_back ? IMAGE_SUSPECT : standing;
}

/* The times may be those of another guest's life, which has the UUID. */
static enum image_standing judge_unknown(const struct lives *l, const char *name, usec_t written)
{
	enum image_standing standing = doubt_times(l, judge_by_time(l, written));

	return (standing == IMAGE_OUTLIVED || standing == IMAGE_SUSPECT) && name && l->name &&
			       !str_equal(l->name, name)
		       ? IMAGE_DISPUTED
		       : standing;
}

enum image_standing lives_judge(const struct lives *l, const struct uuid *id, const char *name,
				usec_t written)
{
	const struct known_image *image = find(l, id);

	if (!image)
		return judge_unknown(l, name, written);
	return is_current(image) && !image->certain ? IMAGE_UNKNOWN : image->standing;
}

enum image_standing lives_judge_after(const struct lives *l, const struct lives *other,
				      const struct uuid *id, usec_t written)
{
	const struct known_image *image = find(l, id);

	if (image)
		return image->followed ? IMAGE_OUTLIVED : IMAGE_UNKNOWN;
	/* No time tells which of the two was the later life. */
	if (other->began <= l->began)
		return IMAGE_UNKNOWN;
	if (other->wall >= other->began && usec_add(written, FILE_SLACK) <= other->began)
		return doubt_times(other, IMAGE_OUTLIVED);
	/* It runs on, or its own image is the one of that time. */
	return other->last == LIFE_UNKNOWN ? IMAGE_UNKNOWN : IMAGE_SUSPECT;
}

const struct known_image *lives_newest(const struct lives *l)
{
	for (size_t i = l->n_images; i > 0; i--)
		if (is_current(l->images[i - 1]) && l->images[i - 1]->certain)
			return l->images[i - 1];
	return NULL;
}
