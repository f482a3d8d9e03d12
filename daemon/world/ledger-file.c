/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/ledger-file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/ledger-record.h"
#include "world/ledger-apply.h"
#include "world/ledger-file-private.h"

static void log_trouble(int level, const char *message_id, const char *text)
{
	struct log_fields fields = {.message_id = message_id, LOG_FIELDS_NONE};

	log_message(level, &fields, "%s", text);
}

int ledger_file_set_problem(struct ledger_file *file, int error, const char *what)
{
	char *text;

	if (str_format(&text, "The ledger %s %s: %s", file->path, what, strerror(-error)) < 0)
		return error;
	if (!str_equal(text, file->problem))
		log_trouble(LOG_ERR, MSG_LEDGER_PROBLEM, text);
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

static int lose(struct ledger_file *file, const char *what)
{
	_cleanup_free_ char *loss = NULL;
	int r = str_format(&loss,
			   "The ledger %s %s: which images are the newest, and which guests were "
			   "migrated away, is not certain",
			   file->path, what);

	if (r < 0)
		return r;
	if (!str_equal(loss, file->ledger->loss))
		log_trouble(LOG_WARNING, MSG_LEDGER_LOST, loss);
	return ledger_doubt(file->ledger, loss);
}

/* From then on the daemon writes nothing to the file. */
static int see_newer(struct ledger_file *file)
{
	int r = str_format(&file->newer,
			   "The ledger %s was written by a newer version of xendomainsd (format "
			   "%" PRIu64 "; this version reads %u). It stays as it is. No guest is "
			   "started, restarted or migrated, and saves are not recorded. Install "
			   "the newer version again",
			   file->path, file->format, LEDGER_FORMAT_READ);

	if (r < 0)
		return r;
	log_trouble(LOG_ERR, MSG_LEDGER_NEWER, file->newer);
	return 0;
}

static int take_format(struct ledger_file *file, uint64_t format)
{
	file->format = MAX(file->format, format);
	return file->format > LEDGER_FORMAT_READ && !file->newer ? see_newer(file) : 0;
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
	if (ledger_line_is_torn(line, length))
		return 0;
	r = ledger_record_parse(line, length, &record, &o);
	/* The newer version knows what it means. */
	if (r == -EBADMSG && file->newer)
		return 0;
	if (r == -EBADMSG) {
		file->unlike = true;
		file->ledger->migrates |= ledger_record_tells_of_migration(line, length);
		return lose(file, "has a record that cannot be read");
	}
	r = r < 0 ? r : take_format(file, record.format);
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

/* Goes on in the new file, after the part of it that was read. */
static int go_on_in_new(struct ledger_file *file, int fd)
{
	const struct rewrite *rw = &file->rewrite;

	file->inode = rw->new_inode;
	file->read = rw->new_size + file->read - rw->old_size;
	file->n_records = rw->new_n + file->n_records - rw->old_n;
	return read_end(file, fd, file->end);
}

/* Whether the file still begins with the part that was read. */
static int check_read(struct ledger_file *file, int fd, const struct stat *st)
{
	char end[END];
	int r = 0;

	if (file->rewrite.new_inode && st->st_ino == file->rewrite.new_inode &&
	    st->st_ino != file->inode)
		r = go_on_in_new(file, fd);
	if (r < 0 || !file->inode)
		return r;
	if (st->st_ino != file->inode || st->st_size < file->read)
		return -ESTALE;
	r = read_end(file, fd, end);
	return r < 0 ? r : memcmp(end, file->end, END) == 0 ? 0 : -ESTALE;
}

/* 0, or -ESTALE: the file is another one, or has lost the part that was read. */
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
	/* It is not read into memory to find that out. */
	if (st.st_size - file->read > LEDGER_MAX)
		return -EFBIG;
	if (lseek(fd, file->read, SEEK_SET) < 0)
		return -errno;
	r = fd_read_file(fd, LEDGER_MAX, &text, &size);
	if (r < 0)
		return r;
	file->inode = st.st_ino;
	r = apply_text(file, text, size, since);
	return r < 0 ? r : read_end(file, fd, file->end);
}

static int read_ledger(struct ledger_file *file, usec_t since)
{
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno != ENOENT ? -errno : file->inode ? -ESTALE : 0;
	return read_from(file, fd, since);
}

/* Another file, or a truncated one: what has been added to it since counts. */
static int read_other(struct ledger_file *file)
{
	int r;

	file->unlike = true;
	file->rewrite.new_inode = 0;
	file->inode = 0;
	file->read = 0;
	file->n_records = 0;
	file->format = 0;
	r = read_ledger(file, file->newest);
	if (!file->newer)
		log_warning("%s was truncated or replaced; rewriting it from memory", file->path);
	return r;
}

int ledger_file_read(struct ledger_file *file)
{
	int r = read_ledger(file, 0);

	return r == -ESTALE ? read_other(file) : r;
}

/* Reads what workers have appended. If that fails, the ledger in memory counts. */
static int refresh(struct ledger_file *file)
{
	int r = ledger_file_read(file);

	if (r >= 0)
		ledger_file_tend(file);
	return r;
}

/* Opening. */

/* A file that is no ledger is kept for people to look at. */
static int put_aside(struct ledger_file *file, int error)
{
	_cleanup_free_ char *aside = NULL;
	int r;

	log_error_errno(error, "Failed to read the ledger %s", file->path);
	r = file_put_aside(file->path, ".unreadable-", &aside);
	if (r < 0)
		log_error_errno(r, "Failed to rename %s", file->path);
	else
		log_warning("%s is now called %s", file->path, aside);
	return lose(file, "could not be read");
}

static int read_at_first(struct ledger_file *file)
{
	int r = read_ledger(file, 0);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		r = put_aside(file, r);
	if (r < 0)
		return r;
	ledger_file_tend(file);
	return 0;
}

static int make_paths(struct ledger_file *file, const char *directory)
{
	int r = str_format(&file->directory, "%s", directory);

	r = r < 0 ? r : str_format(&file->path, "%s/ledger", directory);
	return r < 0 ? r : str_format(&file->new, "%s.new", file->path);
}

int ledger_file_open(struct loop *loop, const char *directory, struct ledger_file **ret)
{
	_cleanup_(ledger_file_freep) struct ledger_file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->loop = loop;
	file->ledger = ledger_new();
	if (!file->ledger)
		return -ENOMEM;
	r = make_paths(file, directory);
	r = r < 0 ? r : ledger_boot_id(&file->boot);
	if (r < 0)
		return r;
	r = make_directory(directory, 0700);
	if (r < 0)
		ledger_file_set_problem(file, r, "has no directory");
	file->unsynced = r >= 0;
	r = read_at_first(file);
	if (r < 0) {
		/* It knows a part of the file only, which must not take the place of all. */
		file->unlike = false;
		return r;
	}
	*ret = TAKE_PTR(file);
	return 0;
}

struct ledger_file *ledger_file_free(struct ledger_file *file)
{
	if (!file)
		return NULL;
	ledger_file_leave(file);
	ledger_free(file->ledger);
	free(file->directory);
	free(file->path);
	free(file->new);
	free(file->problem);
	free(file->newer);
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

enum ledger_writer ledger_file_writer(const struct ledger_file *file)
{
	return file->newer ? LEDGER_OF_NEWER : LEDGER_OF_OURS;
}

const char *ledger_file_problem(const struct ledger_file *file)
{
	if (file->newer)
		return file->newer;
	if (file->problem)
		return file->problem;
	return file->ledger->loss ? file->ledger->loss : file->loss;
}

/* Recording. */

/* Whether a power cut must not take a record, and no worker syncs it. */
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
	case LEDGER_RETURNED:
	case LEDGER_KEPT:
		return true;
	/* Needed only with a later record of a worker, which syncs the file. */
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

/* Whether all that was read of the file is still there, as far as its end tells. */
static bool goes_on(const struct ledger_file *file, int fd, const struct stat *st)
{
	char end[END];

	return st->st_ino == file->inode && st->st_size > file->read &&
	       read_end(file, fd, end) >= 0 && memcmp(end, file->end, END) == 0;
}

/*
 * The file may be another one by now. It is not read into the ledger here: the record that is about
 * to be written can have texts from there.
 */
static int look_for_newer(struct ledger_file *file)
{
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint64_t format;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || (st.st_ino == file->inode && st.st_size == file->read))
		return 0;
	r = ledger_format_of(fd, goes_on(file, fd, &st) ? file->read : 0, &format);
	return r < 0 ? r : take_format(file, format);
}

int ledger_file_append(struct ledger_file *file, struct ledger_record record)
{
	int r;

	record.boot = uuid_is_null(&record.boot) ? file->boot : record.boot;
	record.time = record.time ? record.time : usec_now();
	record.time_wall = record.time_wall ? record.time_wall : usec_now_wall();
	r = look_for_newer(file);
	if (file->newer)
		return apply(file, &record);
	r = r < 0 ? r : ledger_append(file->path, &record, false);
	if (r < 0) {
		apply(file, &record);
		file->unlike = true;
		/* The file is about to be replaced, and will be written anew after that. */
		return r == -EBUSY ? 0 : ledger_file_set_problem(file, r, "cannot be written");
	}
	free(TAKE_PTR(file->problem));
	file->unsynced |= must_last(record.kind);
	return refresh(file);
}

static int note_that_kept(struct ledger_file *file)
{
	return ledger_file_append(file, (struct ledger_record){
						.kind = LEDGER_KEPT,
						.reason = file->ledger->loss,
						.migrates = file->ledger->migrates,
						.format = LEDGER_FORMAT,
					});
}

int ledger_file_keep(struct ledger_file *file, bool expected)
{
	int r;

	if (file->newer || (file->n_records > 0 && file->format >= LEDGER_FORMAT))
		return 0;
	if (expected && file->n_records == 0 && !file->ledger->loss) {
		r = lose(file, "is missing, or empty");
		if (r < 0)
			return r;
	}
	note_that_kept(file);
	return 0;
}

void ledger_file_settle(struct ledger_file *file)
{
	if (!file->ledger->loss)
		return;
	free(file->loss);
	file->loss = TAKE_PTR(file->ledger->loss);
	note_that_kept(file);
}

/* Not written: the domain of an earlier boot does not tell who removed it. */
void ledger_file_see_copy(struct ledger_file *file, const struct uuid *uuid)
{
	ledger_see_copy(file->ledger, uuid);
}

void ledger_file_refresh(struct ledger_file *file)
{
	int r = refresh(file);

	if (r < 0)
		ledger_file_set_problem(file, r, "cannot be read");
}
