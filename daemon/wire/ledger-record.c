/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/ledger-record.h"

#include <fcntl.h>

#include "util/fd.h"
#include "util/str.h"

static const char *const kind_names[_LEDGER_KIND_MAX] = {
	[LEDGER_DRAWN] = "drawn",       [LEDGER_RESTORED] = "restored",
	[LEDGER_FAILURE] = "failure",   [LEDGER_RESTART] = "restart",
	[LEDGER_FORGIVEN] = "forgiven", [LEDGER_LEAVING] = "leaving",
	[LEDGER_MIGRATED] = "migrated", [LEDGER_HOME] = "home",
	[LEDGER_REMARK] = "remark",     [LEDGER_PACE] = "pace",
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

static struct json_object *make_line(const struct ledger_record *entry)
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
	if (entry->kind == LEDGER_PACE)
		r = r < 0 ? r : json_add_u64(o, "kib_per_sec", entry->rate);
	r = r < 0 ? r : json_add_uuid(o, "boot", &entry->boot);
	r = r < 0 ? r : json_add_u64(o, "monotonic_usec", entry->time);
	r = r < 0 ? r : json_add_u64(o, "time_usec", usec_now_wall());
	return r < 0 ? NULL : TAKE_PTR(o);
}

int ledger_append(const char *path, const struct ledger_record *entry)
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

int ledger_record_parse(const char *text, size_t length, struct ledger_record *ret,
			struct json_object **ret_line)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record entry = {0};
	int kind;
	int r = json_parse(text, length, &o);

	if (r < 0)
		return r;
	kind = str_lookup(kind_names, _LEDGER_KIND_MAX, json_get_string(o, "entry"));
	if (kind < 0 || json_get_uuid(o, "uuid", &entry.uuid) < 0 ||
	    json_get_uuid(o, "boot", &entry.boot) < 0 ||
	    json_get_u64(o, "monotonic_usec", &entry.time) < 0)
		return -EBADMSG;
	entry.kind = (enum ledger_kind)kind;
	entry.name = json_get_string(o, "name");
	entry.reason = json_get_string(o, "reason");
	entry.target = json_get_string(o, "target");
	if (entry.kind == LEDGER_PACE && json_get_u64(o, "kib_per_sec", &entry.rate) < 0)
		return -EBADMSG;
	if (entry.kind == LEDGER_DRAWN && !entry.name)
		return -EBADMSG;
	if ((entry.kind == LEDGER_LEAVING || entry.kind == LEDGER_MIGRATED) &&
	    (!entry.name || !entry.target))
		return -EBADMSG;
	*ret = entry;
	*ret_line = TAKE_PTR(o);
	return 0;
}
