/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/inquiry.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hv/spawn.h"
#include "util/process.h"
#include "wire/frame.h"
#include "wire/operation.h"

struct inquiry {
	struct inquiry_callbacks callbacks;
	int pidfd, channel;
	struct watch *end, *news;
	struct timer *limit;
	struct framer framer;
	bool complete; /* its last word has come */
	bool answered;
	int error; /* of something it said */
};

static void on_news(void *data, unsigned events _unused_)
{
	struct inquiry *q = data;
	char chunk[16384];
	const char *text;
	size_t length;
	ssize_t n = recv(q->channel, chunk, sizeof(chunk), MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Why there is no more shows when it ends. */
		q->news = watch_free(q->news);
		return;
	}
	r = framer_feed(&q->framer, chunk, (size_t)n);
	while (r == 0 && framer_next(&q->framer, &text, &length) > 0)
		r = q->callbacks.message(q->callbacks.data, text, length);
	if (r > 0)
		q->complete = true;
	else if (r < 0 && q->error == 0)
		q->error = r;
}

static void answer(struct inquiry *q, const char *reason)
{
	if (q->answered)
		return;
	q->answered = true;
	q->callbacks.answered(q->callbacks.data, reason);
}

static void on_ended(void *data, unsigned events _unused_)
{
	const char *reason = "the worker that looks has died";
	struct inquiry *q = data;

	/* Its last words may still be unread. */
	while (q->news)
		on_news(q, WATCH_READ);
	q->end = watch_free(q->end);
	timer_clear(q->limit);
	spawn_reap(q->pidfd);
	if (q->error < 0)
		reason = strerror(-q->error);
	else if (q->complete)
		reason = NULL;
	answer(q, reason);
}

static void on_limit(void *data)
{
	struct inquiry *q = data;

	inquiry_kill(q);
	q->news = watch_free(q->news);
	answer(q, "a folder does not answer");
}

static int send_question(int channel, struct json_object *question)
{
	size_t length;
	const char *text = json_text(question, &length);

	if (!text)
		return -ENOMEM;
	/* A socket takes this at once; if not, the worker is stuck already. */
	return send(channel, text, length + 1, MSG_NOSIGNAL) == (ssize_t)length + 1 ? 0 : -EIO;
}

int inquiry_new(struct loop *loop, const struct inquiry_options *options,
		struct json_object *question, const struct inquiry_callbacks *callbacks,
		struct inquiry **ret)
{
	_cleanup_(inquiry_freep) struct inquiry *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	*q = (struct inquiry){
		.callbacks = *callbacks,
		.pidfd = -1,
		.channel = -1,
		.framer = FRAMER_INIT(OPERATION_MESSAGE_MAX),
	};
	q->pidfd = spawn_worker(options->program, options->verb, -1, &q->channel);
	r = q->pidfd < 0 ? q->pidfd : send_question(q->channel, question);
	r = r < 0 ? r : watch_new(loop, q->pidfd, WATCH_READ, on_ended, q, &q->end);
	r = r < 0 ? r : watch_new(loop, q->channel, WATCH_READ, on_news, q, &q->news);
	r = r < 0 ? r : timer_new(loop, on_limit, q, &q->limit);
	if (r < 0)
		return r;
	if (options->limit != USEC_INFINITY)
		timer_set_after(q->limit, options->limit);
	*ret = TAKE_PTR(q);
	return 0;
}

bool inquiry_is_alive(const struct inquiry *q)
{
	return q->end;
}

void inquiry_kill(struct inquiry *q)
{
	if (q->end)
		process_signal(q->pidfd, SIGKILL);
}

struct inquiry *inquiry_free(struct inquiry *q)
{
	if (!q)
		return NULL;
	inquiry_kill(q);
	watch_free(q->end);
	watch_free(q->news);
	timer_free(q->limit);
	if (q->pidfd >= 0)
		close(q->pidfd);
	if (q->channel >= 0)
		close(q->channel);
	framer_done(&q->framer);
	free(q);
	return NULL;
}
