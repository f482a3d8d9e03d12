/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/domid.h"
#include "util/time.h"
#include "util/uuid.h"

/*
 * The seam to libxl: what a worker does to domains. It is implemented by libxl (worker/xl/xl.c), or
 * by a stand-in whose world is a file (tests/fake); tests/contract asks either each clause.
 *
 * Each call returns when it is done; while it waits it watches for a request to stop and for the
 * deadline. Either ends create, restore, save and migrate early, and the wait for room: they return
 * -ECANCELED or -ETIME. The other calls are not cut off.
 *
 * Errors are negative errnos; xl_reason() then has libxl's own words, if there were any.
 */
struct xl;

struct xl_options {
	int stop;        /* readable once the operation is to end early */
	usec_t deadline; /* USEC_INFINITY: none */
	/* Called about twice a second while something goes on. */
	void (*tick)(void *data);
	void *data;
};

struct xl_domain {
	uint32_t domid;
	bool paused, shutdown, suspended, dying;
	bool pending; /* asked to suspend by a call that has ended: it may do so yet */
	uint64_t memory_kib;
};

int xl_open(const struct xl_options *options, struct xl **ret);
struct xl *xl_close(struct xl *xl);

/* The hypervisor's version, as in 4.17.3. 0 or -errno. */
int xl_version(struct xl *xl, char **ret);

/* The first error that libxl told of since a change to a domain succeeded; NULL if none. */
const char *xl_reason(const struct xl *xl);

/*
 * Whether the reason is that a device was not there within libxl's own limit, which many guests
 * that start together can cause. Only the words tell: whatever is wrong, a build ends with
 * ERROR_FAIL (libxl 4.17 to 4.20, domcreate_destruction_cb()).
 */
bool xl_timed_out(const struct xl *xl);

/* -ECANCELED or -ETIME once the operation is to end early, else 0. */
int xl_interrupted(struct xl *xl);

/*
 * The domain with this UUID. A guest that is migrated to the host that it is on has two of them for
 * a while: the one with this number first (DOMID_NONE: whichever), then one that is not dying.
 * A domain with another number can be another tool's: it must be left alone. 0, or
 * -ESRCH if there is none.
 */
int xl_find(struct xl *xl, const struct uuid *uuid, uint32_t domid, struct xl_domain *ret);

/* A key of XenStore below a domain, which it gets from xsdata in its configuration. */
#define XL_SIGN_KEY "xendomainsd-build"

/* The domain that is not dying and was built with this text under the key. 0, or -ESRCH. */
int xl_find_signed(struct xl *xl, const char *sign, struct xl_domain *ret);

/* libxl's JSON of a domain, as it is now. */
int xl_get_config(struct xl *xl, uint32_t domid, char **ret);

/*
 * Sees to memory for a guest that is to be created or restored, and takes it from dom0 where xl
 * would do so. Until the guest is built no other worker is promised the same memory. Returns 0, or
 * -ENOMEM with *ret_reason in words if there is too little; another error may have *ret_reason too.
 */
int xl_make_room(struct xl *xl, const char *config, char **ret_reason);

/* Builds a domain, and leaves it paused. Where that fails no domain is left. */
int xl_create(struct xl *xl, const char *config, const struct uuid *uuid, uint32_t *ret_domid);

/* Of a stream: libxl's header, and the head of the record that says that a guest follows. */
#define XL_STREAM_HEAD 24

/*
 * The same from a stream, which comes through fd (the caller's). The caller has seen that the head
 * of it is right: where it is not, libxl (4.17 to 4.20) ends its helper process before there is
 * one, and crashes.
 */
int xl_restore(struct xl *xl, const char *config, int fd, uint32_t *ret_domid);

/*
 * Suspends a domain and writes its stream to fd (the caller's). After an error it can be
 * suspended: xl_find() tells, and xl_resume() has it run on. Or it suspends later, with the request
 * in hand: xl_find() has it pending for as long as that can be. -ETIMEDOUT: the guest did not
 * react.
 */
int xl_save(struct xl *xl, uint32_t domid, int fd);

/* The same while the domain runs on, but for the last pages: what another host is sent. */
int xl_migrate(struct xl *xl, uint32_t domid, int fd, bool debug);

/*
 * For a save or a migration whose worker was killed: takes its request to suspend back, or says how
 * long the guest may still heed it.
 */
int xl_end_request(struct xl *xl, uint32_t domid);

/* Has a domain that is suspended run on where it is. */
int xl_resume(struct xl *xl, uint32_t domid);

/* Returns 0, also if it is called so already; -EBUSY if it is called neither way. */
int xl_rename(struct xl *xl, uint32_t domid, const char *from, const char *to);

int xl_unpause(struct xl *xl, uint32_t domid);
int xl_destroy(struct xl *xl, uint32_t domid);

/* Writes or reads our mark (wire/mark.h). -ENOENT if there is none to read. */
int xl_set_mark(struct xl *xl, uint32_t domid, const char *mark);
int xl_get_mark(struct xl *xl, uint32_t domid, char **ret);

/*
 * Writes the memory of a domain that has shut down to a new file. With the umask of a worker only
 * its owner can read that.
 */
int xl_core_dump(struct xl *xl, uint32_t domid, const char *path);

/*
 * Keeps a domain that has shut down as another guest, of this UUID and with its name and the
 * suffix, so that name and UUID are free for its successor. Xen itself goes by the UUID that it was
 * built with: what counts, for xl_find() too, is the one in XenStore.
 */
int xl_preserve(struct xl *xl, uint32_t domid, const char *suffix, const struct uuid *uuid);

/*
 * Makes the devices of a domain anew, and lets it go on with its memory as it is (kexec). Can leave
 * it paused. After an error the domain is of no use, if it is still there. -EOPNOTSUPP, and it is
 * as it was: Xen does not do this for a guest of its kind.
 */
int xl_soft_reset(struct xl *xl, uint32_t domid, const char *config, const struct uuid *uuid);

/*
 * The text that "xl config-update" has left for the domain's next start. 0, or -ENOENT if there is
 * none. xl_drop_update() takes it away.
 */
int xl_get_update(struct xl *xl, uint32_t domid, char **ret, size_t *ret_size);
int xl_drop_update(struct xl *xl, uint32_t domid);

/* The disks that a guest can eject, max of them at most. */
struct xl_disk {
	char vdev[32];
	uint32_t devid; /* its number in XenStore */
};

int xl_list_removable(struct xl *xl, uint32_t domid, struct xl_disk *disks, size_t max,
		      size_t *ret_n);

/*
 * Puts an empty disk in the place of a removable one, if the guest wants that, and tells it that
 * its wish was heard, also where it fails: it must not be tried for ever.
 */
int xl_eject(struct xl *xl, uint32_t domid, const char *vdev);

/* What xl makes of a configuration file. Either error, for the administrator, or the rest is set.
 */
struct xl_parsed {
	char *error;
	char *config;  /* libxl's JSON */
	bool has_uuid; /* the file gives one; otherwise libxl drew the one in config */
};

/* Need no struct xl. 0 or -errno. */
int xl_parse(const char *path, struct xl_parsed *ret);
int xl_parse_text(const char *text, size_t size, struct xl_parsed *ret);
void xl_parsed_done(struct xl_parsed *parsed);

/*
 * Stays the same while nothing but the file decides what xl_parse() makes of it, and changes when
 * xl's own configuration does. 0 or -errno.
 */
int xl_parse_stamp(char **ret);

/* The directory of what that stamp tells of; NULL: it never changes. */
const char *xl_parse_folder(void);

DEFINE_CLEANUP(struct xl, xl_close);
