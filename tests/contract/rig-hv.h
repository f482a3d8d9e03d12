/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <check.h>

#include "hv/hv.h"
#include "io/loop.h"

/*
 * What the clauses of daemon/hv/hv.h are asked with. CONTRACT_BACKEND is "sim", "fake" (real
 * workers, libxl replaced) or "xen". The guest is called "contract"; on Xen its configuration is in
 * the folder CONTRACT_AUTO, and it powers off when it is asked to.
 */

#define GUEST "contract"

struct fixture {
	struct loop *loop;
	struct hv *hv;
	struct timer *limit, *look, *again;
	char *root, *autostart, *save, *worker;
	struct uuid uuid;
	bool inside; /* a call of ours is under way: no callback may come */
	bool keeps;  /* the ends that come: hv_add_end() */
	unsigned changes, progresses;

	unsigned ends;
	struct hv_operation ended;
	int error;
	uint32_t domid;
	char *target;

	unsigned surveys;
	struct survey *survey; /* the last one; NULL if it failed */
	char *reason;          /* of that */

	bool is_root; /* who asks about images */
	unsigned answers;
	unsigned readings; /* the progress of an image, before its answer */
	char *said; /* of the first image that was asked about; NULL if the answer is an error */
	size_t n_said;

	bool (*done)(struct fixture *f);
};

extern struct fixture fx;

void setup(void);
void teardown(void);

bool is_on(const char *backend);

/*
 * Begins again with a guest that has these members in the simulated host, and in the behaviour of
 * the fake. NULL: that side has no such guest. False where there is none.
 */
bool has_guest(const char *sim, const char *fake);

/* Begins again with a worker that does nothing but fail. False where there are no workers. */
bool has_broken_worker(void);

/* As a daemon that ends, and its successor. */
void restart_daemon(void);

void wait_until(bool (*done)(struct fixture *f));

/* Conditions to wait for. */
bool is_up(struct fixture *f);
bool has_shut_down(struct fixture *f);
bool is_gone(struct fixture *f);
bool is_suspended(struct fixture *f);
bool has_ended(struct fixture *f);
bool has_progress(struct fixture *f);
bool has_survey(struct fixture *f);
bool is_answered(struct fixture *f);

/* A list; the guest's domain, copied out of one. */
struct domain_list *list(void);
bool find_domain(struct domain *ret);
struct domain get_domain(void);

/* Asks the guest to power off, now and again, until it has shut down. */
void shut_down(void);

int begin_survey(const char *autostart, const char *save, const struct survey *known);
const struct survey_config *find_config(void);
const struct survey_image *find_image(void);

struct operation_request make_request(enum operation operation, uint32_t domid);
int begin(const struct operation_request *request);

/* Begins it, and waits for its end: its error. */
int operate(const struct operation_request *request);

/* The guest runs then; what it is created from is kept for the next time. */
void create_guest(void);

/* The same, and its kernel takes requests. */
void boot_guest(void);

int operate_on_guest(enum operation operation);

/* An answer, for struct hv_asker; data: &fx. */
void on_images(void *data, struct json_object *entries, const char *reason);

int begin_question(enum image_action action, const char *file, uint64_t *ret_id);

/* What is said of the one image that there is. */
const char *ask_image(enum image_action action, const char *file);

/* Each adds the clauses of its file. */
void add_domain_clauses(TCase *tests);
void add_operation_clauses(TCase *tests);
void add_disk_clauses(TCase *tests);
