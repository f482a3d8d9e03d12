/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/survey.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "util/fd.h"
#include "util/process.h"
#include "util/str.h"
#include "util/time.h"
#include "wire/frame.h"
#include "wire/operation.h"
#include "worker/channel.h"
#include "worker/image/names.h"
#include "worker/survey-job.h"

/*
 * A read from a server that does not answer cannot be ended, not even by SIGKILL. So this process
 * touches no file of the survey: another one, the reader, reads them one after the other. If
 * the reader is late with one, another reader goes on after that file.
 */

/* So long a reader may take for one file before another one goes on after that file ... */
#define LATE_AFTER (1 * USEC_PER_SEC)

/* ... and so long until the file is given up. */
#define READ_LIMIT_SEC 30
#define READ_LIMIT     (READ_LIMIT_SEC * USEC_PER_SEC)

/* So many readers may be late or stuck. At that number no more files are read. */
#define READERS_MAX 64

#define NO_ANSWER "it does not answer"

struct survey_job {
	enum survey_kind kind;
	char *name; /* of a file; NULL: it is the directory */
	bool told;  /* what it says, or that this is not known yet */
	bool done;
};

struct reader {
	pid_t pid;
	int fd;
	struct framer framer;
	char *said; /* messages on the job that it is at, which may not be all */
	size_t n_said;
	size_t at, end; /* the job that it is at, and the one where it stops */
	usec_t since;   /* when it began with that */
	bool late;
	bool left; /* it was killed, and may live on */
};

struct survey_run {
	int channel;
	struct survey_folders folders;
	struct json_object *stuck; /* stuck readers of an earlier survey, by path */
	struct survey_job *jobs;
	size_t n_jobs;
	size_t next; /* no reader has begun with this one */
	size_t n_done;
	size_t untold_images, untold_configs; /* jobs */
	struct reader readers[READERS_MAX];
	size_t n_readers;
};

static void reader_done(struct reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	framer_done(&reader->framer);
	free(reader->said);
}

static void run_done(struct survey_run *run)
{
	for (size_t i = 0; i < run->n_readers; i++) {
		const struct reader *reader = &run->readers[i];

		/* One that has told all that it had to tell ends by itself. */
		if (!reader->left && reader->at >= reader->end)
			waitpid(reader->pid, NULL, 0);
		reader_done(&run->readers[i]);
	}
	for (size_t i = 0; i < run->n_jobs; i++)
		free(run->jobs[i].name);
	free(run->jobs);
	json_object_put(run->folders.known);
	json_object_put(run->stuck);
}

/* Jobs. */

static size_t *count_of(struct survey_run *run, enum survey_kind kind)
{
	switch (kind) {
	case SURVEY_IMAGES:
	case SURVEY_IMAGE:
		return &run->untold_images;
	case SURVEY_CONFIGS:
	case SURVEY_CONFIG:
		return &run->untold_configs;
	case SURVEY_ROOM:
		break;
	}
	return NULL;
}

static int add_job(struct survey_run *run, enum survey_kind kind, const char *name)
{
	struct survey_job *bigger = realloc(run->jobs, (run->n_jobs + 1) * sizeof(*bigger));
	struct survey_job job = {.kind = kind};
	size_t *untold = count_of(run, kind);
	int r;

	if (!bigger)
		return -ENOMEM;
	run->jobs = bigger;
	r = str_replace(&job.name, name);
	if (r < 0)
		return r;
	run->jobs[run->n_jobs++] = job;
	if (untold)
		++*untold;
	return 0;
}

/* Tells, once, that no image or no configuration is missing any more. */
static int set_told(struct survey_run *run, struct survey_job *job)
{
	size_t *untold = count_of(run, job->kind);

	if (job->told)
		return 0;
	job->told = true;
	if (!untold || --*untold > 0)
		return 0;
	return channel_send(run->channel, "told",
			    json_object_new_string(
				    untold == &run->untold_images ? "images" : "configurations"));
}

static int set_done(struct survey_run *run, struct survey_job *job)
{
	job->done = true;
	run->n_done++;
	return set_told(run, job);
}

static int miss(struct survey_run *run, struct survey_job *job, const char *why)
{
	int r = survey_job_miss(job->kind, &run->folders, job->name, why, false, run->channel);

	return r < 0 ? r : set_done(run, job);
}

/* Stuck readers. */

/* What it takes to find it again: the number of a process is used again. */
static int identify(const struct reader *reader, char **ret)
{
	uint64_t start;
	int r = process_start_time(reader->pid, &start);

	return r < 0 ? r : str_format(ret, "%d %llu", (int)reader->pid, (unsigned long long)start);
}

/* The next survey must not add another stuck reader. */
static int tell_stuck(struct survey_run *run, const struct survey_job *job, const char *reader)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *path = NULL;
	int r = o ? survey_job_path(job->kind, &run->folders, job->name, &path) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "path", path);
	r = r < 0 ? r : json_add_string(o, "reader", reader);
	return r < 0 ? r : channel_send(run->channel, "stuck", TAKE_PTR(o));
}

static bool is_alive(const char *text)
{
	_cleanup_close_ int pidfd = -1;
	unsigned long long start;
	int pid;

	if (sscanf(text, "%d %llu", &pid, &start) != 2 || pid <= 1)
		return false;
	pidfd = process_open((pid_t)pid, start);
	if (pidfd >= 0)
		return poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, 0) == 0;
	/* Where it is gone, xl may be left of its group. */
	return kill((pid_t)pid, 0) < 0 && kill(-(pid_t)pid, 0) == 0;
}

/* The reader of an earlier survey that is stuck at this file, or NULL. 0 or -ENOMEM. */
static int find_stuck(const struct survey_run *run, const struct survey_job *job, const char **ret)
{
	_cleanup_free_ char *path = NULL;
	int r = survey_job_path(job->kind, &run->folders, job->name, &path);

	if (r >= 0)
		*ret = json_get_string(run->stuck, path);
	return r;
}

/* Readers. */

/* Never returns. */
static void read_jobs(const struct survey_run *run, size_t end, int out)
{
	bool late = false;
	int r = 0;

	/* A reader must hold no descriptor of others: it may never end. */
	close(run->channel);
	for (size_t i = 0; i < run->n_readers; i++)
		if (run->readers[i].fd >= 0)
			close(run->readers[i].fd);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = run->next; r >= 0 && !late && i < end; i++) {
		const struct survey_job *job = &run->jobs[i];
		usec_t began = usec_now();

		r = survey_job_read(job->kind, &run->folders, job->name, out);
		/* An empty message ends what is said of one. */
		r = r < 0 ? r : fd_write_all(out, "", 1);
		/* Another reader may be at the next one already. */
		late = usec_now() - began >= LATE_AFTER / 2;
	}
	_exit(-r);
}

static int start_reader(struct survey_run *run, size_t end)
{
	struct reader *reader = &run->readers[run->n_readers];
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		read_jobs(run, end, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	*reader = (struct reader){
		.pid = pid,
		.fd = ends[0],
		.framer = FRAMER_INIT(OPERATION_MESSAGE_MAX),
		.at = run->next,
		.end = end,
		.since = usec_now(),
	};
	run->n_readers++;
	run->next = end;
	return 0;
}

static void kill_reader(const struct reader *reader)
{
	/* With what it has started. */
	kill(-reader->pid, SIGKILL);
	kill(reader->pid, SIGKILL);
}

static void remove_reader(struct survey_run *run, struct reader *reader)
{
	reader_done(reader);
	*reader = run->readers[--run->n_readers];
}

static int take_name(struct survey_run *run, enum survey_kind folder, const char *name)
{
	enum image_file kind = image_file_kind(name);

	if (folder == SURVEY_CONFIGS)
		return add_job(run, SURVEY_CONFIG, name);
	/* Only the header of a part tells whether it is an image. */
	return kind == IMAGE_FILE_IMAGE || kind == IMAGE_FILE_CONSUMED || kind == IMAGE_FILE_PART
		       ? add_job(run, SURVEY_IMAGE, name)
		       : 0;
}

static int keep_said(struct reader *reader, const char *text, size_t size)
{
	char *bigger = realloc(reader->said, reader->n_said + size);

	if (!bigger)
		return -ENOMEM;
	memcpy(bigger + reader->n_said, text, size);
	reader->said = bigger;
	reader->n_said += size;
	return 0;
}

/* What is said of a job is passed on as a whole: else a file could come twice, or only half of it.
 */
static int pass_on(struct survey_run *run, struct reader *reader)
{
	int r = fd_write_all(run->channel, reader->said, reader->n_said);

	reader->n_said = 0;
	reader->since = usec_now();
	return r < 0 ? r : set_done(run, &run->jobs[reader->at++]);
}

static int take_message(struct survey_run *run, struct reader *reader, const char *text,
			size_t length)
{
	/* A slow reader may not know that another one reads the files after its own. */
	if (reader->at >= reader->end)
		return reader->late ? 0 : -EBADMSG;
	if (text[0] == SURVEY_NAME)
		return take_name(run, run->jobs[reader->at].kind, text + 1);
	return length > 0 ? keep_said(reader, text, length + 1) : pass_on(run, reader);
}

/* It has ended, by itself or by a signal. */
static int on_end(struct survey_run *run, struct reader *reader)
{
	size_t at = reader->at, end = reader->end;
	bool failed, late = reader->late;
	int status = 0;

	waitpid(reader->pid, &status, 0);
	remove_reader(run, reader);
	if (at >= end)
		return 0;
	failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	/* The next reader reads the files that this one has not reached. */
	if (!late)
		run->next = failed ? at + 1 : at;
	return failed ? miss(run, &run->jobs[at],
			     WIFEXITED(status) ? strerror(WEXITSTATUS(status))
					       : "the process that reads it was killed")
		      : 0;
}

static int on_news(struct survey_run *run, struct reader *reader)
{
	char chunk[16384];
	const char *text;
	size_t length;
	ssize_t n = read(reader->fd, chunk, sizeof(chunk));
	int r;

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return on_end(run, reader);
	r = framer_feed(&reader->framer, chunk, (size_t)n);
	while (r >= 0 && framer_next(&reader->framer, &text, &length) > 0)
		r = take_message(run, reader, text, length);
	return r;
}

/* It keeps this one job. The next reader reads the files after that. */
static int set_late(struct survey_run *run, struct reader *reader)
{
	struct survey_job *job = &run->jobs[reader->at];
	int r = survey_job_miss(job->kind, &run->folders, job->name, NO_ANSWER " yet", true,
				run->channel);

	reader->late = true;
	run->next = reader->end = reader->at + 1;
	/* The files of a directory are not known before it has answered. */
	return r < 0 || job->kind == SURVEY_IMAGES || job->kind == SURVEY_CONFIGS
		       ? r
		       : set_told(run, job);
}

static int give_up(struct survey_run *run, struct reader *reader)
{
	_cleanup_free_ char *id = NULL, *why = NULL;
	struct survey_job *job = &run->jobs[reader->at];
	int r = identify(reader, &id);

	kill_reader(reader);
	reader->left = true;
	r = r < 0 ? r : tell_stuck(run, job, id);
	r = r < 0 ? r : str_format(&why, NO_ANSWER " within %d s", READ_LIMIT_SEC);
	return r < 0 ? r : miss(run, job, why);
}

static usec_t due(const struct reader *reader)
{
	return reader->since + (reader->late ? READ_LIMIT : LATE_AFTER);
}

/* Nothing came from it. */
static int on_silence(struct survey_run *run, struct reader *reader, usec_t now)
{
	if (reader->at >= reader->end || now < due(reader))
		return 0;
	return reader->late ? give_up(run, reader) : set_late(run, reader);
}

/* Going through all of it. */

static struct reader *find_reader(struct survey_run *run, bool (*is)(const struct reader *))
{
	for (size_t i = 0; i < run->n_readers; i++)
		if (is(&run->readers[i]))
			return &run->readers[i];
	return NULL;
}

static bool is_in_time(const struct reader *reader)
{
	return !reader->late;
}

static bool is_waited_for(const struct reader *reader)
{
	return !reader->left;
}

/* Misses what a reader of an earlier survey still waits for. 1 if it does, 0, or -errno. */
static int skip_stuck(struct survey_run *run, struct survey_job *job)
{
	const char *stuck = NULL;
	int r = find_stuck(run, job, &stuck);

	if (r < 0 || !stuck || !is_alive(stuck))
		return r;
	r = tell_stuck(run, job, stuck);
	r = r < 0 ? r : miss(run, job, NO_ANSWER);
	return r < 0 ? r : 1;
}

/* Up to the next one that an earlier survey had no answer from. */
static int read_next(struct survey_run *run)
{
	const char *stuck = NULL;
	size_t end = run->next;
	int r;

	do {
		end++;
		r = end < run->n_jobs ? find_stuck(run, &run->jobs[end], &stuck) : 0;
	} while (r >= 0 && end < run->n_jobs && !stuck);
	return r < 0 ? r : start_reader(run, end);
}

/* Begins with the next jobs, unless a reader is at them that is not late. */
static int go_on(struct survey_run *run)
{
	while (run->next < run->n_jobs && !find_reader(run, is_in_time)) {
		struct survey_job *job = &run->jobs[run->next];
		bool full = run->n_readers == READERS_MAX;
		int r = skip_stuck(run, job);

		if (r == 0 && full && find_reader(run, is_waited_for))
			return 0;
		if (r == 0 && !full)
			return read_next(run);
		if (r == 0)
			r = miss(run, job, "too many other files do not answer");
		if (r < 0)
			return r;
		run->next++;
	}
	return 0;
}

static int wait_for_readers(struct survey_run *run)
{
	struct pollfd p[READERS_MAX];
	size_t n = run->n_readers;
	usec_t now = usec_now(), first = now + LATE_AFTER;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		const struct reader *reader = &run->readers[i];

		p[i] = (struct pollfd){.fd = reader->left ? -1 : reader->fd, .events = POLLIN};
		if (!reader->left && reader->at < reader->end)
			first = MIN(first, due(reader));
	}
	if (poll(p, n, (int)(usec_sub(first, now) / USEC_PER_MSEC) + 1) < 0)
		return errno == EINTR ? 0 : -errno;
	now = usec_now();
	/* From the end, for one that has ended gives its place to the last one. */
	for (size_t i = n; r >= 0 && i-- > 0;) {
		struct reader *reader = &run->readers[i];

		if (p[i].revents)
			r = on_news(run, reader);
		else if (!reader->left)
			r = on_silence(run, reader, now);
	}
	return r;
}

static int survey_all(struct survey_run *run)
{
	int r = 0;

	if (run->folders.save) {
		r = add_job(run, SURVEY_IMAGES, NULL);
		r = r < 0 ? r : add_job(run, SURVEY_ROOM, NULL);
	}
	if (run->folders.autostart)
		r = r < 0 ? r : add_job(run, SURVEY_CONFIGS, NULL);
	while (r >= 0 && run->n_done < run->n_jobs) {
		r = go_on(run);
		if (r >= 0 && run->n_done < run->n_jobs)
			r = wait_for_readers(run);
	}
	return r;
}

/* Known files come first, a message each. 1 at the end of the request. */
static int take_request(struct survey_run *run, struct json_object *message)
{
	const char *known = json_get_string(message, "known");
	const char *stuck = json_get_string(message, "stuck");

	if (known)
		return json_add_string(run->folders.known, known,
				       json_get_string(message, "stamp"));
	if (stuck)
		return json_add_string(run->stuck, stuck, json_get_string(message, "reader"));
	run->folders.autostart = json_get_string(message, "autostart");
	run->folders.save = json_get_string(message, "save");
	return 1;
}

int run_survey(int channel, int inotify)
{
	_cleanup_(run_done) struct survey_run run = {.channel = channel};
	_cleanup_(framer_done) struct framer framer = FRAMER_INIT(OPERATION_MESSAGE_MAX);
	_cleanup_json_ struct json_object *message = NULL;
	int r = 0;

	run.folders.inotify = inotify;
	run.folders.known = json_object_new_object();
	run.stuck = json_object_new_object();
	if (!run.folders.known || !run.stuck)
		return -ENOMEM;
	while (r == 0) {
		json_object_put(TAKE_PTR(message));
		r = channel_receive_next(channel, &framer, &message);
		r = r < 0 ? r : take_request(&run, message);
	}
	r = r < 0 ? r : survey_all(&run);
	return r < 0 ? r : channel_send_end(channel);
}
