/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/ledger-record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "util/domid.h"
#include "util/fd.h"
#include "util/str.h"

#define HASH_DIGITS 16

/* "Cancel", after a line that has no end. No record contains it. */
#define TORN "\030"

/* Room that is kept free after the end of the file: a full disk must not keep guests down. */
#define ROOM (64 << 10)

/* The size of each read of the file that looks for its format. */
#define SCAN_SIZE (256U << 10)

/* A process that writes the file anew holds the lock so long. After that the new file has the name.
 */
#define LOCK_LIMIT (120 * USEC_PER_SEC)
#define LOCK_PAUSE (20 * USEC_PER_MSEC)

static const char *const kind_names[_LEDGER_KIND_MAX] = {
	[LEDGER_DRAWN] = "drawn",       [LEDGER_BEGAN] = "began",
	[LEDGER_SAVED] = "saved",       [LEDGER_ENDED] = "ended",
	[LEDGER_OUTLIVED] = "outlived", [LEDGER_IMAGE] = "image",
	[LEDGER_LIFE] = "life",         [LEDGER_FAILURE] = "failure",
	[LEDGER_RESTART] = "restart",   [LEDGER_FORGIVEN] = "forgiven",
	[LEDGER_LEAVING] = "leaving",   [LEDGER_MIGRATED] = "migrated",
	[LEDGER_REMARK] = "remark",     [LEDGER_RETURNED] = "home",
	[LEDGER_PACE] = "pace",         [LEDGER_KEPT] = "kept",
};

int ledger_boot_id(struct uuid *ret)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[UUID_TEXT_SIZE] = "";
	int r;

	if (fd < 0)
		return -errno;
	r = fd_read_all(fd, text, sizeof(text) - 1);
	return r < 0 ? r : uuid_parse(text, ret);
}

static int add_life(struct json_object *o, const struct ledger_record *record)
{
	int r = json_add_string(o, "life", record->life);

	if (!uuid_is_null(&record->image))
		r = r < 0 ? r : json_add_uuid(o, "image", &record->image);
	r = r < 0 ? r : json_add_string(o, "standing", record->standing);
	if (record->doubtful)
		r = r < 0 ? r : json_add_bool(o, "doubtful", true);
	if (record->ahead)
		r = r < 0 ? r : json_add_bool(o, "ahead", true);
	if (record->alone)
		r = r < 0 ? r : json_add_bool(o, "alone", true);
	if (record->migrates)
		r = r < 0 ? r : json_add_bool(o, "migrates", true);
	if (record->followed)
		r = r < 0 ? r : json_add_bool(o, "followed", true);
	r = r < 0 ? r : json_add_string(o, "other", record->other);
	r = r < 0 ? r : json_add_string(o, "path", record->path);
	r = r < 0 ? r : json_add_string(o, "directory", record->directory);
	r = r < 0 ? r : json_add_string(o, "source", record->source);
	if (record->kind == LEDGER_SAVED)
		r = r < 0 ? r : json_add_u64(o, "size", record->size);
	if (record->kind == LEDGER_BEGAN || record->kind == LEDGER_LIFE ||
	    (record->kind == LEDGER_FAILURE && record->domid != DOMID_NONE))
		r = r < 0 ? r : json_add_u64(o, "domid", record->domid);
	if (record->gone_wall > 0)
		r = r < 0 ? r : json_add_u64(o, "gone_usec", record->gone_wall);
	return r;
}

static struct json_object *make_object(const struct ledger_record *record)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return NULL;
	r = json_add_string(o, "entry", kind_names[record->kind]);
	r = r < 0 ? r : json_add_uuid(o, "uuid", &record->uuid);
	r = r < 0 ? r : json_add_string(o, "name", record->name);
	r = r < 0 ? r : json_add_string(o, "reason", record->reason);
	r = r < 0 ? r : json_add_string(o, "target", record->target);
	r = r < 0 ? r : add_life(o, record);
	if (record->kind == LEDGER_PACE)
		r = r < 0 ? r : json_add_u64(o, "kib_per_sec", record->rate);
	if (record->kind == LEDGER_PACE && record->disk_rate > 0)
		r = r < 0 ? r : json_add_u64(o, "disk_kib_per_sec", record->disk_rate);
	if (record->compression != COMPRESSION_NONE)
		r = r < 0 ? r
			  : json_add_string(o, "compression",
					    compression_to_string(record->compression));
	if (record->kind == LEDGER_KEPT)
		r = r < 0 ? r : json_add_u64(o, "format", record->format);
	r = r < 0 ? r : json_add_uuid(o, "boot", &record->boot);
	r = r < 0 ? r : json_add_u64(o, "monotonic_usec", record->time);
	r = r < 0 ? r
		  : json_add_u64(o, "time_usec",
				 record->time_wall ? record->time_wall : usec_now_wall());
	return r < 0 ? NULL : TAKE_PTR(o);
}

int ledger_record_format(const struct ledger_record *record, char **ret)
{
	_cleanup_json_ struct json_object *o = make_object(record);
	const char *text;
	size_t length;

	text = o ? json_text(o, &length) : NULL;
	if (!text)
		return -ENOMEM;
	return str_format(ret, "%016" PRIx64 " %s\n", (uint64_t)XXH64(text, length, 0), text);
}

/* 1 if it is locked and has the name, 0 if it is locked by another, or has not, or -errno. */
static int try_lock(int fd, const char *path)
{
	struct stat opened, named;

	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : -errno;
	if (fstat(fd, &opened) < 0)
		return -errno;
	return lstat(path, &named) >= 0 && opened.st_ino == named.st_ino &&
	       opened.st_dev == named.st_dev;
}

/*
 * Opens the file that has the name now, since another can take its place. Locks it against the next
 * one that does. It does not wait for a lock of one file: its holder may never release it.
 */
static int open_locked(const char *path, bool wait)
{
	usec_t end = usec_now() + LOCK_LIMIT;

	for (;;) {
		_cleanup_close_ int fd = open(
			path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		int r = fd < 0 ? -errno : try_lock(fd, path);

		if (r < 0)
			return r;
		if (r > 0)
			return TAKE_FD(fd);
		if (!wait || usec_now() >= end)
			return -EBUSY;
		usleep((useconds_t)LOCK_PAUSE);
	}
}

/* The line before may have been torn by a power cut: ours must not be joined to it. */
static int end_torn_line(int fd, off_t size)
{
	char last;

	if (size == 0)
		return 0;
	if (pread(fd, &last, 1, size - 1) != 1)
		return -EIO;
	return last == '\n' ? 0 : fd_write_all(fd, TORN "\n", strlen(TORN "\n"));
}

static int append(int fd, const char *line)
{
	off_t size = lseek(fd, 0, SEEK_END);
	int r;

	if (size < 0)
		return -errno;
	/* If the file system cannot do that, only the reserve is lost. */
	(void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, size, ROOM);
	r = end_torn_line(fd, size);
	return r < 0 ? r : fd_write_all(fd, line, strlen(line));
}

static int check_format(int fd)
{
	uint64_t format;
	int r = ledger_format_of(fd, 0, &format);

	return r < 0 ? r : format > LEDGER_FORMAT_READ ? -EPROTO : 0;
}

int ledger_append(const char *path, const struct ledger_record *record, bool wait)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int fd = -1;
	int r = ledger_record_format(record, &line);

	if (r < 0)
		return r;
	fd = open_locked(path, wait);
	r = fd < 0 ? fd : wait ? check_format(fd) : 0;
	r = r < 0 ? r : append(fd, line);
	if (r < 0 || !wait)
		return r;
	/* The daemon may have made the file, or replaced it, and its name may not be synced yet. */
	return fdatasync(fd) < 0 ? -errno : fsync_parent(path);
}

bool ledger_line_is_torn(const char *text, size_t length)
{
	return length > 0 && text[length - 1] == TORN[0];
}

static bool has_hash(const char *text, size_t length)
{
	char hash[HASH_DIGITS + 2];

	if (length <= HASH_DIGITS + 1)
		return false;
	snprintf(hash, sizeof(hash), "%016" PRIx64 " ",
		 (uint64_t)XXH64(text + HASH_DIGITS + 1, length - HASH_DIGITS - 1, 0));
	return memcmp(text, hash, HASH_DIGITS + 1) == 0;
}

bool ledger_record_tells_of_migration(const char *text, size_t length)
{
	static const enum ledger_kind kinds[] = {LEDGER_LEAVING, LEDGER_MIGRATED, LEDGER_RETURNED};

	for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
		const char *name = kind_names[kinds[i]];

		if (memmem(text, length, name, strlen(name)))
			return true;
	}
	return false;
}

static bool needs_name(enum ledger_kind kind)
{
	return kind == LEDGER_DRAWN || kind == LEDGER_LEAVING || kind == LEDGER_MIGRATED;
}

static bool needs_image(enum ledger_kind kind)
{
	return kind == LEDGER_SAVED || kind == LEDGER_OUTLIVED || kind == LEDGER_IMAGE;
}

static bool needs_life(enum ledger_kind kind)
{
	return kind == LEDGER_ENDED || kind == LEDGER_LIFE;
}

static int get_life(struct json_object *o, struct ledger_record *record)
{
	uint64_t domid = DOMID_NONE;

	record->life = json_get_string(o, "life");
	record->standing = json_get_string(o, "standing");
	record->doubtful = json_get_bool(o, "doubtful");
	record->followed = json_get_bool(o, "followed");
	record->ahead = json_get_bool(o, "ahead");
	record->alone = json_get_bool(o, "alone");
	record->migrates = json_get_bool(o, "migrates");
	record->other = json_get_string(o, "other");
	record->path = json_get_string(o, "path");
	record->directory = json_get_string(o, "directory");
	record->source = json_get_string(o, "source");
	json_get_uuid(o, "image", &record->image);
	json_get_u64(o, "size", &record->size);
	json_get_u64(o, "domid", &domid);
	json_get_u64(o, "gone_usec", &record->gone_wall);
	record->domid = (uint32_t)MIN(domid, (uint64_t)DOMID_NONE);
	if (needs_image(record->kind) && uuid_is_null(&record->image))
		return -EBADMSG;
	if (record->kind == LEDGER_IMAGE && !record->standing)
		return -EBADMSG;
	return needs_life(record->kind) && !record->life ? -EBADMSG : 0;
}

static int get_pace(struct json_object *o, struct ledger_record *record)
{
	const char *compression = json_get_string(o, "compression");
	int c = compression ? (int)compression_from_string(compression) : (int)COMPRESSION_NONE;

	if (c < 0)
		return c;
	record->compression = (enum compression)c;
	json_get_u64(o, "disk_kib_per_sec", &record->disk_rate);
	return json_get_u64(o, "kib_per_sec", &record->rate);
}

int ledger_record_parse(const char *text, size_t length, struct ledger_record *ret,
			struct json_object **ret_line)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record record = {0};
	int kind, r;

	if (!has_hash(text, length))
		return -EBADMSG;
	r = json_parse(text + HASH_DIGITS + 1, length - HASH_DIGITS - 1, &o);
	if (r < 0)
		return r;
	kind = str_lookup(kind_names, _LEDGER_KIND_MAX, json_get_string(o, "entry"));
	if (kind < 0 || json_get_uuid(o, "uuid", &record.uuid) < 0 ||
	    json_get_uuid(o, "boot", &record.boot) < 0 ||
	    json_get_u64(o, "monotonic_usec", &record.time) < 0 ||
	    json_get_u64(o, "time_usec", &record.time_wall) < 0)
		return -EBADMSG;
	record.kind = (enum ledger_kind)kind;
	record.name = json_get_string(o, "name");
	record.reason = json_get_string(o, "reason");
	record.target = json_get_string(o, "target");
	if (record.kind == LEDGER_PACE && get_pace(o, &record) < 0)
		return -EBADMSG;
	if (record.kind == LEDGER_KEPT)
		json_get_u64(o, "format", &record.format);
	if (needs_name(record.kind) && !record.name)
		return -EBADMSG;
	if ((record.kind == LEDGER_LEAVING || record.kind == LEDGER_MIGRATED) && !record.target)
		return -EBADMSG;
	r = get_life(o, &record);
	if (r < 0)
		return r;
	*ret = record;
	*ret_line = TAKE_PTR(o);
	return 0;
}

static uint64_t format_of_line(const char *line, size_t length)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record record;

	return ledger_record_parse(line, length, &record, &o) < 0 ? 0 : record.format;
}

/* The highest format of whole lines. Most of them need not be parsed. */
static uint64_t format_of_lines(const char *text, const char *end)
{
	const char *name = kind_names[LEDGER_KEPT], *hit;
	uint64_t format = 0;

	while ((hit = memmem(text, (size_t)(end - text), name, strlen(name)))) {
		const char *before = memrchr(text, '\n', (size_t)(hit - text));
		const char *line = before ? before + 1 : text;
		uint64_t of_line;

		text = memchr(hit, '\n', (size_t)(end - hit));
		of_line = format_of_line(line, (size_t)(text - line));
		format = MAX(format, of_line);
	}
	return format;
}

int ledger_format_of(int fd, off_t from, uint64_t *ret)
{
	_cleanup_free_ char *buffer = malloc(SCAN_SIZE);
	uint64_t format = 0;
	size_t held = 0;
	struct stat st;
	ssize_t n;

	if (!buffer)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	while (S_ISREG(st.st_mode)) {
		const char *end;
		uint64_t of_lines;

		n = pread(fd, buffer + held, SCAN_SIZE - held, from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		from += n;
		held += (size_t)n;
		end = memrchr(buffer, '\n', held);
		if (end) {
			of_lines = format_of_lines(buffer, ++end);
			format = MAX(format, of_lines);
			held -= (size_t)(end - buffer);
			memmove(buffer, end, held);
		} else if (held == SCAN_SIZE) {
			/* The wanted line is never so long. */
			held = 0;
		}
	}
	*ret = format;
	return 0;
}
