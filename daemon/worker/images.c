/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/images.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "util/fd.h"
#include "util/str.h"
#include "util/utf8.h"
#include "wire/image-query.h"
#include "wire/operation.h"
#include "worker/channel.h"
#include "worker/folder.h"
#include "worker/image/names.h"
#include "worker/image/trust.h"
#include "worker/link.h"
#include "worker/xl/xl.h"

/* How often it is told how much of an image has been read. */
#define TELL_INTERVAL USEC_PER_SEC

/* One file, and its description. */
struct item {
	const struct image_query *query;
	int channel;
	const char *file, *xen;
	char *path;
	enum image_file kind;
	int fd;
	struct json_object *entry;
};

static void item_done(struct item *i)
{
	if (i->fd >= 0)
		close(i->fd);
	free(i->path);
	json_object_put(i->entry);
}

static int item_open(struct item *i)
{
	_cleanup_free_ char *problem = NULL;
	struct stat st;
	int r = str_format(&i->path, "%s/%s", i->query->save, i->file);

	i->kind = image_file_kind(i->file);
	i->entry = json_object_new_object();
	r = r < 0 ? r : i->entry ? json_add_string(i->entry, "file", i->file) : -ENOMEM;
	if (r < 0)
		return r;
	i->fd = link_open(i->path, O_RDONLY | O_NONBLOCK, &problem);
	if (i->fd >= 0)
		return 0;
	r = json_add_string(i->entry, "problem", problem);
	if (i->fd == -ENOENT && lstat(i->path, &st) < 0 && errno == ENOENT)
		r = r < 0 ? r : json_add_bool(i->entry, "missing", true);
	return r;
}

static const char *kind_name(enum image_file kind)
{
	switch (kind) {
	case IMAGE_FILE_CONSUMED:
		return "restoring";
	case IMAGE_FILE_PART:
		return "part";
	case IMAGE_FILE_ASIDE:
		return "aside";
	case IMAGE_FILE_IMAGE:
	case IMAGE_FILE_OTHER:
		break;
	}
	return "image";
}

static int add_compression(struct item *i, const struct image_header *h)
{
	int r;

	if (h->facts.compression == COMPRESSION_NONE)
		return 0;
	r = json_add_string(i->entry, "compression", compression_to_string(h->facts.compression));
	return r < 0 ? r : json_add_u64(i->entry, "plain_size", image_plain_size(h));
}

static int add_header(struct item *i, const struct image_header *h)
{
	struct uuid id;
	usec_t written;
	int r = json_add_string(i->entry, "name", h->name);

	r = r < 0 ? r : json_add_uuid(i->entry, "uuid", &h->uuid);
	if (r >= 0 && image_identify(i->fd, h, &id, &written) >= 0)
		r = json_add_uuid(i->entry, "id", &id);
	r = r < 0 ? r : json_add_string(i->entry, "by", h->ours ? "xendomainsd" : "xl");
	if (r < 0 || !h->ours)
		return r;
	r = json_add_u64(i->entry, "saved_usec", h->facts.saved_wall);
	r = r < 0 ? r : add_compression(i, h);
	if (h->facts.host[0])
		r = r < 0 ? r : json_add_string(i->entry, "host", h->facts.host);
	if (h->facts.xen[0])
		r = r < 0 ? r : json_add_string(i->entry, "xen", h->facts.xen);
	return r;
}

/* 1 if that is all there is to say: it is no image at all. */
static int describe(struct item *i)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	enum image_problem problem;
	struct stat st;
	int r = fstat(i->fd, &st) < 0 ? -errno : 0;

	r = r < 0 ? r : json_add_u64(i->entry, "size", (uint64_t)st.st_size);
	r = r < 0 ? r : json_add_u64(i->entry, "disk_size", (uint64_t)st.st_blocks * S_BLKSIZE);
	r = r < 0 ? r : image_read_header(i->fd, &header, &problem);
	if (r >= 0) {
		i->kind = image_file_kind_of(i->file, header.name);
		r = add_header(i, &header);
		return r < 0 ? r : json_add_string(i->entry, "kind", kind_name(i->kind));
	}
	if (r == -ENOMEM)
		return r;
	if (r == -ENOEXEC && i->kind == IMAGE_FILE_IMAGE) {
		r = json_add_string(i->entry, "kind", "foreign");
		return r < 0 ? r : 1;
	}
	return json_add_string(i->entry, "kind", kind_name(i->kind));
}

static int add_reason(const struct item *i)
{
	char text[4096];
	ssize_t n = fgetxattr(i->fd, IMAGE_REASON_XATTR, text, sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return json_add_string(i->entry, "reason", text);
}

/* How much of the stream of an image has been read. */
struct reading {
	int channel;
	uint64_t bytes, total;
	usec_t told;
};

static int tell(struct reading *reading)
{
	struct operation_progress progress = {.bytes = reading->bytes, .total = reading->total};

	reading->told = usec_now();
	return json_write(reading->channel, operation_progress_message(&progress));
}

static int on_piece(void *data, const uint8_t *piece _unused_, size_t size)
{
	struct reading *reading = data;

	reading->bytes += size;
	return usec_sub(usec_now(), reading->told) < TELL_INTERVAL ? 0 : tell(reading);
}

/* An image of xl's does not say how long its stream is. */
static uint64_t stream_size(const struct image_header *header, uint64_t size)
{
	return header->ours ? header->facts.stream_bytes : size - (uint64_t)header->stream;
}

static int read_through(const struct item *i, const struct trust_question *question,
			const struct image_header *header, uint64_t size, char **ret_problem)
{
	struct reading reading = {.channel = i->channel, .total = stream_size(header, size)};
	int r = tell(&reading);

	return r < 0 ? r : trust_check_stream(question, header, on_piece, &reading, ret_problem);
}

/* What would be in the way of a restore, at once or, if it is read through, at the end. */
static int judge(struct item *i, bool thoroughly)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *problem = NULL;
	struct trust_question question = {.fd = i->fd, .path = i->path, .xen = i->xen};
	enum operation_outcome verdict;
	uint64_t size;
	int r;

	r = trust_check(&question, &header, &size, &verdict, &problem);
	if (r >= 0 && thoroughly)
		r = read_through(i, &question, &header, size, &problem);
	if (r < 0)
		return problem ? json_add_string(i->entry, "problem", problem) : r;
	return thoroughly ? json_add_bool(i->entry, "verified", true) : 0;
}

static int look_at(struct item *i)
{
	int r = describe(i);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!utf8_is_valid(i->file, strlen(i->file)))
		return json_add_string(i->entry, "problem",
				       "the name of this file is not UTF-8. Rename it");
	if (i->kind == IMAGE_FILE_PART)
		return json_add_string(i->entry, "problem",
				       "its save has not ended yet, or was cut off");
	if (i->kind == IMAGE_FILE_ASIDE && i->query->action == IMAGE_LIST)
		return add_reason(i);
	return judge(i, i->query->action == IMAGE_VERIFY);
}

static int remove_it(struct item *i)
{
	int r = describe(i);

	if (r < 0)
		return r;
	if (r > 0)
		return json_add_string(i->entry, "problem",
				       "it is not an image, and was not deleted");
	r = image_remove(i->path, i->fd);
	if (r == -EBUSY)
		return json_add_string(i->entry, "problem",
				       "a guest is being saved to it, or restored from it");
	if (r == -ESTALE)
		return json_add_string(i->entry, "problem",
				       "another image has its name now, and was not deleted");
	return r < 0 ? json_add_string(i->entry, "problem", strerror(-r))
		     : json_add_bool(i->entry, "deleted", true);
}

static int answer_for(int channel, const struct image_query *query, const char *file,
		      const char *xen)
{
	_cleanup_(item_done) struct item i = {
		.query = query, .channel = channel, .file = file, .xen = xen, .fd = -1};
	int r = item_open(&i);

	if (r >= 0 && i.fd >= 0)
		r = query->action == IMAGE_DELETE ? remove_it(&i) : look_at(&i);
	return r < 0 ? r : channel_send(channel, "entry", TAKE_PTR(i.entry));
}

static int answer_for_all(int channel, const struct image_query *query, const char *xen)
{
	_cleanup_(file_list_done) struct file_list files = {0};
	int r = file_list_read(query->save, &files);

	for (size_t i = 0; r >= 0 && i < files.n; i++)
		if (image_file_kind(files.names[i]) != IMAGE_FILE_OTHER)
			r = answer_for(channel, query, files.names[i], xen);
	return r;
}

/* Without Xen everything but the version can be judged all the same. */
static void get_version(char **ret)
{
	struct xl_options options = {.stop = -1, .deadline = USEC_INFINITY};
	_cleanup_(xl_closep) struct xl *xl = NULL;

	if (xl_open(&options, &xl) >= 0)
		xl_version(xl, ret);
}

int run_images(int channel)
{
	_cleanup_json_ struct json_object *message = NULL;
	_cleanup_free_ char *xen = NULL;
	struct image_query query;
	int r = channel_receive(channel, &message);

	r = r < 0 ? r : image_query_parse(message, &query);
	if (r < 0)
		return r;
	if (query.action != IMAGE_DELETE)
		get_version(&xen);
	r = query.file ? answer_for(channel, &query, query.file, xen)
		       : answer_for_all(channel, &query, xen);
	return r < 0 ? r : channel_send_end(channel);
}
