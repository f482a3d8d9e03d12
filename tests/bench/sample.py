# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory as a guest may have it, for throughput.py --compress."""

import random
import struct

PAGE = 4096
PAGES = 4096  # of a piece: 16 MiB

# Per cent of the pages, in this order of zeros that lie together.
ZEROS_TOGETHER, ZEROS_APART, TEXT, RECORDS = 20, 20, 25, 20


def text(draw, words):
    """As in a log or a program's source: common words are short and frequent."""
    page = b" ".join(words[min(int(draw.expovariate(1 / 300)), len(words) - 1)] for _ in range(PAGE // 2))
    return page[:PAGE]


def records(draw):
    """As in a heap: pointers into the same region, small numbers, flags, and some that are unused."""
    base = 0xffff888000000000 | draw.randrange(1 << 20) << 16
    return b"".join(struct.pack("<QIIQQ", base + 8 * draw.randrange(1 << 13), draw.randrange(1000), i % 4, 0,
                                base + 8 * draw.randrange(1 << 13)) for i in range(PAGE // 32))


def make_piece(seed):
    """16 MiB. A fifth, in one place, and a fifth, in single pages, are zeros; a quarter is text, a fifth are
    records; and the rest does not compress."""
    draw = random.Random(seed)
    words = [bytes(draw.choices(b"etaoinshrdlucmfwypvbgkjqxz", range(26, 0, -1), k=2 + i // 300)) for i in range(2400)]
    kinds = [kind for kind, share in (("zeros", ZEROS_APART), ("text", TEXT), ("records", RECORDS))
             for _ in range(PAGES * share // 100)]
    together = PAGES * ZEROS_TOGETHER // 100
    kinds += ["noise"] * (PAGES - together - len(kinds))
    draw.shuffle(kinds)
    pages = {"zeros": lambda: bytes(PAGE), "text": lambda: text(draw, words), "records": lambda: records(draw),
             "noise": lambda: draw.randbytes(PAGE)}
    return bytes(together * PAGE) + b"".join(pages[kind]() for kind in kinds)
