#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the client takes, refuses, and asks a person at a terminal."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
import unittest

from fakehost import LIMIT, FakeHostTest, wait_until


class Terminal:
    """The client at a terminal of its own."""

    def __init__(self, command, **streams):
        self.master, slave = pty.openpty()
        streams = {"stdin": slave, "stdout": slave, "stderr": slave} | streams
        self.process = subprocess.Popen(command, start_new_session=True, **streams)
        os.close(slave)
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read_until(self, text):
        end = time.monotonic() + LIMIT
        while text not in self.said:
            assert select.select([self.master], [], [], max(0, end - time.monotonic()))[0], self.said
            self.said += os.read(self.master, 4096).decode()

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        """Its exit status."""
        # At the end of a terminal's other side Linux says EIO.
        with contextlib.suppress(OSError):
            while (data := os.read(self.master, 4096)):
                self.said += data.decode()
        return self.process.wait(LIMIT)


class Words(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", check=0)

    def assert_untouched(self):
        self.assertEqual(self.host.states(), {"web": "running", "db": "running"})
        self.assertEqual([line[2] for line in self.host.history()].count("running"), 2)

    def test_empty_argument_is_refused(self):
        for words in (["start"], ["stop"], ["restart"], ["status"], ["plan", "stop"], ["reload"],
                      ["image", "verify"], ["start", "--cold"], ["stop", "web"]):
            self.host.ctl(*words, "", check=2)
        self.assert_untouched()

    def test_deadline_is_refused_where_it_has_no_use(self):
        for words in (["start"], ["stop"], ["stop", "web"], ["restart"], ["status"], ["reload"],
                      ["image", "list"], ["help"], ["plan", "start"]):
            self.host.ctl("--deadline=60", *words, check=2)
        self.assert_untouched()
        self.host.ctl("--deadline=60", "plan", "stop", check=0)
