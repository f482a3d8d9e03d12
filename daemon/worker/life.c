/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/life.h"

#include <fcntl.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/image/directory.h"

static int append(const struct task *task, struct ledger_record record)
{
	const struct operation_request *request = &task->record.request;
	int r;

	if (!request->ledger)
		return 0;
	if (uuid_is_null(&record.uuid)) {
		record.uuid = request->uuid;
		record.name = request->name;
	}
	record.time = usec_now();
	r = ledger_boot_id(&record.boot);
	return r < 0 ? r : ledger_append(request->ledger, &record, true);
}

const char *life_error(int error)
{
	return error == -EPROTO ? "a newer version of xendomainsd has written it"
				: strerror(-error);
}

int life_check(struct task *task)
{
	const char *ledger = task->record.request.ledger;
	_cleanup_close_ int fd = ledger ? open(ledger,
					       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
					: -1;
	uint64_t format;

	/* A ledger that cannot be read fails later, when something is recorded. */
	if (fd < 0 || ledger_format_of(fd, 0, &format) < 0 || format <= LEDGER_FORMAT_READ)
		return 0;
	return task_explain(
		task, -EPROTO,
		"a newer version of xendomainsd has written the ledger %s. Install that "
		"version again",
		ledger);
}

int life_begin(struct task *task, enum beginning how, const struct uuid *image, uint32_t domid)
{
	return append(task, (struct ledger_record){
				    .kind = LEDGER_BEGAN,
				    .life = beginning_to_string(how),
				    .image = *image,
				    .domid = domid,
				    .source = task->record.request.source,
			    });
}

void life_go_on(struct task *task, enum beginning how, uint32_t domid)
{
	int r = life_begin(task, how, &UUID_NULL, domid);

	if (r < 0)
		log_warning("%s: Failed to record in %s that the guest runs on: %s",
			    task->record.request.name, task->record.request.ledger, life_error(r));
}

int life_save(struct task *task, const struct uuid *image, const char *path, uint64_t size)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(path_base(path) - path));
	_cleanup_free_ char *directory = NULL;
	int r = folder ? directory_identify(folder, &directory) : -ENOMEM;

	return r < 0 ? r
		     : append(task, (struct ledger_record){
					    .kind = LEDGER_SAVED,
					    .image = *image,
					    .other = task->record.request.other,
					    .path = path,
					    .directory = directory,
					    .size = size,
				    });
}

int life_outlive(struct task *task, const struct uuid *guest, const struct uuid *image)
{
	return append(task, (struct ledger_record){
				    .kind = LEDGER_OUTLIVED, .uuid = *guest, .image = *image});
}

int life_take_back(struct task *task)
{
	const struct operation_request *request = &task->record.request;

	return life_save(task, &request->image, request->path, task->result.bytes);
}

int life_depart(struct task *task, enum ledger_kind kind, const char *host)
{
	return append(task, (struct ledger_record){.kind = kind, .target = host});
}

static int begin_life(struct task *task, uint32_t domid, enum beginning how,
		      const struct uuid *image)
{
	int r = life_begin(task, how, image, domid);

	if (r >= 0)
		return 0;
	if (uuid_is_null(image)) {
		log_warning("%s: Failed to record that it runs in %s: %s",
			    task->record.request.name, task->record.request.ledger, life_error(r));
		return 0;
	}
	return task_explain(task, r,
			    "failed to record in %s that the guest runs from its image (%s): not "
			    "starting it, since the image could be restored twice",
			    task->record.request.ledger, life_error(r));
}

int life_release(struct task *task, uint32_t domid, enum beginning how, const struct uuid *image)
{
	int r = task_mark(task, OPERATION_MARK_RELEASED, NULL);

	r = r < 0 ? r : begin_life(task, domid, how, image);
	if (r < 0)
		return r;
	r = xl_unpause(task->xl, domid);
	if (r < 0)
		return task_explain_xl(task, r, "failed to unpause the domain");
	task->result.domid = domid;
	return 0;
}
