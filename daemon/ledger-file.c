/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ledger-file.h"

#include <fcntl.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/ledger-record.h"

/* A ledger that has grown beyond this was not written by us. */
#define LEDGER_MAX (64U << 20)

struct ledger_file {
	char *path;
	struct uuid boot;
	struct ledger *ledger;
	off_t read; /* so much of the file is in the ledger */
};

static int apply(struct ledger_file *state, const struct ledger_record *e)
{
	/* What a guest did before the host was restarted says nothing about it now. */
	bool now = uuid_equal(&e->boot, &state->boot);

	switch (e->kind) {
	case LEDGER_DRAWN:
		return ledger_set_drawn(state->ledger, e->name, &e->uuid);
	case LEDGER_RESTORED:
		return ledger_add_restored(state->ledger, &e->uuid);
	case LEDGER_FAILURE:
		return now ? ledger_set_failure(state->ledger, &e->uuid, e->reason) : 0;
	case LEDGER_REMARK:
		return now ? ledger_set_remark(state->ledger, &e->uuid, e->reason) : 0;
	case LEDGER_RESTART:
		return now ? ledger_add_restart(state->ledger, &e->uuid, e->time) : 0;
	case LEDGER_FORGIVEN:
		if (now)
			ledger_forgive(state->ledger, &e->uuid);
		break;
	/* Where a guest is does not change with a boot of this host. */
	case LEDGER_LEAVING:
	case LEDGER_MIGRATED:
		return ledger_set_away(state->ledger, &e->uuid, e->name, e->target,
				       e->kind == LEDGER_LEAVING);
	case LEDGER_HOME:
		ledger_set_home(state->ledger, &e->uuid);
		break;
	case LEDGER_PACE:
		state->ledger->save_rate = e->rate;
		break;
	case _LEDGER_KIND_MAX:
	case _LEDGER_KIND_INVALID:
		break;
	}
	return 0;
}

static int apply_line(struct ledger_file *state, const char *line, size_t length)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record entry;
	int r;

	if (length == 0)
		return 0;
	r = ledger_record_parse(line, length, &entry, &o);
	if (r == -EBADMSG) {
		log_warning("%s: a line cannot be read and is skipped", state->path);
		return 0;
	}
	return r < 0 ? r : apply(state, &entry);
}

static int read_ledger(struct ledger_file *state)
{
	_cleanup_close_ int fd = open(state->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *text = NULL;
	size_t size, done = 0;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (lseek(fd, state->read, SEEK_SET) < 0)
		return -errno;
	r = fd_read_file(fd, LEDGER_MAX, &text, &size);
	if (r < 0)
		return r;
	while (r >= 0 && done < size) {
		const char *end = memchr(text + done, '\n', size - done);

		/* A last line without an end may still be in the writing. */
		if (!end)
			break;
		r = apply_line(state, text + done, (size_t)(end - text) - done);
		done = (size_t)(end - text) + 1;
	}
	state->read += (off_t)done;
	return r;
}

int ledger_file_open(const char *folder, struct ledger_file **ret)
{
	_cleanup_(ledger_file_freep) struct ledger_file *state = calloc(1, sizeof(*state));
	int r;

	if (!state)
		return -ENOMEM;
	state->ledger = ledger_new();
	if (!state->ledger)
		return -ENOMEM;
	r = make_directory(folder, 0700);
	r = r < 0 ? r : str_format(&state->path, "%s/ledger", folder);
	r = r < 0 ? r : ledger_boot_id(&state->boot);
	r = r < 0 ? r : read_ledger(state);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(state);
	return 0;
}

struct ledger_file *ledger_file_free(struct ledger_file *state)
{
	if (!state)
		return NULL;
	ledger_free(state->ledger);
	free(state->path);
	free(state);
	return NULL;
}

const struct ledger *ledger_file_get(const struct ledger_file *state)
{
	return state->ledger;
}

const char *ledger_file_path(const struct ledger_file *state)
{
	return state->path;
}

/* Writes an entry, and takes it over from the disk, with what workers wrote before it. */
static int append(struct ledger_file *state, struct ledger_record entry)
{
	int r;

	entry.boot = state->boot;
	r = ledger_append(state->path, &entry);
	r = r < 0 ? r : read_ledger(state);
	if (r >= 0)
		return 0;
	log_error_errno(r, "Cannot write %s", state->path);
	apply(state, &entry);
	return r;
}

static int note(struct ledger_file *state, enum ledger_kind kind, const struct uuid *uuid,
		const char *name, const char *reason, usec_t time)
{
	return append(state, (struct ledger_record){
				     .kind = kind,
				     .uuid = *uuid,
				     .name = name,
				     .reason = reason,
				     .time = time,
			     });
}

int ledger_file_set_drawn(struct ledger_file *state, const char *name, const struct uuid *uuid)
{
	return note(state, LEDGER_DRAWN, uuid, name, NULL, usec_now());
}

void ledger_file_set_failure(struct ledger_file *state, const struct uuid *uuid, const char *name,
			     const char *failure)
{
	const struct past *past = ledger_find(state->ledger, uuid);

	if (!uuid_is_null(uuid) &&
	    (!str_equal(past ? past->failure : NULL, failure) || (past && past->remark)))
		note(state, LEDGER_FAILURE, uuid, name, failure, usec_now());
}

void ledger_file_set_remark(struct ledger_file *state, const struct uuid *uuid, const char *name,
			    const char *remark)
{
	note(state, LEDGER_REMARK, uuid, name, remark, usec_now());
}

void ledger_file_add_restart(struct ledger_file *state, const struct uuid *uuid, const char *name,
			     usec_t now)
{
	note(state, LEDGER_RESTART, uuid, name, NULL, now);
}

void ledger_file_set_away(struct ledger_file *state, const struct uuid *uuid, const char *name,
			  const char *target)
{
	const struct past *past = ledger_find(state->ledger, uuid);

	/* As a rule the worker has noted it. */
	if (past && str_equal(past->away, target) && !past->away_unknown)
		return;
	append(state, (struct ledger_record){
			      .kind = LEDGER_MIGRATED,
			      .uuid = *uuid,
			      .name = name,
			      .target = target,
			      .time = usec_now(),
		      });
}

/* Not written: what was seen before the host was restarted says nothing of who removed it. */
void ledger_file_see_copy(struct ledger_file *state, const struct uuid *uuid)
{
	ledger_see_copy(state->ledger, uuid);
}

void ledger_file_set_home(struct ledger_file *state, const struct uuid *uuid, const char *name)
{
	const struct past *past = ledger_find(state->ledger, uuid);

	if (past && past->away)
		note(state, LEDGER_HOME, uuid, name, NULL, usec_now());
}

void ledger_file_set_pace(struct ledger_file *state, uint64_t rate)
{
	append(state, (struct ledger_record){
			      .kind = LEDGER_PACE,
			      .rate = rate,
			      .time = usec_now(),
		      });
}

void ledger_file_forgive(struct ledger_file *state, const struct uuid *uuid, const char *name)
{
	const struct past *past = ledger_find(state->ledger, uuid);

	if (past && (past->failure || past->remark || past->n_restarts > 0))
		note(state, LEDGER_FORGIVEN, uuid, name, NULL, usec_now());
}

void ledger_file_refresh(struct ledger_file *state)
{
	int r = read_ledger(state);

	if (r < 0)
		log_warning_errno(r, "Cannot read %s", state->path);
}
