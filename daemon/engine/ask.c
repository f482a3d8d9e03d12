/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/ask.h"

/* A guest that has not taken the request is asked again so often: while it boots, one is lost. */
#define ASK_AGAIN (15 * USEC_PER_SEC)

usec_t asking_limit(const struct run *run, const struct executor_limits *limits)
{
	return machine_stage(&run->machine) == STAGE_SYSRQ ? limits->sysrq_pause
							   : limits->stop_limit;
}

void asking_set_limit(struct run *run, const struct executor_limits *limits)
{
	usec_t end = usec_add(run->stage_started, asking_limit(run, limits));

	/* A pause between two keys ends as it began, and so does what is waited for a while only.
	 */
	if (machine_stage(&run->machine) == STAGE_SYSRQ || run->machine.cancelled)
		return;
	if (end == USEC_INFINITY)
		timer_clear(run->limit);
	else
		timer_set(run->limit, end);
}

static struct domain asked_domain(const struct run *run)
{
	return (struct domain){.uuid = run->machine.step->uuid, .domid = run->domid};
}

static enum asked fail(int error, const char **ret_reason)
{
	*ret_reason = error == -EOPNOTSUPP
			      ? "the guest says that it does not react to a request to shut down"
			      : strerror(-error);
	return ASKED_FAILED;
}

static enum asked ask_to_shut_down(struct run *run, struct hv *hv, const char **ret_reason)
{
	struct domain domain = asked_domain(run);
	int r = hv_ask_shutdown(hv, &domain);

	run->answered = false;
	run->condition = DOMAIN_RUNNING;
	/* The domain is gone, or has come back as another one: the next list tells. */
	if (r < 0 && r != -ESTALE)
		return fail(r, ret_reason);
	if (r >= 0 && !run_waits(run))
		return ASKED_DONE;
	timer_set_after(run->again, ASK_AGAIN);
	return ASKED_WAIT;
}

enum asked asking_go_on(struct run *run, struct hv *hv, usec_t limit, const char **ret_reason)
{
	struct domain domain = asked_domain(run);
	int r;

	if (!*run->keys)
		return ASKED_DONE;
	r = hv_send_sysrq(hv, &domain, *run->keys++);
	if (r < 0 && r != -ESTALE)
		return fail(r, ret_reason);
	timer_set_after(run->limit, limit);
	return ASKED_WAIT;
}

enum asked asking_begin(struct run *run, struct hv *hv, usec_t limit, const char **ret_reason)
{
	enum asked asked;

	if (machine_stage(&run->machine) == STAGE_SYSRQ) {
		run->keys = run->machine.step->sysrq;
		return asking_go_on(run, hv, limit, ret_reason);
	}
	asked = ask_to_shut_down(run, hv, ret_reason);
	if (asked == ASKED_WAIT && limit != USEC_INFINITY)
		timer_set_after(run->limit, limit);
	return asked;
}

enum asked asking_renew(struct run *run, struct hv *hv, const char **ret_reason)
{
	return machine_stage(&run->machine) == STAGE_SYSRQ ? ASKED_WAIT
							   : ask_to_shut_down(run, hv, ret_reason);
}

void asking_repeat(struct run *run, struct hv *hv, bool alive)
{
	struct domain domain = asked_domain(run);

	run->answered = run->answered || hv_shutdown_answer(hv, &domain) > 0;
	if (alive && !run->answered)
		hv_ask_shutdown(hv, &domain);
	timer_set_after(run->again, ASK_AGAIN);
}

const char *asking_silence(struct run *run, struct hv *hv)
{
	struct domain domain = asked_domain(run);
	int answer = run->answered ? 1 : hv_shutdown_answer(hv, &domain);

	if (answer > 0)
		return "it has taken the request";
	return answer == -EOPNOTSUPP ? "its power button was pressed"
				     : "it has not answered the request";
}
