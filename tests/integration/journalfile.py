# SPDX-License-Identifier: GPL-2.0-or-later
"""A journal as journald writes it, made of messages that a daemon has logged, for journalctl to read.

The format is https://systemd.io/JOURNAL_FILE_FORMAT; this is the oldest one that journalctl reads."""

import struct
import uuid

DATA, FIELD, ENTRY, DATA_TABLE, FIELD_TABLE, ENTRY_ARRAY = range(1, 7)
HEADER_SIZE, OBJECT_SIZE = 240, 16
# A hash table of one chain has all there is.
TABLE_SIZE = 16

WORD = 0xffffffff


def rotate(word, bits):
    return (word << bits | word >> (32 - bits)) & WORD


def jenkins(data):
    """Bob Jenkins' lookup3, both words of it."""
    a = b = c = (0xdeadbeef + len(data)) & WORD
    for at in range(0, max(len(data), 1), 12):
        words = struct.unpack("<3I", data[at:at + 12].ljust(12, b"\0"))
        a, b, c = ((old + word) & WORD for old, word in zip((a, b, c), words))
        if at + 12 < len(data):
            for bits in 4, 6, 8, 16, 19, 4:
                a = (a - c) & WORD ^ rotate(c, bits)
                c = (c + b) & WORD
                a, b, c = b, c, a
    if data:
        for bits in 14, 11, 25, 16, 4, 14, 24:
            c = ((c ^ b) - rotate(b, bits)) & WORD
            a, b, c = b, c, a
        # After seven steps the names have moved on by one.
        a, b, c = c, a, b
    return c << 32 | b


class Journal:
    def __init__(self):
        self.bytes = bytearray(HEADER_SIZE)
        self.counts = dict.fromkeys(range(1, 7), 0)
        self.machine, self.boot = uuid.uuid4().bytes, uuid.uuid4().bytes
        self.last = {DATA: 0, FIELD: 0}  # of each chain
        self.known, self.entries, self.uses = {}, [], {}
        self.tables = {kind: self.add(kind, bytes(TABLE_SIZE)) for kind in (DATA_TABLE, FIELD_TABLE)}

    def add(self, kind, content):
        """An object at the end; where it is."""
        at = len(self.bytes)
        self.bytes += struct.pack("<B7xQ", kind, OBJECT_SIZE + len(content)) + content
        self.bytes += bytes(-len(self.bytes) % 8)
        self.counts[kind] += 1
        self.tail = at
        return at

    def set(self, at, number):
        struct.pack_into("<Q", self.bytes, at, number)

    def find_or_add(self, kind, payload):
        """Data, or the name of a field, which stand there once each."""
        if (kind, payload) not in self.known:
            size = {DATA: 48, FIELD: 24}[kind]
            at = self.add(kind, struct.pack("<Q", jenkins(payload)) + bytes(size - 8) + payload)
            head = self.tables[{DATA: DATA_TABLE, FIELD: FIELD_TABLE}[kind]] + OBJECT_SIZE
            self.set(self.last[kind] + OBJECT_SIZE + 8 if self.last[kind] else head, at)
            self.set(head + 8, at)
            self.last[kind] = self.known[kind, payload] = at
            if kind == DATA:
                name = self.find_or_add(FIELD, payload.partition(b"=")[0])
                first = struct.unpack_from("<Q", self.bytes, name + OBJECT_SIZE + 16)[0]
                self.set(at + OBJECT_SIZE + 16, first)
                self.set(name + OBJECT_SIZE + 16, at)
        return self.known[kind, payload]

    def log(self, time, fields):
        """A message, at this time (microseconds)."""
        data = [f"{name}={value}".encode() for name, value in fields.items()]
        items = sorted({self.find_or_add(DATA, payload): jenkins(payload) for payload in data}.items())
        check = 0
        for _, number in items:
            check ^= number
        head = struct.pack("<3Q16sQ", len(self.entries) + 1, time, time, self.boot, check)
        at = self.add(ENTRY, head + b"".join(struct.pack("<2Q", *item) for item in items))
        for item, _ in items:
            self.uses.setdefault(item, []).append(at)
        self.entries.append((at, time))

    def finish(self):
        """The file."""
        def array(entries):
            return self.add(ENTRY_ARRAY, struct.pack(f"<Q{len(entries)}Q", 0, *entries)) if entries else 0
        for item, entries in self.uses.items():
            for i, number in enumerate((entries[0], array(entries[1:]), len(entries))):
                self.set(item + OBJECT_SIZE + 24 + 8 * i, number)
        whole = array([at for at, _ in self.entries])
        n, (first, last) = len(self.entries), (self.entries[0][1], self.entries[-1][1])
        table = [number for kind in (DATA_TABLE, FIELD_TABLE)
                 for number in (self.tables[kind] + OBJECT_SIZE, TABLE_SIZE)]
        numbers = [HEADER_SIZE, len(self.bytes) - HEADER_SIZE, *table, self.tail, sum(self.counts.values()), n, n, 1,
                   whole, first, last, last, self.counts[DATA], self.counts[FIELD], 0, self.counts[ENTRY_ARRAY]]
        head = struct.pack("<8sIIB7x16s16s16s16s", b"LPKSHHRH", 0, 0, 0, uuid.uuid4().bytes, self.machine, self.boot,
                           uuid.uuid4().bytes)
        self.bytes[:HEADER_SIZE] = head + struct.pack(f"<{len(numbers)}Q", *numbers)
        return bytes(self.bytes)
