/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "worker/image/image.h"

#define UUID           "00112233-4455-6677-8899-aabbccddeeff"
#define CONFIG         "{\"c_info\":{\"name\":\"web\",\"uuid\":\"" UUID "\"}}"
#define XL_HEADER_SIZE 48
#define BLOCK          4096

/* An image on disk, without its stream. */
struct image {
	struct folder folder;
	int fd;
	uint8_t *head;
	size_t size;
};

static void make(struct image *i, const char *config)
{
	folder_make(&i->folder);
	i->fd = open(folder_path(&i->folder, "image"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(i->fd, 0);
	ck_assert_int_eq(image_header_make(config, COMPRESSION_NONE, &i->head, &i->size), 0);
	ck_assert_int_eq(fd_write_all(i->fd, i->head, i->size), 0);
}

static void image_done(struct image *i)
{
	close(i->fd);
	free(i->head);
	folder_remove(&i->folder);
}

#define _cleanup_image_ _cleanup_(image_done)

static struct image_facts some_facts(void)
{
	struct image_facts facts = {
		.id = {.bytes = {1, 2, 3}},
		.stream_bytes = UINT64_C(123456789012),
		.stream_hash = UINT64_C(0xfedcba9876543210),
		.saved_wall = 4711,
	};

	ck_assert_int_eq(uuid_parse(UUID, &facts.uuid), 0);
	return facts;
}

static void complete(struct image *i)
{
	struct image_facts facts = some_facts();

	ck_assert_int_eq(image_write_facts(i->fd, &facts, (off_t)i->size, CONFIG), 0);
}

static void expect_problem(const struct image *i, int error, enum image_problem problem)
{
	struct image_header header = {0};
	enum image_problem found = _IMAGE_PROBLEM_INVALID;

	ck_assert_int_eq(image_read_header(i->fd, &header, &found), error);
	ck_assert_int_eq(found, problem);
	ck_assert_ptr_null(header.config);
}

/* Writes over the image. */
static void patch(const struct image *i, off_t at, const void *data, size_t size)
{
	ck_assert_int_eq(fd_pwrite_all(i->fd, data, size, at), 0);
}

START_TEST(an_image_comes_back_as_it_was_described)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	struct image_facts facts = some_facts();
	_cleanup_image_ struct image i;
	enum image_problem problem;

	make(&i, CONFIG);
	complete(&i);
	ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
	ck_assert_str_eq(header.config, CONFIG);
	ck_assert_str_eq(header.name, "web");
	ck_assert_str_eq(UUID_TEXT(&header.uuid), UUID);
	ck_assert_int_eq(header.stream, (off_t)i.size);
	ck_assert(header.ours);
	ck_assert(uuid_equal(&header.facts.id, &facts.id));
	ck_assert(uuid_equal(&header.facts.uuid, &facts.uuid));
	ck_assert_uint_eq(header.facts.stream_bytes, facts.stream_bytes);
	ck_assert_uint_eq(header.facts.stream_hash, facts.stream_hash);
	ck_assert_uint_eq(header.facts.saved_wall, facts.saved_wall);
	ck_assert_ptr_null(header.stamp);
}
END_TEST

START_TEST(a_stamp_comes_back_too)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_image_ struct image i;
	enum image_problem problem;

	make(&i, CONFIG);
	complete(&i);
	ck_assert_int_eq(image_write_stamp(i.fd, "{\"disks\":[]}", (off_t)i.size), 0);
	ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
	ck_assert_str_eq(header.stamp, "{\"disks\":[]}");
	ck_assert(header.ours);
}
END_TEST

/* xl and its tools must find the stream where the header says, and the tail is one block. */
START_TEST(the_stream_begins_at_a_block_and_the_tail_is_the_block_before)
{
	for (size_t length = 1; length < 9000; length += 611) {
		_cleanup_free_ uint8_t *head = NULL;
		_cleanup_free_ char *config = calloc(1, length + 1);
		uint32_t optional, config_length;
		size_t size;

		memset(config, 'c', length);
		ck_assert_int_eq(image_header_make(config, COMPRESSION_NONE, &head, &size), 0);
		ck_assert_uint_eq(size % BLOCK, 0);
		memcpy(&optional, head + 44, sizeof(optional));
		ck_assert_uint_eq(optional, size - XL_HEADER_SIZE);
		memcpy(&config_length, head + 48, sizeof(config_length));
		ck_assert_uint_eq(config_length, length + 1);
		ck_assert_uint_ge(size, XL_HEADER_SIZE + 4 + length + 1 + BLOCK);
		ck_assert_int_eq(memcmp(head + size - BLOCK, "xendomainsd incomplete", 22), 0);
	}
}
END_TEST

START_TEST(an_image_that_was_never_completed_says_so)
{
	_cleanup_image_ struct image i;

	make(&i, CONFIG);
	expect_problem(&i, -EBADMSG, IMAGE_NEVER_COMPLETED);
}
END_TEST

START_TEST(a_damaged_description_is_noticed_at_any_byte)
{
	_cleanup_image_ struct image i;
	uint8_t half[2048];
	off_t tail;

	make(&i, CONFIG);
	complete(&i);
	tail = (off_t)i.size - BLOCK;
	ck_assert_int_eq(pread(i.fd, half, sizeof(half), tail), (ssize_t)sizeof(half));
	for (size_t at = strlen("xendomainsd "); half[at]; at++) {
		uint8_t byte = half[at] ^ 1;

		/* The blank between hash and text is the one byte that says nothing. */
		if (at == strlen("xendomainsd ") + 16)
			continue;
		patch(&i, tail + (off_t)at, &byte, 1);
		expect_problem(&i, -EBADMSG, IMAGE_FACTS_DAMAGED);
		patch(&i, tail + (off_t)at, &half[at], 1);
	}
}
END_TEST

START_TEST(a_torn_stamp_is_done_without)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_image_ struct image i;
	enum image_problem problem;

	make(&i, CONFIG);
	complete(&i);
	ck_assert_int_eq(image_write_stamp(i.fd, "{\"disks\":[]}", (off_t)i.size), 0);
	patch(&i, (off_t)i.size - BLOCK / 2 + 35, "x", 1);
	ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
	ck_assert(header.ours);
	ck_assert_ptr_null(header.stamp);
}
END_TEST

/* The last stamp is torn while it is written: the first one has a place of its own. */
START_TEST(a_first_stamp_outlasts_a_torn_last_one)
{
	_cleanup_image_ struct image i;

	make(&i, CONFIG);
	ck_assert_int_eq(image_write_first_stamp(i.fd, "{\"boot\":1}", (off_t)i.size), 0);
	complete(&i);
	for (int torn = 0; torn < 2; torn++) {
		_cleanup_(image_header_done) struct image_header header = {0};
		enum image_problem problem;

		ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
		ck_assert(header.ours);
		ck_assert_ptr_null(header.stamp);
		ck_assert_str_eq(header.first_stamp, "{\"boot\":1}");
		ck_assert_int_eq(image_write_stamp(i.fd, "{\"disks\":[]}", (off_t)i.size), 0);
		patch(&i, (off_t)i.size - BLOCK / 2 + 35, "x", 1);
	}
}
END_TEST

/* An image of an earlier version: its configuration reaches to the block before the tail. */
START_TEST(what_is_no_first_stamp_is_none)
{
	for (size_t length = 100; length < 8300; length += 256) {
		_cleanup_(image_header_done) struct image_header header = {0};
		_cleanup_free_ char *config = NULL;
		struct image_facts facts = some_facts();
		_cleanup_image_ struct image i;
		uint32_t optional;
		enum image_problem problem;

		ck_assert_int_ge(asprintf(&config,
					  "{\"c_info\":{\"name\":\"web\",\"uuid\":\"" UUID
					  "\"},\"x\":\"%0*d\"}",
					  (int)length, 0),
				 0);
		make(&i, config);
		optional = (uint32_t)(i.size - BLOCK - XL_HEADER_SIZE);
		patch(&i, 44, &optional, sizeof(optional));
		ck_assert_int_eq(image_write_facts(i.fd, &facts, (off_t)i.size - BLOCK, config), 0);
		ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
		ck_assert(header.ours);
		ck_assert_ptr_null(header.first_stamp);
	}
}
END_TEST

START_TEST(a_first_stamp_that_is_too_long_is_not_written)
{
	_cleanup_free_ char *stamp = calloc(1, 5000);
	_cleanup_image_ struct image i;

	make(&i, CONFIG);
	memset(stamp, ' ', 4999);
	ck_assert_int_eq(image_write_first_stamp(i.fd, stamp, (off_t)i.size), -EMSGSIZE);
}
END_TEST

START_TEST(a_changed_configuration_is_noticed)
{
	_cleanup_image_ struct image i;

	make(&i, CONFIG);
	complete(&i);
	patch(&i, XL_HEADER_SIZE + 4 + (off_t)(strstr(CONFIG, "web") - CONFIG), "w3b", 3);
	expect_problem(&i, -EBADMSG, IMAGE_CONFIG_DAMAGED);
}
END_TEST

START_TEST(an_image_of_xls_own_is_understood_without_a_tail)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	uint8_t data[XL_HEADER_SIZE + 4 + sizeof(CONFIG)];
	uint32_t length = sizeof(CONFIG), optional = 4 + sizeof(CONFIG);
	_cleanup_image_ struct image i;
	enum image_problem problem;

	make(&i, CONFIG);
	memcpy(data, i.head, sizeof(data));
	memcpy(data + 44, &optional, sizeof(optional));
	memcpy(data + 48, &length, sizeof(length));
	ck_assert_int_eq(image_header_parse(data, sizeof(data), &header, &problem), 0);
	ck_assert(!header.ours);
	ck_assert_str_eq(header.name, "web");
	ck_assert_int_eq(header.stream, (off_t)sizeof(data));
}
END_TEST

START_TEST(what_others_put_into_the_tail_is_theirs)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_image_ struct image i;
	enum image_problem problem;

	make(&i, CONFIG);
	patch(&i, (off_t)i.size - BLOCK, "somebody else", 13);
	ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
	ck_assert(!header.ours);
}
END_TEST

START_TEST(what_is_no_image_is_told_from_what_is_a_broken_one)
{
	static const uint32_t too_long = 2U << 20, tiny = 3, other_flags = 1, more_flags = 7;
	static const struct {
		off_t at;
		const void *data;
		size_t size;
		int error;
		enum image_problem problem;
	} cases[] = {
		{0, "x", 1, -ENOEXEC, IMAGE_NOT_XL},
		{31, "x", 1, -ENOEXEC, IMAGE_NOT_XL},
		{32, "\x01\x02\x03\x04", 4, -EBADMSG, IMAGE_FOREIGN_BYTE_ORDER},
		{36, &other_flags, 4, -EBADMSG, IMAGE_FOREIGN_XEN},
		{36, &more_flags, 4, -EBADMSG, IMAGE_FOREIGN_XEN},
		{44, &too_long, 4, -EBADMSG, IMAGE_HEADER_DAMAGED},
		{44, &tiny, 4, -EBADMSG, IMAGE_HEADER_DAMAGED},
		{48, "\xff\xff\xff\xff", 4, -EBADMSG, IMAGE_HEADER_DAMAGED},
		{48, "\x01\0\0\0", 4, -EBADMSG, IMAGE_HEADER_DAMAGED},
		{48, "\x10\0\0\0", 4, -EBADMSG, IMAGE_HEADER_DAMAGED},
		{52, "x", 1, -EBADMSG, IMAGE_WITHOUT_NAME},
	};

	for (size_t n = 0; n < ELEMENTSOF(cases); n++) {
		_cleanup_image_ struct image i;

		make(&i, CONFIG);
		complete(&i);
		patch(&i, cases[n].at, cases[n].data, cases[n].size);
		expect_problem(&i, cases[n].error, cases[n].problem);
	}
}
END_TEST

START_TEST(an_image_cut_anywhere_is_refused)
{
	_cleanup_image_ struct image i;

	make(&i, CONFIG);
	complete(&i);
	expect_problem(&(struct image){.fd = open("/dev/null", O_RDONLY | O_CLOEXEC)}, -ENOEXEC,
		       IMAGE_EMPTY);
	for (off_t size = (off_t)i.size - 1; size > 0; size -= size > 100 ? 97 : 1) {
		bool head = size >= XL_HEADER_SIZE;

		ck_assert_int_eq(ftruncate(i.fd, size), 0);
		expect_problem(&i, head ? -EBADMSG : -ENOEXEC,
			       head ? IMAGE_CUT_SHORT : IMAGE_NOT_XL);
	}
}
END_TEST

START_TEST(a_configuration_without_a_name_makes_no_image)
{
	static const char *const bad[] = {
		"{}",
		"[]",
		"nonsense",
		"{\"c_info\":{\"name\":\"web\"}}",
		"{\"c_info\":{\"uuid\":\"" UUID "\"}}",
		"{\"c_info\":{\"name\":\"\",\"uuid\":\"" UUID "\"}}",
		"{\"c_info\":{\"name\":\"web\",\"uuid\":\"x\"}}",
	};

	for (size_t n = 0; n < ELEMENTSOF(bad); n++) {
		_cleanup_image_ struct image i;

		make(&i, bad[n]);
		expect_problem(&i, -EBADMSG, IMAGE_WITHOUT_NAME);
	}
}
END_TEST

START_TEST(a_description_that_lacks_something_is_not_understood)
{
	_cleanup_image_ struct image i;

	make(&i, CONFIG);
	/* A half is a half: what a stamp may hold is no description. */
	ck_assert_int_eq(
		image_write_stamp(i.fd, "{\"id\":\"" UUID "\"}", (off_t)i.size - BLOCK / 2), 0);
	expect_problem(&i, -EBADMSG, IMAGE_FACTS_UNKNOWN);
}
END_TEST

START_TEST(what_is_too_long_is_refused_and_what_just_fits_is_not)
{
	_cleanup_free_ char *config = calloc(1, IMAGE_CONFIG_MAX + 1), *stamp = calloc(1, 3000);
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_image_ struct image i;
	uint8_t *head = NULL;
	enum image_problem problem;
	size_t size;

	memset(config, ' ', IMAGE_CONFIG_MAX);
	ck_assert_int_eq(image_header_make(config, COMPRESSION_NONE, &head, &size), -EMSGSIZE);
	ck_assert_ptr_null(head);
	memcpy(config, CONFIG, strlen(CONFIG));
	config[IMAGE_CONFIG_MAX - 1] = '\0';
	make(&i, config);
	ck_assert_int_eq(image_write_facts(i.fd, &(struct image_facts){0}, (off_t)i.size, config),
			 0);
	/* The word, the hash, a blank, the text and a zero make a half. */
	sprintf(stamp, "{\"s\":\"%0*d\"}", 2048 - 12 - 16 - 1 - 1 - 8, 0);
	ck_assert_int_eq(image_write_stamp(i.fd, stamp, (off_t)i.size), 0);
	ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
	ck_assert_str_eq(header.stamp, stamp);
	sprintf(stamp, "{\"s\":\"%0*d\"}", 2048 - 12 - 16 - 1 - 8, 0);
	ck_assert_int_eq(image_write_stamp(i.fd, stamp, (off_t)i.size), -EMSGSIZE);
}
END_TEST

/* As make() and complete(), compressed as the header and the facts say. */
static void make_compressed(struct image *i, enum compression header, enum compression described)
{
	struct image_facts facts = some_facts();

	facts.compression = described;
	facts.stored_bytes = 4711;
	make(i, CONFIG);
	free(i->head);
	ck_assert_int_eq(image_header_make(CONFIG, header, &i->head, &i->size), 0);
	patch(i, 0, i->head, i->size);
	ck_assert_int_eq(image_write_facts(i->fd, &facts, (off_t)i->size, CONFIG), 0);
}

START_TEST(a_compressed_image_tells_both_sizes)
{
	_cleanup_(image_header_done) struct image_header header = {0}, plain = {0};
	_cleanup_image_ struct image i, j;
	enum image_problem problem;

	make_compressed(&i, COMPRESSION_ZSTD, COMPRESSION_ZSTD);
	ck_assert_int_eq(image_read_header(i.fd, &header, &problem), 0);
	ck_assert_int_eq(header.facts.compression, COMPRESSION_ZSTD);
	ck_assert_uint_eq(header.facts.stream_bytes, some_facts().stream_bytes);
	ck_assert_uint_eq(image_file_size(&header), i.size + 4711);
	ck_assert_uint_eq(image_plain_size(&header), i.size + some_facts().stream_bytes);
	make_compressed(&j, COMPRESSION_NONE, COMPRESSION_NONE);
	ck_assert_int_eq(image_read_header(j.fd, &plain, &problem), 0);
	ck_assert_int_eq(plain.facts.compression, COMPRESSION_NONE);
	ck_assert_uint_eq(image_file_size(&plain), image_plain_size(&header));
}
END_TEST

/* xl takes no image with a flag here that it does not know, nor does an earlier version of ours. */
START_TEST(a_flag_keeps_others_from_a_compressed_image)
{
	_cleanup_image_ struct image i, j;
	uint32_t flags;

	make(&i, CONFIG);
	memcpy(&flags, i.head + 36, sizeof(flags));
	ck_assert_uint_eq(flags, 3);
	make_compressed(&j, COMPRESSION_ZSTD, COMPRESSION_ZSTD);
	memcpy(&flags, j.head + 36, sizeof(flags));
	ck_assert_uint_eq(flags, 0x80000003);
}
END_TEST

START_TEST(header_and_description_must_agree_on_the_compression)
{
	_cleanup_image_ struct image flag, word, xls;

	make_compressed(&flag, COMPRESSION_ZSTD, COMPRESSION_NONE);
	expect_problem(&flag, -EBADMSG, IMAGE_COMPRESSION_UNKNOWN);
	make_compressed(&word, COMPRESSION_NONE, COMPRESSION_ZSTD);
	expect_problem(&word, -EBADMSG, IMAGE_COMPRESSION_UNKNOWN);
	make_compressed(&xls, COMPRESSION_ZSTD, COMPRESSION_ZSTD);
	patch(&xls, (off_t)xls.size - BLOCK, "?", 1);
	expect_problem(&xls, -EBADMSG, IMAGE_COMPRESSION_UNKNOWN);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_read_is_an_error)
{
	struct image_header header;
	enum image_problem problem;

	ck_assert_int_eq(image_read_header(-1, &header, &problem), -EBADF);
	ck_assert_int_eq(image_write_facts(-1, &(struct image_facts){0}, BLOCK, ""), -EBADF);
}
END_TEST

START_TEST(each_problem_has_words)
{
	for (int i = 0; i < _IMAGE_PROBLEM_MAX; i++)
		ck_assert_ptr_nonnull(image_problem_to_string((enum image_problem)i));
}
END_TEST

SUITE("image", an_image_comes_back_as_it_was_described, a_stamp_comes_back_too,
      the_stream_begins_at_a_block_and_the_tail_is_the_block_before,
      an_image_that_was_never_completed_says_so, a_damaged_description_is_noticed_at_any_byte,
      a_torn_stamp_is_done_without, a_first_stamp_outlasts_a_torn_last_one,
      what_is_no_first_stamp_is_none, a_first_stamp_that_is_too_long_is_not_written,
      a_changed_configuration_is_noticed, an_image_of_xls_own_is_understood_without_a_tail,
      what_others_put_into_the_tail_is_theirs, what_is_no_image_is_told_from_what_is_a_broken_one,
      an_image_cut_anywhere_is_refused, a_configuration_without_a_name_makes_no_image,
      a_description_that_lacks_something_is_not_understood,
      what_is_too_long_is_refused_and_what_just_fits_is_not,
      a_descriptor_that_cannot_be_read_is_an_error, each_problem_has_words,
      a_compressed_image_tells_both_sizes, a_flag_keeps_others_from_a_compressed_image,
      header_and_description_must_agree_on_the_compression);
