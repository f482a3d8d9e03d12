#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The other host of a migration, as a program to reach it with: it speaks xl's receiver's part.

peer.py FOLDER MODE HOST xl migrate-receive ...

Which guests run there stands in FOLDER/HOST.json; every change is a line of FOLDER/HOST.log. MODE
is a way to misbehave, or "ok".
"""

import json
import os
import pathlib
import signal
import struct
import sys
import time

MAGIC = b"Xen saved domain, xl format\n \0 \r"
BANNER = b"xl migration receiver ready, send binary domain data.\n"
READY = b"domain received, ready to unpause\0"
GO = b"domain is yours, you are cleared to unpause\0"
REPORT = b"my copy unpause results are as follows\0"

FOLDER, MODE, HOST = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def say(data):
    while data:
        data = data[os.write(1, data):]


def words(text):
    os.write(2, text.encode() + b"\n")


def take(size):
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            words("libxl: error: libxl_stream_read.c: the stream ends")
            sys.exit(1)
        data += more
    return data


def for_ever():
    signal.alarm(60)
    while True:
        time.sleep(60)


def header():
    """xl's: returns the configuration."""
    assert take(32) == MAGIC
    order, mandatory, optional, length = struct.unpack("=IIII", take(16))
    assert (order, mandatory, optional) == (0x01020304, 3, 0)
    data = take(length)
    size, = struct.unpack("=I", data[:4])
    assert data[4:4 + size].endswith(b"\0") and len(data) == 4 + size
    return json.loads(data[4:4 + size - 1])


def stream():
    """libxl's, with libxc's inside: returns what is last in the first page, the guest's memory."""
    assert take(16)[:8] == b"LibxlFmt"
    memory = None
    inside = False
    while True:
        kind, length = struct.unpack("<II", take(8))
        if not inside and kind == 1:
            inside = True
            take(40)
            continue
        if kind == 0:
            if not inside:
                return memory.split(b"\0")[0].decode()
            inside = False
            continue
        body = take(length + -length % 8)
        if inside and kind == 1 and struct.unpack_from("<Q", body, 8)[0] == 0:
            memory = body[16:]


def note(name, state, boot):
    path = FOLDER / f"{HOST}.json"
    guests = json.loads(path.read_text()) if path.exists() else {}
    if state == "gone":
        guests.pop(name)
    else:
        guests[name] = {"state": state, "boot": boot}
    new = path.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(guests))
    new.rename(path)
    with (FOLDER / f"{HOST}.log").open("a") as log:
        log.write(f"{name} {state} {boot}\n")


def build():
    """Up to the word that the guest is there."""
    if MODE == "refuse":
        words(f"ssh: connect to host {HOST} port 22: Connection refused")
        sys.exit(255)
    if MODE == "silent":
        for_ever()
    if MODE == "mute":
        sys.exit(3)
    if MODE == "motd":
        say(b"Welcome to \033[1mother\033[0m\n")
    words("migration target: Ready to receive domain.")
    say(BANNER)
    if MODE == "noisy":
        for number in range(3000):
            words(f"noise {number} " + "x" * 100)
    config = header()
    if MODE == "memory":
        words("Loading new save file <incoming migration stream> (new xl fmt info 0x3/0x0/99)")
        words("failed to free memory for the domain\a\033[31m")
        words("migration target: Domain creation failed (code -3).")
        sys.exit(1)
    if MODE == "cut":
        take(3000)
        words("client_loop: send disconnect: Broken pipe")
        sys.exit(255)
    if MODE == "stall":
        take(3000)
        for_ever()
    boot = stream()
    name = config["c_info"]["name"]
    assert config["c_info"]["domid"] == (0 if "-D" not in sys.argv else config["c_info"]["domid"])
    if MODE == "never-ready":
        for_ever()
    if MODE == "not-ready":
        say(b"domain received, but it is not ready")
        for_ever()
    note(name, "paused", boot)
    say(READY)
    return name, boot


def gone(name, boot):
    note(name, "gone", boot)


def main():
    name, boot = build()
    if MODE == "lost":
        gone(name, boot)
        sys.exit(255)
    got = b""
    while len(got) < len(GO) and (more := os.read(0, len(GO) - len(got))):
        got += more
    if got != GO:
        gone(name, boot)
        sys.exit(1)
    if MODE in ("takes-and-dies", "drops"):
        note(name, "running" if MODE == "takes-and-dies" else "gone", boot)
        sys.exit(255)
    if MODE in ("takes-and-hangs", "half-report"):
        note(name, "running", boot)
        say(REPORT if MODE == "half-report" else b"")
        for_ever()
    if MODE in ("fails", "fails-and-keeps"):
        say(REPORT + b"\x03")
        words("libxl: error: libxl_dom_suspend.c: the guest cannot be unpaused")
        if MODE == "fails-and-keeps":
            sys.exit(1)
        gone(name, boot)
        say(GO)
        sys.exit(0)
    note(name, "running" if "-p" not in sys.argv else "paused", boot)
    say(REPORT + b"\0")


main()
