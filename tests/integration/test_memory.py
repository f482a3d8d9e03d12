# SPDX-License-Identifier: GPL-2.0-or-later
"""valgrind finds no leak in a daemon that lived through a start and a stop."""

import json
import shutil
import unittest

import fakehost
from fakehost import FakeHost


# All that can happen to a guest: on a clock that jumps.
HOST = {"speed": 0, "guests": [
    {"name": "web", "config": "/auto/web", "saved": True},
    {"name": "db", "config": "/auto/db", "save": {"error": "no room"}},
    {"name": "deaf", "config": "/auto/deaf", "save": {"error": "deaf"}, "shutdown": {"hangs": True}},
    {"name": "loop", "config": "/auto/loop", "on_crash": "restart",
     "ends": {"reason": "crash", "after_ms": 10}},
    {"name": "bad", "config": "/auto/bad", "config_error": "syntax"},
    {"name": "broken", "saved": True, "image_error": "cut short"},
    {"name": "unlucky", "config": "/auto/unlucky", "create": {"error": "no kernel"}},
    {"name": "byhand", "running": True, "manager": "xl"}]}


class Memory(unittest.TestCase):
    def setUp(self):
        if not shutil.which("valgrind"):
            self.skipTest("there is no valgrind")
        with open(fakehost.DAEMON, "rb") as program:
            if b"__asan_init" in program.read():
                self.skipTest("a sanitizer looks after that here")

    def test_daemon_leaks_nothing(self):
        # Debian 12's valgrind does not know pidfd_open(2), which workers are watched with: so it
        # is the simulated host here. The sanitizers watch the daemon with workers.
        with FakeHost() as host:
            (host.root / "host.json").write_text(json.dumps(HOST))
            plain = host.command
            host.command = lambda *more: [
                "valgrind", "--quiet", "--leak-check=full", "--error-exitcode=99",
                "--show-leak-kinds=definite,indirect,possible", fakehost.BUILD / "daemon/xendomainsd",
                *plain(*more)[1:], "--backend", f"sim:{host.root}/host.json"]
            host.start_daemon()
            host.ctl("start", check=1)
            host.ctl("status")
            host.ctl("plan", "stop", check=0)
            host.ctl("reload", check=0)
            self.assertEqual(host.outcome("stop", check=1)["deaf"]["result"], "failed")
            host.ctl("start", "nobody", check=1)
            host.daemon.terminate()
            status = host.daemon.wait(60)
            host.daemon = None
            self.assertEqual(status, 0, host.log.read_text())


    def test_worker_leaks_nothing(self):
        with FakeHost() as host:
            host.guest("a")
            script = host.root / "worker"
            script.write_text("#!/bin/sh\nexec valgrind --quiet --leak-check=full "
                              f"--error-exitcode=99 --log-file={host.root}/valgrind.%p "
                              f"{fakehost.WORKER} \"$@\"\n")
            script.chmod(0o755)
            plain = host.command
            host.command = lambda *more: [*plain(*more), "--worker", script]
            for goal in ("start", "stop", "start"):
                self.assertEqual(host.once(goal), 0, host.log.read_text())
            said = [path.read_text() for path in host.root.glob("valgrind.*")]
            self.assertGreater(len(said), 4)
            self.assertEqual(set(said), {""})


if __name__ == "__main__":
    unittest.main()
