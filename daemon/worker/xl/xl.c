/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/xl/xl.h"

#include <poll.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "util/hide.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/mark.h"
#include "worker/xl/private.h"

/* How often the tick is called, which tells how far it is. */
#define TICK_MSEC 500

/* Descriptors that libxl waits for. There is more room if it needs that. */
#define FDS_FIRST 63

/* 0 or -ENOMEM. */
static int hide_disks(const struct xl_logger *l, char **text)
{
	for (size_t i = 0; i < l->n_hidden; i++) {
		char *without = hide_disk(*text, l->hidden[i]);

		if (!without)
			return -ENOMEM;
		free(*text);
		*text = without;
	}
	return 0;
}

/* libxl checks its formats itself. */
__attribute__((format(printf, 5, 0))) static void log_from_libxl(xentoollog_logger *logger,
								 xentoollog_level level, int error,
								 const char *context,
								 const char *format, va_list ap)
{
	struct xl_logger *l = CONTAINER_OF(logger, struct xl_logger, vtable);
	_cleanup_free_ char *text = NULL;

	if (level < XTL_WARN || str_vformat(&text, format, ap) < 0 || hide_disks(l, &text) < 0)
		return;
	log_warning("%s: %s%s%s", context ? context : "libxl", text, error >= 0 ? ": " : "",
		    error >= 0 ? strerror(error) : "");
	/* The first error is the cause; later ones are its consequences. */
	if (level >= XTL_ERROR && !l->reason)
		l->reason = TAKE_PTR(text);
}

static void progress_from_libxl(xentoollog_logger *logger _unused_, const char *context _unused_,
				const char *what _unused_, int percent _unused_,
				unsigned long done _unused_, unsigned long total _unused_)
{
}

static void destroy_logger(xentoollog_logger *logger _unused_)
{
}

static const libxl_childproc_hooks childproc = {
	.chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
};

static int make_fds(struct xl *xl, int n)
{
	struct pollfd *bigger = realloc(xl->fds, ((size_t)n + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	xl->fds = bigger;
	xl->n_fds = n;
	return 0;
}

int xl_open(const struct xl_options *options, struct xl **ret)
{
	_cleanup_(xl_closep) struct xl *xl = calloc(1, sizeof(*xl));

	if (!xl)
		return -ENOMEM;
	xl->options = *options;
	xl->memory_lock = -1;
	xl->claims = -1;
	xl->logger.vtable = (xentoollog_logger){
		.vmessage = log_from_libxl,
		.progress = progress_from_libxl,
		.destroy = destroy_logger,
	};
	if (make_fds(xl, FDS_FIRST) < 0)
		return -ENOMEM;
	if (libxl_ctx_alloc(&xl->ctx, LIBXL_VERSION, 0, &xl->logger.vtable) < 0)
		return -ENODEV;
	/* It must not reap a process of ours, which reaches another host. */
	libxl_childproc_setmode(xl->ctx, &childproc, NULL);
	*ret = TAKE_PTR(xl);
	return 0;
}

/* Once a guest has its memory Xen knows of it, and others can look. */
static void leave_room(struct xl *xl)
{
	if (xl->memory_lock >= 0)
		close(xl->memory_lock);
	if (xl->claims >= 0)
		close(xl->claims);
	xl->memory_lock = xl->claims = -1;
}

struct xl *xl_close(struct xl *xl)
{
	if (!xl)
		return NULL;
	if (xl->ctx)
		libxl_ctx_free(xl->ctx);
	leave_room(xl);
	for (size_t i = 0; i < xl->logger.n_hidden; i++)
		free(xl->logger.hidden[i]);
	free(xl->logger.hidden);
	free(xl->logger.reason);
	free(xl->fds);
	free(xl);
	return NULL;
}

int xl_version(struct xl *xl, char **ret)
{
	const libxl_version_info *info = libxl_get_version_info(xl->ctx);

	return info ? str_format(ret, "%d.%d%s", info->xen_version_major, info->xen_version_minor,
				 info->xen_version_extra)
		    : -EIO;
}

const char *xl_reason(const struct xl *xl)
{
	return xl->logger.reason;
}

bool xl_timed_out(const struct xl *xl)
{
	const char *reason = xl->logger.reason;

	return reason && (strstr(reason, "timed out") || strstr(reason, "because of timeout"));
}

static void note_stop(struct xl *xl)
{
	struct pollfd p = {.fd = xl->options.stop, .events = POLLIN};

	if (xl->stop)
		return;
	if (poll(&p, 1, 0) > 0)
		xl->stop = -ECANCELED;
	else if (usec_now() >= xl->options.deadline)
		xl->stop = -ETIME;
}

int xl_interrupted(struct xl *xl)
{
	note_stop(xl);
	return xl->stop;
}

int xl_error(struct xl *xl, int rc)
{
	switch (rc) {
	case 0:
		free(xl->logger.reason);
		xl->logger.reason = NULL;
		return 0;
	case ERROR_NOMEM:
		return -ENOMEM;
	case ERROR_GUEST_TIMEDOUT:
		return -ETIMEDOUT;
	case ERROR_DOMAIN_NOTFOUND:
		return -ESRCH;
	case ERROR_INVAL:
		return -EINVAL;
	default:
		return -EIO;
	}
}

/* Asynchronous calls. */

static void on_done(libxl_ctx *ctx _unused_, int rc, void *data)
{
	struct xl_call *call = data;

	call->done = true;
	call->rc = rc;
}

const libxl_asyncop_how *xl_call_how(struct xl_call *call)
{
	*call = (struct xl_call){.how = {.callback = on_done, .u = {.for_callback = call}}};
	return &call->how;
}

/* One turn of libxl's own loop. */
static int turn(struct xl *xl, bool abortable)
{
	int n = xl->n_fds, timeout = TICK_MSEC;
	struct timeval now;
	int rc;

	gettimeofday(&now, NULL);
	rc = libxl_osevent_beforepoll(xl->ctx, &n, xl->fds + 1, &timeout, now);
	if (rc == ERROR_BUFFERFULL)
		return make_fds(xl, n);
	if (rc)
		return -EIO;
	/* Once it is noted, the request would keep poll() from waiting. */
	xl->fds[0] = (struct pollfd){.fd = abortable && !xl->stop ? xl->options.stop : -1,
				     .events = POLLIN};
	timeout = timeout < 0 || timeout > TICK_MSEC ? TICK_MSEC : timeout;
	if (poll(xl->fds, (nfds_t)n + 1, timeout) < 0 && errno != EINTR)
		return -errno;
	gettimeofday(&now, NULL);
	libxl_osevent_afterpoll(xl->ctx, n, xl->fds + 1, now);
	return 0;
}

int xl_call_wait(struct xl *xl, struct xl_call *call, int rc, bool abortable)
{
	bool aborted = false;
	usec_t ticked = usec_now();
	int r;

	if (rc)
		return xl_error(xl, rc);
	/* Only libxl ends a call: until then it writes to *call, and acts on the domain. */
	while (!call->done) {
		if (turn(xl, abortable) < 0)
			poll(NULL, 0, TICK_MSEC);
		if (abortable) {
			note_stop(xl);
			if (xl->stop && !aborted && !call->done) {
				libxl_ao_abort(xl->ctx, &call->how);
				aborted = true;
			}
		}
		if (usec_sub(usec_now(), ticked) >= TICK_MSEC * USEC_PER_MSEC) {
			xl->options.tick(xl->options.data);
			ticked = usec_now();
		}
	}
	/* A call that was aborted may still have succeeded in time. */
	r = xl_error(xl, call->rc);
	return r < 0 && aborted ? xl->stop : r;
}

/* Domains. */

/*
 * Which guest a domain is. Xen knows the UUID that it was built with; one that was preserved has
 * another one since, in XenStore, where guests cannot write it. One that dies is not there any
 * more. 1, 0, or -errno where that cannot be known.
 */
static int is_guest(struct xs_handle *xs, const libxl_dominfo *info, const struct uuid *uuid)
{
	bool built = memcmp(libxl_uuid_bytearray_const(&info->uuid), uuid->bytes,
			    sizeof(uuid->bytes)) == 0;
	_cleanup_free_ char *vm = NULL;
	struct uuid now;
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/vm", info->domid);
	vm = xs_read(xs, XBT_NULL, path, NULL);
	if (!vm && errno != ENOENT)
		return -errno;
	if (!vm || uuid_parse(path_base(vm), &now) < 0)
		return built;
	return uuid_equal(&now, uuid);
}

static struct xl_domain take_info(const libxl_dominfo *info)
{
	return (struct xl_domain){
		.domid = info->domid,
		.paused = info->paused,
		.shutdown = info->shutdown,
		.suspended = info->shutdown &&
			     info->shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND,
		.dying = info->dying,
		.memory_kib = info->current_memkb,
	};
}

/* 1, 0, or -errno where that cannot be known. */
static int has_sign(struct xs_handle *xs, uint32_t domid, const char *sign)
{
	_cleanup_free_ char *value = NULL;
	char path[80];

	snprintf(path, sizeof(path), "/local/domain/%u/" XL_SIGN_KEY, domid);
	value = xs_read(xs, XBT_NULL, path, NULL);
	return value || errno == ENOENT ? str_equal(value, sign) : -errno;
}

int xl_find_signed(struct xl *xl, const char *sign, struct xl_domain *ret)
{
	struct xs_handle *xs = xs_open(0);
	libxl_dominfo *infos;
	int n, r = -ESRCH;

	if (!xs)
		return -errno;
	infos = libxl_list_domain(xl->ctx, &n);
	if (!infos)
		r = -EIO;
	for (int i = 0; infos && r == -ESRCH && i < n; i++) {
		int found = infos[i].dying ? 0 : has_sign(xs, infos[i].domid, sign);

		if (found > 0)
			*ret = take_info(&infos[i]);
		if (found != 0)
			r = MIN(found, 0);
	}
	if (infos)
		libxl_dominfo_list_free(infos, n);
	xs_close(xs);
	return r;
}

int xl_find(struct xl *xl, const struct uuid *uuid, uint32_t domid, struct xl_domain *ret)
{
	struct xs_handle *xs = xs_open(0);
	int n, r = -ESRCH;
	libxl_dominfo *infos;

	if (!xs)
		return -errno;
	infos = libxl_list_domain(xl->ctx, &n);
	if (!infos)
		r = -EIO;
	for (int i = 0; infos && (r >= 0 || r == -ESRCH) && i < n; i++) {
		const libxl_dominfo *info = &infos[i];
		int found;

		if (r >= 0 && (info->dying || ret->domid == domid) && info->domid != domid)
			continue;
		found = is_guest(xs, info, uuid);
		if (found > 0)
			*ret = take_info(info);
		if (found != 0)
			r = MIN(found, 0);
	}
	if (r >= 0)
		ret->pending = xl_is_pending(xs, ret->domid) != 0;
	if (infos)
		libxl_dominfo_list_free(infos, n);
	xs_close(xs);
	return r;
}

int xl_set_mark(struct xl *xl _unused_, uint32_t domid, const char *mark)
{
	struct xs_handle *xs = xs_open(0);
	char path[64];
	int r = 0;

	if (!xs)
		return -errno;
	snprintf(path, sizeof(path), "/libxl/%u/" MARK_KEY, domid);
	if (!xs_write(xs, XBT_NULL, path, mark, (unsigned)strlen(mark)))
		r = -errno;
	xs_close(xs);
	return r;
}

int xl_get_mark(struct xl *xl _unused_, uint32_t domid, char **ret)
{
	struct xs_handle *xs = xs_open(0);
	char path[64], *mark;
	int r = 0;

	if (!xs)
		return -errno;
	snprintf(path, sizeof(path), "/libxl/%u/" MARK_KEY, domid);
	mark = xs_read(xs, XBT_NULL, path, NULL);
	if (!mark)
		r = -errno;
	else
		*ret = mark;
	xs_close(xs);
	return r;
}

int xl_get_config(struct xl *xl, uint32_t domid, char **ret)
{
	libxl_domain_config config;
	struct xl_call call;
	char *json;
	int r;

	libxl_domain_config_init(&config);
	r = xl_call_wait(
		xl, &call,
		libxl_retrieve_domain_configuration(xl->ctx, domid, &config, xl_call_how(&call)),
		false);
	if (r >= 0) {
		json = libxl_domain_config_to_json(xl->ctx, &config);
		r = json ? 0 : -ENOMEM;
		if (json)
			*ret = json;
	}
	libxl_domain_config_dispose(&config);
	return r;
}

/* 0 or -ENOMEM. */
static int note_disk(struct xl_logger *l, const char *disk)
{
	char **more;

	for (size_t i = 0; i < l->n_hidden; i++)
		if (str_equal(l->hidden[i], disk))
			return 0;
	more = reallocarray(l->hidden, l->n_hidden + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	l->hidden = more;
	more[l->n_hidden] = strdup(disk);
	if (!more[l->n_hidden])
		return -ENOMEM;
	l->n_hidden++;
	return 0;
}

int xl_load_config(struct xl *xl, const char *json, libxl_domain_config *ret)
{
	int r = 0;

	libxl_domain_config_init(ret);
	if (libxl_domain_config_from_json(xl->ctx, ret, json) < 0)
		r = -EBADMSG;
	for (int i = 0; r == 0 && i < ret->num_disks; i++) {
		const char *disk = ret->disks[i].pdev_path;

		if (disk && hide_is_due(disk))
			r = note_disk(&xl->logger, disk);
	}
	if (r < 0) {
		libxl_domain_config_dispose(ret);
		return r;
	}
	/* A number that it had once says nothing now. */
	ret->c_info.domid = INVALID_DOMID;
	return 0;
}

/* A domain that was only half built is removed by libxl, unless it was cut off. */
static void remove_half_built(struct xl *xl, uint32_t domid)
{
	_cleanup_free_ char *reason = TAKE_PTR(xl->logger.reason);

	if (libxl_domid_valid_guest(domid))
		xl_destroy(xl, domid);
	free(xl->logger.reason);
	xl->logger.reason = TAKE_PTR(reason);
}

int xl_create(struct xl *xl, const char *json, const struct uuid *uuid, uint32_t *ret_domid)
{
	libxl_domain_config config;
	uint32_t domid = INVALID_DOMID;
	struct xl_call call;
	int r = xl_load_config(xl, json, &config);

	if (r < 0)
		return r;
	memcpy(libxl_uuid_bytearray(&config.c_info.uuid), uuid->bytes, sizeof(uuid->bytes));
	r = xl_call_wait(
		xl, &call,
		libxl_domain_create_new(xl->ctx, &config, &domid, xl_call_how(&call), NULL), true);
	libxl_domain_config_dispose(&config);
	if (r < 0)
		remove_half_built(xl, domid);
	else
		*ret_domid = domid;
	leave_room(xl);
	return r;
}

int xl_restore(struct xl *xl, const char *json, int fd, uint32_t *ret_domid)
{
	libxl_domain_restore_params params;
	libxl_domain_config config;
	uint32_t domid = INVALID_DOMID;
	struct xl_call call;
	int r = xl_load_config(xl, json, &config);

	if (r < 0)
		return r;
	libxl_domain_restore_params_init(&params);
	params.stream_version = 2;
	r = xl_call_wait(xl, &call,
			 libxl_domain_create_restore(xl->ctx, &config, &domid, fd, -1, &params,
						     xl_call_how(&call), NULL),
			 true);
	libxl_domain_restore_params_dispose(&params);
	libxl_domain_config_dispose(&config);
	if (r < 0)
		remove_half_built(xl, domid);
	else
		*ret_domid = domid;
	leave_room(xl);
	return r;
}

int xl_rename(struct xl *xl, uint32_t domid, const char *from, const char *to)
{
	char *name = libxl_domid_to_name(xl->ctx, domid);
	bool is_from = str_equal(name, from), is_to = str_equal(name, to);

	free(name);
	if (is_to)
		return 0;
	if (!is_from)
		return -EBUSY;
	return xl_error(xl, libxl_domain_rename(xl->ctx, domid, from, to));
}

int xl_unpause(struct xl *xl, uint32_t domid)
{
	struct xl_call call;

	return xl_call_wait(xl, &call, libxl_domain_unpause(xl->ctx, domid, xl_call_how(&call)),
			    false);
}

int xl_destroy(struct xl *xl, uint32_t domid)
{
	struct xl_call call;

	return xl_call_wait(xl, &call, libxl_domain_destroy(xl->ctx, domid, xl_call_how(&call)),
			    false);
}
