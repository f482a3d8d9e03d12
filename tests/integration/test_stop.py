#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stop does besides saving and asking: keys, paused guests, force, and others at work."""

import contextlib
import json
import os
import pathlib
import signal
import unittest

import ledgerfile
from fakehost import LIMIT, FakeHostTest, runs, stopped, wait_until


class Keys(FakeHostTest):
    variables = {"SYSRQ": "s u", "USLEEP": "1000"}

    def test_keys_come_before_the_save_and_in_order(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        done = [line for line in self.host.history() if line[1:2] == ["sysrq"]]
        self.assertEqual([line[2] for line in done], ["s", "u"])
        self.assertEqual(self.host.stages("web")[-2:], ["sysrq", "save"])
        self.assertEqual(self.host.states(), {"web": "saved"})

    def test_a_plan_shows_them(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.plan("stop")["web"]["stages"][:3], ["sysrq", "save", "shutdown"])
        self.assertRegex(self.host.ctl("plan", "stop", check=0), "(?m)^web +sysrq, .*save, .*shutdown")

    def test_words_that_are_no_keys_are_refused(self):
        self.host.configure(SYSRQ="sub")
        self.assertIn("XENDOMAINS_SYSRQ=sub", self.host.ctl("reload", check=1))


class DriverDomains(FakeHostTest):

    def setUp(self):
        super().setUp()
        driver, web = self.host.guest("driver"), self.host.guest("web")
        self.change(driver, lambda config: config["c_info"].update(driver_domain="True"))
        self.change(web, lambda config: config.update(disks=[
            {"pdev_path": "/dev/x", "vdev": "xvda", "readwrite": 1, "backend_domname": "driver"}]))
        self.host.ctl("start", check=0)

    def change(self, path, how):
        config = json.loads(path.read_text())
        how(config)
        path.write_text(json.dumps(config))

    def make_unstoppable(self):
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        with self.host.world() as world:
            next(d for d in world["domains"] if d["name"] == "web")["unsavable"] = "so it says"

    def test_one_goes_behind_the_guest_that_has_its_disk_there(self):
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["driver", "web"])
        self.host.ctl("start", check=0)
        self.assertEqual(sorted(self.host.domains()), ["driver", "web"])

    def test_one_stays_while_a_guest_that_could_not_be_stopped_has_its_disk_there(self):
        self.make_unstoppable()
        self.assertEqual(self.host.outcome("stop", check=1)["driver"]["result"], "failed")
        self.assertEqual(sorted(self.host.domains()), ["driver", "web"])
        self.assertIn("web", self.host.reasons()["driver"])
        self.assertEqual(self.host.states()["driver"], "running")

    def test_one_that_is_named_stays_while_a_guest_has_its_disk_there(self):
        self.host.ctl("stop", "driver", check=1)
        self.assertEqual(sorted(self.host.domains()), ["driver", "web"])
        with self.host.world() as world:
            world["domains"] = [d for d in world["domains"] if d["name"] == "driver"]
        self.host.ctl("stop", "driver", check=0)
        self.assertEqual(self.host.images(), ["driver"])


class Paused(FakeHostTest):
    def set_state(self, name, state):
        with self.host.world() as world:
            for domain in world["domains"]:
                if domain["name"] == name:
                    domain["state"] = state

    def test_a_paused_guest_is_let_run_and_saved(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.set_state("web", "paused")
        self.assertEqual(self.host.states(), {"web": "paused"})
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.stages("web")[-2:], ["unpause", "save"])
        self.assertEqual(self.host.states(), {"web": "saved"})
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_a_guest_that_somebody_else_saves_is_waited_for(self):
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.set_state("byhand", "suspended")
        stop = self.host.ctl_in_background("stop")
        wait_until(lambda: self.host.images() == ["web"], "the other guest")
        self.assertIsNone(stop.poll())
        with self.host.world() as world:
            world["domains"].clear()
        said, _ = stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0, said)


class Ready(FakeHostTest):
    """Workers that will remove domains begin while guests go down."""

    variables = {"SAVE": "", "STOP_MAXWAIT": "60"}
    GUESTS = ("a", "b", "c")

    def setUp(self):
        super().setUp()
        self.host.native.write_text("[Host]\nParallelOperations=2\n")
        self.host.ctl("reload", check=0)
        for name in self.GUESTS:
            self.host.guest(name, never_off=True)
        self.host.ctl("start", check=0)
        self.assertEqual(self.waiting(), [])
        self.stop = self.host.ctl_in_background("stop")
        self.ready = wait_until(lambda: len(pids := self.waiting()) == 2 and pids, "two workers that wait")

    def tearDown(self):
        self.stop.communicate(timeout=LIMIT)

    def workers(self, verb):
        """The daemon's workers that began with this word."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.host.daemon.pid and (process / "cmdline").read_bytes().endswith(f"\0{verb}\0".encode()):
                    found.append(int(process.name))
        return found

    def waiting(self):
        return self.workers("await")

    def freeze(self):
        for pid in self.ready:
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda pid=pid: stopped(pid), "the worker to stand still")

    def power_off(self):
        with self.host.world() as world:
            for domain in world["domains"]:
                domain["state"] = "poweroff"

    def is_over(self):
        self.assertEqual(self.stop.wait(timeout=LIMIT), 0)
        self.assertEqual(self.host.domains(), {})
        wait_until(lambda: not self.waiting(), "the workers to end")

    def test_domains_are_removed_by_workers_that_have_begun_before(self):
        self.freeze()
        self.power_off()
        wait_until(lambda: len(self.host.operations()) == 2, "the operations")
        self.assertEqual(self.workers("operate"), [])
        for pid in self.ready:
            os.kill(pid, signal.SIGCONT)
        self.is_over()

    def test_workers_that_died_while_they_waited_are_not_needed(self):
        for pid in self.ready:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.waiting(), "the workers to end")
        # A call, so that the daemon has looked again.
        self.host.states()
        self.assertEqual(self.waiting(), [])
        self.power_off()
        self.is_over()

    def test_a_worker_that_dies_with_its_operation_is_recovered(self):
        self.freeze()
        self.power_off()
        wait_until(lambda: len(self.host.operations()) == 2, "the operations")
        for pid in self.ready:
            os.kill(pid, signal.SIGKILL)
        self.is_over()

    def test_workers_are_not_kept_where_the_stop_is_cancelled(self):
        self.host.ctl("cancel", check=0)
        wait_until(lambda: not self.waiting(), "the workers to end")
        self.stop.wait(timeout=LIMIT)

    def test_workers_end_with_the_daemon(self):
        self.host.kill_daemon()
        wait_until(lambda: not any(runs(pid) for pid in self.ready), "the workers to end")
        self.stop.kill()
        self.host.start_daemon()


class Force(FakeHostTest):
    variables = {"SAVE": "", "STOP_MAXWAIT": "1", "SHUTDOWN_ALL": ""}

    def test_only_guests_that_are_configured_so_are_destroyed(self):
        self.host.native.write_text("[Domain test-*]\nForcedDestroy=yes\n")
        self.host.ctl("reload", check=0)
        self.host.guest("test-1", never_off=True)
        self.host.guest("web", never_off=True)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.stages("test-1")[-1], "destroy")
        self.assertEqual(self.host.states(), {"test-1": "stopped", "web": "running"})

    def test_a_guest_that_cannot_react_is_not_waited_for(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=60, SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.guest("web", cannot=True)
        self.host.ctl("start", check=0)
        # Within the minute that one which could react would have.
        self.host.ctl("stop", check=1, timeout=30)
        self.assertEqual(self.host.stages("web", "STAGE_FAILED"), ["shutdown"])
        self.assertEqual(self.host.states(), {"web": "running"})


class Pace(FakeHostTest):

    def test_disk_is_known_by_what_was_written_to_it(self):
        """Not by the memory that was saved, most of which can be zeros."""
        memory_kib = 80 << 10
        self.host.guest("web", memory_kib=memory_kib, pages=100, save_ms=500)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        written = (self.host.save / "web").stat().st_blocks / 2
        pace, = (r for r in ledgerfile.read(self.host.state / "ledger") if r["entry"] == "pace")
        self.assertAlmostEqual(pace["disk_kib_per_sec"] / pace["kib_per_sec"], written / memory_kib, delta=0.01)


if __name__ == "__main__":
    unittest.main()
