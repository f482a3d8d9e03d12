/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/ledger-record.h"
#include "world/ledger-file-private.h"
#include "world/ledger-snapshot.h"

/* So many records more than twice what there is to know, and the file is written anew. */
#define SPARE_RECORDS 500

/* Syncing it. */

static int sync_all(const void *data)
{
	const struct ledger_file *file = data;
	_cleanup_close_ int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = fd >= 0 && fdatasync(fd) < 0 ? -errno : 0;

	r = r < 0 ? r : fsync_parent(file->path);
	return r < 0 ? r : fsync_parent(file->directory);
}

static void on_synced(void *data, int error)
{
	struct ledger_file *file = data;

	file->helper = helper_free(file->helper);
	if (error < 0)
		ledger_file_set_problem(file, error, "cannot be synced");
	ledger_file_tend(file);
}

static void sync_if_needed(struct ledger_file *file)
{
	int r;

	if (file->helper || !file->unsynced)
		return;
	r = helper_start(file->loop, sync_all, on_synced, file, &file->helper);
	file->unsynced = r < 0;
	if (r < 0)
		ledger_file_set_problem(file, r, "cannot be synced");
}

/* Writing it anew. */

struct ledger_file_writer {
	int fd;
	size_t n_records;
};

static int write_record(void *data, const struct ledger_record *record)
{
	_cleanup_free_ char *line = NULL;
	struct ledger_file_writer *writer = data;
	int r = ledger_record_format(record, &line);

	writer->n_records++;
	return r < 0 ? r : fd_write_all(writer->fd, line, strlen(line));
}

static int count_record(void *data, const struct ledger_record *record _unused_)
{
	(*(size_t *)data)++;
	return 0;
}

static int write_snapshot(struct ledger_file *file, int fd)
{
	struct ledger_file_writer writer = {.fd = fd};
	struct stat st;
	int r = ledger_snapshot(file->ledger, &file->boot, write_record, &writer);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	file->rewrite.new_size = st.st_size;
	file->rewrite.new_n = writer.n_records;
	return 0;
}

static int rewrite(const void *data)
{
	const struct ledger_file *file = data;

	return rewrite_finish(&file->rewrite);
}

static void rewrite_failed(struct ledger_file *file, int error)
{
	file->unlike = true;
	/* If others work with the file, the rewrite is tried later. */
	if (error != -EBUSY && error != -ESTALE)
		ledger_file_set_problem(file, error, "cannot be rewritten");
}

static void on_rewritten(void *data, int error)
{
	struct ledger_file *file = data;
	int r;

	file->helper = helper_free(file->helper);
	/* Goes on in the new file, before there is yet another one. */
	r = ledger_file_read(file);
	file->rewrite.new_inode = 0;
	if (error < 0)
		rewrite_failed(file, error);
	else if (r < 0)
		ledger_file_set_problem(file, r, "cannot be read");
	/* A failed rewrite is not tried again at once. */
	if (error < 0 || r < 0)
		sync_if_needed(file);
	else
		ledger_file_tend(file);
}

static void begin_rewrite(struct ledger_file *file)
{
	_cleanup_close_ int fd = -1;
	int r;

	file->rewrite = (struct rewrite){
		.path = file->path,
		.new = file->new,
		.old_inode = file->inode,
		.old_size = file->read,
		.old_n = file->n_records,
	};
	r = rewrite_begin(&file->rewrite, &fd);
	r = r < 0 ? r : write_snapshot(file, fd);
	r = r < 0 ? r : helper_start(file->loop, rewrite, on_rewritten, file, &file->helper);
	file->unlike = false;
	if (r >= 0)
		return;
	if (fd >= 0)
		unlink(file->new);
	file->rewrite.new_inode = 0;
	rewrite_failed(file, r);
}

static bool is_large(struct ledger_file *file)
{
	size_t needed = 0;

	/* The needed records are counted again only when the file has grown beyond that. */
	if (file->n_records <= MAX(file->spacious, (size_t)SPARE_RECORDS))
		return false;
	ledger_snapshot(file->ledger, &file->boot, count_record, &needed);
	file->spacious = 2 * needed + SPARE_RECORDS;
	return file->n_records > file->spacious;
}

void ledger_file_tend(struct ledger_file *file)
{
	if (file->newer)
		return;
	if (!file->helper && (file->unlike || is_large(file)))
		begin_rewrite(file);
	sync_if_needed(file);
}

void ledger_file_leave(struct ledger_file *file)
{
	file->helper = helper_free(file->helper);
	/* Where a helper has just put a new file in its place, goes on in that. */
	if (file->unlike && ledger_file_read(file) >= 0 && !file->newer)
		begin_rewrite(file);
	file->helper = helper_free(file->helper);
	if (!file->newer)
		sync_if_needed(file);
	file->helper = helper_free(file->helper);
}
