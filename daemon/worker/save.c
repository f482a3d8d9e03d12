/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/save.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "model/image-size.h"
#include "util/fd.h"
#include "util/human.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/mark.h"
#include "worker/image/disks.h"
#include "worker/image/image.h"
#include "worker/image/names.h"
#include "worker/image/place.h"
#include "worker/image/trust.h"
#include "worker/life.h"
#include "worker/link.h"

/* An image on its way to the disk. */
struct saving {
	char *part; /* path while it is incomplete */
	char *config;
	int fd;
	off_t stream;   /* where the stream begins */
	struct uuid id; /* of the image, once it is described */
	bool recorded;  /* the ledger says that the guest is saved to it */
	bool published; /* part is the image now */
};

static void saving_done(struct saving *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->part && !s->published)
		unlink(s->part);
	free(s->part);
	free(s->config);
}

static int explain_disk(struct task *task, int error, const char *what)
{
	return task_explain(task, error, "failed to %s %s: %s", what, task->record.request.path,
			    strerror(-error));
}

static bool has_room(int fd, uint64_t bytes)
{
	struct statvfs vfs;

	return fstatvfs(fd, &vfs) < 0 || vfs.f_bavail >= bytes / vfs.f_frsize;
}

/* Claims the room while the guest still runs: a full disk must not be found out too late. */
static int reserve(struct task *task, int fd, uint64_t bytes)
{
	int r = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) < 0 ? -errno : 0;

	/* Where it cannot be claimed it can be looked for. */
	if (r == -EOPNOTSUPP || r == -ENOSYS)
		r = has_room(fd, bytes) ? 0 : -ENOSPC;
	if (r == -ENOSPC || r == -EDQUOT || r == -EFBIG)
		return task_explain(task, r, "no room for the image %s (%s): %s",
				    task->record.request.path, SIZE(bytes), strerror(-r));
	return r < 0 ? explain_disk(task, r, "reserve room for") : 0;
}

/*
 * Refuses to put aside the newest image of another guest, if the ledger knows of one at the path. A
 * file that cannot be read may be that image.
 */
static int check_other(struct task *task)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const struct operation_request *request = &task->record.request;
	_cleanup_free_ char *unopened = NULL;
	_cleanup_close_ int fd = -1;
	enum image_problem problem;
	int r;

	if (uuid_is_null(&request->image))
		return 0;
	fd = link_open(request->path, O_RDONLY | O_NONBLOCK, &unopened);
	/* A link without a target can lead to a file system that is not mounted. */
	if (fd == -ENOENT && faccessat(AT_FDCWD, request->path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = fd < 0 ? fd : image_read_header(fd, &header, &problem);
	if (r >= 0 && !(header.ours && uuid_equal(&header.facts.id, &request->image)))
		return 0;
	return task_explain(task, -EEXIST,
			    "Refusing to save to %s: it holds the newest image of another guest%s. "
			    "Start that guest, or move its image to another directory",
			    request->path,
			    r < 0 ? ", according to the ledger, but cannot be read" : "");
}

static int make_folder(struct task *task)
{
	const char *path = task->record.request.path;
	int r = make_directory_of(path, 0700);

	return r < 0 ? task_explain(task, r, "failed to create the directory of %s: %s", path,
				    strerror(-r))
		     : 0;
}

/*
 * Some file systems give each file an owner and a mode of their own (NFS with root_squash, vfat):
 * found out while the guest still runs.
 */
static int check_owner(struct task *task, const struct saving *s)
{
	const char *path = task->record.request.path, *problem = NULL;
	_cleanup_free_ char *folder = strndup(path, (size_t)(path_base(path) - path));
	struct stat file, dir;

	if (!folder)
		return -ENOMEM;
	if (fstat(s->fd, &file) < 0 || stat(folder, &dir) < 0)
		return explain_disk(task, -errno, "look at");
	if (!trust_owner(&file))
		problem = "others than root could write it, and it would not be restored";
	else if (file.st_mode & (S_IRGRP | S_IROTH))
		problem = "others than root could read it";
	else if (place_is_open(&dir))
		problem = "others than root could replace it";
	if (!problem)
		return 0;
	return task_explain(
		task, -EPERM,
		"%s is not written: %s (file: owner %u, mode %04o; directory: owner %u, "
		"mode %04o). Set XENDOMAINS_SAVE to a directory that root alone can "
		"write, on a file system that keeps owner and mode",
		path, problem, file.st_uid, file.st_mode & ALLPERMS, dir.st_uid,
		dir.st_mode & ALLPERMS);
}

static int open_part(struct task *task, struct saving *s)
{
	int r = make_folder(task);

	r = r < 0 ? r : image_part_path(task->record.request.path, &s->part);
	if (r < 0)
		return r;
	/* This worker holds the lock of the guest, so a file at this path is left over. */
	r = image_remove_part(s->part);
	if (r < 0)
		return explain_disk(task, r, "replace");
	s->fd = open(s->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return explain_disk(task, -errno, "create");
	image_hold_part(s->fd);
	return check_owner(task, s);
}

static int prepare(struct task *task, const struct xl_domain *d, struct saving *s)
{
	_cleanup_free_ uint8_t *header = NULL;
	size_t size;
	int r = check_other(task);

	if (r < 0)
		return r;
	r = xl_get_config(task->xl, d->domid, &s->config);
	if (r < 0)
		return task_explain_xl(task, r, "failed to get the configuration of the domain");
	r = image_header_make(s->config, task->record.request.compression, &header, &size);
	r = r < 0 ? r : open_part(task, s);
	if (r < 0)
		return r;
	task->expected = d->memory_kib * 1024;
	r = reserve(task, s->fd, image_room(d->memory_kib));
	r = r < 0 ? r : fd_write_all(s->fd, header, size);
	if (r < 0)
		return explain_disk(task, r, "write");
	s->stream = (off_t)size;
	return 0;
}

/* Lets libxl write through the pump. What the file says weighs more than what libxl makes of it. */
static int write_stream(struct task *task, const struct xl_domain *d, const struct saving *s,
			struct pump_result *result)
{
	struct pump *pump;
	int pipe, saved;
	const struct operation_request *request = &task->record.request;
	int r = pump_to_file(s->fd, request->compression, request->threads, &pump, &pipe);

	if (r < 0)
		return r;
	task->pump = pump;
	saved = xl_save(task->xl, d->domid, pipe);
	task->pump = NULL;
	close(pipe);
	pump_join(pump, result);
	if (result->error < 0 && result->error != -EBADMSG)
		return explain_disk(task, result->error, "write");
	if (saved < 0)
		return task_explain_xl(task, saved, NULL);
	if (result->error < 0)
		return task_explain(task, -EBADMSG, "save: libxl wrote an invalid stream: %s",
				    stream_problem_to_string(result->problem));
	return 0;
}

/*
 * Describes the disks while only the guest can have written them. They are synced here, so that
 * little is left to do when the guest is gone. Only a save that is cut off needs this stamp. But if
 * a disk cannot be written, the save fails here, so that the guest runs on.
 */
static int write_first_stamp(struct task *task, const struct saving *s)
{
	_cleanup_free_ char *stamp = NULL;
	int r = disks_stamp_first(s->config, IMAGE_FIRST_STAMP_MAX, &stamp);

	if (r >= 0)
		return image_write_first_stamp(s->fd, stamp, s->stream);
	if (r != -EMSGSIZE)
		return task_explain(task, r, "failed to sync the disks of the guest: %s",
				    strerror(-r));
	return 0;
}

static int describe(struct task *task, struct saving *s, const struct pump_result *result)
{
	_cleanup_free_ char *version = NULL;
	struct image_facts facts = {
		.uuid = task->record.request.uuid,
		.stream_bytes = result->bytes,
		.stream_hash = result->hash,
		.compression = task->record.request.compression,
		.stored_bytes = result->stored,
		.saved_wall = usec_now_wall(),
	};
	int r = uuid_random(&facts.id);

	if (xl_version(task->xl, &version) >= 0)
		snprintf(facts.xen, sizeof(facts.xen), "%s", version);
	if (gethostname(facts.host, sizeof(facts.host) - 1) < 0)
		facts.host[0] = '\0';
	s->id = facts.id;
	return r < 0 ? r : image_write_facts(s->fd, &facts, s->stream, s->config);
}

/* Before the image has its name. Without the record its disks have to tell that it is the newest.
 */
static void record(struct task *task, struct saving *s, const struct pump_result *result)
{
	const struct operation_request *request = &task->record.request;
	int r = life_save(task, &s->id, request->path, (uint64_t)s->stream + result->stored);

	s->recorded = r >= 0;
	if (r < 0)
		log_warning("%s: Failed to record the save in %s: %s", request->name,
			    request->ledger, life_error(r));
}

/* An existing file of the name is of an earlier life, or of another guest. It is kept, and not
 * restored. */
static int make_way(struct task *task)
{
	const char *path = task->record.request.path;
	_cleanup_free_ char *aside = NULL;
	int r = image_put_aside(path, "the guest of this name was saved again", &aside);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return explain_disk(task, r, "put aside");
	log_notice("%s: Renamed an older %s to %s", task->record.request.name, path, aside);
	return 0;
}

/* How fast the disk is must not be judged by zeros, which are left out. */
static uint64_t count_written(const struct saving *s)
{
	struct stat st;

	return fstat(s->fd, &st) < 0 ? 0 : (uint64_t)st.st_blocks * 512;
}

/* From here on the image counts, whatever happens. */
static int publish(struct task *task, struct saving *s, const struct pump_result *result)
{
	int r = 0;

	if (ftruncate(s->fd, s->stream + (off_t)result->stored) < 0)
		r = -errno;
	/* First the stream, then the words that it is complete: never the other way round. */
	if (r >= 0 && fsync(s->fd) < 0)
		r = -errno;
	task->result.written = count_written(s);
	r = r < 0 ? r : write_first_stamp(task, s);
	r = r < 0 ? r : describe(task, s, result);
	if (r >= 0 && fsync(s->fd) < 0)
		r = -errno;
	if (r < 0)
		return explain_disk(task, r, "write");
	posix_fadvise(s->fd, 0, 0, POSIX_FADV_DONTNEED);
	r = task_mark_image(task, OPERATION_MARK_DESCRIBED, &s->id);
	r = r < 0 ? r : make_way(task);
	if (r < 0)
		return r;
	record(task, s, result);
	r = image_publish(s->part, task->record.request.path);
	s->published = access(s->part, F_OK) < 0;
	if (r < 0)
		return explain_disk(task, r, "rename");
	return task_mark(task, OPERATION_MARK_PUBLISHED, NULL);
}

/* The guest runs on; no file that looks like an image of it may stay. */
static void roll_back(struct task *task, struct saving *s)
{
	struct xl_domain d;
	int r;

	if (s->published) {
		unlink(task->record.request.path);
		fsync_parent(task->record.request.path);
	}
	r = task_find_domain(task, &d);
	if (r < 0 || !d.suspended)
		return;
	if (s->recorded)
		life_begin(task, BEGINNING_RESUME, &UUID_NULL, d.domid);
	r = xl_resume(task->xl, d.domid);
	if (r < 0)
		log_error("%s: Failed to resume the guest after a failed save: domain %u stays "
			  "suspended",
			  task->record.request.name, d.domid);
}

/* For a later worker: what is left of the guest can go, and its disks are to be described. */
static void note_left(struct task *task, uint32_t domid)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_close_ int fd = open(task->record.request.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *mark = NULL;
	enum image_problem problem;
	int r = fd < 0 ? -errno : image_read_header(fd, &header, &problem);

	r = r < 0 ? r : mark_format_saved(&task->record.request.uuid, &header.facts.id, &mark);
	r = r < 0 ? r : xl_set_mark(task->xl, domid, mark);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that domain %u is saved",
				  task->record.request.name, domid);
}

int save_finish_left(struct task *task, const struct xl_domain *d)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const char *path = task->record.request.path;
	enum image_problem problem;
	_cleanup_(mark_done) struct mark mark = {0};
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	int r = xl_get_mark(task->xl, d->domid, &text);

	r = r < 0 ? r : mark_parse(text, strlen(text), &mark);
	if (r < 0)
		return task_explain(
			task, r, "Failed to read in XenStore whether domain %u is saved", d->domid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r = fd < 0 ? -errno : image_read_header(fd, &header, &problem);
	if (r < 0 || !d->suspended || uuid_is_null(&mark.saved) ||
	    !uuid_equal(&header.facts.id, &mark.saved))
		return task_explain(
			task, -ESTALE,
			"Leaving domain %u as it is: %s cannot be read, or is not the image that "
			"the domain was saved to. The domain may hold the only copy of the "
			"guest's memory",
			d->domid, path);
	return save_finish(task, d);
}

/* A stamp that tells of no disk: those that the guest has are unknown from now on. */
#define STAMP_OF_NONE "{\"disks\":[]}"

/*
 * Whether the disks are as the first stamp says, so that nothing was written since the guest
 * was suspended. While the suspended domain exists, no other tool is expected to write, and
 * disks that cannot be seen from here count as unchanged.
 */
static bool are_disks_as_saved(const struct image_header *header, bool is_there)
{
	_cleanup_free_ char *reason = NULL;
	enum disks_verdict verdict;

	if (!header->first_stamp && is_there)
		return true;
	return disks_compare_first(header->config, header->first_stamp, NULL, &verdict, &reason) >=
		       0 &&
	       verdict <= (is_there ? DISKS_UNSEEN : DISKS_UNCHANGED);
}

static int open_saved(struct task *task, struct image_header *ret)
{
	enum image_problem problem;
	int fd = open(task->record.request.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int r = fd < 0 ? -errno : image_read_header(fd, ret, &problem);

	if (r >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return explain_disk(task, r, "read back");
}

static int destroy_saved(struct task *task, uint32_t domid)
{
	int r = xl_destroy(task->xl, domid);

	if (r >= 0)
		return 0;
	task_explain_xl(task, r, LEFT_BEHIND_WORDS);
	note_left(task, domid);
	task->result.outcome = OPERATION_LEFT_BEHIND;
	return r;
}

static int write_last_stamp(struct task *task, int fd, const struct image_header *header,
			    const char *stamp)
{
	int r = image_write_stamp(fd, stamp, header->stream);

	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	return r < 0 ? explain_disk(task, r, "complete") : 0;
}

static int describe_disks(struct task *task, const struct image_header *header, char **ret)
{
	int r = disks_stamp(header->config, IMAGE_STAMP_MAX, ret);

	return r < 0 ? task_explain(task, r,
				    "the guest is saved, but its disks could not be synced: %s",
				    strerror(-r))
		     : 0;
}

/* The guest is gone, and its disks are described for good. */
static int stamp_disks(struct task *task, int fd, const struct image_header *header)
{
	_cleanup_free_ char *stamp = NULL;
	int r = describe_disks(task, header, &stamp);

	return r < 0 ? r : write_last_stamp(task, fd, header, stamp);
}

/* The guest may have been gone for long: its disks now prove nothing. */
static int stamp_disks_late(struct task *task, int fd, const struct image_header *header)
{
	_cleanup_free_ char *stamp = NULL;
	int r = describe_disks(task, header, &stamp);

	if (r < 0)
		return r;
	/* In this order, so that writes in between are seen. */
	return write_last_stamp(task, fd, header,
				are_disks_as_saved(header, false) ? stamp : STAMP_OF_NONE);
}

static int finish(struct task *task, const struct xl_domain *d)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_close_ int fd = -1;
	int r = destroy_saved(task, d->domid);

	if (r < 0)
		return r;
	fd = open_saved(task, &header);
	return fd < 0 ? fd : stamp_disks(task, fd, &header);
}

int save_finish(struct task *task, const struct xl_domain *d)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_close_ int fd = open_saved(task, &header);
	bool as_saved;
	int r;

	if (fd < 0)
		return fd;
	if (!d)
		return header.stamp ? 0 : stamp_disks_late(task, fd, &header);
	/* Destroying it lets a device model write the last words of its own. */
	as_saved = are_disks_as_saved(&header, true);
	r = destroy_saved(task, d->domid);
	if (r < 0)
		return r;
	return as_saved ? stamp_disks(task, fd, &header)
			: write_last_stamp(task, fd, &header, STAMP_OF_NONE);
}

static int write_image(struct task *task, const struct xl_domain *d, struct saving *s,
		       struct pump_result *result)
{
	int r = prepare(task, d, s);

	return r < 0 ? r : write_stream(task, d, s, result);
}

/*
 * Compression needs tens of MiB. A guest that is saved without it is better off than one that is
 * not saved.
 */
static int write_plain(struct task *task, const struct xl_domain *d, struct saving *s,
		       struct pump_result *result)
{
	log_warning("%s: Not enough memory to compress the image, saving it without compression",
		    task->record.request.name);
	roll_back(task, s);
	saving_done(s);
	*s = (struct saving){.fd = -1};
	free(TAKE_PTR(task->result.reason));
	task->record.request.compression = COMPRESSION_NONE;
	return write_image(task, d, s, result);
}

int run_save(struct task *task)
{
	_cleanup_(saving_done) struct saving s = {.fd = -1};
	struct pump_result result = {0};
	struct xl_domain d;
	int r = task_find_domain(task, &d);

	if (r < 0)
		return task_explain(task, r, "domain %u is not there any more",
				    task->record.request.domid);
	if (d.shutdown)
		return task_explain(task, -ESHUTDOWN, "the guest has shut down already");
	r = write_image(task, &d, &s, &result);
	if (r == -ENOMEM && task->record.request.compression != COMPRESSION_NONE)
		r = write_plain(task, &d, &s, &result);
	r = r < 0 ? r : publish(task, &s, &result);
	if (r < 0) {
		roll_back(task, &s);
		return r;
	}
	task->result.bytes = (uint64_t)s.stream + result.stored;
	return finish(task, &d);
}
