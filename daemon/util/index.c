/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/index.h"

#define ROOM_FIRST 16

/* No guest can choose what is hashed: names and UUIDs are an administrator's. */
#define HASH_BEGIN  0xcbf29ce484222325ULL
#define HASH_FACTOR 0x9e3779b97f4a7c15ULL

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	/* The slots go by the low bits, which a product has from low bits only. */
	return hash ^ (hash >> 32);
}

uint64_t hash_bytes(const void *bytes, size_t size)
{
	const uint8_t *b = bytes;
	uint64_t hash = HASH_BEGIN, word;

	for (; size >= sizeof(word); size -= sizeof(word), b += sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		hash = mix(hash, word);
	}
	word = size;
	for (; size > 0; size--)
		word = word << 8 | b[size - 1];
	return mix(hash, word);
}

uint64_t hash_uuid(const struct uuid *uuid)
{
	return hash_bytes(uuid->bytes, sizeof(uuid->bytes));
}

uint64_t hash_text(const char *text)
{
	return hash_bytes(text, strlen(text));
}

static void link_entry(struct index *x, size_t place)
{
	size_t slot = x->entries[place].hash & (x->n_slots - 1);

	x->entries[place].next = 0;
	if (x->last[slot])
		x->entries[x->last[slot] - 1].next = place + 1;
	else
		x->first[slot] = place + 1;
	x->last[slot] = place + 1;
}

int index_reserve(struct index *x, size_t n)
{
	size_t room = x->room ? x->room : ROOM_FIRST;
	struct index_entry *entries;
	size_t *slots;

	if (n <= x->room)
		return 0;
	while (room < n)
		room *= 2;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	entries = realloc(x->entries, room * sizeof(*entries));
	if (!entries) {
		free(slots);
		return -ENOMEM;
	}
	free(x->first);
	x->entries = entries;
	x->first = slots;
	x->last = slots + room;
	x->room = x->n_slots = room;
	for (size_t i = 0; i < x->n; i++)
		link_entry(x, i);
	return 0;
}

int index_add(struct index *x, uint64_t hash, void *item)
{
	int r = index_reserve(x, x->n + 1);

	if (r < 0)
		return r;
	x->entries[x->n] = (struct index_entry){.item = item, .hash = hash};
	link_entry(x, x->n++);
	return 0;
}

static const struct index_entry *find(const struct index *x, uint64_t hash, size_t place)
{
	while (place && x->entries[place - 1].hash != hash)
		place = x->entries[place - 1].next;
	return place ? &x->entries[place - 1] : NULL;
}

const struct index_entry *index_first(const struct index *x, uint64_t hash)
{
	return x->n_slots ? find(x, hash, x->first[hash & (x->n_slots - 1)]) : NULL;
}

const struct index_entry *index_next(const struct index *x, const struct index_entry *e)
{
	return find(x, e->hash, e->next);
}

void index_clear(struct index *x)
{
	if (x->n_slots)
		memset(x->first, 0, 2 * x->n_slots * sizeof(*x->first));
	x->n = 0;
}

void index_done(struct index *x)
{
	free(x->entries);
	free(x->first);
	*x = (struct index){0};
}
