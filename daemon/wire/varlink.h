/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * The messages of Varlink (https://varlink.org): one JSON object each, framed by wire/frame.h.
 * Both ends are here, so that the daemon and the client cannot disagree.
 */

/* The longest reply that the client takes: the daemon's word on more than 100,000 guests. */
#define VARLINK_MESSAGE_MAX (256U << 20)

#define VARLINK_ERROR_INTERFACE_NOT_FOUND "org.varlink.service.InterfaceNotFound"
#define VARLINK_ERROR_METHOD_NOT_FOUND    "org.varlink.service.MethodNotFound"
#define VARLINK_ERROR_INVALID_PARAMETER   "org.varlink.service.InvalidParameter"
#define VARLINK_ERROR_PERMISSION_DENIED   "org.varlink.service.PermissionDenied"

struct varlink_call {
	struct json_object *message; /* owns what follows */
	const char *method;
	struct json_object *parameters; /* NULL if there are none */
	bool more;
	bool oneway;
};

struct varlink_reply {
	struct json_object *message; /* owns what follows */
	struct json_object *parameters;
	const char *error; /* NULL: it went well */
	bool continues;
};

/* 0, -EBADMSG for an invalid call, -E2BIG for one that would take much memory, or -ENOMEM. */
int varlink_call_parse(const char *text, size_t length, struct varlink_call *ret);
void varlink_call_done(struct varlink_call *call);

int varlink_reply_parse(const char *text, size_t length, struct varlink_reply *ret);
void varlink_reply_done(struct varlink_reply *reply);

/* Messages to be sent; parameters may be NULL and are taken over in any case. NULL: no memory. */
struct json_object *varlink_call_new(const char *method, struct json_object *parameters, bool more);
struct json_object *varlink_reply_new(struct json_object *parameters, bool continues);
struct json_object *varlink_error_new(const char *error, struct json_object *parameters);
