#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory for guests: a restore needs room as a create does, and several never count it twice."""

import fcntl
import os
import unittest

from fakehost import FakeHostTest, wait_until
from hung import HungFolder, can_hang, hang_daemon


class Room(FakeHostTest):
    def give(self, free_kib, spare_kib=0):
        with self.host.world() as world:
            world["free_kib"], world["dom0_spare_kib"] = free_kib, spare_kib

    def free(self):
        with self.host.world() as world:
            return world["free_kib"], world["dom0_spare_kib"]

    def saved(self, *names):
        """Guests that are saved. Returns which boot of each is in its image."""
        for name in names:
            self.host.guest(name)
        self.host.ctl("start", check=0)
        boots = {name: self.host.boot(name) for name in names}
        self.host.ctl("stop", check=0)
        return boots

    def test_restore_takes_from_dom0_what_it_lacks(self):
        boots = self.saved("web")
        self.give(free_kib=512, spare_kib=2048)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boots["web"])
        self.assertEqual(self.free(), (0, 1536))

    def test_restore_without_room_is_refused_before_the_guest_is_built(self):
        boots = self.saved("web")
        self.give(free_kib=512, spare_kib=256)
        before = self.host.history()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed"})
        self.assertEqual(self.host.history(), before)
        self.assertEqual(self.host.images(), ["web"])
        self.give(free_kib=1024)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boots["web"])

    def test_create_takes_memory_and_its_end_gives_it_back(self):
        self.give(free_kib=1024)
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.assertEqual(self.free(), (0, 0))
        self.host.guest("db")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "running", "db": "failed"})
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(self.free(), (1024, 0))
        self.host.ctl("start", "db", check=0)

    def test_guests_that_start_together_do_not_count_the_same_memory(self):
        # There is room for three of four: had they not heard of each other, Xen would have been
        # asked for more than there is, and would have said so instead of us.
        names = [f"g{i}" for i in range(4)]
        self.saved(*names)
        self.give(free_kib=3 * 1024)
        self.host.ctl("start", check=1)
        states = sorted(self.host.states().values())
        self.assertEqual(states, ["failed", "running", "running", "running"])
        [reason] = [reason for reason in self.host.reasons().values() if reason]
        self.assertRegex(reason, r"\b\d+ MiB\b")
        self.assertEqual(self.free(), (0, 0))

    def test_what_a_start_at_work_will_need_is_waited_for(self):
        self.give(free_kib=1536)
        self.host.guest("slow", create_ms=60000)
        client = self.host.ctl_in_background("start")
        wait_until(lambda: "slow" in self.host.domains(), "slow to be built")
        # Its memory is still free, and spoken for.
        self.assertEqual(self.free(), (1536, 0))
        self.host.guest("quick")
        second = self.host.ctl_in_background("start", "quick")
        self.host.worker("quick")
        self.host.kill_worker("slow")
        client.communicate(timeout=60)
        second.communicate(timeout=60)
        self.assertEqual(self.host.states()["quick"], "running")

    def expect_patience(self, replace_daemon=lambda: None):
        self.host.native.write_text("[Host]\nProgressTimeout=1\n")
        self.host.ctl("reload", check=0)
        self.give(free_kib=1536)
        with (self.host.run / "memory").open("w") as claims:
            fcntl.lockf(claims, fcntl.LOCK_EX, 1024, os.getpid() << 36)
            self.host.guest("patient")
            # It waits for as long as its daemon has its connection.
            self.addCleanup(self.host.ctl_in_background("start", "patient").communicate, timeout=60)
            worker = self.host.worker("patient")
            replace_daemon()
            # One that began later is killed for it.
            self.host.guest("stuck", memory_kib=1, create_ms=60000)
            self.host.ctl("start", "stuck", check=1)
            self.assertEqual(self.host.worker("patient"), worker)
        wait_until(lambda: self.host.states() == {"patient": "running", "stuck": "failed"},
                   "the patient one to run")

    def test_waiting_for_memory_is_progress(self):
        self.expect_patience()

    def test_waiting_for_memory_is_progress_for_the_next_daemon_too(self):
        def replace_daemon():
            self.host.kill_daemon()
            self.host.start_daemon()

        self.expect_patience(replace_daemon)

    @unittest.skipUnless(can_hang(), "needs root and /dev/fuse")
    def test_waiting_for_memory_is_progress_beside_a_daemon_that_was_killed_too(self):
        def replace_daemon():
            hang_daemon(self.host, away)
            hung.kill()
            self.host.native.write_text("[Host]\nProgressTimeout=1\n")
            self.host.start_daemon()
            self.assertIsNone(hung.poll())

        hung = self.host.daemon
        with HungFolder(self.host.root / "away") as away:
            self.expect_patience(replace_daemon)
        hung.wait(60)


if __name__ == "__main__":
    unittest.main()
