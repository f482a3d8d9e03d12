#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that is replaced in the middle of a command: the command ends as if it had not been."""

import contextlib
import os
import subprocess
import unittest

from beside import at_once
from fakehost import FakeHost, wait_until
from test_migrate import Pair

# An operation on a guest takes as long, in milliseconds: the next daemon finds it under way.
LONG = 2500

GUESTS = ("a", "b")

# For the images of these guests, and no other.
ROOM = "36m"


class Replaced:
    """What the classes below do is all of one form."""

    host_class, variables, settings = FakeHost, {}, "[Host]\n"
    behaviour, before, command = {}, ("start",), "stop"
    room = memory_kib = None    # for images, and for guests

    def test_it_ends_as_if_it_had_not_been(self):
        expected = self.run_command(lambda host: None)
        for replace in (FakeHost.stop_daemon, FakeHost.kill_daemon):
            with self.subTest(replace.__name__):
                self.assertEqual(self.run_command(replace), expected)

    def run_command(self, replace):
        """What came of it: the exit status, and of each guest its state, and whether it failed, or was saved."""
        with self.host_class(**self.variables) as host, self.disk(host):
            host.native.write_text((host.native.read_text() if host.native.exists() else "") + self.settings)
            for name in GUESTS:
                host.guest(name, **self.behaviour)
            self.prepare(host)
            host.start_daemon()
            for command in self.before:
                host.ctl(command, check=0)
            client = host.ctl_in_background(*self.command.split())
            for name in GUESTS:
                self.wait_for(host, name)
            replace(host)
            if not host.daemon:
                host.start_daemon()
            client.communicate(timeout=60)
            failed = {entry["XEN_DOMAIN"] for entry in host.logged("GUEST_FAILED")}
            suspends = sum("suspended" in line for line in host.history())
            return client.returncode, host.states(), failed, host.images(), suspends

    @contextlib.contextmanager
    def disk(self, host):
        if not self.room:
            yield
            return
        if os.geteuid() != 0:
            self.skipTest("only root can mount a file system")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.room}", "tmpfs", host.save], capture_output=True)
        if done.returncode != 0:
            self.skipTest("a file system cannot be mounted here")
        try:
            yield
        finally:
            host.stop_daemon()
            subprocess.run(["umount", "-l", host.save], check=True)

    def prepare(self, host):
        if self.memory_kib:
            with host.world() as world:
                world["free_kib"], world["dom0_spare_kib"] = self.memory_kib, 0

    def wait_for(self, host, name):
        host.worker(name)


class Saves(Replaced, unittest.TestCase):
    behaviour, room = {"save_ms": LONG}, ROOM
    # What stands in for a save would hide that it was not to be had.
    variables = {"SHUTDOWN": "", "SHUTDOWN_ALL": ""}


class SavesOfOurs(Saves):
    variables = Saves.variables | {"AUTO_ONLY": "true"}

    def prepare(self, host):
        super().prepare(host)
        host.xl_create("byhand")


class Shutdowns(Replaced, unittest.TestCase):
    behaviour, variables = {"off_ms": LONG}, {"SAVE": ""}

    def wait_for(self, host, name):
        wait_until(lambda: host.logged("STAGE_STARTED", domain=name, stage="shutdown"), "the request")


class ForcedDestroys(Shutdowns):
    behaviour, settings = {"never_off": True}, "[Domain *]\nForcedDestroy=yes\n"
    variables = {"SAVE": "", "SHUTDOWN_ALL": "", "STOP_MAXWAIT": 4}


class Creates(Replaced, unittest.TestCase):
    behaviour, memory_kib = {"create_ms": LONG}, 1024 * len(GUESTS)
    before, command = (), "start"


class Restores(Creates):
    behaviour = {"restore_ms": LONG}

    def prepare(self, host):
        """They are saved, in a daemon's time before."""
        host.start_daemon()
        host.ctl("start", check=0)
        host.ctl("stop", check=0)
        host.stop_daemon()
        super().prepare(host)


class Restarts(Saves):
    command = "restart a b"


class Migrations(Replaced, unittest.TestCase):
    behaviour, host_class, settings = {"migrate_ms": LONG}, Pair, ""


load_tests = at_once(4)

if __name__ == "__main__":
    unittest.main()
