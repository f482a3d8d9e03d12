/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/spares.h"

#include <sys/queue.h>

#include "util/fd.h"
#include "util/log.h"
#include "wire/operation.h"

struct spare {
	TAILQ_ENTRY(spare) entry;
	struct spares *owner;
	int pidfd;
	int channel; /* -1: it is about to end */
	struct watch *end;
};

TAILQ_HEAD(spare_list, spare);

struct spares {
	struct loop *loop;
	const struct program *program;
	struct spare_list waiting, leaving;
	unsigned n;  /* of those waiting */
	bool broken; /* one has ended by itself, and the next may do the same */
};

static struct spare *spare_free(struct spare *s)
{
	if (!s)
		return NULL;
	watch_free(s->end);
	if (s->channel >= 0)
		close(s->channel);
	if (s->pidfd >= 0)
		close(s->pidfd);
	free(s);
	return NULL;
}

DEFINE_CLEANUP(struct spare, spare_free);

static void take_out(struct spare *s)
{
	TAILQ_REMOVE(&s->owner->waiting, s, entry);
	s->owner->n--;
}

static void on_ended(void *data, unsigned events _unused_)
{
	struct spare *s = data;

	spawn_reap(s->pidfd);
	s->owner->broken |= s->channel >= 0;
	if (s->channel >= 0)
		take_out(s);
	else
		TAILQ_REMOVE(&s->owner->leaving, s, entry);
	spare_free(s);
}

static int add(struct spares *spares)
{
	_cleanup_(spare_freep) struct spare *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct spare){.owner = spares, .channel = -1};
	s->pidfd = spawn_worker(spares->program, OPERATION_VERB_AWAIT, -1, &s->channel);
	if (s->pidfd < 0)
		return s->pidfd;
	r = watch_new(spares->loop, s->pidfd, WATCH_READ, on_ended, s, &s->end);
	if (r < 0) {
		spawn_abandon(TAKE_FD(s->pidfd));
		return r;
	}
	TAILQ_INSERT_TAIL(&spares->waiting, s, entry);
	spares->n++;
	TAKE_PTR(s);
	return 0;
}

/* The end of the channel ends the worker. */
static void dismiss(struct spare *s)
{
	take_out(s);
	close(s->channel);
	s->channel = -1;
	TAILQ_INSERT_TAIL(&s->owner->leaving, s, entry);
}

void spares_want(struct spares *spares, unsigned n)
{
	struct spare *s;
	int r = 0;

	if (n == 0)
		spares->broken = false;
	while (r >= 0 && spares->n < n && !spares->broken)
		r = add(spares);
	if (r < 0)
		log_debug("No worker could be got ready: %s", strerror(-r));
	while (spares->n > n && (s = TAILQ_FIRST(&spares->waiting)))
		dismiss(s);
}

int spares_take(struct spares *spares, int record, int *ret_channel)
{
	struct spare *s;

	while ((s = TAILQ_FIRST(&spares->waiting))) {
		int pidfd;

		/* It may have died since the loop last ran. */
		if (fd_pass(s->channel, record) < 0) {
			dismiss(s);
			continue;
		}
		take_out(s);
		*ret_channel = TAKE_FD(s->channel);
		pidfd = TAKE_FD(s->pidfd);
		spare_free(s);
		return pidfd;
	}
	return -ENOENT;
}

int spares_new(struct loop *loop, const struct program *program, struct spares **ret)
{
	struct spares *spares = calloc(1, sizeof(*spares));

	if (!spares)
		return -ENOMEM;
	*spares = (struct spares){.loop = loop, .program = program};
	TAILQ_INIT(&spares->waiting);
	TAILQ_INIT(&spares->leaving);
	*ret = spares;
	return 0;
}

struct spares *spares_free(struct spares *spares)
{
	struct spare *s;

	if (!spares)
		return NULL;
	while ((s = TAILQ_FIRST(&spares->waiting)))
		dismiss(s);
	while ((s = TAILQ_FIRST(&spares->leaving))) {
		TAILQ_REMOVE(&spares->leaving, s, entry);
		spare_free(s);
	}
	free(spares);
	return NULL;
}
