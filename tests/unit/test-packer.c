/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "unit.h"
#include "util/fd.h"
#include "worker/image/packer.h"
#include "worker/image/source.h"

/* Several of the pieces that zstd's threads get. */
#define SIZE (20U << 20)

/* Of a megabyte in four: zeros, text, and what cannot be compressed. */
static uint8_t *make_data(size_t size)
{
	uint8_t *data = calloc(1, size);
	uint32_t random = 1;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		if (i >> 20 & 1)
			data[i] = i >> 20 & 2 ? (uint8_t)(random >> 24)
					      : (uint8_t) "the same words "[i % 15];
	}
	return data;
}

static uint8_t *make_noise(size_t size)
{
	uint8_t *data = malloc(size);
	uint32_t random = 1;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		data[i] = (uint8_t)(random >> 24);
	}
	return data;
}

static int open_image(const struct folder *f)
{
	int fd = open(folder_path(f, "image"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Compresses data into a file. Returns what is in the file. */
static uint8_t *pack(const struct folder *f, const uint8_t *data, size_t size, size_t *ret_size)
{
	const size_t piece = 777777;
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	struct packer *p;
	char *packed;
	int fd = open_image(f);

	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	ck_assert_int_eq(packer_new(0, &p), 0);
	for (size_t at = 0; at < size; at += MIN(piece, size - at))
		ck_assert_int_eq(packer_feed(p, w, data + at, MIN(piece, size - at)), 0);
	ck_assert_int_eq(packer_end(p, w), 0);
	packer_free(p);
	ck_assert_int_eq(writer_end(w, true), 0);
	close(fd);
	ck_assert_int_eq(file_read(folder_path(f, "image"), 64 << 20, &packed, ret_size), 0);
	ck_assert_uint_eq(written, *ret_size);
	return (uint8_t *)packed;
}

/* What comes out of a file of these bytes, that is to hold so many. How many come, or -errno. */
static ssize_t unpack(const struct folder *f, const uint8_t *packed, size_t size, uint64_t bytes,
		      uint8_t *ret, size_t room, enum stream_problem *ret_problem)
{
	struct source *s;
	size_t have = 0;
	ssize_t n = 1;
	int fd;

	folder_write_bytes(f, "image", packed, size);
	fd = open(folder_path(f, "image"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	*ret_problem = STREAM_NO_PROBLEM;
	ck_assert_int_eq(source_new(fd, COMPRESSION_ZSTD, bytes, &s), 0);
	while (n > 0) {
		ck_assert_uint_lt(have, room);
		n = source_read(s, ret + have, MIN((size_t)333333, room - have), ret_problem);
		have += n > 0 ? (size_t)n : 0;
	}
	/* The end stays the end. */
	if (n == 0)
		ck_assert_int_eq(source_read(s, ret, 1, ret_problem), 0);
	source_free(s);
	close(fd);
	return n < 0 ? n : (ssize_t)have;
}

/* Data that was compressed once, and room for what comes out again. */
struct packed {
	struct folder f;
	uint8_t *data, *packed, *back;
	size_t size, packed_size, room;
};

static void packed_make(struct packed *p, size_t size)
{
	folder_make(&p->f);
	p->size = size;
	p->room = size + (1U << 20);
	p->data = make_data(size);
	p->back = malloc(p->room);
	ck_assert_ptr_nonnull(p->back);
	p->packed = pack(&p->f, p->data, size, &p->packed_size);
}

static void packed_done(struct packed *p)
{
	folder_remove(&p->f);
	free(p->data);
	free(p->packed);
	free(p->back);
}

static void expect_problem(struct packed *p, size_t size, uint64_t bytes,
			   enum stream_problem problem)
{
	enum stream_problem found;

	ck_assert_int_eq(unpack(&p->f, p->packed, size, bytes, p->back, p->room, &found), -EBADMSG);
	ck_assert_int_eq(found, problem);
}

START_TEST(what_is_compressed_comes_out_again)
{
	static const size_t sizes[] = {1, 100, 128 << 10, (1 << 20) + 1, SIZE};

	for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
		_cleanup_(packed_done) struct packed p;
		enum stream_problem problem;

		packed_make(&p, sizes[i]);
		ck_assert_int_eq(
			unpack(&p.f, p.packed, p.packed_size, p.size, p.back, p.room, &problem),
			(ssize_t)p.size);
		ck_assert_int_eq(memcmp(p.back, p.data, p.size), 0);
	}
}
END_TEST

START_TEST(zeros_and_text_take_little_room)
{
	_cleanup_(packed_done) struct packed p;

	packed_make(&p, SIZE);
	ck_assert_uint_lt(p.packed_size, p.size * 2 / 5);
}
END_TEST

/* model/image-size.h reserves a 256th of the guest's memory more than that, half of it for page
 * numbers. */
START_TEST(what_cannot_be_compressed_hardly_grows)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ uint8_t *data = make_noise(SIZE), *packed = NULL;
	size_t size;

	folder_make(&f);
	packed = pack(&f, data, SIZE, &size);
	ck_assert_uint_ge(size, SIZE);
	ck_assert_uint_lt(size, SIZE + SIZE / 1024);
}
END_TEST

START_TEST(nothing_is_a_frame_too)
{
	_cleanup_(packed_done) struct packed p;
	enum stream_problem problem;

	packed_make(&p, 0);
	ck_assert_uint_gt(p.packed_size, 0);
	ck_assert_int_eq(unpack(&p.f, p.packed, p.packed_size, 0, p.back, p.room, &problem), 0);
	expect_problem(&p, p.packed_size, 1, STREAM_CUT_SHORT);
	expect_problem(&p, 0, 0, STREAM_CUT_SHORT);
}
END_TEST

START_TEST(a_frame_that_is_cut_short_is_told)
{
	_cleanup_(packed_done) struct packed p;

	packed_make(&p, 4 << 20);
	for (size_t size = 0; size < 40; size++)
		expect_problem(&p, size, p.size, STREAM_CUT_SHORT);
	for (size_t size = 40; size < p.packed_size; size += p.packed_size / 37)
		expect_problem(&p, size, p.size, STREAM_CUT_SHORT);
	expect_problem(&p, p.packed_size - 1, p.size, STREAM_CUT_SHORT);
}
END_TEST

START_TEST(data_after_the_frame_is_told)
{
	_cleanup_(packed_done) struct packed p;
	_cleanup_free_ uint8_t *longer = NULL;
	enum stream_problem problem;

	packed_make(&p, 1 << 20);
	longer = calloc(2, p.packed_size);
	ck_assert_ptr_nonnull(longer);
	memcpy(longer, p.packed, p.packed_size);
	ck_assert_int_eq(unpack(&p.f, longer, p.packed_size + 1, p.size, p.back, p.room, &problem),
			 -EBADMSG);
	ck_assert_int_eq(problem, STREAM_GOES_ON);
	/* Not even another frame. */
	memcpy(longer + p.packed_size, p.packed, p.packed_size);
	ck_assert_int_eq(
		unpack(&p.f, longer, 2 * p.packed_size, 2 * p.size, p.back, p.room, &problem),
		-EBADMSG);
	ck_assert_int_eq(problem, STREAM_CUT_SHORT);
}
END_TEST

/* A frame of a few bytes can hold gigabytes: none is read that was not announced. */
START_TEST(a_frame_that_holds_more_or_less_than_it_should_is_told)
{
	_cleanup_(packed_done) struct packed p;
	enum stream_problem problem;
	uint8_t little[101];

	packed_make(&p, 4 << 20);
	expect_problem(&p, p.packed_size, p.size - 1, STREAM_GOES_ON);
	expect_problem(&p, p.packed_size, p.size + 1, STREAM_CUT_SHORT);
	expect_problem(&p, p.packed_size, 0, STREAM_GOES_ON);
	ck_assert_int_eq(
		unpack(&p.f, p.packed, p.packed_size, 100, little, sizeof(little), &problem),
		-EBADMSG);
	ck_assert_int_eq(problem, STREAM_GOES_ON);
}
END_TEST

/* The checksum of the stream finds what zstd does not. */
START_TEST(a_flipped_bit_gives_an_error_or_other_data)
{
	_cleanup_(packed_done) struct packed p;
	unsigned refused = 0;

	packed_make(&p, 3 << 20);
	for (size_t at = 0; at < p.packed_size; at += at < 30 ? 1 : p.packed_size / 101) {
		enum stream_problem problem;
		ssize_t n;

		p.packed[at] ^= 0x10;
		n = unpack(&p.f, p.packed, p.packed_size, p.size, p.back, p.room, &problem);
		p.packed[at] ^= 0x10;
		refused += n == -EBADMSG;
		ck_assert(n == -EBADMSG ? problem != STREAM_NO_PROBLEM : n == (ssize_t)p.size);
	}
	ck_assert_uint_ge(refused, 5);
}
END_TEST

START_TEST(what_is_no_frame_is_told)
{
	_cleanup_folder_ struct folder f;
	enum stream_problem problem;
	uint8_t back[100];

	folder_make(&f);
	ck_assert_int_eq(unpack(&f, (const uint8_t *)"LibxlFmt\0\0\0\2", 12, 12, back, sizeof(back),
				&problem),
			 -EBADMSG);
	ck_assert_int_eq(problem, STREAM_PACK_DAMAGED);
}
END_TEST

/* Its reader would need as much memory as it asks for. */
START_TEST(a_frame_that_asks_for_much_memory_is_refused)
{
	const size_t size = 20 << 20;
	_cleanup_folder_ struct folder f;
	_cleanup_free_ uint8_t *data = make_data(size), *packed = malloc(ZSTD_compressBound(size));
	_cleanup_free_ uint8_t *back = malloc(size + 1);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	enum stream_problem problem;
	ZSTD_inBuffer in = {.src = data, .size = size};
	ZSTD_outBuffer out = {.dst = packed, .size = ZSTD_compressBound(size)};

	ck_assert(context && packed && back);
	ck_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 24)));
	while (in.pos < in.size)
		ck_assert(!ZSTD_isError(ZSTD_compressStream2(context, &out, &in, ZSTD_e_continue)));
	ck_assert_uint_eq(ZSTD_compressStream2(context, &out, &in, ZSTD_e_end), 0);
	ZSTD_freeCCtx(context);
	folder_make(&f);
	ck_assert_int_eq(unpack(&f, packed, out.pos, size, back, size + 1, &problem), -EBADMSG);
	ck_assert_int_eq(problem, STREAM_PACK_DAMAGED);
}
END_TEST

START_TEST(what_is_not_compressed_comes_as_it_is)
{
	enum stream_problem problem = STREAM_NO_PROBLEM;
	_cleanup_folder_ struct folder f;
	struct source *s;
	uint8_t back[10];
	int fd;

	folder_make(&f);
	folder_write(&f, "image", "as it is");
	fd = open(folder_path(&f, "image"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(source_new(fd, COMPRESSION_NONE, 0, &s), 0);
	ck_assert_int_eq(source_read(s, back, sizeof(back), &problem), 8);
	ck_assert_int_eq(memcmp(back, "as it is", 8), 0);
	ck_assert_int_eq(source_read(s, back, sizeof(back), &problem), 0);
	source_free(s);
	close(fd);
	ck_assert_int_eq(source_new(-1, COMPRESSION_ZSTD, 1, &s), 0);
	ck_assert_int_eq(source_read(s, back, sizeof(back), &problem), -EBADF);
	ck_assert_int_eq(problem, STREAM_NO_PROBLEM);
	source_free(s);
}
END_TEST

START_TEST(a_disk_that_is_full_is_told)
{
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = make_noise(SIZE);
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	struct packer *p;
	int r = 0;

	ck_assert_int_eq(writer_new(full, &written, &w), 0);
	ck_assert_int_eq(packer_new(0, &p), 0);
	for (size_t i = 0; r == 0 && i < 10; i++)
		r = packer_feed(p, w, data, SIZE);
	ck_assert_int_eq(r, -ENOSPC);
	packer_free(p);
	ck_assert_int_eq(writer_end(w, false), -ENOSPC);
}
END_TEST

SUITE("packer", what_is_compressed_comes_out_again, zeros_and_text_take_little_room,
      what_cannot_be_compressed_hardly_grows, nothing_is_a_frame_too,
      a_frame_that_is_cut_short_is_told, data_after_the_frame_is_told,
      a_frame_that_holds_more_or_less_than_it_should_is_told,
      a_flipped_bit_gives_an_error_or_other_data, what_is_no_frame_is_told,
      a_frame_that_asks_for_much_memory_is_refused, what_is_not_compressed_comes_as_it_is,
      a_disk_that_is_full_is_told);
