/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "stream-maker.h"
#include "unit.h"
#include "util/fd.h"
#include "worker/image/pump.h"

static int open_file(const struct folder *f, const char *name, int flags)
{
	int fd = open(folder_path(f, name), flags | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(a_stream_goes_into_the_file_counted_and_hashed)
{
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *text = NULL;
	struct pump *pump;
	int fd, pipe;
	size_t size;

	stream_whole(&m);
	folder_make(&f);
	folder_write(&f, "image", "head");
	fd = open_file(&f, "image", O_WRONLY);
	ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);
	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, 100), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data + 100, m.size - 100), 0);
	close(pipe);
	pump_join(pump, &result);
	close(fd);
	ck_assert_int_eq(result.error, 0);
	ck_assert_int_eq(result.problem, STREAM_NO_PROBLEM);
	ck_assert_uint_eq(result.bytes, m.size);
	ck_assert_uint_eq(result.stored, m.size);
	ck_assert_uint_eq(result.hash, XXH64(m.data, m.size, 0));
	ck_assert_int_eq(file_read(folder_path(&f, "image"), 10000, &text, &size), 0);
	ck_assert_uint_eq(size, 4 + m.size);
	ck_assert_int_eq(memcmp(text, "head", 4), 0);
	ck_assert_int_eq(memcmp(text + 4, m.data, m.size), 0);
}
END_TEST

START_TEST(a_stream_comes_out_of_the_file_counted_and_hashed)
{
	struct stream_maker m = {.size = 0};
	uint8_t back[STREAM_ROOM];
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	struct pump *pump;
	int fd, pipe;

	stream_whole(&m);
	folder_make(&f);
	folder_write_bytes(&f, "image", m.data, m.size);
	fd = open_file(&f, "image", O_RDONLY);
	ck_assert_int_eq(pump_from_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_read_all(pipe, back, m.size), 0);
	ck_assert_int_eq(read(pipe, back, 1), 0);
	close(pipe);
	pump_join(pump, &result);
	close(fd);
	ck_assert_int_eq(result.error, 0);
	ck_assert_uint_eq(result.bytes, m.size);
	ck_assert_uint_eq(result.hash, XXH64(m.data, m.size, 0));
	ck_assert_int_eq(memcmp(back, m.data, m.size), 0);
}
END_TEST

/* A stream larger than what all buffers on the way hold. */
static void send_large(int pipe, struct stream_maker *head, size_t records)
{
	_cleanup_free_ uint8_t *body = calloc(1, 1U << 20);
	struct stream_maker end = {.size = 0};

	ck_assert_int_eq(fd_write_all(pipe, head->data, head->size), 0);
	for (size_t i = 0; i < records; i++) {
		memset(body, (int)i, 1U << 19);
		ck_assert_int_eq(fd_write_all(pipe, "\1\0\0\0\0\0\x10\0", 8), 0);
		ck_assert_int_eq(fd_write_all(pipe, body, 1U << 20), 0);
	}
	stream_record(&end, LIBXC_END, 0);
	stream_record(&end, LIBXL_END, 0);
	ck_assert_int_eq(fd_write_all(pipe, end.data, end.size), 0);
}

static void take_all(int pipe, uint64_t *ret_bytes, uint64_t *ret_hash)
{
	XXH64_state_t *hash = XXH64_createState();
	static uint8_t piece[65536];
	ssize_t n;

	XXH64_reset(hash, 0);
	*ret_bytes = 0;
	while ((n = read(pipe, piece, sizeof(piece))) > 0) {
		XXH64_update(hash, piece, (size_t)n);
		*ret_bytes += (uint64_t)n;
	}
	*ret_hash = XXH64_digest(hash);
	XXH64_freeState(hash);
}

START_TEST(a_stream_is_compressed_in_the_file_and_counted_and_hashed_as_it_was)
{
	struct stream_maker m = {.size = 0};
	struct pump_result saved, restored;
	_cleanup_folder_ struct folder f;
	uint64_t bytes, hash;
	struct pump *pump;
	struct stat st;
	int fd, pipe;

	stream_libxl_header(&m);
	stream_record(&m, LIBXL_LIBXC, 0);
	stream_libxc_header(&m, 3);
	folder_make(&f);
	folder_write(&f, "image", "head");
	fd = open_file(&f, "image", O_RDWR);
	ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);
	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_ZSTD, 0, &pump, &pipe), 0);
	send_large(pipe, &m, 40);
	close(pipe);
	pump_join(pump, &saved);
	ck_assert_int_eq(saved.error, 0);
	ck_assert_uint_eq(saved.bytes, m.size + 40 * (8 + (UINT64_C(1) << 20)) + 16);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, 4 + (off_t)saved.stored);
	ck_assert_uint_lt(saved.stored, saved.bytes / 100);

	ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);
	ck_assert_int_eq(pump_from_file(fd, COMPRESSION_ZSTD, saved.bytes, &pump, &pipe), 0);
	take_all(pipe, &bytes, &hash);
	close(pipe);
	pump_join(pump, &restored);
	ck_assert_int_eq(restored.error, 0);
	ck_assert_uint_eq(restored.bytes, saved.bytes);
	ck_assert_uint_eq(restored.hash, saved.hash);
	ck_assert_uint_eq(bytes, saved.bytes);
	ck_assert_uint_eq(hash, saved.hash);

	ck_assert_int_eq(ftruncate(fd, st.st_size - 1), 0);
	ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);
	ck_assert_int_eq(pump_from_file(fd, COMPRESSION_ZSTD, saved.bytes, &pump, &pipe), 0);
	take_all(pipe, &bytes, &hash);
	close(pipe);
	pump_join(pump, &restored);
	ck_assert_int_eq(restored.error, -EBADMSG);
	ck_assert_int_eq(restored.problem, STREAM_CUT_SHORT);
	ck_assert_uint_lt(bytes, saved.bytes);
	close(fd);
}
END_TEST

START_TEST(a_stream_that_breaks_off_is_told_where_it_is_compressed_too)
{
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	struct pump *pump;
	int fd, pipe;

	stream_whole(&m);
	folder_make(&f);
	fd = open_file(&f, "image", O_RDWR | O_CREAT);
	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_ZSTD, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size - 1), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -EBADMSG);
	ck_assert_int_eq(result.problem, STREAM_CUT_SHORT);
	ck_assert_uint_eq(result.stored, 0);
	close(fd);
}
END_TEST

/* Behind a head of any length: most of it goes past the page cache, which takes whole blocks. */
START_TEST(a_stream_larger_than_the_pipe_goes_through)
{
	struct stream_maker m = {.size = 0}, end = {.size = 0};
	_cleanup_free_ uint8_t *body = calloc(1, 1U << 20);
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *text = NULL;
	const size_t head = 5000;
	uint64_t expected;
	struct pump *pump;
	int fd, pipe;
	size_t size;

	stream_libxl_header(&m);
	stream_record(&m, LIBXL_LIBXC, 0);
	stream_libxc_header(&m, 3);
	folder_make(&f);
	fd = open_file(&f, "image", O_WRONLY | O_CREAT);
	ck_assert_int_eq(lseek(fd, (off_t)head, SEEK_SET), (off_t)head);
	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size), 0);
	for (size_t i = 0; i < 40; i++) {
		for (size_t k = 0; k < 1U << 20; k += 512)
			body[k] = (uint8_t)(i + k / 512);
		ck_assert_int_eq(fd_write_all(pipe, "\1\0\0\0\0\0\x10\0", 8), 0);
		ck_assert_int_eq(fd_write_all(pipe, body, 1U << 20), 0);
	}
	stream_record(&end, LIBXC_END, 0);
	stream_record(&end, LIBXL_END, 0);
	ck_assert_int_eq(fd_write_all(pipe, end.data, end.size), 0);
	expected = m.size + 40 * (8 + (UINT64_C(1) << 20)) + end.size;
	ck_assert_uint_le(pump_bytes(pump), expected);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_DIRECT, 0);
	close(fd);
	ck_assert_int_eq(result.error, 0);
	ck_assert_uint_eq(result.bytes, expected);
	ck_assert_int_eq(file_read(folder_path(&f, "image"), 64 << 20, &text, &size), 0);
	ck_assert_uint_eq(size, head + expected);
	ck_assert_uint_eq(result.hash, XXH64(text + head, expected, 0));
}
END_TEST

START_TEST(a_stream_that_breaks_off_or_is_none_is_told)
{
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	struct pump *pump;
	int fd, pipe;

	stream_whole(&m);
	folder_make(&f);
	fd = open_file(&f, "image", O_RDWR | O_CREAT);
	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size - 1), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -EBADMSG);
	ck_assert_int_eq(result.problem, STREAM_CUT_SHORT);

	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -EBADMSG);
	close(fd);

	folder_write(&f, "image", "no stream at all");
	fd = open_file(&f, "image", O_RDONLY);
	ck_assert_int_eq(pump_from_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	close(pipe);
	pump_join(pump, &result);
	close(fd);
	ck_assert_int_eq(result.error, -EBADMSG);
	ck_assert_int_eq(result.problem, STREAM_NOT_LIBXL);
	ck_assert_uint_eq(result.bytes, 0);
}
END_TEST

/* The writer of a full disk must not hang: it sees that nobody reads any more. */
START_TEST(a_full_disk_ends_both_sides)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	static uint8_t body[65536];
	struct pump *pump;
	int pipe, r;

	ck_assert_int_eq(sigaction(SIGPIPE, &ignore, &old), 0);
	memset(body, 1, sizeof(body));
	/* The beginning of a record that is larger than any pipe. */
	stream_libxl_header(&m);
	stream_record(&m, LIBXL_LIBXC, 0);
	stream_libxc_header(&m, 3);
	ck_assert_int_eq(pump_to_file(full, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size), 0);
	r = fd_write_all(pipe, "\1\0\0\0\0\0\0\4", 8);
	while (r == 0)
		r = fd_write_all(pipe, body, sizeof(body));
	ck_assert_int_eq(r, -EPIPE);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -ENOSPC);
	ck_assert_uint_eq(result.bytes, 0);
	sigaction(SIGPIPE, &old, NULL);
}
END_TEST

/* The signal that says so (SIGXFSZ) would end the process, if the pump's threads had signals. */
START_TEST(a_disk_that_is_full_later_ends_both_sides)
{
	struct rlimit limit = {.rlim_cur = 10 << 20, .rlim_max = RLIM_INFINITY};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	static uint8_t body[65536];
	struct pump *pump;
	int fd, pipe, r;

	ck_assert_int_eq(sigaction(SIGPIPE, &ignore, &old), 0);
	memset(body, 1, sizeof(body));
	stream_libxl_header(&m);
	stream_record(&m, LIBXL_LIBXC, 0);
	stream_libxc_header(&m, 3);
	folder_make(&f);
	fd = open_file(&f, "image", O_WRONLY | O_CREAT);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(pump_to_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size), 0);
	r = fd_write_all(pipe, "\1\0\0\0\0\0\0\4", 8);
	while (r == 0)
		r = fd_write_all(pipe, body, sizeof(body));
	ck_assert_int_eq(r, -EPIPE);
	close(pipe);
	pump_join(pump, &result);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	close(fd);
	ck_assert_int_eq(result.error, -EFBIG);
	ck_assert_uint_eq(result.bytes, 8 << 20);
	sigaction(SIGPIPE, &old, NULL);
}
END_TEST

START_TEST(a_reader_that_goes_away_is_told)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	_cleanup_folder_ struct folder f;
	_cleanup_close_ int fd = -1;
	struct pump *pump;
	int pipe;

	ck_assert_int_eq(sigaction(SIGPIPE, &ignore, &old), 0);
	/* A record that is larger than any pipe, so that the end of the reader is felt. */
	stream_libxl_header(&m);
	stream_record(&m, LIBXL_LIBXC, 0);
	stream_libxc_header(&m, 3);
	stream_record(&m, LIBXC_PAGES, 0);
	memcpy(m.data + m.size - 4, "\0\0\0\4", 4);
	folder_make(&f);
	folder_write_bytes(&f, "image", m.data, m.size);
	ck_assert_int_eq(truncate(folder_path(&f, "image"), 8 << 20), 0);
	fd = open_file(&f, "image", O_RDONLY);
	ck_assert_int_eq(pump_from_file(fd, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -EPIPE);
	sigaction(SIGPIPE, &old, NULL);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error)
{
	struct pump_result result;
	struct pump *pump;
	int pipe;
	char byte;

	ck_assert_int_eq(pump_from_file(-1, COMPRESSION_NONE, 0, &pump, &pipe), 0);
	ck_assert_int_eq(read(pipe, &byte, 1), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -EBADF);
}
END_TEST

START_TEST(a_peer_that_takes_nothing_is_not_waited_for_for_ever)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
	static const uint8_t body[65536];
	struct stream_maker m = {.size = 0};
	struct pump_result result;
	struct pump *pump;
	int peer[2], pipe, r;

	ck_assert_int_eq(sigaction(SIGPIPE, &ignore, &old), 0);
	ck_assert_int_eq(pipe2(peer, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_to_peer(peer[1], 50 * USEC_PER_MSEC, &pump, &pipe), 0);
	ck_assert(!pump_has_ended(pump));
	/* The beginning of a record that is larger than any pipe. */
	stream_libxl_header(&m);
	stream_record(&m, LIBXL_LIBXC, 0);
	stream_libxc_header(&m, 3);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size), 0);
	r = fd_write_all(pipe, "\1\0\0\0\0\0\0\4", 8);
	while (r == 0)
		r = fd_write_all(pipe, body, sizeof(body));
	ck_assert_int_eq(r, -EPIPE);
	ck_assert(pump_has_ended(pump));
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, -ETIMEDOUT);
	close(peer[0]);
	close(peer[1]);
	sigaction(SIGPIPE, &old, NULL);
}
END_TEST

START_TEST(a_peer_that_takes_all_gets_all)
{
	struct stream_maker m = {.size = 0};
	uint8_t back[STREAM_ROOM];
	struct pump_result result;
	struct pump *pump;
	int peer[2], pipe;

	stream_whole(&m);
	ck_assert_int_eq(pipe2(peer, O_CLOEXEC), 0);
	ck_assert_int_eq(pump_to_peer(peer[1], USEC_PER_SEC, &pump, &pipe), 0);
	ck_assert_int_eq(fd_write_all(pipe, m.data, m.size), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, 0);
	ck_assert_int_eq(fd_read_all(peer[0], back, m.size), 0);
	ck_assert_mem_eq(back, m.data, m.size);
	close(peer[0]);
	close(peer[1]);
}
END_TEST

SUITE("pump", a_stream_goes_into_the_file_counted_and_hashed,
      a_stream_comes_out_of_the_file_counted_and_hashed, a_stream_larger_than_the_pipe_goes_through,
      a_stream_is_compressed_in_the_file_and_counted_and_hashed_as_it_was,
      a_stream_that_breaks_off_is_told_where_it_is_compressed_too,
      a_stream_that_breaks_off_or_is_none_is_told, a_full_disk_ends_both_sides,
      a_disk_that_is_full_later_ends_both_sides, a_reader_that_goes_away_is_told,
      a_file_that_cannot_be_read_is_an_error, a_peer_that_takes_nothing_is_not_waited_for_for_ever,
      a_peer_that_takes_all_gets_all);
