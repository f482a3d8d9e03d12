/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/claims.h"
#include "worker/xl/conf.h"
#include "worker/xl/private.h"

/*
 * Memory for a new guest, or one from an image, as xl sees to it: where dom0 is allowed to shrink
 * (autoballoon), the missing memory is taken from dom0, one guest at a time, under xl's own lock,
 * which is kept until the guest is built. Where dom0 keeps its memory xl takes no lock, and guests
 * are built side by side: then each worker claims what it needs (worker/claims.h).
 */

#define KIB_PER_PAGE    4
#define KIB_PER_MIB     1024
#define FREEING_LIMIT   (30 * USEC_PER_SEC)
#define WAIT_SEC        10
#define LOCK_PAUSE_MSEC 500

/* "auto" means on, unless Xen was told how much memory dom0 is to have. */
static bool dom0_memory_is_fixed(struct xl *xl)
{
	const libxl_version_info *info = libxl_get_version_info(xl->ctx);
	regex_t pattern;
	bool fixed;

	if (!info || !info->commandline ||
	    regcomp(&pattern, "(^| )dom0_mem=[^ ]*[0-9]", REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	fixed = regexec(&pattern, info->commandline, 0, NULL, 0) == 0;
	regfree(&pattern);
	return fixed;
}

static bool takes_from_dom0(struct xl *xl, const struct xl_conf *conf)
{
	if (conf->autoballoon == XL_AUTOBALLOON_AUTO)
		return !dom0_memory_is_fixed(xl);
	return conf->autoballoon == XL_AUTOBALLOON_ON;
}

/* Waits a little for another worker, or another xl. */
static int pause_a_little(struct xl *xl)
{
	poll(NULL, 0, LOCK_PAUSE_MSEC);
	xl->options.tick(xl->options.data);
	return xl_interrupted(xl);
}

/*
 * xl's own lock, of the same kind: the process has it until it closes any descriptor of the file.
 * Another create can hold it for long, so it is not simply waited for.
 */
static int take_xl_lock(struct xl *xl, const char *path, char **ret_reason)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int r = 0;

	if (fd < 0) {
		r = -errno;
		return str_format(ret_reason, "failed to open the lock %s of xl: %s", path,
				  strerror(-r)) < 0
			       ? -ENOMEM
			       : r;
	}
	while (r >= 0 && fcntl(fd, F_SETLK, &lock) < 0)
		r = errno == EAGAIN || errno == EACCES ? pause_a_little(xl) : -errno;
	if (r < 0)
		return r;
	xl->memory_lock = TAKE_FD(fd);
	return 0;
}

/* Memory that Xen has promised to domains that are being built (claim_mode in xl.conf) is not free.
 */
static int get_free(void *data, uint64_t *ret_kib)
{
	struct xl *xl = data;
	libxl_physinfo info;
	uint64_t pages;
	int r;

	libxl_physinfo_init(&info);
	r = xl_error(xl, libxl_get_physinfo(xl->ctx, &info));
	pages = info.free_pages + info.scrub_pages;
	pages -= MIN(pages, info.outstanding_pages);
	libxl_physinfo_dispose(&info);
	if (r < 0)
		return r;
	*ret_kib = pages * KIB_PER_PAGE;
	return 0;
}

/* Shrinks dom0 as far as possible. The caller looks whether enough memory is free then. */
static void shrink_dom0(struct xl *xl, uint64_t need_kib)
{
	usec_t end = usec_now() + FREEING_LIMIT;
	uint64_t free_kib;
	int r = get_free(xl, &free_kib);

	while (r >= 0 && free_kib < need_kib && usec_now() < end) {
		r = xl_error(xl, libxl_set_memory_target(xl->ctx, 0,
							 -(int64_t)(need_kib - free_kib), 1, 0));
		r = r < 0 ? r : xl_error(xl, libxl_wait_for_memory_target(xl->ctx, 0, WAIT_SEC));
		r = r < 0 ? r : get_free(xl, &free_kib);
	}
}

static uint64_t wanted_kib(const libxl_domain_config *config)
{
	const libxl_domain_build_info *b = &config->b_info;

	if (b->target_memkb != LIBXL_MEMKB_DEFAULT)
		return b->target_memkb;
	return b->max_memkb != LIBXL_MEMKB_DEFAULT ? b->max_memkb : 0;
}

static int claim(struct xl *xl, uint64_t wanted_kib, uint64_t need_kib, uint64_t *ret_free_kib)
{
	int r;

	if (xl->claims < 0)
		xl->claims = claims_open();
	if (xl->claims < 0)
		return xl->claims;
	do
		r = claims_take(xl->claims, wanted_kib, need_kib, get_free, xl, ret_free_kib);
	while (r == -EAGAIN && (r = pause_a_little(xl)) >= 0);
	return r;
}

static int refuse(uint64_t wanted_kib, uint64_t free_kib, bool from_dom0, char **ret_reason)
{
	int r = str_format(ret_reason,
			   "not enough memory: the guest wants %" PRIu64 " MiB, and %" PRIu64
			   " MiB are free; dom0 %s. Stop another guest, or give dom0 less: "
			   "'xl mem-set 0 SIZE'",
			   wanted_kib / KIB_PER_MIB, free_kib / KIB_PER_MIB,
			   from_dom0 ? "has given all that it could" : "keeps its memory");

	return r < 0 ? r : -ENOMEM;
}

int xl_make_room(struct xl *xl, const char *json, char **ret_reason)
{
	_cleanup_(xl_conf_done) struct xl_conf conf = {0};
	libxl_domain_config config;
	uint64_t need_kib, free_kib, wanted;
	bool from_dom0;
	int r = xl_conf_read(XL_CONF, &conf);

	r = r < 0 ? r : xl_load_config(xl, json, &config);
	if (r < 0)
		return r;
	wanted = wanted_kib(&config);
	r = xl_error(xl, libxl_domain_need_memory(xl->ctx, &config, INVALID_DOMID, &need_kib));
	libxl_domain_config_dispose(&config);
	from_dom0 = takes_from_dom0(xl, &conf);
	if (r >= 0 && from_dom0)
		r = take_xl_lock(xl, conf.lock, ret_reason);
	if (r < 0)
		return r;
	if (from_dom0)
		shrink_dom0(xl, need_kib);
	/* Asks for wanted, not for need_kib: libxl sometimes makes do with less than that. */
	r = claim(xl, wanted, need_kib, &free_kib);
	if (r < 0 || free_kib >= wanted)
		return r;
	return refuse(wanted, free_kib, from_dom0, ret_reason);
}
