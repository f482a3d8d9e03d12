/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "hv/record.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/process.h"
#include "util/str.h"

/*
 * A worker has ended, and its file is still locked: a child of libxl, which destroys a domain, is
 * finishing. It is looked at so often, for so long.
 */
#define LOCK_PAUSE (100 * USEC_PER_MSEC)
#define LOCK_LIMIT (120 * USEC_PER_SEC)

/* How often is tried for what there was no memory, descriptor or process. */
#define SHORT_PAUSE (100 * USEC_PER_MSEC)

/* A worker that puts things in order and dies itself is replaced so often. */
#define RECOVERIES_MAX 3

/* A worker that has not ended so long after SIGKILL sleeps in the kernel. */
#define KILL_LIMIT (10 * USEC_PER_SEC)

/* How often is looked whether a worker that has no channel to this daemon gets on. */
#define NEWS_PAUSE (5 * USEC_PER_SEC)

/* How long past its deadline a worker may take to end the operation by itself. */
#define DEADLINE_GRACE (180 * USEC_PER_SEC)

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	watch_free(w->end);
	watch_free(w->news);
	timer_free(w->timer);
	if (w->pidfd >= 0)
		close(w->pidfd);
	if (w->channel >= 0)
		close(w->channel);
	framer_done(&w->framer);
	free(w->name);
	free(w->path);
	free(w);
	return NULL;
}

static void on_timer(void *data);

int worker_new(struct workers *ws, const struct uuid *uuid, const char *path, struct worker **ret)
{
	_cleanup_(worker_freep) struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	*w = (struct worker){
		.owner = ws,
		.operation = {.uuid = *uuid, .started = usec_now()},
		.pidfd = -1,
		.channel = -1,
		.framer = FRAMER_INIT(OPERATION_MESSAGE_MAX),
	};
	r = str_replace(&w->path, path);
	r = r < 0 ? r : timer_new(ws->loop, on_timer, w, &w->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

int worker_set_request(struct worker *w, const struct operation_request *request)
{
	/* Once a guest is released to another host, its answers count more than the deadline. */
	usec_t answers = 2 * request->answer_limit;
	int r = str_replace(&w->name, request->name);

	w->operation.name = w->name;
	w->operation.operation = request->operation;
	w->operation.domid = request->domid;
	w->last = usec_add(request->deadline, DEADLINE_GRACE + answers);
	w->patience = request->patience == 0 ? USEC_INFINITY : request->patience + answers;
	return r;
}

/* When it must have ended, unless it tells of progress before that. */
static usec_t end_of_patience(const struct worker *w)
{
	return MIN(w->last, usec_add(w->operation.heard, w->patience));
}

static void set_timer(struct worker *w)
{
	usec_t at = end_of_patience(w);

	if (w->killed) {
		timer_set_after(w->timer, KILL_LIMIT);
		return;
	}
	if (w->channel < 0)
		at = MIN(at, usec_add(usec_now(), NEWS_PAUSE));
	if (at != USEC_INFINITY)
		timer_set(w->timer, at);
}

/* The end of an operation. */

static void drop_process(struct worker *w)
{
	if (w->child && w->pidfd >= 0)
		spawn_reap(w->pidfd);
	w->end = watch_free(w->end);
	w->news = watch_free(w->news);
	if (w->pidfd >= 0)
		close(w->pidfd);
	if (w->channel >= 0)
		close(w->channel);
	w->pidfd = w->channel = -1;
	w->killed = w->operation.stuck = false;
	timer_clear(w->timer);
}

static void finish(struct worker *w, const struct operation_result *result)
{
	struct workers *ws = w->owner;
	struct operation_result none = {
		.outcome = OPERATION_FAILED, .error = -EIO, .domid = DOMID_NONE};

	TAILQ_REMOVE(&ws->list, w, entry);
	drop_process(w);
	ws->callbacks->finished(ws->callbacks->data, &w->operation, result ? result : &none);
	worker_free(w);
}

static void finish_with(struct worker *w, int error, const char *reason)
{
	struct operation_result result = {
		.outcome = OPERATION_FAILED, .error = error, .domid = DOMID_NONE};

	if (str_replace(&result.reason, reason) < 0)
		log_error("%s: %s", w->operation.name, reason);
	finish(w, &result);
	operation_result_done(&result);
}

struct log_fields worker_fields(const struct worker *w, const char *message_id)
{
	return (struct log_fields){
		.message_id = message_id,
		.domain = w->operation.name,
		.uuid = &w->operation.uuid,
		.operation = operation_to_string(w->operation.operation),
		LOG_FIELDS_NONE,
	};
}

/* Whether something was short that can be free later. The guest is not known until then. */
static bool try_again(struct worker *w, int error)
{
	switch (error) {
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN:
		timer_set_after(w->timer, SHORT_PAUSE);
		return true;
	default:
		return false;
	}
}

static void recover(struct worker *w, int record)
{
	struct log_fields fields = worker_fields(w, MSG_WORKER_LOST);
	int r;

	if (w->recoveries >= RECOVERIES_MAX) {
		finish_with(w, -EIO, "its workers died repeatedly. Check the guest with 'xl list'");
		return;
	}
	w->last = USEC_INFINITY;
	r = worker_run(w, OPERATION_VERB_RECOVER, record);
	if (try_again(w, r))
		return;
	if (r < 0) {
		finish_with(w, r, "failed to start the recovery worker");
		return;
	}
	w->recoveries++;
	log_message(LOG_WARNING, &fields, "the %s worker died, starting recovery",
		    fields.operation);
}

static void watch_process(struct worker *w);

/* A worker whose daemon has ended touches its file where it would have told that it gets on. */
static bool was_touched(struct worker *w)
{
	struct timespec before = w->touched;
	struct stat st;

	if (stat(w->path, &st) < 0)
		return false;
	w->touched = st.st_mtim;
	return w->touched.tv_sec != before.tv_sec || w->touched.tv_nsec != before.tv_nsec;
}

bool worker_find(struct worker *w, const struct operation_record *record)
{
	pid_t pid = (pid_t)record->worker_pid;
	_cleanup_close_ int pidfd = pid ? process_open(pid, record->worker_start) : -ESRCH;

	if (pidfd < 0 || process_has_ended(pidfd))
		return false;
	w->pidfd = TAKE_FD(pidfd);
	/* One that was killed has the file of its operation locked until it has ended. */
	w->killed = process_is_killed(pid) > 0;
	was_touched(w);
	w->operation.heard = usec_now();
	watch_process(w);
	return true;
}

static bool is_at_work(struct worker *w, int fd)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};

	return operation_record_read(fd, &record) >= 0 && worker_find(w, &record);
}

/* The process has ended: what does its file say? */
static void look_at_file(struct worker *w)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	_cleanup_close_ int fd = open(w->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : 0;

	if (try_again(w, r))
		return;
	if (r < 0) {
		finish_with(w, r, "its operation file cannot be opened");
		return;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (is_at_work(w, fd))
			return;
		if (usec_sub(usec_now(), w->lock_since) < LOCK_LIMIT)
			timer_set_after(w->timer, LOCK_PAUSE);
		else
			finish_with(w, -EBUSY,
				    "its worker has ended, but a process of libxl "
				    "still works on it");
		return;
	}
	r = operation_record_read(fd, &record);
	if (try_again(w, r))
		return;
	if (r >= 0 && !record.has_result && !record.foreign) {
		recover(w, fd);
		return;
	}
	if (r >= 0 && record.has_result)
		unlink(w->path);
	else
		record_put_aside(w->path, r < 0 ? RECORD_NOT_READ : RECORD_NOT_OURS);
	record_keep_room(w->owner->folder);
	if (r < 0)
		finish_with(w, r, "failed to read the operation file");
	else if (!record.has_result)
		finish_with(w, -EPROTO,
			    "another version of xendomainsd has begun it, and its worker died; "
			    "look at the guest with 'xl list' before you start it");
	else
		finish(w, &record.result);
}

static void on_ended(void *data, unsigned events _unused_)
{
	struct worker *w = data;

	drop_process(w);
	w->lock_since = usec_now();
	look_at_file(w);
}

static void end_by_force(struct worker *w)
{
	struct log_fields fields = worker_fields(w, MSG_WORKER_KILLED);

	log_message(LOG_ERR, &fields, "Killing the %s worker: %s", fields.operation,
		    usec_now() >= w->last ? "deadline exceeded"
					  : "no progress within ProgressTimeout=");
	process_signal(w->pidfd, SIGKILL);
	w->killed = true;
	set_timer(w);
}

static void tell_stuck(struct worker *w)
{
	struct log_fields fields = worker_fields(w, MSG_WORKER_STUCK);

	log_message(LOG_ERR, &fields,
		    "the %s worker was killed, but does not exit: it waits for a disk or a server "
		    "that is not responding",
		    fields.operation);
	w->operation.stuck = true;
	w->owner->callbacks->progress(w->owner->callbacks->data, &w->operation);
}

/* News from a worker. */

static void take_message(struct worker *w, const char *text, size_t length)
{
	_cleanup_json_ struct json_object *message = NULL;
	struct operation_progress progress;

	if (w->killed || json_parse(text, length, &message) < 0 ||
	    !operation_progress_get(message, &progress))
		return;
	w->operation.heard = usec_now();
	set_timer(w);
	w->operation.permille = progress.permille;
	w->operation.bytes = progress.bytes;
	w->operation.total = progress.total;
	w->owner->callbacks->progress(w->owner->callbacks->data, &w->operation);
}

static void on_news(void *data, unsigned events _unused_)
{
	struct worker *w = data;
	char chunk[4096];
	const char *text;
	size_t length;
	ssize_t n = recv(w->channel, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || framer_feed(&w->framer, chunk, (size_t)n) < 0) {
		/* The end of the worker is noticed elsewhere. */
		w->news = watch_free(w->news);
		return;
	}
	while (framer_next(&w->framer, &text, &length) > 0)
		take_message(w, text, length);
}

/* The worker works all the same where there is no memory to watch it: that is tried again. */
static void watch_process(struct worker *w)
{
	int r = watch_new(w->owner->loop, w->pidfd, WATCH_READ, on_ended, w, &w->end);

	if (r >= 0 && w->channel >= 0)
		r = watch_new(w->owner->loop, w->channel, WATCH_READ, on_news, w, &w->news);
	if (r >= 0) {
		set_timer(w);
		return;
	}
	w->end = watch_free(w->end);
	timer_set_after(w->timer, SHORT_PAUSE);
}

static void look_for_news(struct worker *w)
{
	if (!was_touched(w))
		return;
	w->operation.heard = usec_now();
	w->owner->callbacks->progress(w->owner->callbacks->data, &w->operation);
}

static void on_timer(void *data)
{
	struct worker *w = data;

	if (w->pidfd < 0) {
		look_at_file(w);
		return;
	}
	if (!w->end) {
		watch_process(w);
		return;
	}
	if (w->killed) {
		tell_stuck(w);
		return;
	}
	if (w->channel < 0)
		look_for_news(w);
	if (usec_now() < end_of_patience(w))
		set_timer(w);
	else
		end_by_force(w);
}

int worker_run(struct worker *w, const char *verb, int record)
{
	bool removes = w->operation.operation == OPERATION_DESTROY &&
		       str_equal(verb, OPERATION_VERB_OPERATE);
	int pidfd = removes ? spares_take(w->owner->spares, record, &w->channel) : -ENOENT;

	if (pidfd < 0)
		pidfd = spawn_worker(w->owner->program, verb, record, &w->channel);
	if (pidfd < 0)
		return pidfd;
	w->pidfd = pidfd;
	w->child = true;
	w->operation.heard = usec_now();
	watch_process(w);
	return 0;
}
