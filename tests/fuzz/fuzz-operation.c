/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "wire/operation.h"

/* A record that was read is written as messages, and must be read again as the same one. */
static void write_again(const struct operation_record *record)
{
	_cleanup_json_ struct json_object *request = operation_request_message(&record->request,
									       record->started);
	_cleanup_json_ struct json_object *mark = operation_mark_message(
		record->mark, NULL, record->target, &record->image);
	_cleanup_json_ struct json_object *result = operation_result_message(&record->result);
	_cleanup_(operation_record_done) struct operation_record again = {0};

	HOLDS(operation_record_add(&again, request) == 0);
	HOLDS(operation_record_add(&again, mark) == 0);
	HOLDS(again.has_request && again.request.operation == record->request.operation);
	HOLDS(uuid_equal(&again.request.uuid, &record->request.uuid));
	HOLDS(strcmp(again.request.name, record->request.name) == 0);
	HOLDS(again.request.domid == record->request.domid);
	HOLDS(again.request.deadline == record->request.deadline);
	HOLDS(again.mark == record->mark);
	if (!record->has_result)
		return;
	HOLDS(operation_record_add(&again, result) == 0);
	HOLDS(again.result.outcome == record->result.outcome);
	HOLDS(again.result.error == record->result.error);
	HOLDS(again.result.domid == record->result.domid);
	HOLDS(again.result.bytes == record->result.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	_cleanup_json_ struct json_object *message = NULL;
	struct operation_progress progress;

	if (operation_record_parse((const char *)data, size, &record) == 0) {
		HOLDS(record.has_request && record.request.name);
		HOLDS(record.result.error <= 0);
		write_again(&record);
	}
	if (json_parse((const char *)data, size, &message) == 0 &&
	    operation_progress_get(message, &progress))
		HOLDS(progress.permille <= 1000);
	return 0;
}
