/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/inquiry.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/process.h"
#include "wire/frame.h"
#include "wire/operation.h"

struct inquiry {
	struct inquiry_callbacks callbacks;
	int pidfd, channel;
	struct watch *end, *news, *asking;
	char *question;
	size_t size, sent; /* of it */
	struct timer *limit;
	usec_t silence; /* so long it may say nothing */
	struct framer framer;
	bool complete; /* its last word has come */
	bool answered;
	int error; /* of something it said */
};

/* False if there is nothing to read now, or will never be. */
static bool read_news(struct inquiry *q)
{
	char chunk[16384];
	const char *text;
	size_t length;
	ssize_t n = recv(q->channel, chunk, sizeof(chunk), MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		/* The end of the process tells why it sends no more. */
		q->news = watch_free(q->news);
		return false;
	}
	if (q->silence != USEC_INFINITY)
		timer_set_after(q->limit, q->silence);
	r = framer_feed(&q->framer, chunk, (size_t)n);
	while (r == 0 && framer_next(&q->framer, &text, &length) > 0)
		r = q->callbacks.message(q->callbacks.data, text, length);
	if (r > 0)
		q->complete = true;
	else if (r < 0 && q->error == 0)
		q->error = r;
	return true;
}

static void on_news(void *data, unsigned events _unused_)
{
	read_news(data);
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
	while (q->news && read_news(q))
		;
	q->news = watch_free(q->news);
	q->asking = watch_free(q->asking);
	framer_done(&q->framer);
	q->end = watch_free(q->end);
	timer_clear(q->limit);
	spawn_reap(q->pidfd);
	close(TAKE_FD(q->pidfd));
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
	q->asking = watch_free(q->asking);
	answer(q, "a directory is not responding");
}

/* A long question does not fit into the socket at once. */
static void on_writable(void *data, unsigned events _unused_)
{
	struct inquiry *q = data;
	ssize_t n = send(q->channel, q->question + q->sent, q->size - q->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		/* Without its question it would wait for ever. */
		if (errno != EPIPE && q->error == 0)
			q->error = -errno;
		inquiry_kill(q);
	} else {
		q->sent += (size_t)n;
	}
	if (n < 0 || q->sent == q->size) {
		q->asking = watch_free(q->asking);
		free(TAKE_PTR(q->question));
	}
}

int inquiry_new(struct loop *loop, const struct inquiry_options *options, char *question_taken,
		size_t size, const struct inquiry_callbacks *callbacks, struct inquiry **ret)
{
	_cleanup_free_ char *question = question_taken;
	_cleanup_(inquiry_freep) struct inquiry *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	*q = (struct inquiry){
		.callbacks = *callbacks,
		.pidfd = -1,
		.channel = -1,
		.question = TAKE_PTR(question),
		.size = size,
		.silence = options->lives ? options->limit : USEC_INFINITY,
		.framer = FRAMER_INIT(OPERATION_MESSAGE_MAX),
	};
	r = timer_new(loop, on_limit, q, &q->limit);
	if (r < 0)
		return r;
	q->pidfd = spawn_worker(options->program, options->verb, options->given, &q->channel);
	if (q->pidfd < 0)
		return q->pidfd;
	r = watch_new(loop, q->pidfd, WATCH_READ, on_ended, q, &q->end);
	r = r < 0 ? r : watch_new(loop, q->channel, WATCH_READ, on_news, q, &q->news);
	r = r < 0 ? r : watch_new(loop, q->channel, WATCH_WRITE, on_writable, q, &q->asking);
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
	watch_free(q->end);
	watch_free(q->news);
	watch_free(q->asking);
	free(q->question);
	timer_free(q->limit);
	if (q->pidfd >= 0)
		spawn_abandon(TAKE_FD(q->pidfd));
	if (q->channel >= 0)
		close(q->channel);
	framer_done(&q->framer);
	free(q);
	return NULL;
}
