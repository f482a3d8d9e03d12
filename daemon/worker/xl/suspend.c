/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "util/str.h"
#include "wire/mark.h"
#include "worker/xl/private.h"

/*
 * Suspending a domain, and having it run on. libxl (4.17 to 4.20) asks the guest by an event
 * channel or by a node in XenStore. Where the call ends early after that, the guest can have the
 * request in hand, and suspends when nothing waits for it any more. A node beside our mark says so
 * for as long as that can be, and the daemon has such a guest run on.
 */

#define REQUEST "suspend"

#define PATH_SIZE 80

static const char *pending_path(uint32_t domid, char path[static PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "/libxl/%u/" MARK_PENDING_KEY, domid);
	return path;
}

int xl_is_pending(struct xs_handle *xs, uint32_t domid)
{
	char path[PATH_SIZE];
	_cleanup_free_ char *value = xs_read(xs, XBT_NULL, pending_path(domid, path), NULL);

	return value ? 1 : errno == ENOENT ? 0 : -errno;
}

static int write_pending(struct xs_handle *xs, uint32_t domid, const char *value)
{
	char path[PATH_SIZE];

	return xs_write(xs, XBT_NULL, pending_path(domid, path), value, (unsigned)strlen(value))
		       ? 0
		       : -errno;
}

static int clear_pending(struct xs_handle *xs, uint32_t domid)
{
	char path[PATH_SIZE];

	return xs_rm(xs, XBT_NULL, pending_path(domid, path)) || errno == ENOENT ? 0 : -errno;
}

/* Takes a request back that the guest has not taken. True: it is one of ours, and taken back. */
static bool withdraw(struct xs_handle *xs, uint32_t domid)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	for (;;) {
		xs_transaction_t t = xs_transaction_start(xs);
		_cleanup_free_ char *value = t == XBT_NULL ? NULL : xs_read(xs, t, path, NULL);
		bool done = str_equal(value, REQUEST) && xs_write(xs, t, path, "", 0);

		if (t == XBT_NULL)
			return false;
		if (xs_transaction_end(xs, t, !done))
			return done;
		if (errno != EAGAIN)
			return false;
	}
}

/*
 * The call is over: is there still a request that the guest may take? Where it was not taken back,
 * it may have been taken, or given up by libxl, or not made at all.
 */
static int settle(struct xl *xl, struct xs_handle *xs, uint32_t domid)
{
	char until[24];
	libxl_dominfo info;
	bool suspended;

	libxl_dominfo_init(&info);
	if (libxl_domain_info(xl->ctx, &info, domid))
		return 0;
	suspended = info.shutdown && info.shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND;
	libxl_dominfo_dispose(&info);
	if (suspended || withdraw(xs, domid))
		return clear_pending(xs, domid);
	snprintf(until, sizeof(until), "%" PRIu64, usec_add(usec_now(), MARK_PENDING_TIME));
	return write_pending(xs, domid, until);
}

static int suspend(struct xl *xl, uint32_t domid, int fd, int flags)
{
	struct xs_handle *xs = xs_open(0);
	struct xl_call call;
	int r = xs ? write_pending(xs, domid, MARK_ASKING) : -errno, settled;

	if (r >= 0) {
		r = xl_call_wait(
			xl, &call,
			libxl_domain_suspend(xl->ctx, domid, fd, flags, xl_call_how(&call)), true);
		settled = settle(xl, xs, domid);
		r = r < 0 ? r : settled;
	}
	xs_close(xs);
	return r;
}

int xl_end_request(struct xl *xl, uint32_t domid)
{
	struct xs_handle *xs = xs_open(0);
	int r = xs ? xl_is_pending(xs, domid) : -errno;

	if (r > 0)
		r = settle(xl, xs, domid);
	xs_close(xs);
	return r;
}

int xl_save(struct xl *xl, uint32_t domid, int fd)
{
	return suspend(xl, domid, fd, 0);
}

int xl_migrate(struct xl *xl, uint32_t domid, int fd, bool debug)
{
	return suspend(xl, domid, fd, LIBXL_SUSPEND_LIVE | (debug ? LIBXL_SUSPEND_DEBUG : 0));
}

/* A domain that has run on has no pending request to suspend. */
int xl_resume(struct xl *xl, uint32_t domid)
{
	struct xs_handle *xs = xs_open(0);
	struct xl_call call;
	int r = xl_call_wait(xl, &call, libxl_domain_resume(xl->ctx, domid, 1, xl_call_how(&call)),
			     false);

	if (r >= 0 && xs)
		clear_pending(xs, domid);
	xs_close(xs);
	return r;
}
