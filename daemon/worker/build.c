/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/build.h"

#include <inttypes.h>

#include "util/log.h"
#include "util/str.h"

/* No two operations on a host begin in the same microsecond of a boot for the same guest. */
static int make_sign(const struct task *task, char **ret)
{
	return str_format(ret, "%s/%" PRIu64, UUID_TEXT(&task->record.request.uuid),
			  (uint64_t)task->record.started);
}

int build_sign(const struct task *task, const char *config_text, char **ret)
{
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_free_ char *sign = NULL;
	struct json_object *info, *data;
	const char *text;
	int r = json_parse(config_text, strlen(config_text), &config);

	r = r < 0 ? r : make_sign(task, &sign);
	if (r < 0)
		return r;
	info = json_get(config, "c_info", json_type_object);
	if (!info)
		return -EBADMSG;
	data = json_get(info, "xsdata", json_type_object);
	if (!data) {
		data = json_object_new_object();
		r = data ? json_add(info, "xsdata", data) : -ENOMEM;
	}
	r = r < 0 ? r : json_add_string(data, XL_SIGN_KEY, sign);
	text = r < 0 ? NULL : json_text(config, NULL);
	return r < 0 ? r : text ? str_replace(ret, text) : -ENOMEM;
}

int build_find(struct task *task, struct xl_domain *ret)
{
	_cleanup_free_ char *sign = NULL;
	int r = make_sign(task, &sign);

	return r < 0 ? r : xl_find_signed(task->xl, sign, ret);
}

int build_remove(struct task *task)
{
	struct xl_domain d;
	int r = build_find(task, &d);

	if (r < 0 || !d.paused)
		return r == -ESRCH ? 0 : r;
	r = xl_destroy(task->xl, d.domid);
	if (r < 0)
		log_error("%s: Failed to destroy the incomplete domain %u",
			  task->record.request.name, d.domid);
	return r;
}

void build_undo(struct task *task)
{
	bool timed_out = xl_timed_out(task->xl);

	if (build_remove(task) >= 0 && timed_out)
		task->result.outcome = OPERATION_TIMED_OUT;
}
