/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <xenstore.h>

#include "hv/host.h"
#include "hv/xen.h"
#include "unit.h"
#include "util/str.h"

/* Xen and XenStore in memory. Nothing is told of what changes. */

#define DOMAINS_MAX 40

static libxl_dominfo infos[DOMAINS_MAX];
static int n_infos, events = -1;
static size_t n_questions;
static const char *name = "web";

int libxl_ctx_alloc(libxl_ctx **ret, int version _unused_, unsigned flags _unused_,
		    xentoollog_logger *logger _unused_)
{
	*ret = (libxl_ctx *)infos;
	return 0;
}

int libxl_ctx_free(libxl_ctx *ctx _unused_)
{
	return 0;
}

xentoollog_logger_stdiostream *xtl_createlogger_stdiostream(FILE *f _unused_,
							    xentoollog_level level _unused_,
							    unsigned flags _unused_)
{
	return (xentoollog_logger_stdiostream *)infos;
}

void xtl_logger_destroy(xentoollog_logger *logger _unused_)
{
}

libxl_dominfo *libxl_list_domain(libxl_ctx *ctx _unused_, int *ret_n)
{
	libxl_dominfo *copy = calloc(DOMAINS_MAX, sizeof(*copy));

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, infos, sizeof(infos));
	*ret_n = n_infos;
	return copy;
}

void libxl_dominfo_list_free(libxl_dominfo *list, int n _unused_)
{
	free(list);
}

const uint8_t *libxl_uuid_bytearray_const(const libxl_uuid *uuid)
{
	return uuid->uuid;
}

void libxl_dominfo_init(libxl_dominfo *info _unused_)
{
}

void libxl_dominfo_dispose(libxl_dominfo *info _unused_)
{
}

int libxl_domain_info(libxl_ctx *ctx _unused_, libxl_dominfo *ret _unused_, uint32_t domid _unused_)
{
	return ERROR_FAIL;
}

int libxl_send_trigger(libxl_ctx *ctx _unused_, uint32_t domid _unused_,
		       libxl_trigger trigger _unused_, uint32_t vcpu _unused_,
		       const libxl_asyncop_how *how _unused_)
{
	return ERROR_FAIL;
}

struct xs_handle *xs_open(unsigned long flags _unused_)
{
	events = eventfd(0, EFD_CLOEXEC);
	return (struct xs_handle *)&n_questions;
}

void xs_close(struct xs_handle *h _unused_)
{
	close(events);
}

int xs_fileno(struct xs_handle *h _unused_)
{
	return events;
}

bool xs_watch(struct xs_handle *h _unused_, const char *path _unused_, const char *token _unused_)
{
	return true;
}

bool xs_unwatch(struct xs_handle *h _unused_, const char *path _unused_, const char *token _unused_)
{
	return true;
}

char **xs_check_watch(struct xs_handle *h _unused_)
{
	errno = EAGAIN;
	return NULL;
}

/* The first domain is a driver domain, so the devices of all are looked at. */
void *xs_read(struct xs_handle *h _unused_, xs_transaction_t t _unused_, const char *path,
	      unsigned *ret_length)
{
	const char *value = str_ends_with(path, "/name")               ? name
			    : str_equal(path, "/local/domain/1/libxl") ? ""
								       : NULL;

	n_questions++;
	errno = ENOENT;
	if (value && ret_length)
		*ret_length = (unsigned)strlen(value);
	return value ? strdup(value) : NULL;
}

char **xs_directory(struct xs_handle *h _unused_, xs_transaction_t t _unused_,
		    const char *path _unused_, unsigned *ret_n)
{
	n_questions++;
	errno = ENOENT;
	*ret_n = 0;
	return NULL;
}

bool xs_write(struct xs_handle *h _unused_, xs_transaction_t t _unused_, const char *path _unused_,
	      const void *data _unused_, unsigned length _unused_)
{
	return false;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h _unused_)
{
	return XBT_NULL;
}

bool xs_transaction_end(struct xs_handle *h _unused_, xs_transaction_t t _unused_,
			bool abort _unused_)
{
	return false;
}

/* The daemon's side. */

static struct loop *loop;
static struct host *host;

static void on_changed(void *data _unused_)
{
}

static void on_lost(void *data _unused_, const char *reason)
{
	ck_abort_msg("lost: %s", reason);
}

static void add_down(bool dying, unsigned reason)
{
	infos[n_infos] = (libxl_dominfo){
		.domid = (uint32_t)n_infos + 1,
		.shutdown = !dying,
		.dying = dying,
		.shutdown_reason = reason,
		.cpu_time = 1000000,
	};
	infos[n_infos].uuid.uuid[0] = (uint8_t)n_infos;
	n_infos++;
}

static void open_host(int n)
{
	static const unsigned reasons[] = {LIBXL_SHUTDOWN_REASON_POWEROFF,
					   LIBXL_SHUTDOWN_REASON_CRASH,
					   LIBXL_SHUTDOWN_REASON_SUSPEND};

	name = "web";
	n_infos = 0;
	for (int i = 0; i < n; i++)
		add_down(i % 4 == 3, reasons[i % 3]);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(host_new(loop,
				  &(struct host_callbacks){.changed = on_changed, .lost = on_lost},
				  &host),
			 0);
}

static void close_host(void)
{
	host_free(host);
	loop_free(loop);
}

/* How many questions a look has for XenStore; the name of the first domain then. */
static size_t look(const char **ret_name)
{
	static char found[20];
	_cleanup_(domain_list_freep) struct domain_list *l = NULL;

	n_questions = 0;
	ck_assert_int_eq(host_list(host, &l), 0);
	ck_assert_uint_eq(l->n, n_infos);
	snprintf(found, sizeof(found), "%s", l->domains[0].name);
	*ret_name = found;
	return n_questions;
}

START_TEST(a_look_at_domains_that_stay_down_takes_one_question)
{
	static const int sizes[] = {4, DOMAINS_MAX};
	const char *ignored;

	for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
		open_host(sizes[i]);
		ck_assert_uint_gt(look(&ignored), 5 * (size_t)sizes[i]);
		ck_assert_uint_eq(look(&ignored), 1);
		close_host();
	}
}
END_TEST

START_TEST(a_domain_that_is_down_is_asked_for_again_where_it_may_have_changed)
{
	const char *found;

	open_host(1);
	look(&found);
	ck_assert_str_eq(found, "web");
	name = "after an operation";
	host_recheck(host, 1);
	look(&found);
	ck_assert_str_eq(found, name);
	name = "it has run";
	infos[0].cpu_time++;
	look(&found);
	ck_assert_str_eq(found, name);
	infos[0].shutdown = false;
	look(&found);
	name = "down again";
	infos[0].shutdown = true;
	look(&found);
	ck_assert_str_eq(found, name);
	close_host();
}
END_TEST

static void on_progress(void *data _unused_, const struct hv_operation *operation _unused_)
{
}

static void on_finished(void *data _unused_, const struct hv_operation *operation _unused_,
			const struct operation_result *result)
{
	ck_assert_int_eq(result->outcome, OPERATION_OK);
	loop_exit(loop, 0);
}

static void expect_name(struct hv *hv, const char *expected)
{
	_cleanup_(domain_list_freep) struct domain_list *l = NULL;

	ck_assert_int_eq(hv_list(hv, &l), 0);
	ck_assert_str_eq(l->domains[0].name, expected);
}

/* A script is the worker. */
START_TEST(what_a_worker_has_written_counts_when_its_operation_has_ended)
{
	static const char script[] =
		"#!/bin/sh\n"
		"printf '{\"result\":{\"outcome\":\"ok\",\"errno\":0,\"bytes\":0}}\\0' >&3\n";
	struct operation_request request = {
		.operation = OPERATION_RESTART,
		.uuid = {{1}},
		.name = (char[]){"web"},
		.domid = 1,
		.deadline = USEC_INFINITY,
	};
	_cleanup_folder_ struct folder f;
	struct hv *hv;

	folder_make(&f);
	folder_write(&f, "worker", script);
	ck_assert_int_eq(chmod(folder_path(&f, "worker"), 0700), 0);
	n_infos = 0;
	add_down(false, LIBXL_SHUTDOWN_REASON_CRASH);
	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(hv_xen_new(loop,
				    &(struct hv_xen_options){.worker = folder_path(&f, "worker"),
							     .runtime = f.path},
				    &hv),
			 0);
	hv->callbacks.progress = on_progress;
	hv->callbacks.finished = on_finished;
	name = "web";
	expect_name(hv, "web");
	ck_assert_int_eq(hv_operate(hv, &request), 0);
	name = "preserved";
	expect_name(hv, "web");
	ck_assert_int_eq(loop_run(loop), 0);
	expect_name(hv, "preserved");
	hv_free(hv);
	loop_free(loop);
}
END_TEST

SUITE("host", what_a_worker_has_written_counts_when_its_operation_has_ended,
      a_look_at_domains_that_stay_down_takes_one_question,
      a_domain_that_is_down_is_asked_for_again_where_it_may_have_changed);
