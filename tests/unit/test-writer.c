/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "worker/image/writer.h"

#define PIECE  100000
#define PIECES 300

/* Not a whole number of blocks. */
#define HEAD 5000

static int open_behind_head(const struct folder *f)
{
	int fd = open(folder_path(f, "image"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lseek(fd, HEAD, SEEK_SET), HEAD);
	return fd;
}

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at ^ at / 251 ^ at / 65521);
}

/* Puts the next bytes, as many as there is room for, but no more than size. */
static int put_some(struct image_writer *w, size_t *at, size_t size)
{
	uint8_t *room;
	size_t n;
	int r = writer_room(w, &room, &n);

	if (r < 0)
		return r;
	ck_assert_uint_ge(n, 1);
	n = MIN(n, size);
	for (size_t i = 0; i < n; i++)
		room[i] = byte_at(*at + i);
	writer_put(w, n);
	*at += n;
	return 0;
}

/* NULL means zeros. */
static void put_all(struct image_writer *w, const char *data, size_t size)
{
	while (size > 0) {
		uint8_t *room;
		size_t n;

		ck_assert_int_eq(writer_room(w, &room, &n), 0);
		n = MIN(n, size);
		if (data)
			memcpy(room, data, n);
		else
			memset(room, 0, n);
		writer_put(w, n);
		size -= n;
	}
}

START_TEST(what_is_put_stands_in_the_file_in_its_order)
{
	_cleanup_folder_ struct folder f;
	_Atomic uint64_t written = 7;
	_cleanup_free_ char *text = NULL;
	struct image_writer *w;
	size_t at = 0, size;
	int fd;

	folder_make(&f);
	fd = open_behind_head(&f);
	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	for (size_t i = 0; i < PIECES; i++)
		ck_assert_int_eq(put_some(w, &at, PIECE), 0);
	ck_assert_int_eq(writer_end(w, true), 0);
	ck_assert_uint_eq(written, 7 + at);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), HEAD);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_DIRECT, 0);
	close(fd);
	ck_assert_int_eq(file_read(folder_path(&f, "image"), 64 << 20, &text, &size), 0);
	ck_assert_uint_eq(size, HEAD + at);
	for (size_t i = 0; i < at; i++)
		if ((uint8_t)text[HEAD + i] != byte_at(i))
			ck_abort_msg("byte %zu is another one", i);
}
END_TEST

/* Between two bytes, and at the end. */
START_TEST(long_runs_of_zeros_take_no_room)
{
	const size_t run = 10 << 20;
	_cleanup_folder_ struct folder f;
	_Atomic uint64_t written = 0;
	_cleanup_free_ char *text = NULL;
	struct image_writer *w;
	size_t size, sum = 0;
	struct stat st;
	int fd;

	folder_make(&f);
	fd = open_behind_head(&f);
	(void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 3 * (off_t)run);
	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	for (size_t i = 0; i < 2; i++) {
		put_all(w, "x", 1);
		put_all(w, NULL, run);
	}
	ck_assert_int_eq(writer_end(w, true), 0);
	ck_assert_uint_eq(written, 2 * (1 + run));
	/* What was reserved beyond the end goes, as in a save. */
	ck_assert_int_eq(ftruncate(fd, HEAD + 2 * (1 + (off_t)run)), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	close(fd);
	ck_assert_int_eq(file_read(folder_path(&f, "image"), 64 << 20, &text, &size), 0);
	ck_assert_uint_eq(size, HEAD + 2 * (1 + run));
	for (size_t i = 0; i < size; i++)
		sum += (uint8_t)text[i];
	ck_assert_uint_eq(sum, 2 * 'x');
	ck_assert_int_eq(text[HEAD], 'x');
	ck_assert_int_eq(text[HEAD + 1 + run], 'x');
	ck_assert_uint_lt((size_t)st.st_blocks * 512, 1 << 20);
}
END_TEST

START_TEST(a_hole_at_the_end_belongs_to_the_file)
{
	_cleanup_folder_ struct folder f;
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	int fd;

	folder_make(&f);
	fd = open(folder_path(&f, "image"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	put_all(w, NULL, 5 << 20);
	ck_assert_int_eq(writer_end(w, true), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 5 << 20);
	close(fd);
}
END_TEST

START_TEST(nothing_is_written_when_nothing_was_put)
{
	_cleanup_folder_ struct folder f;
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	int fd;

	folder_make(&f);
	fd = open_behind_head(&f);
	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	ck_assert_int_eq(writer_end(w, true), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}
END_TEST

START_TEST(what_is_not_wanted_is_not_waited_for)
{
	_cleanup_folder_ struct folder f;
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	size_t at = 0;
	int fd;

	folder_make(&f);
	fd = open_behind_head(&f);
	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	ck_assert_int_eq(put_some(w, &at, PIECE), 0);
	ck_assert_int_eq(writer_end(w, false), 0);
	ck_assert_uint_eq(written, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}
END_TEST

/* As a disk with so much room: a write ends short, and the next one fails. */
static void limit_files(rlim_t size)
{
	struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_write_that_fails_later_is_told_and_ends_it)
{
	const rlim_t room = 10 << 20;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	_cleanup_folder_ struct folder f;
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	size_t at = 0;
	int fd, r = 0;

	folder_make(&f);
	fd = open_behind_head(&f);
	ck_assert_int_eq(sigaction(SIGXFSZ, &ignore, &old), 0);
	limit_files(room);
	ck_assert_int_eq(writer_new(fd, &written, &w), 0);
	while (r >= 0 && at < 10 * room)
		r = put_some(w, &at, PIECE);
	ck_assert_int_eq(r, -EFBIG);
	ck_assert_int_eq(writer_end(w, true), -EFBIG);
	limit_files(RLIM_INFINITY);
	sigaction(SIGXFSZ, &old, NULL);
	/* The whole buffers that have room. */
	ck_assert_uint_eq(written, (8 << 20) - HEAD % 4096);
	close(fd);
}
END_TEST

START_TEST(a_file_without_a_position_is_refused)
{
	_Atomic uint64_t written = 0;
	struct image_writer *w;
	int pipe[2];

	ck_assert_int_eq(pipe2(pipe, O_CLOEXEC), 0);
	ck_assert_int_eq(writer_new(pipe[1], &written, &w), -ESPIPE);
	close(pipe[0]);
	close(pipe[1]);
}
END_TEST

SUITE("writer", what_is_put_stands_in_the_file_in_its_order, long_runs_of_zeros_take_no_room,
      a_hole_at_the_end_belongs_to_the_file, nothing_is_written_when_nothing_was_put,
      what_is_not_wanted_is_not_waited_for, a_write_that_fails_later_is_told_and_ends_it,
      a_file_without_a_position_is_refused);
