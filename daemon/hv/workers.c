/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/workers.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "hv/record.h"
#include "hv/worker.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/process.h"
#include "util/str.h"

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
	r = r < 0 ? r : worker_set_request(w, request);
	if (r < 0)
		return r;
	record = record_create(ws->folder, path, request);
	if (record < 0)
		return record;
	r = worker_run(w, OPERATION_VERB_OPERATE, record);
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
	struct log_fields fields = worker_fields(w, MSG_WORKER_ADOPTED);

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
		record_put_aside(path, RECORD_NOT_READ);
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
	r = r < 0 ? r : worker_set_request(w, &record.request);
	if (r < 0)
		return r;
	w->operation.started = record.started;
	w->operation.adopted = true;
	w->lock_since = usec_now();
	if (!worker_find(w, &record))
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
