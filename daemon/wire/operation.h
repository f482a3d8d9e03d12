/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/compression.h"
#include "model/image-standing.h"
#include "model/migrate-target.h"
#include "util/domid.h"
#include "util/outcome.h"
#include "util/stale.h"
#include "util/time.h"
#include "wire/json.h"

/*
 * What daemon and worker say to each other, and what stands in an operation file: JSON objects
 * framed by NUL bytes, each with one member that says what it is:
 *
 *   request   what is to be done; the daemon writes it before it starts the worker
 *   worker    pid and start time; the worker's first word
 *   mark      a point that recovery must know of (enum operation_mark)
 *   progress  for the daemon's eyes only; not in the file
 *   result    the worker's last word
 *
 * The file only grows, a message a write, so a writer that is killed leaves a readable prefix.
 */

enum operation {
	OPERATION_CREATE,     /* from config, under uuid */
	OPERATION_RESTORE,    /* from the image at path */
	OPERATION_UNPAUSE,    /* domid */
	OPERATION_SAVE,       /* to the image at path */
	OPERATION_DESTROY,    /* what is left of domid */
	OPERATION_RESTART,    /* destroy, and create again from the domain's own configuration */
	OPERATION_MIGRATE,    /* to the first of the targets that takes it */
	OPERATION_RESUME,     /* a domain that a migration left suspended */
	OPERATION_SOFT_RESET, /* the domain stays, its devices are made anew; else as restart */
	OPERATION_EJECT,      /* an empty disk takes the place of the one at device */
	_OPERATION_MAX,
	_OPERATION_INVALID = -EINVAL,
};

const char *operation_to_string(enum operation operation);
enum operation operation_from_string(const char *s);

/*
 * Points that an operation has passed, in the order in which they can come. The recovery of a
 * worker that died depends on the last one.
 */
enum operation_mark {
	OPERATION_MARK_NONE,
	OPERATION_MARK_DESCRIBED, /* save: the image has the ID that is here, and may have its name
				   */
	OPERATION_MARK_PUBLISHED, /* save: the image is complete and durable; the domain may go */
	OPERATION_MARK_DESTROYED, /* restart, soft reset: the old domain goes; its configuration is
				     here */
	OPERATION_MARK_RELEASED,  /* create, restore: about to be unpaused; the guest may run */
	OPERATION_MARK_HANDOVER,  /* migrate: suspended, about to be renamed and noted as away */
	OPERATION_MARK_PERMITTED, /* migrate: the peer may have leave to run it: no other may */
	OPERATION_MARK_RETURNED,  /* migrate: the peer has given it back; it may be resumed here */
	OPERATION_MARK_MIGRATED,  /* migrate: the peer runs it; its domain here may go */
	_OPERATION_MARK_MAX,
	_OPERATION_MARK_INVALID = -EINVAL,
};

/*
 * Descriptors that a worker finds open: the locked operation file or, where it makes a survey, an
 * inotify descriptor; a socket to the daemon; and libxl's save helper, where the daemon has it.
 */
#define OPERATION_FD_RECORD  3
#define OPERATION_FD_INOTIFY 3
#define OPERATION_FD_CHANNEL 4
#define OPERATION_FD_HELPER  5

/* The task of a worker, its only argument; that of a client's has the path of an image, too. */
#define OPERATION_VERB_OPERATE "operate"
#define OPERATION_VERB_AWAIT   "await" /* the operation file, over the channel; then operate */
#define OPERATION_VERB_RECOVER "recover"
#define OPERATION_VERB_SURVEY  "survey"
#define OPERATION_VERB_IMAGES  "images"
#define OPERATION_VERB_CAT     "cat"

#define OPERATION_MESSAGE_MAX (1U << 20)

/*
 * A request carries the format of its file. It is raised as the ledger's is
 * (wire/ledger-record.h): when an older version could not recover the operation.
 */
#define OPERATION_FORMAT      1 /* that this version writes */
#define OPERATION_FORMAT_READ 1 /* the highest that it can read */

struct operation_request {
	enum operation operation;
	struct uuid uuid;
	char *name;
	char *other;    /* another domain of the same UUID; NULL: none is known */
	uint32_t domid; /* all but create and restore */
	char *path;     /* the image; destroy: the one that the guest was saved to, if it was;
			   create: one that could not be restored, for the reason why */
	char *config;   /* libxl's JSON: create, and restart once the domain is destroyed */
	char *source;   /* the file this guest comes from, for its mark */
	char *why; /* create: why the images in stale are not restored, where they do not say */
	struct stale_list stale; /* create, restore: images to put aside before the guest runs */
	struct uuid image; /* restore: the ID of the image; save: of the image of another guest,
			      which may be at path and must stay there */
	enum image_standing standing; /* restore: what the ledger says of it (core/lives.h) */
	enum compression compression; /* save: of the image ... */
	unsigned threads;             /* ... in so many at most; 0: does not matter */
	char *ledger;                 /* where lives, images and migrations are recorded */
	char *dump;   /* destroy, restart: the guest's memory goes to this file first */
	char *device; /* eject: the vdev */
	/* Restart: the UUID that the old domain is kept under. Null: it is destroyed. */
	struct uuid preserve;
	usec_t deadline; /* USEC_INFINITY: none */
	usec_t patience; /* so long it may make no progress; 0: for ever */

	struct target_list targets; /* migrate */
	usec_t answer_limit;        /* migrate: so long the peer may take for each answer */
};

struct operation_result {
	enum operation_outcome outcome; /* for decisions */
	int error;                      /* 0 or -errno, for the log */
	char *reason;
	uint32_t domid;   /* create, restore, restart: the domain that runs now */
	uint64_t bytes;   /* save, restore: size of the image */
	uint64_t written; /* save: of them, that take room on the disk: no zeros; 0: not known */
	char *target;     /* migrate: the host that has it now, or may have it */
};

/* Everything that an operation file says. */
struct operation_record {
	bool has_request;
	struct operation_request request;
	uint64_t worker_pid, worker_start; /* 0 until the worker has said so */
	usec_t started;
	enum operation_mark mark;
	char *target;      /* of the last mark that named a host */
	struct uuid image; /* of the mark that named an image */
	bool foreign;      /* of a newer version, or with a mark that is not known: only a result
			      helps */
	bool has_result;
	struct operation_result result;
};

/* What goes through is estimated before: only the end of the operation counts as all of it. */
#define OPERATION_PERMILLE_MOVED 990

struct operation_progress {
	const char *what;      /* borrowed from the message; may be NULL */
	unsigned permille;     /* OPERATION_PERMILLE_MOVED at most */
	uint64_t bytes, total; /* that have gone through, of about so many; 0: it does not tell */
};

void operation_request_done(struct operation_request *request);
void operation_result_done(struct operation_result *result);
void operation_record_done(struct operation_record *record);

/* New messages; NULL: no memory. */
struct json_object *operation_request_message(const struct operation_request *request, usec_t now);
struct json_object *operation_worker_message(uint64_t pid, uint64_t start);
struct json_object *operation_mark_message(enum operation_mark mark, const char *config,
					   const char *target, const struct uuid *image);
struct json_object *operation_progress_message(const struct operation_progress *progress);
struct json_object *operation_result_message(const struct operation_result *result);

/*
 * Reads one message into a record, which it completes; a message of another kind is left alone.
 * 0, -EBADMSG for a message that no version of ours has written, -ENOMEM.
 */
int operation_record_add(struct operation_record *record, struct json_object *message);

/*
 * Reads a whole operation file, an open one from its beginning; a message that is cut off at its
 * end is left out. 0, -EBADMSG, -ENOMEM, or another -errno of the file.
 */
int operation_record_parse(const char *data, size_t size, struct operation_record *ret);
int operation_record_read(int fd, struct operation_record *ret);

/* True if the message is progress, which is then in *ret. */
bool operation_progress_get(struct json_object *message, struct operation_progress *ret);
