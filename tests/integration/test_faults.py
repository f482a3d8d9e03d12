#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A fault at each step of each sequence: docs/recovery.md and trouble.md hold after each of them."""

import os
import unittest

from beside import at_once
from fakehost import KILLER, STRIDE, each_step
from invariants import Invariants

# No operation and no sequence makes more steps.
STEPS_MAX = 300

FAULTS = ("kill", "EIO", "ENOSPC")

# Of a daemon systemd makes a kill, for which see test_units.py; a worker's end is up to the daemon.
# It is waited for, so it comes at every third step, and not where sanitizers look at the same code.
WORKER_FAULTS = FAULTS if os.environ.get("SANITIZED") else (*FAULTS, "hang")
IMPATIENT = "[Host]\nProgressTimeout=1\n"
HANG_STRIDE = 3


# What a stale NFS handle and damaged file systems return, also for reads. No disk has changed.
MISLEADING = ("ESTALE", "EUCLEAN", "EBADMSG")
COLD = "[Host]\nImageChanged=afresh\nImageUnknown=afresh\n"


def trap(host, program, step, fault, verb=None):
    """The environment in which a program comes to harm at its Nth step."""
    trapped = {"LD_PRELOAD": str(KILLER), "KILL_IN": program, "KILL_AT": str(step),
               "KILL_NOTE": str(host.root / "struck")}
    if verb:
        trapped["KILL_VERB"] = verb
    if fault in MISLEADING:
        trapped["KILL_BELOW"] = str(host.save)
    return trapped if fault == "kill" else trapped | {"KILL_WITH": fault}


class Faults(Invariants):
    """Each sweep goes on until the fault comes behind the last step."""

    def sweep(self, program, before, goal, verb=None, faults=None, **variables):
        total = self.held = 0
        for fault in faults or (WORKER_FAULTS if verb else FAULTS):
            for step in each_step(STEPS_MAX, HANG_STRIDE if fault == "hang" else 1):
                with self.subTest(fault=fault, step=step):
                    struck = self.meet(program, before, goal, fault, step, verb, **variables)
                total += 1
                if not struck:
                    break
            else:
                raise AssertionError("the sequence never got through")
        print(f"{self.id().split('.')[-1]}: {total} runs, {self.held} held")
        # The disks could not be described: but for that everybody gets on.
        self.assertLess(self.held, 10)
        self.assertGreater(total * STRIDE, 20)

    def meet(self, program, before, goal, fault, step, verb, **variables):
        """One fault; returns whether it came to that."""
        with self.setting(before, **variables) as (host, boots):
            host.native.write_text(IMPATIENT if fault == "hang" else COLD if fault in MISLEADING else "")
            status = host.once(goal, **trap(host, program, step, fault, verb))
            died = host.logged("WORKER_LOST")
            self.assertFalse([m for m in host.journal() if "(null)" in m.get("MESSAGE", "")])
            self.let_a_daemon_see_to_it(host)
            self.check(host, boots)
            self.check_goes_on(host, boots)
            return bool(died) or status == -9 or (host.root / "struck").exists()

    def test_daemon_in_a_start_afresh(self):
        self.sweep("xendomainsd-fake", (), "start")

    def test_daemon_in_a_stop_by_save(self):
        self.sweep("xendomainsd-fake", ("start",), "stop")

    def test_daemon_in_a_start_from_images(self):
        self.sweep("xendomainsd-fake", ("start", "stop"), "start")

    def test_daemon_in_a_stop_by_shutdown(self):
        self.sweep("xendomainsd-fake", ("start",), "stop", SAVE="")

    def test_workers_in_a_start_afresh(self):
        self.sweep("worker", (), "start", "operate")

    def test_workers_in_a_stop_by_save(self):
        self.sweep("worker", ("start",), "stop", "operate")

    def test_workers_in_a_start_from_images(self):
        self.sweep("worker", ("start", "stop"), "start", "operate")

    def test_workers_in_a_start_from_images_that_cannot_be_read(self):
        self.sweep("worker", ("start", "stop"), "start", "operate", faults=MISLEADING)

    def verify(self, host, step, fault):
        """Whether a look through the image tells of a problem, and of none; whether a call failed."""
        struck = host.root / "struck"
        struck.unlink(missing_ok=True)
        environment = trap(host, "worker", step, fault, "images")
        host.start_daemon(**environment | {"KILL_BELOW": str(host.save)})
        told = host.ctl("--json", "image", "verify", "web")
        host.stop_daemon()
        return '"problem"' in told, '"verified":true' in told, struck.exists()

    def test_image_that_cannot_be_read_is_not_called_verified(self):
        """Whatever the error is: to a worker, EBADMSG says that an image is broken."""
        with self.setting(("start", "stop")) as (host, _):
            for step in each_step(STEPS_MAX):
                with self.subTest(step=step):
                    told = self.verify(host, step, "EIO")
                    self.assertEqual(self.verify(host, step, "EBADMSG"), told)
                if not told[2]:
                    break
            self.assertEqual(told, (False, True, False))

    def test_workers_in_a_stop_by_shutdown(self):
        # They wait for the guests to go down.
        self.sweep("worker", ("start",), "stop", "await", SAVE="")


load_tests = at_once(3)


if __name__ == "__main__":
    unittest.main()
