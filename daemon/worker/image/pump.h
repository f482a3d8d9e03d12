/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/compression.h"
#include "util/time.h"
#include "worker/image/stream.h"

/*
 * A thread between libxl and an image, or another host: libxl has one end of a pipe, and everything
 * that goes through is walked (worker/image/stream.h), counted and hashed. The thread calls nothing
 * of libxl's, and gets no signals. A file is written by one more thread (worker/image/writer.h),
 * and compressed by others before that (worker/image/packer.h). Bytes and hash are those of the
 * stream as libxl knows it, whether or not it is compressed in the file.
 */
struct pump;

struct pump_result {
	int error;                   /* 0, -EBADMSG for an invalid stream, or -errno of the file */
	enum stream_problem problem; /* with -EBADMSG */
	uint64_t bytes;
	uint64_t stored; /* of them, or of what they were compressed to, in the file */
	uint64_t hash;   /* XXH64 */
};

/*
 * From the pipe to the file, from its present position on, which does not move. The file must end
 * there, and no other process may write to it meanwhile. The file stays the caller's. If the stream
 * breaks off, bytes that are not written yet are dropped. threads: to compress in, as
 * packer_new() says. *ret_pipe is for libxl, and the caller's to close. 0 or -errno; -ENOMEM also
 * where only the compression has too little memory, and so for pump_result.error.
 */
int pump_to_file(int fd, enum compression compression, unsigned threads, struct pump **ret,
		 int *ret_pipe);

/*
 * From the pipe to another one, which leads to a peer: one that takes nothing for so long ends it
 * with -ETIMEDOUT. The descriptor stays the caller's.
 */
int pump_to_peer(int fd, usec_t limit, struct pump **ret, int *ret_pipe);

/*
 * From the file, from its present position to its end, to the pipe. What is compressed there must
 * have so many bytes before.
 */
int pump_from_file(int fd, enum compression compression, uint64_t bytes, struct pump **ret,
		   int *ret_pipe);

/* How many bytes have gone through by now. */
uint64_t pump_bytes(const struct pump *pump);

/* True once nothing goes through any more, whatever libxl does. */
bool pump_has_ended(const struct pump *pump);

/*
 * Waits for the end: of the pipe's other side, which must be closed by now, or of the file. Frees
 * the pump.
 */
void pump_join(struct pump *pump, struct pump_result *ret);
