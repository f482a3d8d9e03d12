/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/workers.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "hv/record.h"
#include "hv/spares.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/process.h"
#include "util/str.h"
#include "wire/frame.h"

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

/* How long past its deadline a worker may take to end the operation by itself. */
#define DEADLINE_GRACE (180 * USEC_PER_SEC)

/* Why an operation file is of no use. */
#define NOT_READ "Failed to parse the operation file"
#define NOT_OURS "Another version of xendomainsd wrote the operation file"

struct worker {
	TAILQ_ENTRY(worker) entry;
	struct workers *owner;
	struct hv_operation operation;
	char *name; /* what operation.name points to */
	char *path; /* of its file */
	int pidfd;
	bool child; /* of this daemon */
	bool killed;
	struct watch *end;
	int channel;
	struct watch *news;
	struct framer framer;
	struct timer *timer; /* for the lock or, while it runs, for the worker to be killed */
	usec_t last;         /* by which it must have ended ... */
	usec_t patience;     /* ... if it tells of progress so often */
	usec_t lock_since;
	unsigned recoveries;
};

TAILQ_HEAD(worker_list, worker);

struct workers {
	struct loop *loop;
	char *folder;
	const struct program *program;
	const struct hv_callbacks *callbacks; /* borrowed */
	struct spares *spares;
	struct worker_list list;
};

static struct worker *worker_free(struct worker *w)
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

DEFINE_CLEANUP(struct worker, worker_free);

static void on_timer(void *data);

static int worker_new(struct workers *ws, const struct uuid *uuid, const char *path,
		      struct worker **ret)
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

static int set_name(struct worker *w, const char *name)
{
	int r = str_replace(&w->name, name);

	w->operation.name = w->name;
	return r;
}

/* Once a guest is released to another host, its answers count more than the deadline. */
static void set_limits(struct worker *w, const struct operation_request *request)
{
	usec_t answers = 2 * request->answer_limit;

	w->last = usec_add(request->deadline, DEADLINE_GRACE + answers);
	w->patience = request->patience == 0 ? USEC_INFINITY : request->patience + answers;
}

static void set_timer(struct worker *w)
{
	usec_t at = MIN(w->last, usec_add(usec_now(), w->patience));

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

static struct log_fields make_fields(const struct worker *w, const char *message_id)
{
	return (struct log_fields){
		.message_id = message_id,
		.domain = w->operation.name,
		.uuid = &w->operation.uuid,
		.operation = operation_to_string(w->operation.operation),
		LOG_FIELDS_NONE,
	};
}

static int run(struct worker *w, const char *verb, int record);

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
	struct log_fields fields = make_fields(w, MSG_WORKER_LOST);
	int r;

	if (w->recoveries >= RECOVERIES_MAX) {
		finish_with(w, -EIO, "its workers died repeatedly. Check the guest with 'xl list'");
		return;
	}
	w->last = USEC_INFINITY;
	r = run(w, OPERATION_VERB_RECOVER, record);
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

/* Keeps a file that is not understood for people. why: begins a sentence that ends with the path.
 */
static void keep_record(const char *path, const char *why)
{
	_cleanup_free_ char *aside = NULL;
	int r = file_put_aside(path, ".unreadable-", &aside);

	if (r < 0)
		log_error_errno(r, "Failed to rename the operation file %s", path);
	else
		log_error("%s %s, renamed it to %s", why, path, aside);
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
		keep_record(w->path, r < 0 ? NOT_READ : NOT_OURS);
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
	struct log_fields fields = make_fields(w, MSG_WORKER_KILLED);

	log_message(LOG_ERR, &fields, "Killing the %s worker: %s", fields.operation,
		    usec_now() >= w->last ? "deadline exceeded"
					  : "no progress within ProgressTimeout=");
	process_signal(w->pidfd, SIGKILL);
	w->killed = true;
	timer_set_after(w->timer, KILL_LIMIT);
}

static void tell_stuck(struct worker *w)
{
	struct log_fields fields = make_fields(w, MSG_WORKER_STUCK);

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

static void on_timer(void *data)
{
	struct worker *w = data;

	if (w->pidfd < 0)
		look_at_file(w);
	else if (!w->end)
		watch_process(w);
	else if (w->killed)
		tell_stuck(w);
	else
		end_by_force(w);
}

/* 0, or -errno: no worker was started. */
static int run(struct worker *w, const char *verb, int record)
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
	watch_process(w);
	return 0;
}

/* A new operation. */

int workers_operate(struct workers *ws, const struct operation_request *request)
{
	_cleanup_(worker_freep) struct worker *w = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int record = -1;
	int r;

	if (workers_find(ws, &request->uuid))
		return -EBUSY;
	r = str_format(&path, "%s/%s", ws->folder, UUID_TEXT(&request->uuid));
	r = r < 0 ? r : worker_new(ws, &request->uuid, path, &w);
	r = r < 0 ? r : set_name(w, request->name);
	if (r < 0)
		return r;
	w->operation.operation = request->operation;
	set_limits(w, request);
	record = record_create(ws->folder, path, request);
	if (record < 0)
		return record;
	r = run(w, OPERATION_VERB_OPERATE, record);
	if (r < 0) {
		unlink(path);
		return r;
	}
	TAILQ_INSERT_TAIL(&ws->list, w, entry);
	TAKE_PTR(w);
	return 0;
}

void workers_expect(struct workers *ws, unsigned removals)
{
	spares_want(ws->spares, removals);
}

void workers_abort(struct workers *ws, const struct uuid *uuid)
{
	struct worker *w;

	TAILQ_FOREACH(w, &ws->list, entry)
		if (uuid_equal(&w->operation.uuid, uuid) && w->pidfd >= 0)
			process_signal(w->pidfd, SIGTERM);
}

const struct hv_operation *workers_find(struct workers *ws, const struct uuid *uuid)
{
	const struct worker *w;

	TAILQ_FOREACH(w, &ws->list, entry)
		if (uuid_equal(&w->operation.uuid, uuid))
			return &w->operation;
	return NULL;
}

const struct hv_operation *workers_at(struct workers *ws, size_t index)
{
	const struct worker *w;

	TAILQ_FOREACH(w, &ws->list, entry)
		if (index-- == 0)
			return &w->operation;
	return NULL;
}

/* Taking on what an earlier daemon left. */

static void log_adopted(const struct worker *w)
{
	struct log_fields fields = make_fields(w, MSG_WORKER_ADOPTED);

	log_message(LOG_NOTICE, &fields, "resuming a %s that a previous daemon started",
		    fields.operation);
}

/* Whether a request, or more, was written to its end. */
static bool has_message(int fd)
{
	char last = 'x';

	for (off_t at = 0; last && pread(fd, &last, 1, at) == 1; at++)
		;
	return !last;
}

/* A worker of another version may be at it. One that never got a request has begun nothing. */
static void discard_record(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		log_error("Failed to parse %s, which a worker is using: leaving its guest alone",
			  path);
	else if (st.st_size == 0 || !has_message(fd))
		unlink(path);
	else
		keep_record(path, NOT_READ);
}

static int adopt(struct workers *ws, const char *path, const struct uuid *uuid)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	_cleanup_(worker_freep) struct worker *w = NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : operation_record_read(fd, &record);

	if (r == -EBADMSG) {
		discard_record(path);
		return 0;
	}
	r = r < 0 ? r : worker_new(ws, uuid, path, &w);
	r = r < 0 ? r : set_name(w, record.request.name);
	if (r < 0)
		return r;
	w->operation.operation = record.request.operation;
	w->operation.started = record.started;
	w->operation.adopted = true;
	set_limits(w, &record.request);
	w->lock_since = usec_now();
	if (record.worker_pid)
		w->pidfd = process_open((pid_t)record.worker_pid, record.worker_start);
	if (w->pidfd >= 0)
		watch_process(w);
	else
		timer_set_after(w->timer, 0);
	log_adopted(w);
	TAILQ_INSERT_TAIL(&ws->list, w, entry);
	TAKE_PTR(w);
	return 0;
}

static int adopt_all(struct workers *ws)
{
	DIR *folder = opendir(ws->folder);
	const struct dirent *entry;
	int r = 0;

	if (!folder)
		return -errno;
	while (r >= 0 && (entry = readdir(folder))) {
		_cleanup_free_ char *path = NULL;
		struct uuid uuid;

		if (uuid_parse(entry->d_name, &uuid) < 0)
			continue;
		r = str_format(&path, "%s/%s", ws->folder, entry->d_name);
		r = r < 0 ? r : adopt(ws, path, &uuid);
	}
	closedir(folder);
	return r;
}

int workers_new(struct loop *loop, const char *folder, const struct program *program,
		const struct hv_callbacks *callbacks, struct workers **ret)
{
	_cleanup_(workers_freep) struct workers *ws = calloc(1, sizeof(*ws));
	int r;

	if (!ws)
		return -ENOMEM;
	*ws = (struct workers){.loop = loop, .program = program, .callbacks = callbacks};
	TAILQ_INIT(&ws->list);
	r = str_replace(&ws->folder, folder);
	r = r < 0 ? r : spares_new(loop, program, &ws->spares);
	r = r < 0 ? r : make_directory(folder, 0700);
	r = r < 0 ? r : adopt_all(ws);
	if (r < 0)
		return r;
	record_keep_room(folder);
	*ret = TAKE_PTR(ws);
	return 0;
}

struct workers *workers_free(struct workers *ws)
{
	struct worker *w;

	if (!ws)
		return NULL;
	while ((w = TAILQ_FIRST(&ws->list))) {
		TAILQ_REMOVE(&ws->list, w, entry);
		worker_free(w);
	}
	spares_free(ws->spares);
	free(ws->folder);
	free(ws);
	return NULL;
}
