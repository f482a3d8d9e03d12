#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin for Nagios: one line, and its own exit statuses."""

import json
import subprocess
import threading
import unittest

from fakehost import LIMIT, wait_until
from fakelogind import HostWithLogind

DENIED = "org.varlink.service.PermissionDenied"


class Check(unittest.TestCase):

    def setUp(self):
        self.host = self.enterContext(HostWithLogind())
        self.host.start_daemon()

    def check(self, status, *words):
        done = subprocess.run(self.host.command_line("check", *words), capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1, done.stdout)
        return done.stdout

    def test_guest_that_is_down_is_critical(self):
        self.host.guest("web")
        self.host.guest("db")
        self.assertIn("db (stopped)", self.check(2))
        self.host.ctl("start", "web", check=0)
        self.host.wait_locked()
        self.assertIn("running=1", self.check(2))
        self.assertIn("OK", self.check(0, "w*"))
        self.host.ctl("start", check=0)
        self.check(0)
        self.assertEqual(json.loads(self.check(0, "--json"))["status"], "OK")

    def test_host_that_has_lost_xenstore_is_critical_and_advises_no_start(self):
        self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", "web", check=0)
        self.host.wait_locked()
        self.assertIn("actions", self.host.status()["db"])
        with self.host.world() as world:
            world["domains"].append(world["domains"][0] | {"domid": 99, "name": "db"})
            world["lost"] = True
        lost = wait_until(lambda: self.host.call("Status")["parameters"].get("lost"), "it to be told")
        self.assertNotIn("actions", self.host.status()["db"])
        self.assertIn(lost, self.check(2, "web"))
        self.assertIn(lost, self.host.ctl("status", "web", check=1).splitlines()[0])
        # Nothing is promised that would be refused.
        for goal in ("start", "stop"):
            self.assertIn(lost, self.host.ctl(goal, check=1))
            self.assertIn(lost, self.host.ctl("plan", goal, check=1))

    def test_guest_that_is_named_is_to_run(self):
        config = self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.wait_locked()
        self.host.ctl("stop", check=0)
        config.rename(self.host.root / "web.cfg")
        self.check(0)
        self.assertIn("web (saved)", self.check(2, "web"))

    def test_what_cannot_be_known_is_unknown(self):
        self.assertNotIn("|", self.check(3, "a|b"))
        self.assertIn("mail", self.check(3, "mail"))
        for words in (["--state=failed"], ["--nonsense"], ["--names"], [""], ["--warning=1", "--critical=2"], ["-w", "1"]):
            self.check(3, *words)
        self.host.stop_daemon()
        self.assertIn(str(self.host.socket), self.check(3))

    def test_caller_who_may_not_ask_is_told_who_may(self):
        self.host.stop_daemon()
        self.host.socket.unlink()
        listener = self.enterContext(self.host.listen())

        def refuse():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(json.dumps({"error": DENIED}).encode() + b"\0")

        daemon = threading.Thread(target=refuse)
        daemon.start()
        self.assertIn("ReadGroup=", self.check(3))
        daemon.join(LIMIT)


if __name__ == "__main__":
    unittest.main()
