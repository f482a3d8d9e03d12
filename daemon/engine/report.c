/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/report.h"

#include "util/human.h"
#include "util/log.h"

static struct log_fields make_fields(const struct report *r, const char *message_id)
{
	return (struct log_fields){
		.message_id = message_id,
		.domain = r->step->name,
		.uuid = &r->step->uuid,
		.domid = r->domid,
		.operation = goal_to_string(r->goal),
		.stage = stage_to_string(r->stage),
		.result = result_to_string(r->result),
		.elapsed = r->elapsed,
	};
}

static void log_stage(const struct report *r)
{
	struct log_fields fields;

	if (r->result == RESULT_FAILED) {
		fields = make_fields(r, MSG_STAGE_FAILED);
		log_message(LOG_WARNING, &fields, "%s failed after %s: %s", fields.stage,
			    DURATION(r->elapsed), r->reason);
	} else if (r->result == RESULT_OK) {
		fields = make_fields(r, MSG_STAGE_DONE);
		log_message(LOG_INFO, &fields, "%s done in %s", fields.stage, DURATION(r->elapsed));
	} else {
		fields = make_fields(r, MSG_STAGE_STARTED);
		fields.elapsed = USEC_INFINITY;
		log_message(LOG_INFO, &fields, "%s begins", fields.stage);
	}
}

static void log_cold(const struct report *r)
{
	struct log_fields fields = make_fields(r, MSG_GUEST_COLD);

	if (r->step->cold)
		log_message(LOG_WARNING, &fields, "was started without its saved memory: %s",
			    r->reason);
	else
		log_message(
			LOG_WARNING, &fields,
			"was started without its saved memory, and its image %s is put aside: %s",
			r->step->image, r->reason);
}

static void log_end(const struct report *r)
{
	bool failed = r->result == RESULT_FAILED;
	struct log_fields fields = make_fields(r, failed ? MSG_GUEST_FAILED : MSG_GUEST_DONE);

	if (failed)
		log_message(LOG_ERR, &fields, "%s failed: %s", fields.operation, r->reason);
	else if (r->result == RESULT_SKIPPED)
		log_message(LOG_INFO, &fields, "%s skipped: %s", fields.operation,
			    r->reason ? r->reason : "nothing to do");
	else
		log_message(LOG_INFO, &fields, "%s done in %s%s%s", fields.operation,
			    DURATION(r->elapsed), r->reason ? ": " : "",
			    r->reason ? r->reason : "");
}

void report_log(const struct report *report)
{
	if (report->cold)
		log_cold(report);
	if (report->final)
		log_end(report);
	else
		log_stage(report);
}
