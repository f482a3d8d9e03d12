#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that suspends when the save or the migration that asked for it has ended already."""

import os
import signal
import time
import unittest

from fakehost import FakeHostTest, wait_until

# How long the guest has the request in hand: long enough for what is to come between.
SUSPEND_MS = 4000


class Late(FakeHostTest):

    def save_begins(self):
        """A guest that is asked to suspend by a save."""
        self.host.guest("web", suspend_ms=SUSPEND_MS)
        self.host.ctl("start", check=0)
        self.boot = self.host.boot("web")
        stop = self.host.ctl_in_background("stop", "web")
        wait_until(lambda: "asked_to_suspend" in self.host.domains()["web"], "the request")
        return stop

    def suspended(self):
        return sum("suspended" in line for line in self.host.history())

    def check_runs_on(self):
        wait_until(lambda: self.suspended() == 1, "the guest to suspend")
        wait_until(lambda: self.host.domains()["web"]["state"] == "running", "the resume")
        self.assertTrue(self.host.logged("GUEST_LATE", domain="web"))
        self.assertEqual(self.host.boot("web"), self.boot)
        self.assertEqual(self.host.images(), [])
        self.assertNotIn("asked_to_suspend", self.host.domains()["web"])

    def test_guest_of_a_worker_that_was_killed_runs_on(self):
        stop = self.save_begins()
        self.host.ctl("cancel", check=0)
        self.host.kill_worker("web")
        stop.communicate()
        self.check_runs_on()
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["web"])

    def test_guest_of_a_worker_and_a_daemon_that_were_killed_runs_on(self):
        stop = self.save_begins()
        worker = self.host.worker("web")
        self.host.kill_daemon()
        stop.kill()
        stop.communicate()
        os.kill(worker, signal.SIGKILL)
        self.host.start_daemon()
        self.check_runs_on()

    def test_guest_whose_time_was_over_before_it_had_suspended_runs_on(self):
        self.host.configure(STOP_MAXWAIT=2, SHUTDOWN="", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.save_begins().communicate()
        self.assertEqual(self.host.stages("web", "STAGE_FAILED"), ["save"])
        self.check_runs_on()

    def test_what_nothing_of_ours_asked_for_stays_suspended(self):
        """As "xl suspend" leaves it."""
        self.save_begins().communicate()
        self.host.ctl("start", check=0)
        self.host.guest("db")
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            for domain in world["domains"]:
                domain["state"] = "suspended"
                # Of web's save nothing can be left by now.
                now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                domain["asked_to_suspend"] = now + (60_000_000 if domain["name"] == "db" else -1)
        wait_until(lambda: self.host.domains()["db"]["state"] == "running", "the resume")
        self.assertEqual(self.host.domains()["web"]["state"], "suspended")


if __name__ == "__main__":
    unittest.main()
