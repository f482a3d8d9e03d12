/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "unit.h"
#include "util/str.h"
#include "wire/operation.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

/* What an operation file holds: messages one behind the other. */
struct file {
	char data[8192];
	size_t size;
};

static void put(struct file *f, struct json_object *message_taken)
{
	_cleanup_json_ struct json_object *message = message_taken;
	size_t size;
	const char *text = json_message(message, &size);

	ck_assert_ptr_nonnull(text);
	ck_assert_uint_le(f->size + size, sizeof(f->data));
	memcpy(f->data + f->size, text, size);
	f->size += size;
}

static void put_text(struct file *f, const char *text)
{
	memcpy(f->data + f->size, text, strlen(text) + 1);
	f->size += strlen(text) + 1;
}

static const char plain_request[] = "{\"request\":{\"operation\":\"destroy\",\"uuid\":\"" UUID
				    "\",\"name\":\"web\"}}";

START_TEST(names_and_numbers_of_operations_are_inverse)
{
	for (int i = 0; i < _OPERATION_MAX; i++) {
		const char *name = operation_to_string((enum operation)i);

		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(operation_from_string(name), i);
	}
	ck_assert_int_eq(operation_from_string("nonsense"), -EINVAL);
	ck_assert_int_eq(operation_from_string(""), -EINVAL);
	ck_assert_int_eq(operation_from_string(NULL), -EINVAL);
}
END_TEST

START_TEST(a_request_is_read_as_it_was_written)
{
	struct stale stale[] = {
		{.path = (char[]){"/save/old"}, .reason = (char[]){"used"}, .past = true},
		{.path = (char[]){"/save/older"}},
		{.guest = {.bytes = {4}}, .image = {.bytes = {5}}},
	};
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct operation_request request = {
		.operation = OPERATION_RESTORE,
		.name = (char[]){"web"},
		.domid = 7,
		.other = (char[]){"clone"},
		.path = (char[]){"/save/web"},
		.config = (char[]){"{\"c_info\":{}}"},
		.source = (char[]){"/auto/web.cfg"},
		.stale = {.items = stale, .n = ELEMENTSOF(stale)},
		.image = {.bytes = {8}},
		.standing = IMAGE_NEWEST,
		.compression = COMPRESSION_ZSTD,
		.threads = 3,
		.why = (char[]){"its disk was written"},
		.ledger = (char[]){"/state/ledger"},
		.dump = (char[]){"/dump/web"},
		.device = (char[]){"hdc"},
		.preserve = {.bytes = {3}},
		.deadline = 123456789,
		.patience = 30,
	};
	struct file f = {.size = 0};

	ck_assert_int_eq(uuid_parse(UUID, &request.uuid), 0);
	put(&f, operation_request_message(&request, 42));
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert(record.has_request);
	ck_assert_int_eq(record.request.operation, OPERATION_RESTORE);
	ck_assert(uuid_equal(&record.request.uuid, &request.uuid));
	ck_assert_str_eq(record.request.name, request.name);
	ck_assert_uint_eq(record.request.domid, 7);
	ck_assert_str_eq(record.request.other, "clone");
	ck_assert_str_eq(record.request.path, request.path);
	ck_assert_str_eq(record.request.config, request.config);
	ck_assert_str_eq(record.request.source, request.source);
	ck_assert_uint_eq(record.request.stale.n, 3);
	ck_assert_str_eq(record.request.stale.items[0].path, "/save/old");
	ck_assert_str_eq(record.request.stale.items[0].reason, "used");
	ck_assert(record.request.stale.items[0].past);
	ck_assert_ptr_null(record.request.stale.items[1].reason);
	ck_assert(!record.request.stale.items[1].past);
	ck_assert_ptr_null(record.request.stale.items[2].path);
	ck_assert_uint_eq(record.request.stale.items[2].guest.bytes[0], 4);
	ck_assert_uint_eq(record.request.stale.items[2].image.bytes[0], 5);
	ck_assert(uuid_equal(&record.request.image, &request.image));
	ck_assert_int_eq(record.request.standing, IMAGE_NEWEST);
	ck_assert_int_eq(record.request.compression, COMPRESSION_ZSTD);
	ck_assert_uint_eq(record.request.threads, 3);
	ck_assert_str_eq(record.request.why, request.why);
	ck_assert_str_eq(record.request.ledger, request.ledger);
	ck_assert_str_eq(record.request.dump, request.dump);
	ck_assert_str_eq(record.request.device, request.device);
	ck_assert(uuid_equal(&record.request.preserve, &request.preserve));
	ck_assert_uint_eq(record.request.deadline, 123456789);
	ck_assert_uint_eq(record.request.patience, 30);
	ck_assert_uint_eq(record.started, 42);
	ck_assert(!record.has_result);
	ck_assert_uint_eq(record.worker_pid, 0);
}
END_TEST

START_TEST(what_a_request_leaves_out_stays_out)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct operation_request request = {
		.operation = OPERATION_CREATE,
		.name = (char[]){"web"},
		.domid = DOMID_NONE,
		.deadline = USEC_INFINITY,
	};
	struct file f = {.size = 0};

	put(&f, operation_request_message(&request, 0));
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert_uint_eq(record.request.domid, DOMID_NONE);
	ck_assert_uint_eq(record.request.deadline, USEC_INFINITY);
	ck_assert_uint_eq(record.request.patience, 0);
	ck_assert_ptr_null(record.request.path);
	ck_assert_ptr_null(record.request.config);
	ck_assert_uint_eq(record.request.stale.n, 0);
	ck_assert(uuid_is_null(&record.request.image));
	ck_assert_int_eq(record.request.standing, IMAGE_UNKNOWN);
	ck_assert_ptr_null(record.request.ledger);
}
END_TEST

START_TEST(a_whole_life_is_read)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct operation_result result = {
		.outcome = OPERATION_LEFT_BEHIND,
		.error = -ENOSPC,
		.reason = (char[]){"no room"},
		.domid = 9,
		.bytes = 1000,
		.written = 600,
	};
	struct file f = {.size = 0};

	put_text(&f, plain_request);
	put(&f, operation_worker_message(4711, 815));
	put(&f, operation_progress_message(
			&(struct operation_progress){.what = "saving", .permille = 500}));
	put(&f, operation_mark_message(OPERATION_MARK_DESTROYED, "{\"kept\":1}", NULL, NULL));
	put(&f, operation_mark_message(OPERATION_MARK_RELEASED, NULL, NULL, NULL));
	put(&f, operation_result_message(&result));
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert_uint_eq(record.worker_pid, 4711);
	ck_assert_uint_eq(record.worker_start, 815);
	ck_assert_int_eq(record.mark, OPERATION_MARK_RELEASED);
	/* The configuration that came with the mark before is kept. */
	ck_assert_str_eq(record.request.config, "{\"kept\":1}");
	ck_assert(record.has_result);
	ck_assert_int_eq(record.result.outcome, OPERATION_LEFT_BEHIND);
	ck_assert_int_eq(record.result.error, -ENOSPC);
	ck_assert_str_eq(record.result.reason, "no room");
	ck_assert_uint_eq(record.result.domid, 9);
	ck_assert_uint_eq(record.result.bytes, 1000);
	ck_assert_uint_eq(record.result.written, 600);
}
END_TEST

START_TEST(every_mark_survives_the_file)
{
	for (int i = 0; i < _OPERATION_MARK_MAX; i++) {
		_cleanup_(operation_record_done) struct operation_record record = {0};
		struct file f = {.size = 0};

		put_text(&f, plain_request);
		put(&f, operation_mark_message((enum operation_mark)i, NULL, NULL, NULL));
		ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
		ck_assert_int_eq(record.mark, i);
	}
}
END_TEST

START_TEST(a_mark_of_another_version_makes_the_file_foreign_and_no_less_readable)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct file f = {.size = 0};

	put_text(&f, plain_request);
	put(&f, operation_mark_message(OPERATION_MARK_PUBLISHED, NULL, NULL, NULL));
	put_text(&f, "{\"mark\":{\"point\":\"of a later version\"}}");
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert(record.foreign);
	ck_assert(!record.has_result);
	ck_assert_int_eq(record.mark, OPERATION_MARK_PUBLISHED);
}
END_TEST

START_TEST(a_request_of_a_newer_version_makes_the_file_foreign_and_no_less_readable)
{
	for (unsigned format = OPERATION_FORMAT_READ; format <= OPERATION_FORMAT_READ + 1;
	     format++) {
		_cleanup_(operation_record_done) struct operation_record record = {0};
		_cleanup_free_ char *text = NULL;
		struct file f = {.size = 0};

		ck_assert_int_eq(str_format(&text,
					    "{\"request\":{\"format\":%u,\"operation\":\"save\","
					    "\"uuid\":\"" UUID "\",\"name\":\"web\"}}",
					    format),
				 0);
		put_text(&f, text);
		ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
		ck_assert_int_eq(record.foreign, format > OPERATION_FORMAT_READ);
		ck_assert_int_eq(record.request.operation, OPERATION_SAVE);
	}
}
END_TEST

static enum operation_outcome outcome_of(const char *message)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct file f = {.size = 0};

	put_text(&f, plain_request);
	put_text(&f, message);
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	return record.result.outcome;
}

START_TEST(every_outcome_survives_the_file)
{
	for (int i = 0; i < _OPERATION_OUTCOME_MAX; i++) {
		_cleanup_(operation_record_done) struct operation_record record = {0};
		struct operation_result result = {.outcome = (enum operation_outcome)i};
		struct file f = {.size = 0};

		result.error = result.outcome == OPERATION_OK ? 0 : -EIO;
		put_text(&f, plain_request);
		put(&f, operation_result_message(&result));
		ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
		ck_assert_int_eq(record.result.outcome, i);
	}
}
END_TEST

START_TEST(an_outcome_is_never_made_of_an_errno)
{
	static const int numbers[] = {EIO, ESTALE, EUCLEAN, ENOTEMPTY, ENOTRECOVERABLE};

	for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
		char text[128];

		snprintf(text, sizeof(text), "{\"result\":{\"errno\":%d}}", numbers[i]);
		ck_assert_int_eq(outcome_of(text), OPERATION_FAILED);
		snprintf(text, sizeof(text), "{\"result\":{\"outcome\":\"failed\",\"errno\":%d}}",
			 numbers[i]);
		ck_assert_int_eq(outcome_of(text), OPERATION_FAILED);
	}
}
END_TEST

START_TEST(an_outcome_that_is_not_known_is_a_failure)
{
	ck_assert_int_eq(outcome_of("{\"result\":{\"outcome\":\"fine\",\"errno\":0}}"),
			 OPERATION_FAILED);
	ck_assert_int_eq(outcome_of("{\"result\":{\"outcome\":\"ok\",\"errno\":5}}"),
			 OPERATION_FAILED);
	/* A worker of an earlier version gave no name. */
	ck_assert_int_eq(outcome_of("{\"result\":{\"errno\":0}}"), OPERATION_OK);
}
END_TEST

START_TEST(a_success_has_no_reason_and_maybe_no_domain)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct operation_result result = {.outcome = OPERATION_OK, .domid = DOMID_NONE};
	struct file f = {.size = 0};

	put_text(&f, plain_request);
	put(&f, operation_result_message(&result));
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert(record.has_result);
	ck_assert_int_eq(record.result.error, 0);
	ck_assert_ptr_null(record.result.reason);
	ck_assert_uint_eq(record.result.domid, DOMID_NONE);
}
END_TEST

/* Whoever is killed leaves a prefix behind: what it says must hold at any length. */
START_TEST(a_file_cut_anywhere_says_what_is_whole_in_it)
{
	struct operation_result result = {.domid = 3};
	struct file f = {.size = 0};
	size_t ends[3];

	put_text(&f, plain_request);
	ends[0] = f.size;
	put(&f, operation_worker_message(4711, 815));
	ends[1] = f.size;
	put(&f, operation_result_message(&result));
	ends[2] = f.size;
	for (size_t cut = 0; cut <= f.size; cut++) {
		_cleanup_(operation_record_done) struct operation_record record = {0};
		_cleanup_free_ char *exact = malloc(cut ? cut : 1);

		/* In memory of its own size, so that a step too far is seen. */
		memcpy(exact, f.data, cut);
		ck_assert_int_eq(operation_record_parse(exact, cut, &record),
				 cut < ends[0] ? -EBADMSG : 0);
		ck_assert_int_eq(record.has_request, cut >= ends[0]);
		ck_assert_int_eq(record.worker_pid != 0, cut >= ends[1]);
		ck_assert_int_eq(record.has_result, cut >= ends[2]);
	}
}
END_TEST

START_TEST(what_no_version_has_written_is_refused)
{
	static const char *const bad[] = {
		"{\"request\":{\"operation\":\"fly\",\"uuid\":\"" UUID "\",\"name\":\"x\"}}",
		"{\"request\":{\"operation\":\"save\",\"uuid\":\"" UUID "\"}}",
		"{\"request\":{\"operation\":\"save\",\"uuid\":\"?\",\"name\":\"x\"}}",
		"{\"request\":{\"operation\":\"save\",\"name\":\"x\"}}",
		"{\"request\":{\"uuid\":\"" UUID "\",\"name\":\"x\"}}",
		"{\"request\":{\"operation\":\"save\",\"uuid\":\"" UUID
		"\",\"name\":\"x\",\"domid\":-1}}",
		"{\"request\":{\"operation\":\"save\",\"uuid\":\"" UUID
		"\",\"name\":\"x\",\"domid\":4294967295}}",
		"[]",
		"nonsense",
	};
	static const char *const bad_later[] = {
		plain_request, /* a second one */
		"{\"mark\":{}}",
		"{\"worker\":{\"pid\":1}}",
		"{\"worker\":{\"pid\":-1,\"start\":1}}",
		"{\"result\":{}}",
		"{\"result\":{\"errno\":4096}}",
		"{\"result\":{\"errno\":-1}}",
		"{\"result\":{\"errno\":0,\"domid\":99999999999}}",
	};

	for (size_t i = 0; i < ELEMENTSOF(bad) + ELEMENTSOF(bad_later); i++) {
		struct operation_record record = {0};
		struct file f = {.size = 0};

		if (i >= ELEMENTSOF(bad))
			put_text(&f, plain_request);
		put_text(&f, i < ELEMENTSOF(bad) ? bad[i] : bad_later[i - ELEMENTSOF(bad)]);
		ck_assert_msg(operation_record_parse(f.data, f.size, &record) == -EBADMSG,
			      "taken: %s",
			      i < ELEMENTSOF(bad) ? bad[i] : bad_later[i - ELEMENTSOF(bad)]);
		ck_assert(!record.has_request);
	}
}
END_TEST

START_TEST(a_message_of_a_later_version_is_left_alone)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct file f = {.size = 0};

	put_text(&f, plain_request);
	put_text(&f, "{\"weather\":{\"fine\":true}}");
	put_text(&f, "{\"mark\":\"of no object\"}");
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert_int_eq(record.mark, OPERATION_MARK_NONE);
}
END_TEST

START_TEST(a_file_without_a_request_is_none)
{
	struct operation_record record = {0};
	struct file f = {.size = 0};

	ck_assert_int_eq(operation_record_parse("", 0, &record), -EBADMSG);
	put(&f, operation_worker_message(1, 2));
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), -EBADMSG);
}
END_TEST

START_TEST(a_message_too_long_is_refused)
{
	size_t size = OPERATION_MESSAGE_MAX + 2;
	_cleanup_free_ char *data = malloc(size);
	struct operation_record record = {0};

	memset(data, ' ', size);
	ck_assert_int_eq(operation_record_parse(data, size, &record), -EBADMSG);
}
END_TEST

START_TEST(progress_is_told_apart_and_bounded)
{
	struct operation_progress progress = {
		.what = "saving",
		.permille = 500,
		.bytes = 3ULL << 32,
		.total = 6ULL << 32,
	};
	_cleanup_json_ struct json_object *half = operation_progress_message(&progress);
	_cleanup_json_ struct json_object *much = operation_progress_message(
		&(struct operation_progress){.permille = 4000});
	_cleanup_json_ struct json_object *other = operation_worker_message(1, 2);

	ck_assert(operation_progress_get(half, &progress));
	ck_assert_str_eq(progress.what, "saving");
	ck_assert_uint_eq(progress.permille, 500);
	ck_assert_uint_eq(progress.bytes, 3ULL << 32);
	ck_assert_uint_eq(progress.total, 6ULL << 32);
	ck_assert(operation_progress_get(much, &progress));
	ck_assert_ptr_null(progress.what);
	ck_assert_uint_eq(progress.permille, 1000);
	ck_assert_uint_eq(progress.total, 0);
	ck_assert(!operation_progress_get(other, &progress));
}
END_TEST

START_TEST(targets_survive_the_file)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	struct operation_request request = {
		.operation = OPERATION_MIGRATE,
		.name = (char[]){"web"},
		.deadline = USEC_INFINITY,
		.answer_limit = 1234,
	};
	struct operation_result result = {.domid = DOMID_NONE, .target = (char[]){"b"}};
	struct file f = {.size = 0};
	const struct target *target;
	enum target_problem problem;

	ck_assert_int_eq(
		target_list_parse("a, -D --debug -s 'reach it' b", &request.targets, &problem), 0);
	put(&f, operation_request_message(&request, 0));
	put(&f, operation_mark_message(OPERATION_MARK_PERMITTED, NULL, "b", NULL));
	put(&f, operation_result_message(&result));
	target_list_done(&request.targets);
	ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), 0);
	ck_assert_uint_eq(record.request.targets.n, 2);
	ck_assert_uint_eq(record.request.answer_limit, 1234);
	ck_assert_str_eq(record.request.targets.targets[0].host, "a");
	ck_assert_str_eq(record.request.targets.targets[0].command[0], "ssh");
	target = &record.request.targets.targets[1];
	ck_assert(target->debug && target->keep_domid);
	ck_assert_str_eq(target->command[1], "it");
	ck_assert_str_eq(target->command[5], "-d");
	ck_assert_ptr_null(target->command[6]);
	ck_assert_str_eq(record.target, "b");
	ck_assert_str_eq(record.result.target, "b");
}
END_TEST

START_TEST(a_target_that_cannot_be_reached_is_refused)
{
	static const char *const bad[] = {
		"{}",
		"{\"host\":\"a\"}",
		"{\"host\":\"a\",\"command\":[]}",
		"{\"host\":\"a\",\"command\":[1]}",
		"{\"command\":[\"ssh\"]}",
		"7",
	};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_(operation_record_done) struct operation_record record = {0};
		_cleanup_free_ char *text = NULL;
		struct file f = {.size = 0};

		ck_assert_int_eq(
			str_format(&text,
				   "{\"request\":{\"operation\":\"migrate\",\"uuid\":\"" UUID
				   "\",\"name\":\"x\",\"answer_limit\":1,\"targets\":[%s]}}",
				   bad[i]),
			0);
		put_text(&f, text);
		ck_assert_int_eq(operation_record_parse(f.data, f.size, &record), -EBADMSG);
	}
}
END_TEST

SUITE("operation", names_and_numbers_of_operations_are_inverse, a_request_is_read_as_it_was_written,
      what_a_request_leaves_out_stays_out, a_whole_life_is_read, every_mark_survives_the_file,
      a_mark_of_another_version_makes_the_file_foreign_and_no_less_readable,
      a_request_of_a_newer_version_makes_the_file_foreign_and_no_less_readable,
      every_outcome_survives_the_file, an_outcome_is_never_made_of_an_errno,
      an_outcome_that_is_not_known_is_a_failure, a_success_has_no_reason_and_maybe_no_domain,
      a_file_cut_anywhere_says_what_is_whole_in_it, what_no_version_has_written_is_refused,
      a_message_of_a_later_version_is_left_alone, a_file_without_a_request_is_none,
      a_message_too_long_is_refused, progress_is_told_apart_and_bounded, targets_survive_the_file,
      a_target_that_cannot_be_reached_is_refused);
