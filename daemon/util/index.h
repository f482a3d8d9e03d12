/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/uuid.h"

/*
 * Finds items by a hash of their key. Two keys can have one hash, and an item can have changed
 * since: the caller compares. Items of one hash come in the order in which they were added. The
 * items are borrowed. Zeroed memory is an empty index.
 */
struct index_entry {
	void *item;
	uint64_t hash;
	size_t next; /* its place in the entries, and 1; 0: none */
};

struct index {
	struct index_entry *entries;
	size_t n, room;
	size_t *first, *last; /* of each slot; as index_entry.next */
	size_t n_slots;       /* a power of two, or 0 */
};

uint64_t hash_uuid(const struct uuid *uuid);
uint64_t hash_text(const char *text);

/* The same of a text that is this long. */
uint64_t hash_bytes(const void *bytes, size_t size);

/* Makes room for so many items in all: to add those never fails. 0 or -ENOMEM. */
int index_reserve(struct index *x, size_t n);

/* 0 or -ENOMEM. */
int index_add(struct index *x, uint64_t hash, void *item);

/* The items of a hash: for (e = index_first(x, hash); e; e = index_next(x, e)). */
const struct index_entry *index_first(const struct index *x, uint64_t hash);
const struct index_entry *index_next(const struct index *x, const struct index_entry *e);

/* Takes all items out, and keeps the room for them. */
void index_clear(struct index *x);

void index_done(struct index *x);
