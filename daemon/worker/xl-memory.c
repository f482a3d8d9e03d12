/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <libxlutil.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/xl-private.h"

/*
 * Memory for a new guest, as xl sees to it: where dom0 is allowed to shrink (autoballoon), what is
 * missing is taken from it, one guest at a time, under xl's own lock, which is kept until the guest
 * is built.
 */

#define XL_CONF         "/etc/xen/xl.conf"
#define XL_LOCK         "/var/lock/xl"
#define XL_CONF_MAX     (1U << 20)
#define KIB_PER_MIB     1024
#define FREEING_LIMIT   (30 * USEC_PER_SEC)
#define WAIT_SEC        10
#define LOCK_PAUSE_MSEC 200

struct policy {
	bool autoballoon;
	char *lock;
};

static void policy_done(struct policy *p)
{
	free(p->lock);
}

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

static void apply_xl_conf(XLU_Config *conf, struct policy *p, bool *ret_auto)
{
	const char *value;

	if (xlu_cfg_get_string(conf, "autoballoon", &value, 0) == 0) {
		*ret_auto = str_equal(value, "auto");
		p->autoballoon = str_equal(value, "on") || str_equal(value, "1");
	}
	if (xlu_cfg_get_string(conf, "lockfile", &value, 0) == 0)
		str_replace(&p->lock, value);
}

static int read_policy(struct xl *xl, struct policy *p)
{
	_cleanup_free_ char *text = NULL;
	XLU_Config *conf;
	bool automatic = true;
	size_t size;
	int r = str_replace(&p->lock, XL_LOCK);

	if (r < 0)
		return r;
	r = file_read(XL_CONF, XL_CONF_MAX, &text, &size);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r >= 0) {
		conf = xlu_cfg_init(stderr, XL_CONF);
		if (!conf)
			return -ENOMEM;
		if (xlu_cfg_readdata(conf, text, (int)size) == 0)
			apply_xl_conf(conf, p, &automatic);
		xlu_cfg_destroy(conf);
	}
	if (automatic)
		p->autoballoon = !dom0_memory_is_fixed(xl);
	return 0;
}

/*
 * xl's own lock, of the same kind: the process has it until it closes any descriptor of the file.
 * Another create can hold it for long, so it is not simply waited for.
 */
static int take_xl_lock(struct xl *xl, const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fd < 0)
		return -errno;
	while (fcntl(fd, F_SETLK, &lock) < 0) {
		int r = errno == EAGAIN || errno == EACCES ? xl_interrupted(xl) : -errno;

		if (r < 0)
			return r;
		poll(NULL, 0, LOCK_PAUSE_MSEC);
	}
	xl->memory_lock = TAKE_FD(fd);
	return 0;
}

static int get_free(struct xl *xl, uint64_t *ret_kib)
{
	return xl_error(xl, libxl_get_free_memory(xl->ctx, ret_kib));
}

static int shrink_dom0(struct xl *xl, uint64_t need_kib)
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
	return r;
}

static uint64_t wanted_kib(const libxl_domain_config *config)
{
	const libxl_domain_build_info *b = &config->b_info;

	if (b->target_memkb != LIBXL_MEMKB_DEFAULT)
		return b->target_memkb;
	return b->max_memkb != LIBXL_MEMKB_DEFAULT ? b->max_memkb : 0;
}

int xl_make_room(struct xl *xl, const char *json, char **ret_reason)
{
	_cleanup_(policy_done) struct policy policy = {0};
	libxl_domain_config config;
	uint64_t need_kib, free_kib, wanted;
	int r = read_policy(xl, &policy);

	r = r < 0 ? r : xl_load_config(xl, json, &config);
	if (r < 0)
		return r;
	wanted = wanted_kib(&config);
	r = xl_error(xl, libxl_domain_need_memory(xl->ctx, &config, INVALID_DOMID, &need_kib));
	libxl_domain_config_dispose(&config);
	if (r >= 0 && policy.autoballoon) {
		r = take_xl_lock(xl, policy.lock);
		r = r < 0 ? r : shrink_dom0(xl, need_kib);
	}
	r = r < 0 ? r : get_free(xl, &free_kib);
	if (r < 0)
		return r;
	/* Not what it may need besides: with that libxl would sometimes make do with less. */
	if (free_kib >= wanted)
		return 0;
	r = str_format(ret_reason,
		       "not enough memory: the guest wants %" PRIu64 " MiB, and %" PRIu64
		       " MiB are free%s",
		       wanted / KIB_PER_MIB, free_kib / KIB_PER_MIB,
		       policy.autoballoon ? " although dom0 has given what it could" : "");
	return r < 0 ? r : -ENOMEM;
}
