/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ledger-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "ledger-apply.h"
#include "ledger-snapshot.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/ledger-record.h"

/* A ledger that has grown beyond this was not written by us. */
#define LEDGER_MAX (64U << 20)

/* By so much of its end the part that was read is known again. */
#define END 64

/* So many records more than twice what there is to know, and the file is written anew. */
#define SPARE_RECORDS 500

/* Of a file that is written anew; the second one is of who must not meet the first. */
#define SUFFIX        ".new"
#define SUFFIX_BESIDE ".beside"

struct ledger_file {
	char *path;
	struct uuid boot;
	struct ledger *ledger;
	char *loss;    /* what could not be read when it was opened */
	char *problem; /* what cannot be done now */
	ino_t inode;
	off_t read;       /* so much of the file is in the ledger ... */
	char end[END];    /* ... and these are the last bytes of that */
	size_t n_records; /* in the file */
	usec_t newest;    /* when the newest record of this boot was written */
	bool torn;        /* the file ends in the middle of a record */
	bool damaged;     /* a record before the last cannot be read */
};

static int set_problem(struct ledger_file *file, int error, const char *what)
{
	char *text;

	if (str_format(&text, "The ledger %s %s: %s", file->path, what, strerror(-error)) < 0)
		return error;
	if (!str_equal(text, file->problem))
		log_error("%s", text);
	free(file->problem);
	file->problem = text;
	return error;
}

/* Reading. */

static int apply(struct ledger_file *file, const struct ledger_record *record)
{
	if (uuid_equal(&record->boot, &file->boot))
		file->newest = MAX(file->newest, record->time);
	return ledger_apply(file->ledger, &file->boot, record);
}

/* since: only what this boot has recorded after that time; 0: all of it. */
static int apply_line(struct ledger_file *file, const char *line, size_t length, usec_t since)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record record;
	int r;

	if (length == 0)
		return 0;
	file->n_records++;
	r = ledger_record_parse(line, length, &record, &o);
	if (r == -EBADMSG) {
		file->damaged = true;
		ledger_doubt(file->ledger);
		return 0;
	}
	if (r < 0)
		return r;
	if (since && (!uuid_equal(&record.boot, &file->boot) || record.time <= since))
		return 0;
	return apply(file, &record);
}

static int apply_text(struct ledger_file *file, const char *text, size_t size, usec_t since)
{
	size_t done = 0;
	int r = 0;

	while (r >= 0 && done < size) {
		const char *end = memchr(text + done, '\n', size - done);

		if (!end)
			break;
		r = apply_line(file, text + done, (size_t)(end - text) - done, since);
		done = (size_t)(end - text) + 1;
	}
	file->torn = done < size;
	file->read += (off_t)done;
	return r;
}

static int read_end(const struct ledger_file *file, int fd, char ret[static END])
{
	off_t at = MAX(file->read - END, (off_t)0);
	ssize_t n = pread(fd, ret, END, at);

	if (n < 0)
		return -errno;
	memset(ret + MIN(n, (ssize_t)(file->read - at)), 0, END - (size_t)MIN(n, file->read - at));
	return 0;
}

/* Whether the file still begins with what was read of it. */
static int check_read(const struct ledger_file *file, int fd, const struct stat *st)
{
	char end[END];
	int r;

	if (!file->inode)
		return 0;
	if (st->st_ino != file->inode || st->st_size < file->read)
		return -ESTALE;
	r = read_end(file, fd, end);
	return r < 0 ? r : memcmp(end, file->end, END) == 0 ? 0 : -ESTALE;
}

/* 0, or -ESTALE: the file is not the one that was read, or has lost what was read of it. */
static int read_from(struct ledger_file *file, int fd, usec_t since)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t size;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = check_read(file, fd, &st);
	if (r < 0)
		return r;
	if (lseek(fd, file->read, SEEK_SET) < 0)
		return -errno;
	r = fd_read_file(fd, LEDGER_MAX, &text, &size);
	if (r < 0)
		return r;
	file->inode = st.st_ino;
	r = apply_text(file, text, size, since);
	return r < 0 ? r : read_end(file, fd, file->end);
}

static int read_ledger(struct ledger_file *file)
{
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno != ENOENT ? -errno : file->inode ? -ESTALE : 0;
	return read_from(file, fd, 0);
}

/* Writing it anew. */

struct writer {
	int fd;
	size_t n_records;
};

static int write_record(void *data, const struct ledger_record *record)
{
	_cleanup_free_ char *line = NULL;
	struct writer *writer = data;
	int r = ledger_record_format(record, &line);

	writer->n_records++;
	return r < 0 ? r : fd_write_all(writer->fd, line, strlen(line));
}

static int count_record(void *data, const struct ledger_record *record _unused_)
{
	(*(size_t *)data)++;
	return 0;
}

static int write_snapshot(struct ledger_file *file, int fd, size_t *ret_n)
{
	struct writer writer = {.fd = fd};
	int r = ledger_snapshot(file->ledger, &file->boot, write_record, &writer);

	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	*ret_n = writer.n_records;
	return r;
}

static int replace(struct ledger_file *file, const char *suffix)
{
	_cleanup_free_ char *new = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t n = 0;
	int r = str_format(&new, "%s%s", file->path, suffix);

	if (r < 0)
		return r;
	fd = open(new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : write_snapshot(file, fd, &n);
	if (r >= 0 && (fstat(fd, &st) < 0 || rename(new, file->path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(new);
		return r;
	}
	file->inode = st.st_ino;
	file->read = st.st_size;
	file->n_records = n;
	file->torn = file->damaged = false;
	r = read_end(file, fd, file->end);
	return r < 0 ? r : fsync_parent(file->path);
}

/* Nothing is lost that is appended meanwhile: who appends holds the lock too. */
static int compact(struct ledger_file *file)
{
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r;

	/* Once they are done, there is another occasion. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	r = fd < 0 ? 0 : read_from(file, fd, 0);
	if (r == -ESTALE) {
		/* Truncated, or another file: what has been added to it since counts. */
		file->read = 0;
		file->inode = 0;
		r = read_from(file, fd, file->newest);
	}
	return r < 0 ? r : replace(file, SUFFIX);
}

/* 1 if the ledger was locked in the middle of compact(), 0, or -errno. */
static int get_past_lock(struct ledger_file *file)
{
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *new = NULL;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) >= 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	r = str_format(&new, "%s" SUFFIX, file->path);
	if (r < 0)
		return r;
	/* A rename that is under way has come to its end by then, or will find nothing. */
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	/* No process appends, for each waits for the lock: what can be read now is all there is. */
	r = read_ledger(file);
	r = r < 0 ? r : replace(file, SUFFIX_BESIDE);
	return r < 0 ? r : 1;
}

void ledger_file_leave_lock(struct ledger_file *file)
{
	int r = get_past_lock(file);

	if (r < 0)
		set_problem(file, r, "is locked by a process that was killed");
	else if (r > 0)
		log_warning("%s was locked by a process that was killed, and is written anew",
			    file->path);
}

static void compact_if_large(struct ledger_file *file)
{
	size_t needed = 0;
	int r;

	if (!file->damaged && file->n_records <= SPARE_RECORDS)
		return;
	ledger_snapshot(file->ledger, &file->boot, count_record, &needed);
	if (!file->damaged && file->n_records <= 2 * needed + SPARE_RECORDS)
		return;
	if (file->damaged)
		log_warning("%s: a record cannot be read; which images are the newest is not "
			    "certain for guests that it may have told of",
			    file->path);
	r = compact(file);
	if (r < 0)
		set_problem(file, r, "cannot be written anew");
}

/* What workers have written, and where that fails, what is in memory. */
static int refresh(struct ledger_file *file)
{
	int r = read_ledger(file);

	if (r == -ESTALE) {
		log_warning("%s was truncated or replaced; xendomainsd writes what it knows",
			    file->path);
		r = compact(file);
	}
	if (r >= 0)
		compact_if_large(file);
	return r;
}

/* Opening. */

/* A file that is no ledger is kept for people to look at. */
static void put_aside(struct ledger_file *file, int error)
{
	_cleanup_free_ char *aside = NULL;
	int r;

	set_problem(file, error, "cannot be read; which images are the newest is not known");
	file->loss = TAKE_PTR(file->problem);
	r = file_put_aside(file->path, ".unreadable-", &aside);
	if (r < 0)
		log_error_errno(r, "Failed to rename %s", file->path);
	else
		log_warning("%s is now called %s", file->path, aside);
}

static int read_at_first(struct ledger_file *file)
{
	int r = read_ledger(file);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		put_aside(file, r);
	else if (file->torn)
		/* The host lost its power within a record: what it tells of has not begun. */
		r = compact(file);
	compact_if_large(file);
	return 0;
}

int ledger_file_open(const char *directory, struct ledger_file **ret)
{
	_cleanup_(ledger_file_freep) struct ledger_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->ledger = ledger_new();
	if (!file->ledger)
		return -ENOMEM;
	r = str_format(&file->path, "%s/ledger", directory);
	if (r < 0)
		return r;
	r = ledger_boot_id(&file->boot);
	if (r < 0)
		return r;
	r = make_directory(directory, 0700);
	r = r < 0 ? r : fsync_parent(directory);
	if (r < 0)
		set_problem(file, r, "has no directory");
	r = read_at_first(file);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(file);
	return 0;
}

struct ledger_file *ledger_file_free(struct ledger_file *file)
{
	if (!file)
		return NULL;
	ledger_free(file->ledger);
	free(file->path);
	free(file->problem);
	free(file->loss);
	free(file);
	return NULL;
}

const struct ledger *ledger_file_get(const struct ledger_file *file)
{
	return file->ledger;
}

const char *ledger_file_path(const struct ledger_file *file)
{
	return file->path;
}

const char *ledger_file_problem(const struct ledger_file *file)
{
	return file->problem ? file->problem : file->loss;
}

/* Recording. */

/*
 * Whether a record of the daemon must be on the disk before it goes on. The loop waits for that, so
 * it is so only for what a boot needs and no worker syncs.
 */
static bool must_last(enum ledger_kind kind)
{
	switch (kind) {
	case LEDGER_BEGAN:
	case LEDGER_SAVED:
	case LEDGER_OUTLIVED:
	case LEDGER_IMAGE:
	case LEDGER_LIFE:
	case LEDGER_LEAVING:
	case LEDGER_MIGRATED:
	case LEDGER_HOME:
		return true;
	/* Of use only with what a worker records of the guest later, which syncs the file. */
	case LEDGER_DRAWN:
	case LEDGER_ENDED:
	/* A boot forgets them. */
	case LEDGER_FAILURE:
	case LEDGER_RESTART:
	case LEDGER_FORGIVEN:
	case LEDGER_REMARK:
	/* An estimate. */
	case LEDGER_PACE:
	case _LEDGER_KIND_MAX:
	case _LEDGER_KIND_INVALID:
		break;
	}
	return false;
}

/* Writes a record, and takes it over from the disk, with what workers wrote before it. */
static int append(struct ledger_file *file, struct ledger_record record)
{
	int r;

	record.boot = file->boot;
	record.time = record.time ? record.time : usec_now();
	record.time_wall = record.time_wall ? record.time_wall : usec_now_wall();
	r = ledger_append(file->path, &record, must_last(record.kind));
	if (r < 0) {
		apply(file, &record);
		return set_problem(file, r, "cannot be written");
	}
	free(TAKE_PTR(file->problem));
	r = read_ledger(file);
	if (r == -ESTALE)
		return refresh(file);
	compact_if_large(file);
	return r;
}

static int note(struct ledger_file *file, enum ledger_kind kind, const struct uuid *uuid,
		const char *name, const char *reason, usec_t time)
{
	return append(file, (struct ledger_record){
				    .kind = kind,
				    .uuid = *uuid,
				    .name = name,
				    .reason = reason,
				    .time = time,
			    });
}

int ledger_file_set_drawn(struct ledger_file *file, const char *name, const struct uuid *uuid)
{
	return note(file, LEDGER_DRAWN, uuid, name, NULL, 0);
}

void ledger_file_set_failure(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *failure)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!uuid_is_null(uuid) &&
	    (!str_equal(past ? past->failure : NULL, failure) || (past && past->remark)))
		note(file, LEDGER_FAILURE, uuid, name, failure, 0);
}

void ledger_file_set_remark(struct ledger_file *file, const struct uuid *uuid, const char *name,
			    const char *remark)
{
	note(file, LEDGER_REMARK, uuid, name, remark, 0);
}

void ledger_file_add_restart(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     usec_t now)
{
	note(file, LEDGER_RESTART, uuid, name, NULL, now);
}

static void note_departure(struct ledger_file *file, enum ledger_kind kind, const struct uuid *uuid,
			   const char *name, const char *target)
{
	append(file,
	       (struct ledger_record){.kind = kind, .uuid = *uuid, .name = name, .target = target});
}

void ledger_file_set_away(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  const char *target)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	/* As a rule the worker has noted it. */
	if (past && str_equal(past->away, target) && !past->away_unknown)
		return;
	note_departure(file, LEDGER_MIGRATED, uuid, name, target);
}

void ledger_file_set_leaving(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *target)
{
	note_departure(file, LEDGER_LEAVING, uuid, name, target);
}

/* Not written: what was seen before the host was restarted says nothing of who removed it. */
void ledger_file_see_copy(struct ledger_file *file, const struct uuid *uuid)
{
	ledger_see_copy(file->ledger, uuid);
}

void ledger_file_set_home(struct ledger_file *file, const struct uuid *uuid, const char *name)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (past && past->away)
		note(file, LEDGER_HOME, uuid, name, NULL, 0);
}

void ledger_file_forgive(struct ledger_file *file, const struct uuid *uuid, const char *name)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (past && (past->failure || past->remark || past->n_restarts > 0))
		note(file, LEDGER_FORGIVEN, uuid, name, NULL, 0);
}

void ledger_file_see_life(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  uint32_t domid, bool resumed, usec_t wall)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!resumed && past && past->lives.last == LIFE_BEGAN && past->lives.domid == domid &&
	    uuid_equal(&past->lives.boot, &file->boot))
		return;
	append(file, (struct ledger_record){
			     .kind = LEDGER_BEGAN,
			     .uuid = *uuid,
			     .name = name,
			     .life = "seen",
			     .domid = domid,
			     .time_wall = wall,
		     });
}

void ledger_file_end_life(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  enum life how, usec_t wall)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!past || (past->lives.last != LIFE_BEGAN && past->lives.last != LIFE_SUSPENDED))
		return;
	append(file, (struct ledger_record){
			     .kind = LEDGER_ENDED,
			     .uuid = *uuid,
			     .name = name,
			     .life = life_to_string(how),
			     .time_wall = wall,
		     });
}

void ledger_file_outlive(struct ledger_file *file, const struct uuid *uuid, const char *name,
			 const struct uuid *image)
{
	append(file, (struct ledger_record){
			     .kind = LEDGER_OUTLIVED,
			     .uuid = *uuid,
			     .name = name,
			     .image = *image,
		     });
}

void ledger_file_add_pace(struct ledger_file *file, uint64_t rate)
{
	append(file, (struct ledger_record){.kind = LEDGER_PACE, .rate = rate});
}

void ledger_file_refresh(struct ledger_file *file)
{
	int r = refresh(file);

	if (r < 0)
		set_problem(file, r, "cannot be read");
}
