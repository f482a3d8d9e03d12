/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "xl-fake.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "util/utf8.h"
#include "worker/claims.h"
#include "worker/image/stream.h"

/*
 * The stand-in for libxl: see fake.h for what its guests do. A saved guest's stream is a real one,
 * with the guest's boot ID as its memory, so that a guest that was restored can be told from one
 * that was started afresh.
 */

#define STEP_MSEC 5

/* A guest's memory: the boot that it is of, and its life (fake.h). */
#define MEMORY_SIZE 128

int xl_open(const struct xl_options *options, struct xl **ret)
{
	struct xl *xl = calloc(1, sizeof(*xl));

	if (!xl)
		return -ENOMEM;
	xl->options = *options;
	xl->claims = -1;
	*ret = xl;
	return 0;
}

/* Once a guest has its memory, or will not get it. */
static void leave_room(struct xl *xl)
{
	if (xl->claims >= 0)
		close(xl->claims);
	xl->claims = -1;
}

struct xl *xl_close(struct xl *xl)
{
	if (!xl)
		return NULL;
	leave_room(xl);
	free(xl->reason);
	free(xl);
	return NULL;
}

int xl_version(struct xl *xl _unused_, char **ret)
{
	const char *version = getenv("FAKE_XEN");

	return str_format(ret, "%s", version ? version : "4.17.0");
}

bool xl_timed_out(const struct xl *xl)
{
	return xl->reason && strstr(xl->reason, "because of timeout");
}

const char *xl_reason(const struct xl *xl)
{
	return xl->reason;
}

int xl_interrupted(struct xl *xl)
{
	struct pollfd p = {.fd = xl->options.stop, .events = POLLIN};

	if (poll(&p, 1, 0) > 0)
		return -ECANCELED;
	return usec_now() >= xl->options.deadline ? -ETIME : 0;
}

int xl_fake_fail(struct xl *xl, int error, const char *reason)
{
	if (!xl->reason)
		str_replace(&xl->reason, reason);
	return error;
}

int xl_fake_end_call(struct xl *xl, int r)
{
	if (r >= 0)
		free(TAKE_PTR(xl->reason));
	return r;
}

int xl_fake_pass_time(struct xl *xl, uint64_t msec)
{
	usec_t end = usec_now() + msec * USEC_PER_MSEC;

	while (usec_now() < end) {
		struct pollfd p = {.fd = xl->options.stop, .events = POLLIN};
		int r = xl_interrupted(xl);

		if (r < 0)
			return r;
		poll(&p, 1, STEP_MSEC);
		xl->options.tick(xl->options.data);
	}
	return 0;
}

static struct xl_domain take_domain(struct json_object *d)
{
	const char *state = fake_state(d);

	return (struct xl_domain){
		.domid = (uint32_t)fake_number(d, "domid", 0),
		.paused = str_equal(state, "paused"),
		.suspended = str_equal(state, "suspended"),
		.shutdown = !str_equal(state, "paused") && !str_equal(state, "running"),
		.dying = json_get_bool(d, "dying"),
		.pending = json_get(d, "asked_to_suspend", json_type_int),
		.memory_kib = 1024,
	};
}

int xl_find(struct xl *xl _unused_, const struct uuid *uuid, uint32_t domid, struct xl_domain *ret)
{
	struct json_object *d;
	struct uuid its;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	if (!d || json_get_uuid(d, "uuid", &its) < 0 || !uuid_equal(&its, uuid))
		d = fake_find_uuid(&w, uuid);
	if (d)
		*ret = take_domain(d);
	fake_close(&w);
	return d ? 0 : -ESRCH;
}

int xl_find_signed(struct xl *xl _unused_, const char *sign, struct xl_domain *ret)
{
	struct json_object *domains;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	domains = fake_domains(&w);
	r = -ESRCH;
	for (size_t i = 0; r == -ESRCH && i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i);
		struct json_object *config = json_get(d, "config", json_type_object);
		struct json_object *data = json_get(json_get(config, "c_info", json_type_object),
						    "xsdata", json_type_object);

		if (json_get_bool(d, "dying") ||
		    !str_equal(json_get_string(data, XL_SIGN_KEY), sign))
			continue;
		*ret = take_domain(d);
		r = 0;
	}
	fake_close(&w);
	return r;
}

int xl_get_config(struct xl *xl _unused_, uint32_t domid, char **ret)
{
	struct json_object *d;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	r = d ? str_format(ret, "%s", json_text(json_get(d, "config", json_type_object), NULL))
	      : -ESRCH;
	fake_close(&w);
	return r;
}

/* dom0 gives what is wanted, as far as it can. */
static int get_free(void *data, uint64_t *ret_kib)
{
	const uint64_t *wanted = data;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	fake_shrink_dom0(&w, *wanted);
	*ret_kib = fake_free_kib(&w);
	fake_close(&w);
	return 0;
}

int xl_make_room(struct xl *xl, const char *config_text, char **ret_reason)
{
	_cleanup_json_ struct json_object *config = NULL;
	uint64_t wanted, has;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (r < 0)
		return r;
	wanted = fake_wanted_kib(config);
	if (xl->claims < 0)
		xl->claims = claims_open();
	r = xl->claims < 0 ? xl->claims : -EAGAIN;
	while (r == -EAGAIN) {
		r = claims_take(xl->claims, wanted, wanted, get_free, &wanted, &has);
		if (r == -EAGAIN && xl_fake_pass_time(xl, STEP_MSEC) < 0)
			r = xl_interrupted(xl);
	}
	if (r < 0 || wanted <= has)
		return r;
	r = str_format(ret_reason,
		       "not enough memory: the guest wants %llu MiB, and %llu MiB are free",
		       (unsigned long long)wanted / 1024, (unsigned long long)has / 1024);
	return r < 0 ? r : -ENOMEM;
}

/* A domain with the name and UUID of a configuration, as it is while it is built. */
static int begin_build(struct xl *xl, struct json_object *config, const struct uuid *uuid,
		       uint32_t *ret_domid)
{
	struct json_object *info = json_get(config, "c_info", json_type_object);
	struct json_object *domains, *d = NULL;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	domains = fake_domains(&w);
	for (size_t i = 0; r >= 0 && i < json_object_array_length(domains); i++)
		if (str_equal(json_get_string(json_object_array_get_idx(domains, i), "name"),
			      json_get_string(info, "name")))
			r = xl_fake_fail(xl, -EEXIST, "a domain of this name exists already");
	if (r >= 0) {
		json_add_uuid(info, "uuid", uuid);
		d = fake_add(&w, uuid, config);
		r = d ? 0 : -ENOMEM;
	}
	if (d)
		*ret_domid = (uint32_t)fake_number(d, "domid", 0);
	fake_close(&w);
	return r;
}

static int destroy(struct xl *xl, uint32_t domid)
{
	struct json_object *d;
	uint64_t failures;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	failures = d ? fake_number(d, "destroy_fails", 0) : 0;
	if (failures > 0) {
		json_add_u64(d, "destroy_fails", failures - 1);
		w.changed = true;
		r = xl_fake_fail(xl, -EIO, "the domain does not go");
	} else {
		fake_remove(&w, domid);
	}
	fake_close(&w);
	return r;
}

int xl_destroy(struct xl *xl, uint32_t domid)
{
	return xl_fake_end_call(xl, destroy(xl, domid));
}

static int populate(struct xl *xl, uint32_t domid)
{
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	if (!fake_populate(&w, fake_find(&w, domid)))
		r = xl_fake_fail(xl, -EIO, "Failed to populate physmap");
	fake_close(&w);
	return r;
}

/* As long as there is a file in that folder, a build takes longer than libxl's limit, and one file.
 */
static bool times_out(struct json_object *behaviour)
{
	const char *folder = json_get_string(behaviour, "slow_builds");
	_cleanup_free_ char *path = NULL;
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry = NULL;
	bool slow;

	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	slow = entry && str_format(&path, "%s/%s", folder, entry->d_name) >= 0 && unlink(path) == 0;
	if (dir)
		closedir(dir);
	return slow;
}

static int end_build(struct xl *xl, struct json_object *config, const char *time_key,
		     const char *error_key, uint32_t domid)
{
	struct json_object *behaviour = fake_behaviour(config);
	const char *error = json_get_string(behaviour, error_key);
	int r = xl_fake_pass_time(xl, fake_number(behaviour, time_key, 0));

	if (r >= 0 && error)
		r = xl_fake_fail(xl, -EIO, error);
	if (r >= 0 && times_out(behaviour))
		r = xl_fake_fail(xl, -EIO, "killing execution of a script because of timeout");
	r = r < 0 ? r : populate(xl, domid);
	if (r < 0)
		destroy(xl, domid);
	return r;
}

int xl_create(struct xl *xl, const char *config_text, const struct uuid *uuid, uint32_t *ret_domid)
{
	_cleanup_json_ struct json_object *config = NULL;
	uint32_t domid;
	int r = json_parse(config_text, strlen(config_text), &config);

	r = r < 0 ? r : begin_build(xl, config, uuid, &domid);
	r = r < 0 ? r : end_build(xl, config, "create_ms", "create_error", domid);
	if (r >= 0)
		*ret_domid = domid;
	leave_room(xl);
	return xl_fake_end_call(xl, r);
}

int xl_rename(struct xl *xl, uint32_t domid, const char *from, const char *to)
{
	struct json_object *d;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	if (!d) {
		r = xl_fake_fail(xl, -ESRCH, "there is no such domain");
	} else if (str_equal(json_get_string(d, "name"), from)) {
		json_add_string(d, "name", to);
		w.changed = true;
	} else if (!str_equal(json_get_string(d, "name"), to)) {
		r = -EBUSY;
	}
	fake_close(&w);
	return xl_fake_end_call(xl, r);
}

/* Waits for more of a stream. What can be read of it at once, or 1 at its end. */
static int wait_for_bytes(struct xl *xl, int fd)
{
	struct pollfd p[] = {
		{.fd = fd, .events = POLLIN},
		{.fd = xl->options.stop, .events = POLLIN},
	};
	int n = 0, r;

	while ((r = xl_interrupted(xl)) >= 0 && (poll(p, 2, STEP_MSEC) <= 0 || !p[0].revents))
		xl->options.tick(xl->options.data);
	if (r < 0)
		return r;
	return ioctl(fd, FIONREAD, &n) < 0 || n <= 0 ? 1 : n;
}

/* Reads a stream to its end, and the text in its first page. */
static int read_stream(struct xl *xl, int fd, char *boot, size_t size)
{
	const size_t first = xl_fake_first_page;
	struct stream stream = STREAM_INIT;
	int there = 0;
	uint8_t byte;

	while (stream.state != STREAM_COMPLETE) {
		ssize_t n;

		if (there == 0)
			there = wait_for_bytes(xl, fd);
		if (there < 0)
			return there;
		there--;
		n = read(fd, &byte, 1);
		/* As libxl does where the head is wrong. */
		if (n <= 0 && stream.bytes < XL_STREAM_HEAD)
			abort();
		if (n <= 0)
			return xl_fake_fail(xl, -EIO, "unexpected end of the stream");
		if (stream.bytes >= first && stream.bytes - first < size - 1)
			boot[stream.bytes - first] = (char)byte;
		if (stream_feed(&stream, &byte, 1) < 0) {
			if (!stream.has_guest)
				abort();
			return xl_fake_fail(xl, -EIO, "the stream is not understood");
		}
	}
	boot[size - 1] = '\0';
	return 0;
}

static int restore(struct xl *xl, const char *config_text, int fd, uint32_t *ret_domid)
{
	_cleanup_json_ struct json_object *config = NULL;
	char memory[MEMORY_SIZE] = "", *life = memory, *boot;
	struct json_object *d;
	struct uuid uuid;
	struct fake w;
	uint32_t domid;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (r < 0 || json_get_uuid(json_get(config, "c_info", json_type_object), "uuid", &uuid) < 0)
		return -EBADMSG;
	r = begin_build(xl, config, &uuid, &domid);
	if (r < 0)
		return r;
	r = read_stream(xl, fd, memory, sizeof(memory));
	if (r < 0) {
		destroy(xl, domid);
		return r;
	}
	r = end_build(xl, config, "restore_ms", "restore_error", domid);
	r = r < 0 ? r : fake_open(&w);
	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	boot = strsep(&life, "\n");
	json_add_string(d, "boot", boot);
	if (life)
		json_add_u64(d, "life", strtoull(life, NULL, 10));
	w.changed = true;
	fake_close(&w);
	*ret_domid = domid;
	return 0;
}

int xl_restore(struct xl *xl, const char *config, int fd, uint32_t *ret_domid)
{
	int r = restore(xl, config, fd, ret_domid);

	leave_room(xl);
	return xl_fake_end_call(xl, r);
}

int xl_unpause(struct xl *xl, uint32_t domid)
{
	struct json_object *d;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	if (json_get_bool(w.json, "unpause_fails"))
		r = xl_fake_fail(xl, -EIO, "the domain is not unpaused");
	else if (!d || !str_equal(fake_state(d), "paused"))
		r = xl_fake_fail(xl, -EINVAL, "the domain is in another state");
	else
		fake_let_go(&w, d);
	fake_close(&w);
	return xl_fake_end_call(xl, r);
}

int xl_set_mark(struct xl *xl _unused_, uint32_t domid, const char *mark)
{
	struct json_object *d;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	r = d ? json_add_string(d, "mark", mark) : -ESRCH;
	w.changed = true;
	fake_close(&w);
	return r;
}

int xl_get_mark(struct xl *xl _unused_, uint32_t domid, char **ret)
{
	const char *mark;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	mark = json_get_string(fake_find(&w, domid), "mark");
	r = mark ? str_replace(ret, mark) : -ENOENT;
	fake_close(&w);
	return r;
}

/* A configuration is libxl's JSON here, since there is no xl that could make it out of one. */
static int parse(const char *path, const char *text, size_t size, struct xl_parsed *ret)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *info;
	struct uuid uuid;

	*ret = (struct xl_parsed){0};
	/* xl hands on any bytes. */
	if (!utf8_is_valid(text, size))
		return str_replace(&ret->config, text);
	if (json_parse(text, size, &config) < 0)
		return str_format(&ret->error, "%s: xl refuses it: syntax error", path);
	info = json_get(config, "c_info", json_type_object);
	ret->has_uuid = json_get_uuid(info, "uuid", &uuid) >= 0;
	if (!ret->has_uuid && (uuid_random(&uuid) < 0 || json_add_uuid(info, "uuid", &uuid) < 0))
		return -ENOMEM;
	return str_format(&ret->config, "%s", json_text(config, NULL));
}

int xl_parse(const char *path, struct xl_parsed *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read(path, 1U << 20, &text, &size);

	return r < 0 ? r : parse(path, text, size, ret);
}

int xl_parse_text(const char *text, size_t size, struct xl_parsed *ret)
{
	return parse("the configuration of xl config-update", text, size, ret);
}

void xl_parsed_done(struct xl_parsed *parsed)
{
	free(parsed->error);
	free(parsed->config);
	*parsed = (struct xl_parsed){0};
}

int xl_parse_stamp(char **ret)
{
	return str_replace(ret, "fake");
}

const char *xl_parse_folder(void)
{
	return NULL;
}
