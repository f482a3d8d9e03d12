/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "hostdown/hostdown.h"
#include "io/server.h"
#include "manager/manager.h"
#include "wire/varlink.h"

/* A call, from when it came in until it is answered. */

struct control {
	struct loop *loop;
	struct manager *manager;
	struct hostdown *hostdown; /* NULL: the host is a simulated one */
	struct server *server;
	LIST_HEAD(, request) requests;
	struct manager_watcher watcher; /* for those that follow ... */
	struct timer *news;             /* ... when they are told next ... */
	usec_t told, looked;            /* ... and were last, and with a look at the directories */
};

/* How long a question waits for news of the directories before it is answered without. */
#define LOOK_LIMIT (10 * USEC_PER_SEC)

struct method;

/* The part that works for a call, and is told if the caller is gone. */
enum doer {
	DOER_WORLD,
	DOER_MANAGER, /* a start or stop */
	DOER_IMAGES,
};

/* A call that is not answered yet. */
struct request {
	LIST_ENTRY(request) entry;
	struct control *control;
	struct connection *connection;
	struct varlink_call call;
	const struct method *method;
	const char **names; /* borrowed from the call */
	size_t n_names;
	enum goal goal;
	usec_t came;
	uint64_t id;    /* of what is being done for it; 0: nothing */
	bool has_begun; /* an image has begun to be read */
	enum doer doer;
	bool follows;    /* Status with 'more', answered once */
	uint64_t digest; /* of that answer */
};

void request_free(struct request *request);

/* What works for the call has begun, or failed to, with -errno. */
void request_begun(struct request *request, enum doer doer, int r);

/*
 * Replies. Each takes its parameters over; after all but request_reply() the request is gone.
 * continues: more follow.
 */
void request_reply(struct request *request, struct json_object *parameters, bool continues);
void request_finish(struct request *request, struct json_object *parameters);
void request_fail(struct request *request, const char *error, const char *key, const char *value);
void request_fail_with(struct request *request, const char *error, struct json_object *parameters);
void request_fail_errno(struct request *request, int error);

/* The caller may see to it in another way, unless it was cancelled. */
void request_fail_cancelled(struct request *request, const char *reason);
