/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/operation.h"

#include <limits.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/frame.h"

#define RECORD_MAX (4U << 20)

static const char *const operation_names[_OPERATION_MAX] = {
	[OPERATION_CREATE] = "create",   [OPERATION_RESTORE] = "restore",
	[OPERATION_UNPAUSE] = "unpause", [OPERATION_SAVE] = "save",
	[OPERATION_DESTROY] = "destroy", [OPERATION_RESTART] = "restart",
	[OPERATION_MIGRATE] = "migrate", [OPERATION_RESUME] = "resume",
	[OPERATION_EJECT] = "eject",     [OPERATION_SOFT_RESET] = "soft-reset",
};

static const char *const mark_names[_OPERATION_MARK_MAX] = {
	[OPERATION_MARK_NONE] = "none",           [OPERATION_MARK_DESCRIBED] = "described",
	[OPERATION_MARK_PUBLISHED] = "published", [OPERATION_MARK_DESTROYED] = "destroyed",
	[OPERATION_MARK_RELEASED] = "released",   [OPERATION_MARK_HANDOVER] = "handover",
	[OPERATION_MARK_PERMITTED] = "permitted", [OPERATION_MARK_RETURNED] = "returned",
	[OPERATION_MARK_MIGRATED] = "migrated",
};

static const char *const outcome_names[_OPERATION_OUTCOME_MAX] = {
	[OPERATION_FAILED] = "failed",
	[OPERATION_OK] = "ok",
	[OPERATION_DISK_CHANGED] = "disk-changed",
	[OPERATION_DISK_UNKNOWN] = "disk-unknown",
	[OPERATION_TIMED_OUT] = "timed-out",
	[OPERATION_LEFT_BEHIND] = "left-behind",
	[OPERATION_UNDECIDED] = "undecided",
};

const char *operation_to_string(enum operation operation)
{
	return operation_names[operation];
}

enum operation operation_from_string(const char *s)
{
	return (enum operation)str_lookup(operation_names, _OPERATION_MAX, s);
}

void operation_request_done(struct operation_request *request)
{
	free(request->name);
	free(request->other);
	free(request->path);
	free(request->config);
	free(request->source);
	free(request->why);
	stale_list_done(&request->stale);
	free(request->ledger);
	target_list_done(&request->targets);
	free(request->dump);
	free(request->device);
	*request = (struct operation_request){0};
}

void operation_result_done(struct operation_result *result)
{
	free(result->reason);
	free(result->target);
	*result = (struct operation_result){0};
}

void operation_record_done(struct operation_record *record)
{
	operation_request_done(&record->request);
	operation_result_done(&record->result);
	free(record->target);
	*record = (struct operation_record){0};
}

static struct json_object *wrap(const char *kind, struct json_object *body)
{
	_cleanup_json_ struct json_object *message = json_object_new_object();

	if (!message) {
		json_object_put(body);
		return NULL;
	}
	return json_add(message, kind, body) < 0 ? NULL : TAKE_PTR(message);
}

static struct json_object *make_target(const struct target *target)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *command = json_object_new_array();
	int r = o && command ? json_add_string(o, "host", target->host) : -ENOMEM;

	for (size_t i = 0; r >= 0 && target->command[i]; i++)
		r = json_append(command, json_object_new_string(target->command[i]));
	r = r < 0 ? r : json_add(o, "command", TAKE_PTR(command));
	r = r < 0 ? r : json_add_bool(o, "debug", target->debug);
	r = r < 0 ? r : json_add_bool(o, "keep_domid", target->keep_domid);
	return r < 0 ? NULL : TAKE_PTR(o);
}

static int add_targets(struct json_object *o, const struct operation_request *request)
{
	_cleanup_json_ struct json_object *targets = NULL;
	int r = 0;

	if (request->targets.n == 0)
		return 0;
	targets = json_object_new_array();
	r = targets ? json_add_u64(o, "answer_limit", request->answer_limit) : -ENOMEM;
	for (size_t i = 0; r >= 0 && i < request->targets.n; i++)
		r = json_append(targets, make_target(&request->targets.targets[i]));
	return r < 0 ? r : json_add(o, "targets", TAKE_PTR(targets));
}

static struct json_object *make_stale(const struct stale *stale)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? json_add_string(o, "path", stale->path) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "reason", stale->reason);
	r = r < 0 ? r : json_add_bool(o, "past", stale->past);
	if (r >= 0 && !uuid_is_null(&stale->guest))
		r = json_add_uuid(o, "guest", &stale->guest);
	if (r >= 0 && !uuid_is_null(&stale->image))
		r = json_add_uuid(o, "image", &stale->image);
	return r < 0 ? NULL : TAKE_PTR(o);
}

static int add_stale(struct json_object *o, const struct stale_list *stale)
{
	_cleanup_json_ struct json_object *list = NULL;
	int r;

	if (stale->n == 0)
		return 0;
	list = json_object_new_array();
	r = list ? 0 : -ENOMEM;
	for (size_t i = 0; r >= 0 && i < stale->n; i++)
		r = json_append(list, make_stale(&stale->items[i]));
	return r < 0 ? r : json_add(o, "stale", TAKE_PTR(list));
}

struct json_object *operation_request_message(const struct operation_request *request, usec_t now)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return NULL;
	r = json_add_u64(o, "format", OPERATION_FORMAT);
	r = r < 0 ? r : json_add_string(o, "operation", operation_to_string(request->operation));
	r = r < 0 ? r : json_add_uuid(o, "uuid", &request->uuid);
	r = r < 0 ? r : json_add_string(o, "name", request->name);
	r = r < 0 ? r : json_add_string(o, "other", request->other);
	if (request->domid != DOMID_NONE)
		r = r < 0 ? r : json_add_u64(o, "domid", request->domid);
	r = r < 0 ? r : json_add_string(o, "path", request->path);
	r = r < 0 ? r : json_add_string(o, "config", request->config);
	r = r < 0 ? r : json_add_string(o, "source", request->source);
	r = r < 0 ? r : json_add_string(o, "why", request->why);
	r = r < 0 ? r : add_stale(o, &request->stale);
	if (!uuid_is_null(&request->image))
		r = r < 0 ? r : json_add_uuid(o, "image", &request->image);
	if (request->operation == OPERATION_RESTORE)
		r = r < 0 ? r
			  : json_add_string(o, "standing",
					    image_standing_to_string(request->standing));
	if (request->compression != COMPRESSION_NONE)
		r = r < 0 ? r
			  : json_add_string(o, "compression",
					    compression_to_string(request->compression));
	if (request->threads > 0)
		r = r < 0 ? r : json_add_u64(o, "threads", request->threads);
	r = r < 0 ? r : json_add_string(o, "ledger", request->ledger);
	r = r < 0 ? r : add_targets(o, request);
	r = r < 0 ? r : json_add_string(o, "dump", request->dump);
	r = r < 0 ? r : json_add_string(o, "device", request->device);
	if (!uuid_is_null(&request->preserve))
		r = r < 0 ? r : json_add_uuid(o, "preserve", &request->preserve);
	if (request->deadline != USEC_INFINITY)
		r = r < 0 ? r : json_add_u64(o, "deadline", request->deadline);
	if (request->patience > 0)
		r = r < 0 ? r : json_add_u64(o, "patience", request->patience);
	r = r < 0 ? r : json_add_u64(o, "started", now);
	return r < 0 ? NULL : wrap("request", TAKE_PTR(o));
}

struct json_object *operation_worker_message(uint64_t pid, uint64_t start)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_add_u64(o, "pid", pid) < 0 || json_add_u64(o, "start", start) < 0)
		return NULL;
	return wrap("worker", TAKE_PTR(o));
}

struct json_object *operation_mark_message(enum operation_mark mark, const char *config,
					   const char *target, const struct uuid *image)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_add_string(o, "point", mark_names[mark]) < 0 ||
	    json_add_string(o, "config", config) < 0 || json_add_string(o, "target", target) < 0)
		return NULL;
	if (image && json_add_uuid(o, "image", image) < 0)
		return NULL;
	return wrap("mark", TAKE_PTR(o));
}

struct json_object *operation_progress_message(const struct operation_progress *progress)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? json_add_string(o, "what", progress->what) : -ENOMEM;

	r = r < 0 ? r : json_add_u64(o, "permille", progress->permille);
	if (progress->total > 0) {
		r = r < 0 ? r : json_add_u64(o, "bytes", progress->bytes);
		r = r < 0 ? r : json_add_u64(o, "total", progress->total);
	}
	return r < 0 ? NULL : wrap("progress", TAKE_PTR(o));
}

struct json_object *operation_result_message(const struct operation_result *result)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return NULL;
	r = json_add_string(o, "outcome", outcome_names[result->outcome]);
	r = r < 0 ? r : json_add_u64(o, "errno", (uint64_t)-result->error);
	r = r < 0 ? r : json_add_string(o, "reason", result->reason);
	if (result->domid != DOMID_NONE)
		r = r < 0 ? r : json_add_u64(o, "domid", result->domid);
	r = r < 0 ? r : json_add_u64(o, "bytes", result->bytes);
	if (result->written > 0)
		r = r < 0 ? r : json_add_u64(o, "written", result->written);
	r = r < 0 ? r : json_add_string(o, "target", result->target);
	return r < 0 ? NULL : wrap("result", TAKE_PTR(o));
}

static int get_domid(struct json_object *o, uint32_t *ret)
{
	uint64_t domid;
	int r = json_get_u64(o, "domid", &domid);

	if (r == -ENOENT) {
		*ret = DOMID_NONE;
		return 0;
	}
	if (r < 0 || domid >= DOMID_NONE)
		return -EBADMSG;
	*ret = (uint32_t)domid;
	return 0;
}

static int get_target(struct json_object *o, struct target *ret)
{
	struct json_object *command = json_get(o, "command", json_type_array);
	const char *host = json_get_string(o, "host");
	size_t n = command ? json_object_array_length(command) : 0;
	struct target target = {
		.debug = json_get_bool(o, "debug"),
		.keep_domid = json_get_bool(o, "keep_domid"),
	};
	int r = host && n > 0 ? str_replace(&target.host, host) : -EBADMSG;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *word = json_object_array_get_idx(command, i);
		const char *text = json_object_get_string(word);

		r = json_object_is_type(word, json_type_string)
			    ? words_add(&target.command, text, strlen(text))
			    : -EBADMSG;
	}
	if (r < 0)
		target_done(&target);
	else
		*ret = target;
	return r;
}

static int get_targets(struct json_object *o, struct operation_request *request)
{
	struct json_object *targets = json_get(o, "targets", json_type_array);
	int r = 0;

	if (targets && json_get_u64(o, "answer_limit", &request->answer_limit) < 0)
		return -EBADMSG;
	for (size_t i = 0; targets && r >= 0 && i < json_object_array_length(targets); i++) {
		struct target target;

		r = get_target(json_object_array_get_idx(targets, i), &target);
		r = r < 0 ? r : target_list_add(&request->targets, &target);
	}
	return r;
}

static int get_one_stale(struct json_object *o, struct stale_list *list)
{
	struct stale stale = {.past = json_get_bool(o, "past")};
	_cleanup_free_ char *path = NULL, *reason = NULL;
	int r = str_replace(&path, json_get_string(o, "path"));

	r = r < 0 ? r : str_replace(&reason, json_get_string(o, "reason"));
	stale.path = path;
	stale.reason = reason;
	json_get_uuid(o, "guest", &stale.guest);
	json_get_uuid(o, "image", &stale.image);
	if (r >= 0 && !path && uuid_is_null(&stale.guest))
		r = -EBADMSG;
	return r < 0 ? r : stale_list_add(list, &stale);
}

static int get_stale(struct json_object *o, struct stale_list *stale)
{
	struct json_object *list = json_get(o, "stale", json_type_array);
	int r = 0;

	for (size_t i = 0; list && r >= 0 && i < json_object_array_length(list); i++)
		r = get_one_stale(json_object_array_get_idx(list, i), stale);
	return r;
}

static int get_request(struct json_object *o, struct operation_record *record)
{
	struct operation_request *request = &record->request;
	uint64_t format = 0, threads = 0;
	int r;

	if (record->has_request)
		return -EBADMSG;
	json_get_u64(o, "format", &format);
	record->foreign = format > OPERATION_FORMAT_READ;
	request->operation = operation_from_string(json_get_string(o, "operation"));
	if (request->operation < 0 || json_get_uuid(o, "uuid", &request->uuid) < 0 ||
	    get_domid(o, &request->domid) < 0)
		return -EBADMSG;
	if (json_get_u64(o, "deadline", &request->deadline) < 0)
		request->deadline = USEC_INFINITY;
	json_get_u64(o, "patience", &request->patience);
	request->standing = image_standing_from_string(json_get_string(o, "standing"));
	if (request->standing < 0)
		request->standing = IMAGE_UNKNOWN;
	request->compression = compression_from_string(json_get_string(o, "compression"));
	if (request->compression < 0)
		request->compression = COMPRESSION_NONE;
	json_get_u64(o, "threads", &threads);
	request->threads = (unsigned)MIN(threads, (uint64_t)UINT_MAX);
	json_get_u64(o, "started", &record->started);
	r = str_replace(&request->name, json_get_string(o, "name"));
	r = r < 0 ? r : str_replace(&request->other, json_get_string(o, "other"));
	r = r < 0 ? r : str_replace(&request->path, json_get_string(o, "path"));
	r = r < 0 ? r : str_replace(&request->config, json_get_string(o, "config"));
	r = r < 0 ? r : str_replace(&request->source, json_get_string(o, "source"));
	r = r < 0 ? r : str_replace(&request->why, json_get_string(o, "why"));
	r = r < 0 ? r : get_stale(o, &request->stale);
	r = r < 0 ? r : str_replace(&request->ledger, json_get_string(o, "ledger"));
	r = r < 0 ? r : get_targets(o, request);
	r = r < 0 ? r : str_replace(&request->dump, json_get_string(o, "dump"));
	r = r < 0 ? r : str_replace(&request->device, json_get_string(o, "device"));
	if (json_get_string(o, "preserve") && json_get_uuid(o, "preserve", &request->preserve) < 0)
		return -EBADMSG;
	if (json_get_string(o, "image") && json_get_uuid(o, "image", &request->image) < 0)
		return -EBADMSG;
	if (r >= 0 && !request->name)
		return -EBADMSG;
	record->has_request = r >= 0;
	return r;
}

static int get_mark(struct json_object *o, struct operation_record *record)
{
	const char *config = json_get_string(o, "config"), *target = json_get_string(o, "target");
	int mark = str_lookup(mark_names, _OPERATION_MARK_MAX, json_get_string(o, "point"));

	if (!json_get_string(o, "point"))
		return -EBADMSG;
	if (mark < 0) {
		record->foreign = true;
		return 0;
	}
	record->mark = (enum operation_mark)mark;
	json_get_uuid(o, "image", &record->image);
	if (target && str_replace(&record->target, target) < 0)
		return -ENOMEM;
	return config ? str_replace(&record->request.config, config) : 0;
}

/* A worker of an earlier version gives no name: then there is only success and failure. */
static enum operation_outcome get_outcome(struct json_object *o, int error)
{
	const char *name = json_get_string(o, "outcome");
	int outcome = name ? str_lookup(outcome_names, _OPERATION_OUTCOME_MAX, name) : OPERATION_OK;

	if (outcome < 0 || (outcome == OPERATION_OK && error < 0))
		return OPERATION_FAILED;
	return (enum operation_outcome)outcome;
}

static int get_result(struct json_object *o, struct operation_record *record)
{
	struct operation_result *result = &record->result;
	uint64_t number;
	int r;

	if (json_get_u64(o, "errno", &number) < 0 || number > 4095 ||
	    get_domid(o, &result->domid) < 0)
		return -EBADMSG;
	result->error = -(int)number;
	result->outcome = get_outcome(o, result->error);
	json_get_u64(o, "bytes", &result->bytes);
	json_get_u64(o, "written", &result->written);
	r = str_replace(&result->reason, json_get_string(o, "reason"));
	r = r < 0 ? r : str_replace(&result->target, json_get_string(o, "target"));
	record->has_result = r >= 0;
	return r;
}

int operation_record_add(struct operation_record *record, struct json_object *message)
{
	struct json_object *o;

	o = json_get(message, "request", json_type_object);
	if (o)
		return get_request(o, record);
	o = json_get(message, "mark", json_type_object);
	if (o)
		return get_mark(o, record);
	o = json_get(message, "result", json_type_object);
	if (o)
		return get_result(o, record);
	o = json_get(message, "worker", json_type_object);
	if (o && (json_get_u64(o, "pid", &record->worker_pid) < 0 ||
		  json_get_u64(o, "start", &record->worker_start) < 0))
		return -EBADMSG;
	return 0;
}

static inline void framer_donep(struct framer *f)
{
	framer_done(f);
}

int operation_record_parse(const char *data, size_t size, struct operation_record *ret)
{
	_cleanup_(operation_record_done) struct operation_record record = {0};
	_cleanup_(framer_donep) struct framer framer = FRAMER_INIT(OPERATION_MESSAGE_MAX);
	const char *text;
	size_t length;
	int r;

	r = framer_feed(&framer, data, size);
	if (r < 0)
		return r == -EMSGSIZE ? -EBADMSG : r;
	while (framer_next(&framer, &text, &length) > 0) {
		_cleanup_json_ struct json_object *message = NULL;

		r = json_parse(text, length, &message);
		r = r < 0 ? r : operation_record_add(&record, message);
		if (r < 0)
			return r;
	}
	if (!record.has_request)
		return -EBADMSG;
	*ret = record;
	record = (struct operation_record){0};
	return 0;
}

int operation_record_read(int fd, struct operation_record *ret)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = fd_read_file(fd, RECORD_MAX, &data, &size);
	return r < 0 ? r : operation_record_parse(data, size, ret);
}

bool operation_progress_get(struct json_object *message, struct operation_progress *ret)
{
	struct json_object *o = json_get(message, "progress", json_type_object);
	uint64_t permille = 0;

	if (!o)
		return false;
	json_get_u64(o, "permille", &permille);
	*ret = (struct operation_progress){
		.what = json_get_string(o, "what"),
		.permille = (unsigned)MIN(permille, (uint64_t)1000),
	};
	json_get_u64(o, "bytes", &ret->bytes);
	json_get_u64(o, "total", &ret->total);
	return true;
}
