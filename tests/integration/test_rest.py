#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where nothing changes, no process wakes."""

import pathlib
import socket
import time
import unittest

from beside import at_once
from fakehost import LIMIT, FakeHost, FakeHostTest

# Longer than a client of a unit waits for a word of the daemon before it asks.
SILENCE = 12


def wakings(pid):
    """How often a process has waited for something so far."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


class Rest(FakeHostTest):
    def test_a_daemon_of_guests_that_only_run_sleeps(self):
        for name in "db", "web":
            self.host.guest(name)
        self.host.ctl("start", check=0)
        self.host.status()
        self.host.wait_for_helpers()
        # What follows from the last answer.
        time.sleep(2)
        before = wakings(self.host.daemon.pid)
        time.sleep(SILENCE)
        # Every 15 s it asks whether xenstored is there, and it may wait for a page of its own. A timer that
        # runs on would wake it every second.
        self.assertLess(wakings(self.host.daemon.pid) - before, SILENCE - 2)


class Followers(unittest.TestCase):
    """In the place of the daemon is one that says nothing."""

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        self.listener = self.enterContext(socket.socket(socket.AF_UNIX))
        self.listener.bind(str(self.host.socket))
        self.listener.listen()
        self.listener.settimeout(SILENCE)

    def follow(self, *words):
        client = self.host.ctl_in_background(*words)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        connection, _ = self.listener.accept()
        self.addCleanup(connection.close)
        connection.settimeout(LIMIT)
        self.assertIn(b"Manager.Start", connection.recv(65536))
        connection.setblocking(False)
        return connection

    def test_a_client_that_follows_asks_nothing(self):
        connection = self.follow("start")
        self.assertRaises(TimeoutError, self.listener.accept)
        self.assertRaises(BlockingIOError, connection.recv, 1)

    def test_a_client_of_a_unit_asks_whether_the_daemon_lives(self):
        self.follow("--unit=xendomains.service", "start")
        self.listener.accept()[0].close()


load_tests = at_once(3)

if __name__ == "__main__":
    unittest.main()
