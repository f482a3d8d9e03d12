/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "stream-maker.h"

#include <check.h>
#include <endian.h>
#include <string.h>

static void put(struct stream_maker *m, const void *data, size_t size)
{
	ck_assert_uint_le(m->size + size, STREAM_ROOM);
	memcpy(m->data + m->size, data, size);
	m->size += size;
}

static void put_be32(struct stream_maker *m, uint32_t value)
{
	value = htobe32(value);
	put(m, &value, sizeof(value));
}

static void put_le32(struct stream_maker *m, uint32_t value)
{
	value = htole32(value);
	put(m, &value, sizeof(value));
}

void stream_libxl_header(struct stream_maker *m)
{
	put(m, "LibxlFmt", 8);
	put_be32(m, 2);
	put_be32(m, 0);
}

void stream_libxc_header(struct stream_maker *m, uint32_t version)
{
	/* Of the image: marker, "XENF", version, options and what is reserved. */
	put_be32(m, UINT32_MAX);
	put_be32(m, UINT32_MAX);
	put_be32(m, 0x58454e46);
	put_be32(m, version);
	put_be32(m, 0);
	put_be32(m, 0);
	/* Of the domain: its type, the page shift, Xen's version. */
	put_le32(m, 1);
	put_le32(m, 12);
	put_le32(m, 4);
	put_le32(m, 17);
}

void stream_record(struct stream_maker *m, uint32_t type, uint32_t length)
{
	static const uint8_t body[8];

	put_le32(m, type);
	put_le32(m, length);
	for (uint32_t done = 0; done < length; done += (uint32_t)sizeof(body))
		put(m, body, sizeof(body));
}

void stream_whole(struct stream_maker *m)
{
	stream_libxl_header(m);
	stream_record(m, LIBXL_LIBXC, 0);
	stream_libxc_header(m, 3);
	stream_record(m, LIBXC_PAGES, 33);
	stream_record(m, OPTIONAL | 0x777, 8);
	stream_record(m, LIBXC_LAST, 0);
	stream_record(m, LIBXC_END, 0);
	stream_record(m, LIBXL_XENSTORE, 16);
	stream_record(m, LIBXL_EMULATOR, 5);
	stream_record(m, OPTIONAL | 0x42, 3);
	stream_record(m, LIBXL_END, 0);
}
