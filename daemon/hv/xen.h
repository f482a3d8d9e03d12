/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"
#include "io/loop.h"

struct hv_xen_options {
	const char *runtime; /* directory of the operation files, with a slash-less end */
	const char *worker;  /* program */
	const char *helper;  /* program that libxl starts to save and to restore; may be NULL */
};

/*
 * The real host: domains and XenStore through hv/host.h, operations through workers (hv/workers.h).
 * Takes on the operations that an earlier daemon began. 0 or -errno.
 */
int hv_xen_new(struct loop *loop, const struct hv_xen_options *options, struct hv **ret);
