/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/json.h"

/* xl's header (tools/xl/xl.h): written in the machine's own byte order. */
#define XL_MAGIC      "Xen saved domain, xl format\n \0 \r" /* without the terminator */
#define XL_MAGIC_SIZE 32
#define XL_BYTE_ORDER 0x01020304U
#define XL_FLAG_JSON  1U
#define XL_FLAG_V2    2U
#define XL_FLAGS      (XL_FLAG_JSON | XL_FLAG_V2)

/* Ours, as far as possible from those that Xen may add. */
#define FLAG_COMPRESSED 0x80000000U

struct xl_header {
	char magic[XL_MAGIC_SIZE];
	uint32_t byte_order;
	uint32_t mandatory_flags;
	uint32_t optional_flags;
	uint32_t optional_length;
};

/* So much of its head and tail tells an image of xl's from another one. */
#define ID_PART (64 << 10)

#define TAIL_SIZE 4096
#define HALF_SIZE 2048

/* The block before the tail. */
#define FIRST_SIZE 4096

/* Each half, and the first stamp: this, a hash of what follows as 16 digits, a blank, JSON, and
 * zeros. */
#define HALF_WORD       "xendomainsd "
#define HALF_WORD_SIZE  (sizeof(HALF_WORD) - 1)
#define HALF_JSON       (HALF_WORD_SIZE + 16 + 1)
#define HALF_INCOMPLETE HALF_WORD "incomplete"

/* Beyond this a header is not worth reading: a configuration, the tail, and what pads it. */
#define OPTIONAL_MAX (IMAGE_CONFIG_MAX + 4 * TAIL_SIZE)

static const char *const problem_words[_IMAGE_PROBLEM_MAX] = {
	[IMAGE_EMPTY] = "it is empty",
	[IMAGE_NOT_XL] = "it is not in the format of xl save",
	[IMAGE_FOREIGN_BYTE_ORDER] = "it was written by a machine of another byte order",
	[IMAGE_FOREIGN_XEN] = "it was saved by a Xen that is too old or too new",
	[IMAGE_HEADER_DAMAGED] = "its header is damaged",
	[IMAGE_CUT_SHORT] = "it is truncated",
	[IMAGE_WITHOUT_NAME] = "its configuration gives no name and UUID",
	[IMAGE_CONFIG_DAMAGED] = "its configuration is damaged",
	[IMAGE_NEVER_COMPLETED] = "it was never completed",
	[IMAGE_FACTS_DAMAGED] = "its own description is damaged",
	[IMAGE_FACTS_UNKNOWN] = "its own description is not understood",
	[IMAGE_COMPRESSION_UNKNOWN] = "it is compressed in a way that is not understood",
};

const char *image_problem_to_string(enum image_problem problem)
{
	return problem_words[problem];
}

static size_t round_up(size_t size)
{
	return (size + TAIL_SIZE - 1) / TAIL_SIZE * TAIL_SIZE;
}

/* A header of this size, with the configuration and then zeros. */
static int make_header(const char *config, uint32_t flags, size_t size, uint8_t **ret)
{
	uint32_t length = (uint32_t)strlen(config) + 1;
	struct xl_header header = {
		.byte_order = XL_BYTE_ORDER,
		.mandatory_flags = XL_FLAGS | flags,
		.optional_length = (uint32_t)(size - sizeof(struct xl_header)),
	};
	uint8_t *data;

	if (length > IMAGE_CONFIG_MAX)
		return -EMSGSIZE;
	data = calloc(1, size);
	if (!data)
		return -ENOMEM;
	memcpy(header.magic, XL_MAGIC, XL_MAGIC_SIZE);
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), &length, sizeof(length));
	memcpy(data + sizeof(header) + sizeof(length), config, length);
	*ret = data;
	return 0;
}

static size_t plain_size(const char *config)
{
	return sizeof(struct xl_header) + sizeof(uint32_t) + strlen(config) + 1;
}

int image_header_plain(const char *config, uint8_t **ret, size_t *ret_size)
{
	size_t size = plain_size(config);
	int r = make_header(config, 0, size, ret);

	if (r >= 0)
		*ret_size = size;
	return r;
}

int image_header_make(const char *config, enum compression compression, uint8_t **ret,
		      size_t *ret_size)
{
	size_t size = round_up(plain_size(config)) + FIRST_SIZE + TAIL_SIZE;
	uint32_t flags = compression == COMPRESSION_NONE ? 0 : FLAG_COMPRESSED;
	int r = make_header(config, flags, size, ret);

	if (r < 0)
		return r;
	memcpy(*ret + size - TAIL_SIZE, HALF_INCOMPLETE, sizeof(HALF_INCOMPLETE));
	*ret_size = size;
	return 0;
}

/* Fills the room. 0, or -EMSGSIZE if there is too little. */
static int format_text(const char *json, char *ret, size_t room)
{
	size_t length = strlen(json);

	if (HALF_JSON + length >= room)
		return -EMSGSIZE;
	memset(ret, 0, room);
	return snprintf(ret, room, HALF_WORD "%016" PRIx64 " %s", (uint64_t)XXH64(json, length, 0),
			json) < 0
		       ? -EINVAL
		       : 0;
}

static int write_text(int fd, const char *json, off_t offset, size_t room)
{
	char text[FIRST_SIZE];
	int r = format_text(json, text, room);

	return r < 0 ? r : fd_pwrite_all(fd, text, room, offset);
}

static int add_hash(struct json_object *o, const char *key, uint64_t hash)
{
	char text[17];

	snprintf(text, sizeof(text), "%016" PRIx64, hash);
	return json_add_string(o, key, text);
}

/* NULL: no memory. */
static struct json_object *make_facts(const struct image_facts *facts, const char *config)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_uuid(o, "id", &facts->id);
	r = r < 0 ? r : json_add_uuid(o, "uuid", &facts->uuid);
	r = r < 0 ? r : json_add_u64(o, "saved_usec", facts->saved_wall);
	r = r < 0 ? r : json_add_u64(o, "stream_bytes", facts->stream_bytes);
	r = r < 0 ? r : add_hash(o, "stream_xxh64", facts->stream_hash);
	r = r < 0 ? r : add_hash(o, "config_xxh64", XXH64(config, strlen(config), 0));
	r = r < 0 ? r : json_add_string(o, "host", facts->host);
	r = r < 0 ? r : json_add_string(o, "xen", facts->xen);
	if (facts->compression != COMPRESSION_NONE) {
		r = r < 0 ? r
			  : json_add_string(o, "compression",
					    compression_to_string(facts->compression));
		r = r < 0 ? r : json_add_u64(o, "stored_bytes", facts->stored_bytes);
	}
	return r < 0 ? NULL : TAKE_PTR(o);
}

int image_write_facts(int fd, const struct image_facts *facts, off_t stream, const char *config)
{
	_cleanup_json_ struct json_object *o = make_facts(facts, config);
	const char *text = o ? json_text(o, NULL) : NULL;

	return text ? write_text(fd, text, stream - TAIL_SIZE, HALF_SIZE) : -ENOMEM;
}

int image_write_stamp(int fd, const char *stamp, off_t stream)
{
	return write_text(fd, stamp, stream - HALF_SIZE, HALF_SIZE);
}

int image_write_first_stamp(int fd, const char *stamp, off_t stream)
{
	return write_text(fd, stamp, stream - TAIL_SIZE - FIRST_SIZE, FIRST_SIZE);
}

/* The JSON in one half of a tail; NULL if it is torn, or was never written. */
static struct json_object *read_text(const uint8_t *half, size_t room)
{
	const char *json = (const char *)half + HALF_JSON;
	struct json_object *o;
	char hash[17];
	size_t length;

	if (memcmp(half, HALF_WORD, HALF_WORD_SIZE) != 0)
		return NULL;
	length = strnlen(json, room - HALF_JSON);
	snprintf(hash, sizeof(hash), "%016" PRIx64, (uint64_t)XXH64(json, length, 0));
	if (memcmp(half + HALF_WORD_SIZE, hash, 16) != 0)
		return NULL;
	return json_parse(json, length, &o) < 0 ? NULL : o;
}

static int get_hash(struct json_object *o, const char *key, uint64_t *ret)
{
	const char *text = json_get_string(o, key);

	return text && strlen(text) == 16 && sscanf(text, "%16" SCNx64, ret) == 1 ? 0 : -EBADMSG;
}

static int refuse(enum image_problem problem, enum image_problem *ret_problem)
{
	*ret_problem = problem;
	return -EBADMSG;
}

static void get_text(struct json_object *o, const char *key, char *ret, size_t size)
{
	const char *text = json_get_string(o, key);

	snprintf(ret, size, "%s", text ? text : "");
}

/* Without a word of it, the stream is as it is. */
static int parse_compression(struct json_object *o, struct image_facts *facts)
{
	const char *name = json_get_string(o, "compression");

	facts->compression = name ? compression_from_string(name) : COMPRESSION_NONE;
	facts->stored_bytes = facts->stream_bytes;
	if (facts->compression == COMPRESSION_NONE)
		return 0;
	return facts->compression < 0 ? -EBADMSG
				      : json_get_u64(o, "stored_bytes", &facts->stored_bytes);
}

static int parse_facts(const uint8_t *half, struct image_header *header,
		       enum image_problem *ret_problem)
{
	_cleanup_json_ struct json_object *o = read_text(half, HALF_SIZE);
	struct image_facts *f = &header->facts;
	uint64_t config_hash;

	if (!o)
		return refuse(IMAGE_FACTS_DAMAGED, ret_problem);
	if (json_get_uuid(o, "id", &f->id) < 0 || json_get_uuid(o, "uuid", &f->uuid) < 0 ||
	    json_get_u64(o, "saved_usec", &f->saved_wall) < 0 ||
	    json_get_u64(o, "stream_bytes", &f->stream_bytes) < 0 ||
	    get_hash(o, "stream_xxh64", &f->stream_hash) < 0 ||
	    get_hash(o, "config_xxh64", &config_hash) < 0)
		return refuse(IMAGE_FACTS_UNKNOWN, ret_problem);
	if (parse_compression(o, f) < 0)
		return refuse(IMAGE_COMPRESSION_UNKNOWN, ret_problem);
	get_text(o, "host", f->host, sizeof(f->host));
	get_text(o, "xen", f->xen, sizeof(f->xen));
	if (config_hash != XXH64(header->config, strlen(header->config), 0))
		return refuse(IMAGE_CONFIG_DAMAGED, ret_problem);
	header->ours = true;
	return 0;
}

/* 0 too if there is none. -ENOMEM. */
static int parse_stamp(const uint8_t *data, size_t room, char **ret)
{
	_cleanup_json_ struct json_object *stamp = read_text(data, room);
	const char *text;

	if (!stamp)
		return 0;
	text = json_text(stamp, NULL);
	return text ? str_replace(ret, text) : -ENOMEM;
}

/* before: so many bytes stand before the tail that are not the configuration. */
static int parse_tail(const uint8_t *tail, size_t before, struct image_header *header,
		      enum image_problem *ret_problem)
{
	int r;

	if (memcmp(tail, HALF_WORD, HALF_WORD_SIZE) != 0)
		return 0; /* something else that xl lets stand here */
	if (memcmp(tail, HALF_INCOMPLETE, sizeof(HALF_INCOMPLETE)) == 0)
		return refuse(IMAGE_NEVER_COMPLETED, ret_problem);
	r = parse_facts(tail, header, ret_problem);
	if (r < 0)
		return r;
	r = parse_stamp(tail + HALF_SIZE, HALF_SIZE, &header->stamp);
	if (r >= 0 && before >= FIRST_SIZE)
		r = parse_stamp(tail - FIRST_SIZE, FIRST_SIZE, &header->first_stamp);
	return r;
}

static int parse_config(struct image_header *header, enum image_problem *ret_problem)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct json_object *info;
	const char *name;
	int r = json_parse(header->config, strlen(header->config), &o);

	if (r == -ENOMEM)
		return r;
	info = r < 0 ? NULL : json_get(o, "c_info", json_type_object);
	name = json_get_string(info, "name");
	if (str_empty(name) || json_get_uuid(info, "uuid", &header->uuid) < 0)
		return refuse(IMAGE_WITHOUT_NAME, ret_problem);
	return str_replace(&header->name, name);
}

static int check_xl_header(const struct xl_header *h, enum image_problem *ret_problem)
{
	if (memcmp(h->magic, XL_MAGIC, XL_MAGIC_SIZE) != 0) {
		*ret_problem = IMAGE_NOT_XL;
		return -ENOEXEC;
	}
	if (h->byte_order != XL_BYTE_ORDER)
		return refuse(IMAGE_FOREIGN_BYTE_ORDER, ret_problem);
	if ((h->mandatory_flags & ~FLAG_COMPRESSED) != XL_FLAGS)
		return refuse(IMAGE_FOREIGN_XEN, ret_problem);
	if (h->optional_length < sizeof(uint32_t) || h->optional_length > OPTIONAL_MAX)
		return refuse(IMAGE_HEADER_DAMAGED, ret_problem);
	return 0;
}

int image_header_parse(const uint8_t *data, size_t size, struct image_header *ret,
		       enum image_problem *ret_problem)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const uint8_t *optional = data + sizeof(struct xl_header);
	struct xl_header xl;
	uint32_t length;
	bool compressed;
	size_t used;
	int r;

	if (size < sizeof(xl)) {
		*ret_problem = IMAGE_NOT_XL;
		return -ENOEXEC;
	}
	memcpy(&xl, data, sizeof(xl));
	r = check_xl_header(&xl, ret_problem);
	if (r < 0)
		return r;
	if (size < sizeof(xl) + xl.optional_length)
		return refuse(IMAGE_CUT_SHORT, ret_problem);
	memcpy(&length, optional, sizeof(length));
	used = sizeof(length) + (size_t)length;
	if (length < 2 || used > xl.optional_length || optional[used - 1] != '\0')
		return refuse(IMAGE_HEADER_DAMAGED, ret_problem);
	header.stream = (off_t)(sizeof(xl) + xl.optional_length);
	header.config = strdup((const char *)optional + sizeof(length));
	if (!header.config)
		return -ENOMEM;
	r = parse_config(&header, ret_problem);
	if (r >= 0 && xl.optional_length - used >= TAIL_SIZE && header.stream % TAIL_SIZE == 0)
		r = parse_tail(optional + xl.optional_length - TAIL_SIZE,
			       xl.optional_length - used - TAIL_SIZE, &header, ret_problem);
	compressed = header.facts.compression != COMPRESSION_NONE;
	if (r >= 0 && compressed != !!(xl.mandatory_flags & FLAG_COMPRESSED))
		r = refuse(IMAGE_COMPRESSION_UNKNOWN, ret_problem);
	if (r < 0)
		return r;
	*ret = header;
	header = (struct image_header){0};
	return 0;
}

/* -EBADMSG is for what stands in an image; some file systems have it for a damaged block. */
static ssize_t read_head(int fd, void *data, size_t size)
{
	ssize_t n = pread(fd, data, size, 0);

	if (n < 0)
		return errno == EBADMSG ? -EIO : -errno;
	return n;
}

/* Without the flag and the words that the stream is compressed. */
static int make_plain(const struct image_header *header, uint8_t *head)
{
	uint8_t *flags = head + offsetof(struct xl_header, mandatory_flags);
	_cleanup_json_ struct json_object *o = NULL;
	struct image_facts facts = header->facts;
	const uint32_t plain = XL_FLAGS;
	const char *text;

	facts.compression = COMPRESSION_NONE;
	o = make_facts(&facts, header->config);
	text = o ? json_text(o, NULL) : NULL;
	if (!text)
		return -ENOMEM;
	memcpy(flags, &plain, sizeof(plain));
	return format_text(text, (char *)head + header->stream - TAIL_SIZE, HALF_SIZE);
}

int image_plain_head(int fd, const struct image_header *header, uint8_t **ret)
{
	_cleanup_free_ uint8_t *head = malloc((size_t)header->stream);
	ssize_t n = head ? read_head(fd, head, (size_t)header->stream) : -ENOMEM;
	int r = 0;

	if (n < 0)
		return (int)n;
	if (n < header->stream)
		return -ENODATA;
	if (header->facts.compression != COMPRESSION_NONE)
		r = make_plain(header, head);
	if (r >= 0)
		*ret = TAKE_PTR(head);
	return r;
}

int image_read_header(int fd, struct image_header *ret, enum image_problem *ret_problem)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct xl_header xl;
	ssize_t n = read_head(fd, &xl, sizeof(xl));
	size_t size;
	int r;

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(xl)) {
		*ret_problem = n == 0 ? IMAGE_EMPTY : IMAGE_NOT_XL;
		return -ENOEXEC;
	}
	r = check_xl_header(&xl, ret_problem);
	if (r < 0)
		return r;
	size = sizeof(xl) + xl.optional_length;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	n = read_head(fd, data, size);
	if (n < 0)
		return (int)n;
	return image_header_parse(data, (size_t)n, ret, ret_problem);
}

static int hash_part(int fd, XXH3_state_t *hash, off_t at)
{
	_cleanup_free_ uint8_t *part = malloc(ID_PART);
	ssize_t n = part ? pread(fd, part, ID_PART, MAX(at, (off_t)0)) : -1;

	if (n < 0)
		return part ? -errno : -ENOMEM;
	XXH3_128bits_update(hash, part, (size_t)n);
	return 0;
}

static int hash_file(int fd, const struct stat *st, struct uuid *ret)
{
	const uint64_t facts[] = {
		(uint64_t)st->st_ino,
		(uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec,
	};
	XXH3_state_t *hash = XXH3_createState();
	XXH128_canonical_t canonical;
	int r;

	if (!hash)
		return -ENOMEM;
	XXH3_128bits_reset(hash);
	XXH3_128bits_update(hash, facts, sizeof(facts));
	r = hash_part(fd, hash, 0);
	r = r < 0 ? r : hash_part(fd, hash, st->st_size - ID_PART);
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(hash));
	XXH3_freeState(hash);
	if (r >= 0)
		memcpy(ret->bytes, canonical.digest, sizeof(ret->bytes));
	return r;
}

uint64_t image_file_size(const struct image_header *header)
{
	return (uint64_t)header->stream + header->facts.stored_bytes;
}

uint64_t image_plain_size(const struct image_header *header)
{
	return (uint64_t)header->stream + header->facts.stream_bytes;
}

int image_identify(int fd, const struct image_header *header, struct uuid *ret_id,
		   usec_t *ret_written_wall)
{
	struct stat st;

	if (header->ours) {
		*ret_id = header->facts.id;
		*ret_written_wall = header->facts.saved_wall;
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_written_wall = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC +
			    (usec_t)st.st_mtim.tv_nsec / 1000;
	return hash_file(fd, &st, ret_id);
}

void image_header_done(struct image_header *header)
{
	free(header->config);
	free(header->name);
	free(header->stamp);
	free(header->first_stamp);
	*header = (struct image_header){0};
}
