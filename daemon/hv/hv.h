/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"
#include "core/survey.h"
#include "wire/image-query.h"
#include "wire/operation.h"

/*
 * The seam to the hypervisor. Above it no layer knows whether the host is real (hv/xen.h) or
 * simulated (hv/sim/sim.h). The contract, of which tests/contract asks each side each clause:
 *
 * - No call waits for a guest, a disk or a network. What takes long is an operation, a survey or a
 *   question: the call begins it, and a callback ends it once, from the loop, never from inside the
 *   call.
 * - One operation for a guest at a time. That of a real host outlives the daemon; a new hv reports
 *   it as in flight, adopted, and ends it with the same callback.
 * - changed() says that list() may have something new, and may be called for nothing.
 */
struct hv;

/* An operation in flight. */
struct hv_operation {
	enum operation operation;
	struct uuid uuid;
	const char *name;
	uint32_t domid; /* of the domain that there was; DOMID_NONE: none */
	usec_t started;
	unsigned permille;     /* of its work; 0 if it does not tell */
	uint64_t bytes, total; /* of the guest's memory, of about so many; 0 as above */
	bool adopted;          /* an earlier daemon began it */
	usec_t heard; /* when its worker last told that it gets on, or was started or found */
	bool stuck;   /* its worker was killed and does not end: it sleeps in the kernel */
};

/* Who asks about images. */
struct hv_asker {
	bool is_root; /* finds a place whatever others ask */
	/*
	 * So many bytes of the stream of an image have been read, of about total, as they are
	 * without compression. Comes when the image begins to be read, and about once a second
	 * until the answer. NULL: the progress is not told.
	 */
	void (*progress)(void *data, uint64_t bytes, uint64_t total);
	/*
	 * entries: a list of objects as the API has them (type Image in wire/interface.c),
	 * borrowed; NULL after an error, with its reason.
	 */
	void (*answered)(void *data, struct json_object *entries, const char *reason);
	void *data;
};

struct hv_callbacks {
	void (*changed)(void *data);
	/* permille or stuck has changed, or the worker tells that it goes on. */
	void (*progress)(void *data, const struct hv_operation *operation);
	/* The operation has ended. Its memory is freed after the call, and the result too.
	 */
	void (*finished)(void *data, const struct hv_operation *operation,
			 const struct operation_result *result);
	/* survey is the callee's; NULL after an error, with its reason. */
	void (*surveyed)(void *data, struct survey *survey, const char *reason);
	/* Xen's tools do not answer any more: nothing can be done until the daemon is restarted. */
	void (*lost)(void *data, const char *reason);
	void *data;
};

struct hv_ops {
	int (*list)(struct hv *hv, struct domain_list **ret);
	int (*ask_shutdown)(struct hv *hv, const struct domain *domain);
	int (*shutdown_answer)(struct hv *hv, const struct domain *domain);
	int (*send_sysrq)(struct hv *hv, const struct domain *domain, char key);
	int (*operate)(struct hv *hv, const struct operation_request *request);
	void (*expect)(struct hv *hv, unsigned removals);
	void (*abort)(struct hv *hv, const struct uuid *uuid);
	const struct hv_operation *(*operation)(struct hv *hv, const struct uuid *uuid);
	const struct hv_operation *(*next_operation)(struct hv *hv, size_t index);
	int (*survey)(struct hv *hv, const char *autostart, const char *save,
		      const struct survey *known);
	const struct survey *(*surveyed)(struct hv *hv);
	bool (*survey_is_current)(struct hv *hv);
	void (*watch_survey)(struct hv *hv);
	int (*ask_images)(struct hv *hv, const struct image_query *query,
			  const struct hv_asker *asker, uint64_t *ret_id);
	void (*forget_images)(struct hv *hv, uint64_t id);
	struct hv *(*free)(struct hv *hv);
};

/* Ends of operations that the layers above have not heard of. */
struct hv_ends {
	struct hv_end {
		struct hv_operation operation;
		struct operation_result result;
	} * items;
	size_t n;
	struct uuid_list uuids; /* of their guests */
};

/* Xen gives no domain a higher number. */
#define HV_DOMIDS 32768

struct hv {
	const struct hv_ops *ops;
	struct hv_callbacks callbacks; /* set before the loop runs */
	struct hv_ends ends;
	uint8_t asked[HV_DOMIDS / 8]; /* the domains that we have asked to shut down, a bit each */
};

/*
 * For who gets the callbacks: many operations end together, and what follows from that is less work
 * for all of them at once. The end of one can be kept, as a copy, and counts as not come yet: the
 * operation is in flight until hv_take_ends(). 0 or -ENOMEM.
 */
int hv_add_end(struct hv *hv, const struct hv_operation *operation,
	       const struct operation_result *result);

/* The ends that were kept, which are the caller's now: none of them is in flight any more. */
struct hv_ends hv_take_ends(struct hv *hv);
void hv_ends_done(struct hv_ends *ends);

/* The operation for a guest whose end is kept, or NULL. */
const struct hv_operation *hv_ending(const struct hv *hv, const struct uuid *uuid);

/* All domains now, dom0 and the like among them (marked as system). 0 or -errno. */
static inline int hv_list(struct hv *hv, struct domain_list **ret)
{
	return hv->ops->list(hv, ret);
}

/*
 * Asks a guest to power off, or asks again. 0, -ESTALE if the domain is not the one meant any more,
 * -EOPNOTSUPP if the guest says that it does not react to that and there is no other way, or
 * another -errno. Whether it powers off shows in list().
 */
int hv_ask_shutdown(struct hv *hv, const struct domain *domain);

/* Whether this domain was asked to, or sent a key, by us and since the start of the daemon. */
bool hv_has_asked(const struct hv *hv, uint32_t domid);

/*
 * The reaction of a guest that was asked: 1 if it has taken the request or is gone, 0 if it has
 * not yet, -EOPNOTSUPP if it cannot say (its power button was pressed), or another -errno.
 */
static inline int hv_shutdown_answer(struct hv *hv, const struct domain *domain)
{
	return hv->ops->shutdown_answer(hv, domain);
}

/*
 * Sends a key to the guest's kernel, which may not care. 0, -ESTALE if the domain is not the one
 * meant any more, or another -errno.
 */
int hv_send_sysrq(struct hv *hv, const struct domain *domain, char key);

/*
 * Begins an operation. 0, -EBUSY while one is in flight for the guest, or another -errno. That the
 * domain is not there can be told here, or by the end of the operation.
 */
static inline int hv_operate(struct hv *hv, const struct operation_request *request)
{
	return hv_ending(hv, &request->uuid) ? -EBUSY : hv->ops->operate(hv, request);
}

/*
 * So many domains are likely to be removed soon: what takes time for that can be got ready. Counts
 * until it is said anew.
 */
static inline void hv_expect(struct hv *hv, unsigned removals)
{
	if (hv->ops->expect)
		hv->ops->expect(hv, removals);
}

/*
 * Asks the operation for a guest, if there is one, to end early and to leave the guest as it was.
 * It can be too late for that.
 */
static inline void hv_abort(struct hv *hv, const struct uuid *uuid)
{
	hv->ops->abort(hv, uuid);
}

/* The operation in flight for a guest, or NULL. Valid until the loop runs on. */
static inline const struct hv_operation *hv_operation(struct hv *hv, const struct uuid *uuid)
{
	const struct hv_operation *operation = hv->ops->operation(hv, uuid);

	return operation ? operation : hv_ending(hv, uuid);
}

/* All operations in flight, from index 0 until NULL. */
static inline const struct hv_operation *hv_next_operation(struct hv *hv, size_t index)
{
	return index < hv->ends.n ? &hv->ends.items[index].operation
				  : hv->ops->next_operation(hv, index - hv->ends.n);
}

/*
 * Reads the directories, either of which may be NULL. A file that known (may be NULL) holds is not
 * parsed again while its stamp is the same. 0, -EBUSY while one is under way, or another -errno.
 */
static inline int hv_survey(struct hv *hv, const char *autostart, const char *save,
			    const struct survey *known)
{
	return hv->ops->survey(hv, autostart, save, known);
}

/* The part that the running survey has told so far, or NULL. Valid until the loop runs on. */
static inline const struct survey *hv_surveyed(struct hv *hv)
{
	return hv->ops->surveyed ? hv->ops->surveyed(hv) : NULL;
}

/*
 * Whether nothing that the last complete survey has read is different by now, as far as the kernel
 * tells: not what another host has written, nor a write by mmap. False where that is not known, and
 * where a part could not be read.
 */
static inline bool hv_survey_is_current(struct hv *hv)
{
	return hv->ops->survey_is_current && hv->ops->survey_is_current(hv);
}

/*
 * Has changed() called, once, when the last complete survey is not current any more, as far as the
 * kernel wakes a process for that: not for a mount.
 */
static inline void hv_watch_survey(struct hv *hv)
{
	if (hv->ops->watch_survey)
		hv->ops->watch_survey(hv);
}

/*
 * Asks about images; query and asker are copied. 0, -EUSERS where too much is being asked already,
 * or another -errno. Those who ask for a list at the same time get one. Lists, verifications and
 * deletions have places of their own, and root has others than all other users, however much they
 * ask, and whatever becomes of it. hv_forget_images(): the answer is not wanted any more, and does
 * not come; a file that was to be deleted may be.
 */
static inline int hv_ask_images(struct hv *hv, const struct image_query *query,
				const struct hv_asker *asker, uint64_t *ret_id)
{
	return hv->ops->ask_images(hv, query, asker, ret_id);
}

static inline void hv_forget_images(struct hv *hv, uint64_t id)
{
	hv->ops->forget_images(hv, id);
}

static inline struct hv *hv_free(struct hv *hv)
{
	if (!hv)
		return NULL;
	hv_ends_done(&hv->ends);
	return hv->ops->free(hv);
}

DEFINE_CLEANUP(struct hv, hv_free);
