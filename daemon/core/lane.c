/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/lane.h"

#include "util/macro.h"

/* Shorter measurements say little, and so do few messages. */
#define WINDOW_MIN (1 * USEC_PER_SEC)
#define NEWS_MIN   3 /* of each save */

/* Percent by which a disk is clearly faster, or slower. */
#define CLEARLY 15

void lane_begin(struct lane *lane, unsigned first, unsigned most)
{
	*lane = (struct lane){.allowed = MIN(first, most), .most = most, .trying = true};
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

static void judge_trial(struct lane *lane, uint64_t rate)
{
	if (lane->before == 0 || rate * 100 >= lane->best * (100 + enough(lane))) {
		try_more(lane, rate);
		return;
	}
	lane->allowed = lane->before;
	lane->trying = false;
}

static void judge(struct lane *lane, uint64_t rate)
{
	if (lane->trying)
		judge_trial(lane, rate);
	else if (lane->allowed < lane->most && rate * 100 < lane->best * (100 - CLEARLY))
		/* Small guests write little, and wait for other things meanwhile. */
		try_more(lane, rate);
	else
		lane->best = MAX(lane->best, rate);
}

bool lane_tell(struct lane *lane, usec_t now, uint64_t kib, unsigned at_work)
{
	unsigned allowed = lane->allowed;
	uint64_t rate;

	if (at_work != allowed) {
		lane->since = 0;
		return false;
	}
	if (lane->since == 0) {
		lane->since = now;
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
