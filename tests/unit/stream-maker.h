/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Builds the stream of a saved guest, record by record, so that a test can spoil any of them. */

#define STREAM_ROOM 4096

struct stream_maker {
	uint8_t data[STREAM_ROOM];
	size_t size;
};

void stream_libxl_header(struct stream_maker *m);
void stream_libxc_header(struct stream_maker *m, uint32_t version);
/* A record of libxl's or libxc's: its head, and a body of so many bytes, padded. */
void stream_record(struct stream_maker *m, uint32_t type, uint32_t length);

/* One that holds a bit of everything. */
void stream_whole(struct stream_maker *m);

/* Types of records. */
#define LIBXL_END      0U
#define LIBXL_LIBXC    1U
#define LIBXL_XENSTORE 2U
#define LIBXL_EMULATOR 3U
#define LIBXC_END      0U
#define LIBXC_PAGES    1U
#define LIBXC_LAST     0x12U
#define OPTIONAL       0x80000000U
