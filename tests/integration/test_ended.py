#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a guest does not run that has shut down, or is suspended: who asked it to, and may it run on?"""

import unittest

from fakehost import FakeHostTest, wait_until


class Ended(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.host.configure(SAVE="")
        self.host.ctl("reload", check=0)
        self.host.guest("web", off_ms=10)
        self.host.ctl("start", check=0)

    def end(self, state="poweroff"):
        with self.host.world() as world:
            world["domains"][0]["state"] = state
        self.wait_gone()

    def wait_gone(self):
        """Also for the worker that removes the domain, which has still to end then."""
        wait_until(lambda: not self.host.domains() and self.host.states()["web"] == "stopped",
                   "the domain to be removed")

    def look(self):
        web = self.host.status()["web"]
        return web["state"], "reason" in web

    def test_guest_that_shut_down_by_itself_is_told_from_one_that_was_stopped(self):
        for state in ("poweroff", "reboot"):
            self.end(state)
            web = self.host.status()["web"]
            self.assertEqual((web["state"], web["reason_usec"]), ("stopped", web["since_usec"]))
            self.assertEqual(web["actions"], ["xendomainsctl start web"])
            self.host.ctl("start", check=0)
            self.assertEqual(self.look(), ("running", False))
        self.host.ctl("stop", check=0)
        self.assertEqual(self.look(), ("stopped", False))

    def test_guest_that_was_asked_to_and_not_waited_for_was_stopped(self):
        self.host.configure(SAVE="", SHUTDOWN="--halt", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=0)
        self.wait_gone()
        self.assertEqual(self.look(), ("stopped", False))

    def test_guest_that_obeys_after_its_stop_has_not_failed(self):
        self.host.ctl("stop", check=0)
        self.host.guest("web", off_ms=600000)
        self.host.configure(SAVE="", STOP_MAXWAIT=1)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=1)
        self.assertEqual(self.look(), ("running", True))
        for _ in range(2):
            self.host.kill_daemon()
            self.host.start_daemon()
            self.assertEqual(self.look(), ("running", True))
        failure = self.host.status()["web"]["reason"]
        self.end()
        for _ in range(2):
            self.assertEqual(self.look(), ("stopped", True))
            web = self.host.status()["web"]
            self.assertIn(failure, web["reason"])
            self.assertGreaterEqual(web["reason_usec"], web["since_usec"])
            self.assertEqual(web["actions"], ["xendomainsctl start web"])
            self.host.kill_daemon()
            self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual(self.look(), ("running", False))

    def test_guest_that_reboots_instead_has_not_obeyed(self):
        self.host.ctl("stop", check=0)
        self.host.guest("web", off_ms=600000, on={"reboot": "restart"})
        self.host.configure(SAVE="", STOP_MAXWAIT=1)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=1)
        with self.host.world() as world:
            [domain] = world["domains"]
            domid = domain["domid"]
            domain["state"] = "reboot"
        wait_until(lambda: self.host.domains().get("web", {}).get("domid", domid) != domid, "the guest to reboot")
        wait_until(lambda: self.look() == ("running", True), "its failure to be told")

    def test_why_it_is_down_is_still_known_to_the_next_daemon(self):
        self.end()
        before = self.host.status()["web"]
        for _ in range(2):
            self.host.kill_daemon()
            self.host.start_daemon()
            web = self.host.status()["web"]
            self.assertEqual((web["reason"], web["reason_usec"]), (before["reason"], before["reason_usec"]))

    def test_nothing_is_said_of_what_no_daemon_saw(self):
        self.host.stop_daemon()
        with self.host.world() as world:
            world["domains"][0]["state"] = "poweroff"
        self.host.start_daemon()
        self.wait_gone()
        self.assertEqual(self.look(), ("stopped", False))

    def test_stop_of_a_guest_that_is_down_does_not_hide_why(self):
        self.end()
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(self.look(), ("stopped", True))


class Suspended(FakeHostTest):
    def test_guest_whose_mark_cannot_be_read_may_be_saved_and_is_not_let_run(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        with self.host.world() as world:
            [web] = world["domains"]
            mark = web["mark"]
            web |= {"state": "suspended", "mark": "{"}
        self.host.ctl("start", "web", check=1)
        self.assertEqual(self.host.domains()["web"]["state"], "suspended")
        with self.host.world() as world:
            world["domains"][0]["mark"] = mark
        self.host.ctl("start", "web", check=0)
        self.assertEqual((self.host.states(), self.host.boot("web")), ({"web": "running"}, boot))


if __name__ == "__main__":
    unittest.main()
