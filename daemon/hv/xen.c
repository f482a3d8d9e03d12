/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/xen.h"

#include "hv/host.h"
#include "hv/images.h"
#include "hv/spawn.h"
#include "hv/survey.h"
#include "hv/workers.h"
#include "util/log.h"
#include "util/str.h"

struct xen {
	struct hv hv;
	struct program worker;
	struct host *host;
	struct workers *workers;
	struct hv_callbacks of_workers;
	struct surveyor *surveyor;
	struct images *images;
};

static struct xen *to_xen(struct hv *hv)
{
	return CONTAINER_OF(hv, struct xen, hv);
}

static int xen_list(struct hv *hv, struct domain_list **ret)
{
	return host_list(to_xen(hv)->host, ret);
}

static int xen_ask_shutdown(struct hv *hv, const struct domain *domain)
{
	return host_ask_shutdown(to_xen(hv)->host, domain);
}

static int xen_shutdown_answer(struct hv *hv, const struct domain *domain)
{
	return host_shutdown_answer(to_xen(hv)->host, domain);
}

static int xen_send_sysrq(struct hv *hv, const struct domain *domain, char key)
{
	return host_send_sysrq(to_xen(hv)->host, domain, key);
}

static int xen_operate(struct hv *hv, const struct operation_request *request)
{
	return workers_operate(to_xen(hv)->workers, request);
}

static void xen_expect(struct hv *hv, unsigned removals)
{
	workers_expect(to_xen(hv)->workers, removals);
}

static void xen_abort(struct hv *hv, const struct uuid *uuid)
{
	workers_abort(to_xen(hv)->workers, uuid);
}

static const struct hv_operation *xen_operation(struct hv *hv, const struct uuid *uuid)
{
	return workers_find(to_xen(hv)->workers, uuid);
}

static const struct hv_operation *xen_next_operation(struct hv *hv, size_t index)
{
	return workers_at(to_xen(hv)->workers, index);
}

static int xen_survey(struct hv *hv, const char *autostart, const char *save,
		      const struct survey *known)
{
	return surveyor_begin(to_xen(hv)->surveyor, autostart, save, known);
}

static const struct survey *xen_surveyed(struct hv *hv)
{
	return surveyor_so_far(to_xen(hv)->surveyor);
}

static bool xen_survey_is_current(struct hv *hv)
{
	return surveyor_is_current(to_xen(hv)->surveyor);
}

static void xen_watch_survey(struct hv *hv)
{
	surveyor_watch(to_xen(hv)->surveyor);
}

static int xen_ask_images(struct hv *hv, const struct image_query *query,
			  const struct hv_asker *asker, uint64_t *ret_id)
{
	return images_ask(to_xen(hv)->images, query, asker, ret_id);
}

static void xen_forget_images(struct hv *hv, uint64_t id)
{
	images_forget(to_xen(hv)->images, id);
}

static struct hv *xen_free(struct hv *hv)
{
	struct xen *xen = to_xen(hv);

	images_free(xen->images);
	surveyor_free(xen->surveyor);
	workers_free(xen->workers);
	program_close(&xen->worker);
	host_free(xen->host);
	free(xen);
	return NULL;
}

static const struct hv_ops xen_ops = {
	.list = xen_list,
	.ask_shutdown = xen_ask_shutdown,
	.shutdown_answer = xen_shutdown_answer,
	.send_sysrq = xen_send_sysrq,
	.operate = xen_operate,
	.expect = xen_expect,
	.abort = xen_abort,
	.operation = xen_operation,
	.next_operation = xen_next_operation,
	.survey = xen_survey,
	.surveyed = xen_surveyed,
	.survey_is_current = xen_survey_is_current,
	.watch_survey = xen_watch_survey,
	.ask_images = xen_ask_images,
	.forget_images = xen_forget_images,
	.free = xen_free,
};

static void on_changed(void *data)
{
	struct xen *xen = data;

	xen->hv.callbacks.changed(xen->hv.callbacks.data);
}

static void on_lost(void *data, const char *reason)
{
	struct xen *xen = data;

	xen->hv.callbacks.lost(xen->hv.callbacks.data, reason);
}

static void on_progress(void *data, const struct hv_operation *operation)
{
	struct xen *xen = data;

	xen->hv.callbacks.progress(xen->hv.callbacks.data, operation);
}

static void on_finished(void *data, const struct hv_operation *operation,
			const struct operation_result *result)
{
	struct xen *xen = data;

	host_recheck(xen->host, operation->domid);
	xen->hv.callbacks.finished(xen->hv.callbacks.data, operation, result);
}

static void on_surveyed(void *data, struct survey *survey, const char *reason)
{
	struct xen *xen = data;

	xen->hv.callbacks.surveyed(xen->hv.callbacks.data, survey, reason);
}

/* Without it an upgrade of Xen takes from the guests that run what saves them. */
static void keep_helper(struct xen *xen, const struct hv_xen_options *options)
{
	int r = program_keep_helper(&xen->worker, options->helper, options->runtime);

	if (r < 0)
		log_warning_errno(r, "Failed to keep %s open", options->helper);
}

int hv_xen_new(struct loop *loop, const struct hv_xen_options *options, struct hv **ret)
{
	_cleanup_(hv_freep) struct hv *hv = NULL;
	_cleanup_free_ char *folder = NULL;
	struct xen *xen = calloc(1, sizeof(*xen));
	int r;

	if (!xen)
		return -ENOMEM;
	xen->hv.ops = &xen_ops;
	hv = &xen->hv;
	xen->worker = (struct program){.fd = -1};
	r = program_open(options->worker, &xen->worker);
	r = r < 0 ? r : str_format(&folder, "%s/operation", options->runtime);
	if (r >= 0 && options->helper)
		keep_helper(xen, options);
	r = r < 0 ? r
		  : host_new(loop,
			     &(struct host_callbacks){
				     .changed = on_changed,
				     .lost = on_lost,
				     .data = xen,
			     },
			     &xen->host);
	xen->of_workers = (struct hv_callbacks){
		.progress = on_progress, .finished = on_finished, .data = xen};
	r = r < 0 ? r : workers_new(loop, folder, &xen->worker, &xen->of_workers, &xen->workers);
	r = r < 0 ? r
		  : surveyor_new(loop, &xen->worker,
				 &(struct surveyor_callbacks){.surveyed = on_surveyed,
							      .changed = on_changed,
							      .data = xen},
				 &xen->surveyor);
	r = r < 0 ? r : images_new(loop, &xen->worker, &xen->images);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(hv);
	return 0;
}
