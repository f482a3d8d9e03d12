/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <libxl_utils.h>
#include <xenstore.h>

#include "worker/xl/xl.h"

/* Shared by the files that implement worker/xl/xl.h and know libxl. */

struct xl_logger {
	xentoollog_logger vtable;
	char *reason;
	char **hidden; /* disks that no message shows (util/hide.h) */
	size_t n_hidden;
};

struct xl {
	struct xl_options options;
	struct xl_logger logger;
	libxl_ctx *ctx;
	struct pollfd *fds; /* ours, and room for n_fds of libxl's */
	int n_fds;
	int stop;        /* 0, or why the operation is to end early */
	int memory_lock; /* xl's, held while a guest is built; -1 */
	int claims;      /* of memory (worker/claims.h); -1 */
};

/* An asynchronous call of libxl's that is waited for. */
struct xl_call {
	libxl_asyncop_how how;
	bool done;
	int rc;
};

/* For the last argument of the call; call must stay where it is until xl_call_wait(). */
const libxl_asyncop_how *xl_call_how(struct xl_call *call);

/* rc is what the call returned. Waits for its end, and returns a negative errno or 0. */
int xl_call_wait(struct xl *xl, struct xl_call *call, int rc, bool abortable);

/* libxl's error as an errno. */
int xl_error(struct xl *xl, int rc);

/* 0 and a configuration for the caller to dispose of, -EBADMSG or -ENOMEM. Messages hide its disks.
 */
int xl_load_config(struct xl *xl, const char *json, libxl_domain_config *ret);

/* 1 if a domain may suspend yet, for it was asked to; 0, or -errno where that cannot be known. */
int xl_is_pending(struct xs_handle *xs, uint32_t domid);
