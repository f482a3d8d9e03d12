/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/lane.h"

#include "util/macro.h"

/* Shorter measurements say little, and so do few messages. */
#define WINDOW_MIN (1 * USEC_PER_SEC)
#define NEWS_MIN   3 /* of each save */

/* Percent by which a disk is clearly faster, or slower. */
#define CLEARLY 15

/* What fewer saves must gain in percent to be kept. */
#define FEWER_GAIN 5

/* One writes while the other one suspends its guest, or syncs. */
#define FEWEST 2U

void lane_begin(struct lane *lane, unsigned first, unsigned most, uint64_t known)
{
	*lane = (struct lane){
		.allowed = MIN(first, most), .most = most, .trying = true, .known = known};
}

static bool is_clearly_slower(uint64_t rate, uint64_t than)
{
	return rate * 100 < than * (100 - CLEARLY);
}

/* What a trial must gain, in percent: less where it added few. */
static uint64_t enough(const struct lane *lane)
{
	return MIN(50ULL * (lane->allowed - lane->before) / lane->before, (uint64_t)CLEARLY);
}

static void try_more(struct lane *lane, uint64_t rate)
{
	lane->best = rate;
	lane->before = lane->allowed;
	lane->trying = lane->allowed < lane->most;
	lane->allowed = MIN(2 * lane->allowed, lane->most);
}

static void try_fewer(struct lane *lane)
{
	lane->trying = false;
	lane->lowering = lane->allowed / 2 >= FEWEST;
	if (!lane->lowering)
		return;
	lane->before = lane->allowed;
	lane->allowed /= 2;
}

/* Saves of before are still at work, and it may show already that fewer are no faster. */
static bool is_on_the_way(const struct lane *lane, unsigned at_work)
{
	return lane->lowering && at_work > lane->allowed && at_work < lane->before;
}

static void judge_fewer(struct lane *lane, uint64_t rate)
{
	if (is_on_the_way(lane, lane->during) && rate > lane->best)
		return;
	if (lane->during == lane->allowed && rate * 100 >= lane->best * (100 + FEWER_GAIN)) {
		lane->best = rate;
		try_fewer(lane);
		return;
	}
	lane->allowed = lane->before;
	lane->lowering = false;
}

static void judge_trial(struct lane *lane, uint64_t rate)
{
	if (lane->before == 0 && lane->allowed == lane->most &&
	    is_clearly_slower(rate, lane->known)) {
		lane->best = rate;
		try_fewer(lane);
		return;
	}
	if (lane->before == 0 || rate * 100 >= lane->best * (100 + enough(lane))) {
		try_more(lane, rate);
		return;
	}
	lane->allowed = lane->before;
	lane->trying = false;
	if (is_clearly_slower(rate, lane->best))
		try_fewer(lane);
}

static void judge(struct lane *lane, uint64_t rate)
{
	if (lane->trying)
		judge_trial(lane, rate);
	else if (lane->lowering)
		judge_fewer(lane, rate);
	else if (lane->allowed < lane->most && is_clearly_slower(rate, lane->best))
		/* Small guests write little, and wait for other things meanwhile. */
		try_more(lane, rate);
	else
		lane->best = MAX(lane->best, rate);
}

bool lane_tell(struct lane *lane, usec_t now, uint64_t kib, unsigned at_work)
{
	unsigned allowed = lane->allowed;
	uint64_t rate;

	if (at_work != allowed && !is_on_the_way(lane, at_work)) {
		lane->since = 0;
		return false;
	}
	if (lane->since == 0 || at_work != lane->during) {
		lane->since = now;
		lane->during = at_work;
		lane->from = kib;
		lane->heard = 0;
		return false;
	}
	lane->heard++;
	if (now < lane->since + WINDOW_MIN || lane->heard < NEWS_MIN * at_work)
		return false;
	rate = (kib - lane->from) * USEC_PER_SEC / (now - lane->since);
	lane->since = 0;
	judge(lane, rate);
	return lane->allowed != allowed;
}
