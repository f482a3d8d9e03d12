/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/journal.h"

#include <fcntl.h>

#include "util/fd.h"
#include "util/str.h"

static const char *const kind_names[_JOURNAL_KIND_MAX] = {
	[JOURNAL_DRAWN] = "drawn",       [JOURNAL_RESTORED] = "restored",
	[JOURNAL_FAILURE] = "failure",   [JOURNAL_RESTART] = "restart",
	[JOURNAL_FORGIVEN] = "forgiven", [JOURNAL_LEAVING] = "leaving",
	[JOURNAL_MIGRATED] = "migrated", [JOURNAL_HOME] = "home",
	[JOURNAL_REMARK] = "remark",     [JOURNAL_PACE] = "pace",
};

int journal_boot_id(struct uuid *ret)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[UUID_TEXT_SIZE] = "";
	int r;

	if (fd < 0)
		return -errno;
	r = fd_read_all(fd, text, sizeof(text) - 1);
	return r < 0 ? r : uuid_parse(text, ret);
}

static struct json_object *make_line(const struct journal_entry *entry)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return NULL;
	r = json_add_string(o, "entry", kind_names[entry->kind]);
	r = r < 0 ? r : json_add_uuid(o, "uuid", &entry->uuid);
	r = r < 0 ? r : json_add_string(o, "name", entry->name);
	r = r < 0 ? r : json_add_string(o, "reason", entry->reason);
	r = r < 0 ? r : json_add_string(o, "target", entry->target);
	if (entry->kind == JOURNAL_PACE)
		r = r < 0 ? r : json_add_u64(o, "kib_per_sec", entry->rate);
	r = r < 0 ? r : json_add_uuid(o, "boot", &entry->boot);
	r = r < 0 ? r : json_add_u64(o, "monotonic_usec", entry->time);
	r = r < 0 ? r : json_add_u64(o, "time_usec", usec_now_wall());
	return r < 0 ? NULL : TAKE_PTR(o);
}

int journal_append(const char *path, const struct journal_entry *entry)
{
	_cleanup_json_ struct json_object *o = make_line(entry);
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!o)
		return -ENOMEM;
	/* It begins with a line break too: the line before may have been torn by a power cut. */
	r = str_format(&line, "\n%s\n", json_text(o, NULL));
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, line, strlen(line));
	return r >= 0 && fdatasync(fd) < 0 ? -errno : r;
}

int journal_parse(const char *text, size_t length, struct journal_entry *ret,
		  struct json_object **ret_line)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct journal_entry entry = {0};
	int kind;
	int r = json_parse(text, length, &o);

	if (r < 0)
		return r;
	kind = str_lookup(kind_names, _JOURNAL_KIND_MAX, json_get_string(o, "entry"));
	if (kind < 0 || json_get_uuid(o, "uuid", &entry.uuid) < 0 ||
	    json_get_uuid(o, "boot", &entry.boot) < 0 ||
	    json_get_u64(o, "monotonic_usec", &entry.time) < 0)
		return -EBADMSG;
	entry.kind = (enum journal_kind)kind;
	entry.name = json_get_string(o, "name");
	entry.reason = json_get_string(o, "reason");
	entry.target = json_get_string(o, "target");
	if (entry.kind == JOURNAL_PACE && json_get_u64(o, "kib_per_sec", &entry.rate) < 0)
		return -EBADMSG;
	if (entry.kind == JOURNAL_DRAWN && !entry.name)
		return -EBADMSG;
	if ((entry.kind == JOURNAL_LEAVING || entry.kind == JOURNAL_MIGRATED) &&
	    (!entry.name || !entry.target))
		return -EBADMSG;
	*ret = entry;
	*ret_line = TAKE_PTR(o);
	return 0;
}
