/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/beginning.h"
#include "worker/task.h"

/*
 * Records of a worker in the ledger (core/lives.h) about the lives of its guest. Each record is on
 * the disk when the call returns. 0 or -errno; without a ledger in the request the worker records
 * nothing.
 */

/*
 * 0, or -EPROTO, explained, if a newer version has written the ledger: the operation could not
 * record a life, and must not begin one.
 */
int life_check(struct task *task);

/* Why something could not be recorded. */
const char *life_error(int error);

/* A life begins, from the image with this ID (null: from none). Called before it runs. */
int life_begin(struct task *task, enum beginning how, const struct uuid *image, uint32_t domid);

/*
 * The same for a guest that was suspended or paused, by another tool as a rule: it runs on, and so
 * outlives its images. It runs on even if that cannot be recorded.
 */
void life_go_on(struct task *task, enum beginning how, uint32_t domid);

/* The guest is saved: to be called before anything may take the image for the guest. */
int life_save(struct task *task, const struct uuid *image, const char *path, uint64_t size);

/* The image, of this or another guest, is outlived: the disks are this guest's now. */
int life_outlive(struct task *task, const struct uuid *guest, const struct uuid *image);

/* A life that was recorded as begun from the request's image has not run. */
int life_take_back(struct task *task);

/* What this guest's departure comes to: LEAVING, MIGRATED, or HOME. */
int life_depart(struct task *task, enum ledger_kind kind, const char *host);

/*
 * The end of create and restore: the beginning of the life is recorded (how and image as
 * life_begin() takes them), and then the domain runs. A guest that is created runs also where it
 * cannot be recorded: no image of it is left that could be restored by mistake.
 */
int life_release(struct task *task, uint32_t domid, enum beginning how, const struct uuid *image);
