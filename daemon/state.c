/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "state.h"

#include <fcntl.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/journal.h"

/* A journal that has grown beyond this was not written by us. */
#define JOURNAL_MAX (64U << 20)

struct state {
	char *path;
	struct uuid boot;
	struct history *history;
	off_t read; /* so much of the journal is in the history */
};

static int apply(struct state *state, const struct journal_entry *e)
{
	/* What a guest did before the host was restarted says nothing about it now. */
	bool now = uuid_equal(&e->boot, &state->boot);

	switch (e->kind) {
	case JOURNAL_DRAWN:
		return history_set_drawn(state->history, e->name, &e->uuid);
	case JOURNAL_RESTORED:
		return history_add_restored(state->history, &e->uuid);
	case JOURNAL_FAILURE:
		return now ? history_set_failure(state->history, &e->uuid, e->reason) : 0;
	case JOURNAL_REMARK:
		return now ? history_set_remark(state->history, &e->uuid, e->reason) : 0;
	case JOURNAL_RESTART:
		return now ? history_add_restart(state->history, &e->uuid, e->time) : 0;
	case JOURNAL_FORGIVEN:
		if (now)
			history_forgive(state->history, &e->uuid);
		break;
	/* Where a guest is does not change with a boot of this host. */
	case JOURNAL_LEAVING:
	case JOURNAL_MIGRATED:
		return history_set_away(state->history, &e->uuid, e->name, e->target,
					e->kind == JOURNAL_LEAVING);
	case JOURNAL_HOME:
		history_set_home(state->history, &e->uuid);
		break;
	case JOURNAL_PACE:
		state->history->save_rate = e->rate;
		break;
	case _JOURNAL_KIND_MAX:
	case _JOURNAL_KIND_INVALID:
		break;
	}
	return 0;
}

static int apply_line(struct state *state, const char *line, size_t length)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct journal_entry entry;
	int r;

	if (length == 0)
		return 0;
	r = journal_parse(line, length, &entry, &o);
	if (r == -EBADMSG) {
		log_warning("%s: a line cannot be read and is skipped", state->path);
		return 0;
	}
	return r < 0 ? r : apply(state, &entry);
}

static int read_journal(struct state *state)
{
	_cleanup_close_ int fd = open(state->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *text = NULL;
	size_t size, done = 0;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (lseek(fd, state->read, SEEK_SET) < 0)
		return -errno;
	r = fd_read_file(fd, JOURNAL_MAX, &text, &size);
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

int state_open(const char *folder, struct state **ret)
{
	_cleanup_(state_freep) struct state *state = calloc(1, sizeof(*state));
	int r;

	if (!state)
		return -ENOMEM;
	state->history = history_new();
	if (!state->history)
		return -ENOMEM;
	r = make_directory(folder, 0700);
	r = r < 0 ? r : str_format(&state->path, "%s/journal", folder);
	r = r < 0 ? r : journal_boot_id(&state->boot);
	r = r < 0 ? r : read_journal(state);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(state);
	return 0;
}

struct state *state_free(struct state *state)
{
	if (!state)
		return NULL;
	history_free(state->history);
	free(state->path);
	free(state);
	return NULL;
}

const struct history *state_history(const struct state *state)
{
	return state->history;
}

const char *state_journal(const struct state *state)
{
	return state->path;
}

/* Writes an entry, and takes it over from the disk, with what workers wrote before it. */
static int append(struct state *state, struct journal_entry entry)
{
	int r;

	entry.boot = state->boot;
	r = journal_append(state->path, &entry);
	r = r < 0 ? r : read_journal(state);
	if (r >= 0)
		return 0;
	log_error_errno(r, "Cannot write %s", state->path);
	apply(state, &entry);
	return r;
}

static int note(struct state *state, enum journal_kind kind, const struct uuid *uuid,
		const char *name, const char *reason, usec_t time)
{
	return append(state, (struct journal_entry){
				     .kind = kind,
				     .uuid = *uuid,
				     .name = name,
				     .reason = reason,
				     .time = time,
			     });
}

int state_set_drawn(struct state *state, const char *name, const struct uuid *uuid)
{
	return note(state, JOURNAL_DRAWN, uuid, name, NULL, usec_now());
}

void state_set_failure(struct state *state, const struct uuid *uuid, const char *name,
		       const char *failure)
{
	const struct past *past = history_find(state->history, uuid);

	if (!uuid_is_null(uuid) &&
	    (!str_equal(past ? past->failure : NULL, failure) || (past && past->remark)))
		note(state, JOURNAL_FAILURE, uuid, name, failure, usec_now());
}

void state_set_remark(struct state *state, const struct uuid *uuid, const char *name,
		      const char *remark)
{
	note(state, JOURNAL_REMARK, uuid, name, remark, usec_now());
}

void state_add_restart(struct state *state, const struct uuid *uuid, const char *name, usec_t now)
{
	note(state, JOURNAL_RESTART, uuid, name, NULL, now);
}

void state_set_away(struct state *state, const struct uuid *uuid, const char *name,
		    const char *target)
{
	const struct past *past = history_find(state->history, uuid);

	/* As a rule the worker has noted it. */
	if (past && str_equal(past->away, target) && !past->away_unknown)
		return;
	append(state, (struct journal_entry){
			      .kind = JOURNAL_MIGRATED,
			      .uuid = *uuid,
			      .name = name,
			      .target = target,
			      .time = usec_now(),
		      });
}

/* Not written: what was seen before the host was restarted says nothing of who removed it. */
void state_see_copy(struct state *state, const struct uuid *uuid)
{
	history_see_copy(state->history, uuid);
}

void state_set_home(struct state *state, const struct uuid *uuid, const char *name)
{
	const struct past *past = history_find(state->history, uuid);

	if (past && past->away)
		note(state, JOURNAL_HOME, uuid, name, NULL, usec_now());
}

void state_set_pace(struct state *state, uint64_t rate)
{
	append(state, (struct journal_entry){
			      .kind = JOURNAL_PACE,
			      .rate = rate,
			      .time = usec_now(),
		      });
}

void state_forgive(struct state *state, const struct uuid *uuid, const char *name)
{
	const struct past *past = history_find(state->history, uuid);

	if (past && (past->failure || past->remark || past->n_restarts > 0))
		note(state, JOURNAL_FORGIVEN, uuid, name, NULL, usec_now());
}

void state_refresh(struct state *state)
{
	int r = read_journal(state);

	if (r < 0)
		log_warning_errno(r, "Cannot read %s", state->path);
}
