/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "rig-xl.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/json.h"
#include "worker/image/pump.h"

#define WORLD_MAX (1U << 20)

struct fixture fx;

bool is_fake(void)
{
	return str_equal(getenv("CONTRACT_BACKEND"), "fake");
}

static void on_tick(void *data _unused_)
{
	fx.ticks++;
	if (fx.stop_at_tick)
		ask_to_stop();
}

void reopen(usec_t deadline)
{
	struct xl_options options = {.stop = fx.stop, .deadline = deadline, .tick = on_tick};

	fx.xl = xl_close(fx.xl);
	ck_assert_int_eq(xl_open(&options, &fx.xl), 0);
}

void ask_to_stop(void)
{
	ck_assert_int_eq(eventfd_write(fx.stop, 1), 0);
}

void setup(void)
{
	_cleanup_free_ char *uuid = NULL;

	fx = (struct fixture){.stop = eventfd(0, EFD_CLOEXEC)};
	if (is_fake()) {
		char world[] = "/tmp/xendomains-contract-XXXXXX";

		ck_assert_ptr_nonnull(mkdtemp(world));
		ck_assert_int_eq(setenv("FAKE_WORLD", world, 1), 0);
		ck_assert_int_eq(setenv("RUNTIME_DIRECTORY", world, 1), 0);
	}
	ck_assert_int_ge(fx.stop, 0);
	ck_assert_int_eq(uuid_random(&fx.uuid), 0);
	ck_assert_int_eq(xl_parse(getenv("CONTRACT_CONFIG"), &fx.parsed), 0);
	ck_assert_msg(!fx.parsed.error, "%s", fx.parsed.error);
	ck_assert_int_eq(str_replace(&fx.config, fx.parsed.config), 0);
	ck_assert_int_eq(str_format(&uuid, "\"%s\"", UUID_TEXT(&fx.uuid)), 0);
	change_config("c_info", "uuid", uuid);
	reopen(USEC_INFINITY);
}

void teardown(void)
{
	xl_close(fx.xl);
	xl_parsed_done(&fx.parsed);
	free(fx.config);
	close(fx.stop);
	if (is_fake()) {
		_cleanup_free_ char *command = NULL;

		ck_assert_int_eq(str_format(&command, "rm -rf %s", getenv("FAKE_WORLD")), 0);
		ck_assert_int_eq(system(command), 0);
	}
}

/* A number or a text, or an object or an array in one. */
static void put(struct json_object *o, const char *key, const char *value)
{
	struct json_object *v = json_tokener_parse(value);

	ck_assert_ptr_nonnull(v);
	ck_assert_int_eq(json_add(o, key, v), 0);
}

void change_config(const char *part, const char *key, const char *value)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *o;

	ck_assert_int_eq(json_parse(fx.config, strlen(fx.config), &config), 0);
	o = part ? json_get(config, part, json_type_object) : config;
	ck_assert_ptr_nonnull(o);
	put(o, key, value);
	ck_assert_int_eq(str_replace(&fx.config, json_text(config, NULL)), 0);
}

static struct json_object *find_in_world(struct json_object *world, uint32_t domid)
{
	struct json_object *domains = json_get(world, "domains", json_type_array);
	uint64_t number;

	for (size_t i = 0; domains && i < json_object_array_length(domains); i++) {
		struct json_object *d = json_object_array_get_idx(domains, i);

		if (json_get_u64(d, "domid", &number) >= 0 && number == domid)
			return d;
	}
	return NULL;
}

void change_world(uint32_t domid, const char *key, const char *value)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_json_ struct json_object *world = NULL;
	_cleanup_close_ int fd = -1;
	const char *changed;
	struct json_object *o;
	size_t size;

	ck_assert_int_eq(str_format(&path, "%s/world", getenv("FAKE_WORLD")), 0);
	if (file_read(path, WORLD_MAX, &text, &size) < 0)
		ck_assert_int_eq(str_format(&text, "{\"domains\":[]}"), 0);
	ck_assert_int_eq(json_parse(text, strlen(text), &world), 0);
	o = domid == DOMID_NONE ? world : find_in_world(world, domid);
	ck_assert_ptr_nonnull(o);
	put(o, key, value);
	changed = json_text(world, &size);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, changed, size), 0);
}

struct xl_domain find(void)
{
	struct xl_domain d;

	ck_assert_int_eq(xl_find(fx.xl, &fx.uuid, DOMID_NONE, &d), 0);
	ck_assert(!d.dying);
	return d;
}

bool is_gone(void)
{
	struct xl_domain d;
	int r = xl_find(fx.xl, &fx.uuid, DOMID_NONE, &d);

	return r == -ESRCH || (r == 0 && d.dying);
}

uint32_t create(void)
{
	uint32_t domid = DOMID_NONE;

	ck_assert_int_eq(xl_create(fx.xl, fx.config, &fx.uuid, &domid), 0);
	ck_assert_uint_eq(find().domid, domid);
	return domid;
}

void destroy(uint32_t domid)
{
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}

/* A guest that has not booted cannot suspend: it is given chances enough. */
uint32_t boot(void)
{
	uint32_t domid = create();
	int r = -ETIMEDOUT;

	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	for (int i = 0; i < 100 && r == -ETIMEDOUT; i++) {
		_cleanup_close_ int null = open_null();

		r = xl_save(fx.xl, domid, null);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
	return domid;
}

int open_file(void)
{
	char path[] = "/var/tmp/xendomains-contract-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	return fd;
}

int open_null(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int write_stream(uint32_t domid, int file, bool live)
{
	struct pump_result result;
	struct pump *pump;
	int pipe, r;

	ck_assert_int_eq(pump_to_file(file, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	r = live ? xl_migrate(fx.xl, domid, pipe, false) : xl_save(fx.xl, domid, pipe);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_msg(r < 0 || result.error == 0, "%d: problem %d", result.error,
		      (int)result.problem);
	return r;
}

int save(uint32_t domid, int file)
{
	return write_stream(domid, file, false);
}

int migrate(uint32_t domid, int file)
{
	return write_stream(domid, file, true);
}

int restore(const char *config, int file, uint32_t *ret_domid)
{
	struct pump_result result;
	struct pump *pump;
	int pipe, r;

	ck_assert_int_eq(lseek(file, 0, SEEK_SET), 0);
	ck_assert_int_eq(pump_from_file(file, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	r = xl_restore(fx.xl, config, pipe, ret_domid);
	close(pipe);
	pump_join(pump, &result);
	ck_assert(r < 0 || result.error == 0);
	return r;
}
