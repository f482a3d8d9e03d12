/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/quote.h"
#include "util/str.h"
#include "worker/image/disks.h"
#include "worker/image/names.h"

/* What is being judged, and what is wrong with it. */
struct trial {
	const struct trust_question *question;
	struct image_header header;
	struct stat st;
	enum operation_outcome verdict;
	char *problem;
};

static void trial_done(struct trial *t)
{
	image_header_done(&t->header);
	free(t->problem);
}

static int refuse(struct trial *t, int error, const char *problem)
{
	int r = str_format(&t->problem, "%s: %s", t->question->path, problem);

	return r < 0 ? r : error;
}

bool trust_owner(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int check_file(struct trial *t)
{
	if (fstat(t->question->fd, &t->st) < 0)
		return refuse(t, -errno, strerror(errno));
	if (!S_ISREG(t->st.st_mode))
		return refuse(t, -EINVAL, "it is not a file");
	if (!trust_owner(&t->st))
		return refuse(t, -EPERM, "others than root can write it");
	return 0;
}

static int check_header(struct trial *t)
{
	enum image_problem problem;
	int r = image_read_header(t->question->fd, &t->header, &problem);

	if (r == -EBADMSG || r == -ENOEXEC)
		return refuse(t, r, image_problem_to_string(problem));
	return r < 0 ? refuse(t, r, strerror(-r)) : 0;
}

static int refuse_stream(struct trial *t, int error, enum stream_problem problem)
{
	return refuse(t, error,
		      problem == STREAM_NO_PROBLEM ? strerror(-error)
						   : stream_problem_to_string(problem));
}

/* libxl crashes at a stream that ends, or is wrong, before its first record (xl.h). */
static int check_ends(struct trial *t)
{
	enum stream_problem problem;
	int r = check_size(&t->header, (uint64_t)t->st.st_size, &problem);

	r = r < 0 ? r : check_beginning(t->question->fd, &t->header, &problem);
	return r < 0 ? refuse_stream(t, r, problem) : 0;
}

static int parse_version(const char *text, unsigned long long *ret)
{
	unsigned major, minor;

	if (!text || sscanf(text, "%u.%u", &major, &minor) != 2)
		return -EINVAL;
	*ret = (unsigned long long)major << 32 | minor;
	return 0;
}

/* A Xen restores images of older Xens. */
static int check_version(struct trial *t)
{
	const char *saved = t->header.facts.xen, *running = t->question->xen;
	unsigned long long was, is;
	int r;

	if (parse_version(saved, &was) < 0 || parse_version(running, &is) < 0 || was <= is)
		return 0;
	r = str_format(&t->problem,
		       "%s: it was saved under Xen %s, and this is Xen %s, which may not "
		       "understand it; boot the newer one to restore it",
		       t->question->path, saved, running);
	return r < 0 ? r : -EPROTONOSUPPORT;
}

/*
 * The guest may have run from it, or on after it, and nothing in the ledger says that it has not.
 * Then unchanged disks are no proof: not all writes show.
 */
static bool is_doubtful(const struct trial *t)
{
	const struct trust_question *q = t->question;
	const char *file = path_base(q->path);

	if (q->standing == IMAGE_SUSPECT)
		return !t->header.ours || !t->header.stamp;
	return q->standing != IMAGE_NEWEST &&
	       image_file_kind_of(file, t->header.name) == IMAGE_FILE_CONSUMED;
}

/* Of xl's, where records are lost: it may be a checkpoint, and the guest have run on after it. */
static bool is_forgotten(const struct trial *t)
{
	return !t->header.ours && t->question->standing == IMAGE_FORGOTTEN;
}

static int say_changed(struct trial *t, const char *reason)
{
	int r = str_format(&t->problem,
			   "%s; its saved memory does not fit any more, so %s is not restored. "
			   "'xendomainsctl start --cold %s' starts it without its memory",
			   reason, t->question->path, AS_ARGUMENT(t->header.name));

	t->verdict = OPERATION_DISK_CHANGED;
	return r < 0 ? r : -ESTALE;
}

static const char *say_why_unknown(const struct trial *t)
{
	if (is_forgotten(t))
		return "the ledger has lost records, which may have told whether the guest has run "
		       "since";
	if (!is_doubtful(t))
		return "its save was cut off before its disks were described";
	return t->question->standing == IMAGE_SUSPECT
		       ? "the guest may have run on after it was saved"
		       : "the host went down while the guest was being restored from it";
}

static int say_unknown(struct trial *t)
{
	const char *path = t->question->path, *name = t->header.name;
	int r = str_format(&t->problem,
			   "%s is not restored: %s, and nothing proves that its disks are as they "
			   "were. If nothing has written to them, 'xl restore %s' brings the guest "
			   "back. Else 'xendomainsctl start --cold %s' starts it without its "
			   "memory",
			   path, say_why_unknown(t), QUOTED(path), AS_ARGUMENT(name));

	t->verdict = OPERATION_DISK_UNKNOWN;
	return r < 0 ? r : -EUCLEAN;
}

/* No proof of anything: the guest waits for its disk, whatever is configured for changed ones. */
static int say_missing(struct trial *t, const char *reason)
{
	int r = str_format(
		&t->problem,
		"%s. The image %s is kept. Attach the disk, or mount its file system, and "
		"start the guest",
		reason, t->question->path);

	return r < 0 ? r : -ENODEV;
}

/* The save was cut off before the disks were described for good: the first stamp has to do. */
static int compare_cut_off(struct trial *t, enum disks_verdict *ret, char **ret_reason)
{
	const struct image_header *h = &t->header;
	int r = disks_compare_first(h->config, h->first_stamp, t->question->ledger, ret,
				    ret_reason);

	if (r >= 0 && *ret == DISKS_UNSEEN)
		*ret = DISKS_UNKNOWN;
	return r;
}

static int check_disks(struct trial *t)
{
	const struct image_header *h = &t->header;
	_cleanup_free_ char *reason = NULL;
	usec_t saved = (usec_t)t->st.st_mtim.tv_sec * USEC_PER_SEC;
	enum disks_verdict verdict;
	int r;

	if (h->ours && !h->stamp)
		r = compare_cut_off(t, &verdict, &reason);
	else
		r = h->ours ? disks_compare(h->config, h->stamp, &verdict, &reason)
			    : disks_compare_age(h->config, saved, &verdict, &reason);
	if (r < 0)
		return r;
	switch (verdict) {
	case DISKS_CHANGED:
		return say_changed(t, reason);
	case DISKS_MISSING:
		return say_missing(t, reason);
	case DISKS_UNKNOWN:
		return say_unknown(t);
	case DISKS_UNSEEN:
		if (is_forgotten(t))
			return say_unknown(t);
		break;
	case DISKS_UNCHANGED:
		break;
	}
	return is_doubtful(t) ? say_unknown(t) : 0;
}

int trust_check(const struct trust_question *question, struct image_header *ret, uint64_t *ret_size,
		enum operation_outcome *ret_verdict, char **ret_problem)
{
	_cleanup_(trial_done) struct trial t = {.question = question};
	int r = check_file(&t);

	r = r < 0 ? r : check_header(&t);
	r = r < 0 ? r : check_ends(&t);
	r = r < 0 ? r : check_version(&t);
	r = r < 0 ? r : check_disks(&t);
	if (r < 0) {
		*ret_verdict = t.verdict;
		*ret_problem = TAKE_PTR(t.problem);
		return r;
	}
	*ret = t.header;
	t.header = (struct image_header){0};
	*ret_size = (uint64_t)t.st.st_size;
	return 0;
}

int trust_check_stream(const struct trust_question *question, const struct image_header *header,
		       check_fn fn, void *data, char **ret_problem)
{
	enum stream_problem problem;
	int r = check_stream(question->fd, header, fn, data, &problem);

	if (r >= 0)
		return 0;
	return str_format(ret_problem, "%s: %s", question->path,
			  problem == STREAM_NO_PROBLEM ? strerror(-r)
						       : stream_problem_to_string(problem)) < 0
		       ? -ENOMEM
		       : r;
}
