#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that the daemon cannot have, at many points of each sequence: it does not crash, and no guest
is lost. libxl ends its process when it has none: a worker is then as good as killed (test_faults.py)."""

import unittest

from fakehost import BUILD
from invariants import Invariants

STARVER = BUILD / "tests/fake/libstarve.so"

# A sequence makes some hundred allocations; that many of them, spread evenly, fail.
POINTS = 60


class Starve(Invariants):
    """The daemon is without memory once, and is then let be."""

    def starve(self, host, goal, at):
        """Returns its exit status, and how many allocations it made."""
        note = host.root / "allocations"
        note.unlink(missing_ok=True)
        status = host.once(goal, LD_PRELOAD=str(STARVER), STARVE_IN="xendomainsd-fake",
                           STARVE_AT=str(at), STARVE_NOTE=str(note))
        return status, int(note.read_text()) if note.exists() else 0

    def count(self, before, goal):
        with self.setting(before) as (host, _):
            status, total = self.starve(host, goal, at=-1)
            self.assertEqual(status, 0)
            return total

    def sweep(self, before, goal):
        total = self.count(before, goal)
        self.assertGreater(total, POINTS)
        for point in range(POINTS):
            at = 1 + total * point // POINTS
            with self.subTest(at=at), self.setting(before) as (host, boots):
                status, _ = self.starve(host, goal, at)
                self.assertGreaterEqual(status, 0, "the daemon was killed by a signal")
                self.let_a_daemon_see_to_it(host)
                self.check(host, boots)
                self.check_goes_on(host, boots)
        print(f"{self.id().split('.')[-1]}: {POINTS} of {total} allocations, {self.held} held")

    def test_daemon_in_a_start_afresh(self):
        self.sweep((), "start")

    def test_daemon_in_a_stop_by_save(self):
        self.sweep(("start",), "stop")

    def test_daemon_in_a_start_from_images(self):
        self.sweep(("start", "stop"), "start")


if __name__ == "__main__":
    unittest.main()
