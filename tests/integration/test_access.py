#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may ask what through the socket, and what it costs if somebody asks for too much."""

import errno
import json
import os
import pathlib
import resource
import signal
import socket
import time
import unittest

import memory
from fakehost import DAEMON, LIMIT, FakeHostTest, wait_until

NOBODY = 65534
GROUPS = {"adm": 4, "daemon": 1}

DENIED = "org.varlink.service.PermissionDenied"
MANAGER = "org.xendomains.Manager"


def ask(path, method, **parameters):
    """One call, and its reply."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
        text = b""
        while not text.endswith(b"\0"):
            text += s.recv(65536) or b"\0"
        return json.loads(text[:-1])


def ask_as(path, groups, method, **parameters):
    """The same by another user, who is in these groups."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        os.setgroups(groups)
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            reply = ask(path, method, **parameters)
        except OSError as error:
            reply = {"error": error.strerror}
        os.write(writable, json.dumps(reply).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        reply = json.load(pipe)
    os.waitpid(child, 0)
    return reply


def connect_as(path, groups):
    """A connection that another user has made."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        os.setgroups(groups)
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            socket.send_fds(theirs, [b"-"], [s.fileno()])
        os._exit(0)
    theirs.close()
    with ours:
        fds = socket.recv_fds(ours, 1, 1)[1]
    os.waitpid(child, 0)
    return socket.socket(fileno=fds[0])


@unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
class Groups(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.host.root.chmod(0o755)
        self.host.guest("web")

    def native(self, text):
        self.host.native.write_text(text)
        self.host.ctl("reload", check=0)

    def error(self, groups, method, **parameters):
        reply = ask_as(self.host.socket, [GROUPS[g] for g in groups], f"{MANAGER}.{method}",
                       **parameters)
        return reply.get("error")

    def test_without_groups_others_do_not_even_connect(self):
        self.assertEqual(self.error(["adm"], "Status"), os.strerror(errno.EACCES))

    def test_who_may_not_look_any_more_is_told_nothing(self):
        self.native("[Host]\nReadGroup=adm\n")
        with connect_as(self.host.socket, [GROUPS["adm"]]) as s:
            s.settimeout(LIMIT)
            s.sendall(json.dumps({"method": f"{MANAGER}.Status", "more": True}).encode() + b"\0")
            self.assertIn(b'"web"', s.recv(65536))
            self.native("[Host]\n")
            self.assertEqual(json.loads(s.recv(65536)[:-1])["error"], DENIED)

    def test_who_may_look_may_not_do(self):
        self.native("[Host]\nReadGroup=adm\n")
        for method in ("Status", "ListImages"):
            self.assertIsNone(self.error(["daemon", "adm"], method))
        self.assertIsNone(self.error(["adm"], "Plan", goal="stop"))
        for method in ("Start", "Stop", "Reload"):
            self.assertEqual(self.error(["adm"], method), DENIED)
        for method in ("VerifyImage", "DeleteImage"):
            self.assertEqual(self.error(["adm"], method, file="web"), DENIED)
        self.assertEqual(self.error(["daemon"], "Status"), DENIED)
        self.assertEqual(self.host.domains(), {})

    def test_who_may_do_may_look(self):
        self.native("[Host]\nReadGroup=adm\nControlGroup=daemon\n")
        for method in ("Start", "Status", "Reload"):
            self.assertIsNone(self.error(["daemon"], method))
        self.assertIn("web", self.host.domains())
        self.assertEqual(self.error(["adm"], "Stop"), DENIED)
        # Whoever is in a group does not say that the host goes down.
        self.assertEqual(self.error(["daemon"], "Stop", host=True), DENIED)

    def ask_many(self, user, group, method, **parameters):
        """As many calls of another user as there are connections for one. They end with the test."""
        readable, writable = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(readable)
            os.setgroups([GROUPS[group]])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            connections = [socket.socket(socket.AF_UNIX) for _ in range(8)]
            for s in connections:
                s.connect(str(self.host.socket))
                s.sendall(json.dumps({"method": f"{MANAGER}.{method}", "parameters": parameters}).encode() + b"\0")
            os.write(writable, b".")
            time.sleep(1000)
        os.close(writable)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        with os.fdopen(readable, "rb") as pipe:
            pipe.read(1)

    def test_however_much_others_ask_root_has_its_images_verified_and_deleted(self):
        self.native("[Host]\nReadGroup=adm\nControlGroup=daemon\n")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        config = {"c_info": {"name": "long", "uuid": "11111111-2222-4333-8444-555555555555"}, "b_info": {}}
        # So long that it is not read through in the time of a test.
        memory.write_long(self.host.save / "long", config, 1 << 14)
        self.ask_many(NOBODY, "adm", "ListImages")
        self.ask_many(NOBODY - 1, "daemon", "VerifyImage", file="long")
        children = pathlib.Path(f"/proc/{self.host.daemon.pid}/task/{self.host.daemon.pid}/children")
        wait_until(lambda: len(children.read_text().split()) >= 4, "the places of others to be taken")
        self.host.ctl("image", "verify", "web", check=0)
        self.host.ctl("image", "delete", "web", check=0)

    def test_group_that_is_taken_away_is_out_at_once(self):
        self.native("[Host]\nControlGroup=adm\n")
        self.assertIsNone(self.error(["adm"], "Status"))
        self.native("")
        self.assertEqual(self.error(["adm"], "Status"), os.strerror(errno.EACCES))

    def test_group_that_is_not_there_is_refused(self):
        self.host.native.write_text("[Host]\nControlGroup=xendomains-none\n")
        self.assertIn("=xendomains-none", self.host.ctl("reload", check=1))


class Flood(FakeHostTest):
    """None of these may keep anybody else; the figures are for who reads the log of the tests."""

    def setUp(self):
        super().setUp()
        for number in range(10):
            self.host.guest(f"web{number}")
        self.host.ctl("start", check=0)
        self.started = time.monotonic()

    def figures(self, what):
        pid = self.host.daemon.pid
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks = os.sysconf("SC_CLK_TCK")
        with open(f"/proc/{pid}/status") as status:
            [rss] = [line.split()[1] for line in status if line.startswith("VmRSS")]
        print(f"{what}: daemon {(int(fields[11]) + int(fields[12])) / ticks:.2f} s of CPU in "
              f"{time.monotonic() - self.started:.1f} s, {int(rss) / 1024:.1f} MiB")
        # A leak for each call would be far beyond this; what a sanitizer needs is, too.
        if b"__asan_init" not in DAEMON.read_bytes():
            self.assertLess(int(rss), 64 * 1024)

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(self.host.socket))
        return s

    def test_calls_without_end_cost_nobody_else(self):
        call = json.dumps({"method": f"{MANAGER}.Status", "oneway": True}).encode() + b"\0"
        s, cut_off = self.connect(), 0
        for _ in range(20000):
            s.setblocking(False)
            try:
                s.send(call * 50)
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                # Who has more lie there than a call takes is cut off, and comes again.
                s.close()
                s, cut_off = self.connect(), cut_off + 1
        self.host.ctl("status", check=0)
        s.close()
        self.figures(f"calls, cut off {cut_off} times")

    def test_messages_without_end_cost_nobody_else(self):
        for _ in range(20):
            with self.connect() as s:
                try:
                    while True:
                        s.sendall(b"x" * 65536)
                except OSError:
                    pass
            self.host.ctl("status", check=0)
        self.figures("endless messages")

    def test_nested_messages_are_refused(self):
        for text in (b"[" * 100000, b'{"method":' * 20000, b'{"a":' * 30 + b"1" + b"}" * 30):
            with self.connect() as s:
                try:
                    s.sendall(text + b"\0")
                    said = s.recv(1)
                except (BrokenPipeError, ConnectionResetError):
                    said = b""
                self.assertEqual(said, b"")
        self.host.ctl("status", check=0)
        self.figures("nested messages")

    def test_connections_come_and_go_by_thousands(self):
        for _ in range(5000):
            self.connect().close()
        self.host.ctl("status", check=0)
        self.assertLess(len(os.listdir(f"/proc/{self.host.daemon.pid}/fd")), 100)
        self.figures("connections")

    def test_descriptors_that_are_passed_are_not_kept(self):
        call = json.dumps({"method": f"{MANAGER}.Status", "parameters": {}}).encode() + b"\0"
        with self.connect() as s:
            for _ in range(20):
                socket.send_fds(s, [call], [s.fileno()] * 100)
            said = b""
            while said.count(b"\0") < 20:
                said += s.recv(65536)
            self.assertLess(len(os.listdir(f"/proc/{self.host.daemon.pid}/fd")), 100)

    def test_who_never_reads_is_cut_off_and_the_others_are_served(self):
        idle = [self.connect() for _ in range(20)]
        call = json.dumps({"method": f"{MANAGER}.Status", "parameters": {}}).encode() + b"\0"
        for s in idle:
            s.setblocking(False)
            s.send(call * 20)
        self.host.ctl("status", check=0)
        for s in idle:
            s.close()
        wait_until(lambda: len(os.listdir(f"/proc/{self.host.daemon.pid}/fd")) < 60,
                   "the descriptors")
        self.figures("unread replies")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    unittest.main()
