# SPDX-License-Identifier: GPL-2.0-or-later
"""Images as files: whose memory is in one, and one as xl writes it (facts: worker/image/image.c, xl-fake.c)."""

import json
import struct

MAGIC = b"Xen saved domain, xl format\n \0 \r"
HEADER = struct.Struct("<32s4I")
BYTE_ORDER, JSON_AND_V2 = 0x01020304, 3

# libxl's and libxc's heads, with a PV guest in them.
STREAM_HEAD = (b"LibxlFmt" + struct.pack(">2I", 2, 0) + struct.pack("<2I", 1, 0) +
               b"\xff" * 8 + b"XENF" + struct.pack(">I", 3) + bytes(8) +
               struct.pack("<4I", 1, 12, 4, 17))
PAGE_HEAD = struct.Struct("<4IQ")
PAGE = 4096
END = bytes(16)


def make_xls(config, memory):
    """An image of xl's, of one page."""
    text = json.dumps(config).encode() + b"\0"
    optional = struct.pack("<I", len(text)) + text
    page = PAGE_HEAD.pack(1, PAGE_HEAD.size - 8 + PAGE, 1, 0, 0) + memory.encode().ljust(PAGE, b"\0")
    return HEADER.pack(MAGIC, BYTE_ORDER, JSON_AND_V2, 0, len(optional)) + optional + \
        STREAM_HEAD + page + END


def write_long(path, config, bodies):
    """An image of xl's with so many records of 64 MiB, which are holes in the file: to read it takes a while."""
    whole = make_xls(config, "")
    body = 64 << 20
    with path.open("wb") as file:
        file.write(whole[:-len(END)])
        for _ in range(bodies):
            file.write(struct.pack("<2I", 1, body))
            file.seek(body, 1)
        file.write(END)


def stream_begin(data):
    return HEADER.size + HEADER.unpack_from(data)[4]


def read(data):
    """The boot and the life in a whole image; None if it is none."""
    if len(data) < HEADER.size or not data.startswith(MAGIC):
        return None
    begin = stream_begin(data) + len(STREAM_HEAD) + PAGE_HEAD.size
    if len(data) < begin + PAGE + len(END):
        return None
    boot, _, life = data[begin:begin + PAGE].split(b"\0")[0].decode(errors="replace").partition("\n")
    return (boot, int(life)) if life.isdigit() else None
