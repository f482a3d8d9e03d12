/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <endian.h>
#include <stdio.h>
#include <unistd.h>

#include "fake.h"
#include "util/fd.h"
#include "util/str.h"
#include "wire/mark.h"
#include "xl-fake.h"

/* What the stand-in for libxl does where a guest is suspended: save, migrate and resume. */

#define PAGE_SIZE 4096
#define PAGES     4

/* Streams: the smallest that is one, around pages of which the first holds the boot ID. */

static const uint8_t libxl_head[] = {'L', 'i', 'b', 'x', 'l', 'F', 'm', 't', 0, 0, 0, 2,
				     0,   0,   0,   0,   1,   0,   0,   0,   0, 0, 0, 0};

static const uint8_t libxc_head[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* marker */
				     'X',  'E',  'N',  'F',  0,    0,    0,    3,    /* version */
				     0,    0,    0,    0,    0,    0,    0,    0,    /* options */
				     1,    0,    0,    0,    12,   0,    0,    0, /* a PV guest */
				     4,    0,    0,    0,    17,   0,    0,    0};

/* The head of a record and of its pages comes before the first page. */
const size_t xl_fake_first_page = sizeof(libxl_head) + sizeof(libxc_head) + 24;

static int write_page(int fd, uint64_t number, const char *text)
{
	struct {
		uint32_t type, length;
		uint32_t count, reserved;
		uint64_t pfn;
		char page[PAGE_SIZE];
	} record = {
		.type = htole32(1),
		.length = htole32(sizeof(record) - 8),
		.count = htole32(1),
		.pfn = htole64(number),
	};

	snprintf(record.page, sizeof(record.page), "%s", text);
	return fd_write_all(fd, &record, sizeof(record));
}

static int write_pages(struct xl *xl, int fd, struct json_object *behaviour, const char *boot)
{
	uint64_t n = fake_number(behaviour, "pages", PAGES);
	uint64_t msec = fake_number(behaviour, "save_ms", 0);
	int r = 0;

	for (uint64_t i = 0; r >= 0 && i < n; i++) {
		r = xl_fake_pass_time(xl, msec / n);
		r = r < 0 ? r : write_page(fd, i, i == 0 ? boot : "");
		xl->options.tick(xl->options.data);
	}
	return r;
}

/* What a guest sends while it runs on, before it stands still. */
static int write_live(struct xl *xl, uint32_t domid, int fd)
{
	_cleanup_json_ struct json_object *behaviour = NULL;
	struct json_object *d;
	struct fake w;
	uint64_t n;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	if (!d)
		r = xl_fake_fail(xl, -ESRCH, "there is no such domain");
	else if (!str_equal(fake_state(d), "running"))
		r = xl_fake_fail(xl, -EIO, "the domain has shut down");
	else
		behaviour = json_object_get(
			fake_behaviour(json_get(d, "config", json_type_object)));
	fake_close(&w);
	if (r >= 0 && json_get_string(behaviour, "migrate_error"))
		return xl_fake_fail(xl, -EIO, json_get_string(behaviour, "migrate_error"));
	n = fake_number(behaviour, "pages", PAGES);
	for (uint64_t i = 0; r >= 0 && i < n; i++) {
		r = xl_fake_pass_time(xl, fake_number(behaviour, "migrate_ms", 0) / n);
		r = r < 0 ? r : write_page(fd, i, "old");
	}
	return r;
}

static void forget_request(struct fake *w, struct json_object *domain)
{
	json_object_object_del(domain, "asked_to_suspend");
	w->changed = true;
}

/* Asks it to suspend, which it does at once, or so much later, whether that is waited for or not.
 */
static int ask_to_suspend(struct xl *xl, uint32_t domid, uint64_t *ret_msec)
{
	struct json_object *d, *behaviour;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	behaviour = d ? fake_behaviour(json_get(d, "config", json_type_object)) : NULL;
	if (!d)
		r = xl_fake_fail(xl, -ESRCH, "there is no such domain");
	else if (json_get_bool(behaviour, "deaf"))
		r = xl_fake_fail(xl, -ETIMEDOUT, "guest didn't acknowledge suspend");
	else if (!str_equal(fake_state(d), "running") && !str_equal(fake_state(d), "paused"))
		r = xl_fake_fail(xl, -EIO, "the domain has shut down");
	*ret_msec = fake_number(behaviour, "suspend_ms", 0);
	if (r >= 0 && *ret_msec > 0) {
		fake_schedule(&w, d, "suspended", usec_now() + *ret_msec * USEC_PER_MSEC);
	} else if (r >= 0) {
		fake_set_state(&w, d, "suspended");
	}
	fake_close(&w);
	return r;
}

static int suspend(struct xl *xl, uint32_t domid, struct json_object **ret_config, char **ret_boot)
{
	struct json_object *d;
	struct fake w;
	uint64_t msec;
	int r = ask_to_suspend(xl, domid, &msec);

	r = r < 0 || msec == 0 ? r : xl_fake_pass_time(xl, msec);
	r = r < 0 ? r : fake_open(&w);
	if (r < 0)
		return r;
	d = fake_find(&w, domid);
	if (!d || !str_equal(fake_state(d), "suspended")) {
		r = xl_fake_fail(xl, -EIO, "the domain has not suspended");
	} else {
		*ret_config = json_object_get(json_get(d, "config", json_type_object));
		r = fake_memory(d, ret_boot);
	}
	fake_close(&w);
	return r;
}

static int write_guest(struct xl *xl, uint32_t domid, int fd, bool live)
{
	static const uint8_t ends[16] = {0};
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_free_ char *boot = NULL;
	int r = live ? 0 : suspend(xl, domid, &config, &boot);

	r = r < 0 ? r : fd_write_all(fd, libxl_head, sizeof(libxl_head));
	r = r < 0 ? r : fd_write_all(fd, libxc_head, sizeof(libxc_head));
	if (r >= 0 && live) {
		r = write_live(xl, domid, fd);
		r = r < 0 ? r : suspend(xl, domid, &config, &boot);
	}
	r = r < 0 ? r : write_pages(xl, fd, fake_behaviour(config), boot);
	r = r < 0 ? r : fd_write_all(fd, ends, sizeof(ends));
	return r == -EPIPE ? xl_fake_fail(xl, -EIO, "the stream could not be written") : r;
}

/* As libxl's: a request that is not known to be over may be heeded for some time. */
static int settle(uint32_t domid, bool asking)
{
	struct json_object *d;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	if (str_equal(fake_state(d), "suspended"))
		forget_request(&w, d);
	else
		r = json_add_u64(d, "asked_to_suspend",
				 asking ? 0 : usec_add(usec_now(), MARK_PENDING_TIME));
	w.changed = true;
	fake_close(&w);
	return r;
}

static int send_guest(struct xl *xl, uint32_t domid, int fd, bool live)
{
	int r = settle(domid, true), settled;

	r = r < 0 ? r : write_guest(xl, domid, fd, live);
	settled = settle(domid, false);
	return xl_fake_end_call(xl, r < 0 ? r : settled);
}

int xl_save(struct xl *xl, uint32_t domid, int fd)
{
	return send_guest(xl, domid, fd, false);
}

int xl_migrate(struct xl *xl, uint32_t domid, int fd, bool debug _unused_)
{
	return send_guest(xl, domid, fd, true);
}

int xl_end_request(struct xl *xl _unused_, uint32_t domid)
{
	struct json_object *d;
	bool pending;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return r;
	pending = json_get(d, "asked_to_suspend", json_type_int);
	fake_close(&w);
	return pending ? settle(domid, false) : 0;
}

int xl_resume(struct xl *xl, uint32_t domid)
{
	struct json_object *d;
	struct fake w;
	int r = fake_open_domain(&w, domid, &d);

	if (r < 0)
		return xl_fake_end_call(xl, xl_fake_fail(xl, r, "there is no such domain"));
	if (!str_equal(fake_state(d), "suspended")) {
		r = xl_fake_fail(xl, -EINVAL, "the domain is in another state");
	} else {
		fake_set_state(&w, d, "running");
		forget_request(&w, d);
	}
	fake_close(&w);
	return xl_fake_end_call(xl, r);
}
