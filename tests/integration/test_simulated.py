#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A simulated host keeps away from the real one, and refuses a file with a mistake."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from fakehost import CLIENT, DAEMON, LIMIT, wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FILE = {"speed": 100, "guests": [{"name": "web", "config": "/auto/web.cfg", "create": {"error": "no room"}}]}


class Simulated(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="xendomainsd-")))
        self.file, self.socket = self.folder / "host.json", self.folder / "socket"
        self.file.write_text(json.dumps(FILE))
        (self.folder / "xendomains").write_text("XENDOMAINS_AUTO=/auto\nXENDOMAINS_SAVE=/save\n")

    def command(self, *more):
        return [DAEMON, "--backend", f"sim:{self.file}", "--config", self.folder / "xendomains", "--native",
                self.folder / "none", *more]

    @staticmethod
    def environment(**variables):
        clean = {k: v for k, v in os.environ.items() if k not in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY")}
        return clean | variables

    def refusal(self, *more, **variables):
        """What a daemon says that does not begin."""
        done = subprocess.run(self.command(*more), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=LIMIT, env=self.environment(**variables))
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def ctl(self, *words):
        return subprocess.run([CLIENT, "--socket", self.socket, *words], capture_output=True, text=True, timeout=LIMIT)

    @contextlib.contextmanager
    def daemon(self):
        with subprocess.Popen(self.command("--socket", self.socket), stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, env=self.environment()) as daemon:
            try:
                wait_until(lambda: self.ctl("reload").returncode == 0, "the daemon to listen")
                yield
            finally:
                daemon.terminate()

    def test_without_directories_it_has_one_beside_its_socket(self):
        with self.daemon():
            self.assertEqual(self.ctl("start").returncode, 1)
        own = self.folder / "socket.sim"
        self.assertLessEqual({"ledger", "manager.lock"}, {path.name for path in own.iterdir()})
        self.assertEqual(own.stat().st_mode & 0o077, 0)
        # No ledger tells of a start that these guests have not seen.
        with self.daemon():
            guest = json.loads(self.ctl("--json", "status", "web").stdout)["guests"][0]
            self.assertEqual((guest["state"], guest.get("reason")), ("stopped", None))

    def test_a_second_daemon_misses_no_ledger(self):
        for _ in range(2):
            with self.daemon():
                self.assertNotIn("ledger", self.ctl("status").stdout)
            wait_until(lambda: self.ctl("reload").returncode == 4, "the daemon to end")
            self.assertTrue((self.folder / "socket.sim/settings").exists())

    def test_without_a_socket_it_stops_once_in_directories_that_are_named(self):
        own = str(self.folder / "own")
        done = subprocess.run(self.command("--once", "stop"), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=LIMIT, env=self.environment(RUNTIME_DIRECTORY=own, STATE_DIRECTORY=own))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "own/ledger").exists())

    def test_paths_of_the_real_host_are_refused(self):
        self.assertIn("org.xendomains.Manager", self.refusal())
        self.assertIn("--socket", self.refusal("--socket", "/run/xendomains/org.xendomains.Manager"))
        self.assertIn("--socket", self.refusal("--once", "stop"))
        for variable, path in (("RUNTIME_DIRECTORY", "/run/xendomains"), ("STATE_DIRECTORY", "/var/lib/xendomains")):
            said = self.refusal("--socket", self.socket, **{variable: path})
            self.assertIn(path, said)
            self.assertIn(variable, said)
        self.assertFalse((self.folder / "socket.sim").exists())

    def test_a_slip_is_refused_with_the_nearest_member(self):
        self.file.write_text(json.dumps({"guests": [{"name": "web"}, {"name": "db", "memory": 1}]}))
        self.assertIn('guest 2 ("db"): unknown member "memory". Did you mean "memory_mib"?',
                      self.refusal("--socket", self.socket))

    def test_each_member_and_word_is_explained(self):
        page = (SOURCE / "docs/simulation.md").read_text()
        code = (SOURCE / "daemon/hv/sim/read.c").read_text()
        members = re.findall(r'\{.name = "(\w+)"', code)
        words = re.findall(r'\[DEATH_\w+\] = "([\w-]+)"', code)
        self.assertIn("appears_ms", members)
        self.assertIn("rename-restart", words)
        for word in members + words:
            self.assertRegex(page, rf"\b{word}\b")


if __name__ == "__main__":
    unittest.main()
