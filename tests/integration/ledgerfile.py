# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger's file (wire/ledger-record.h), for tests that look into it or change it."""

import json

P1, P2, P3, P4, P5 = (11400714785074694791, 14029467366897019727, 1609587929392839161,
                      9650029242287828579, 2870177450012600261)
MASK = (1 << 64) - 1


def _rotate(x, n):
    return (x << n | x >> (64 - n)) & MASK


def _round(acc, lane):
    return _rotate((acc + lane * P2) & MASK, 31) * P1 & MASK


def xxh64(data):
    """XXH64 with seed 0, by its specification."""
    at, size = 0, len(data)
    if size >= 32:
        acc = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= size:
            for i in range(4):
                acc[i] = _round(acc[i], int.from_bytes(data[at:at + 8], "little"))
                at += 8
        h = sum(_rotate(a, n) for a, n in zip(acc, (1, 7, 12, 18))) & MASK
        for a in acc:
            h = ((h ^ _round(0, a)) * P1 + P4) & MASK
    else:
        h = P5
    h = (h + size) & MASK
    while at + 8 <= size:
        h = (_rotate(h ^ _round(0, int.from_bytes(data[at:at + 8], "little")), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= size:
        h = (_rotate(h ^ int.from_bytes(data[at:at + 4], "little") * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        h = _rotate(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


def read(path):
    """Its records; the checksum of each must be right."""
    records = []
    for line in path.read_text().splitlines():
        if line and not line.endswith("\x18"):  # One that was torn has this at its end.
            digits, text = line.split(" ", 1)
            assert int(digits, 16) == xxh64(text.encode()), line
            records.append(json.loads(text))
    return records


def write(path, records):
    lines = [json.dumps(record) for record in records]
    path.write_text("".join(f"{xxh64(line.encode()):016x} {line}\n" for line in lines))
