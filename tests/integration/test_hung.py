#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files on a server that does not answer, and directories with many of them."""

import contextlib
import json
import os
import pathlib
import signal
import time
import unittest

from beside import at_once
from fakehost import HOLDER, LATE_END, LIMIT, FakeHost, FakeHostTest, wait_until
import ledgerfile
from hung import HungFolder, can_hang, hang_daemon


def sleepers(host):
    """Processes of this host that wait for a file system, whatever is done to them."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            if state == "D" and os.fsencode(host.run) in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


@unittest.skipUnless(can_hang(), "needs root and /dev/fuse")
class HungTest(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.away = self.enterContext(HungFolder(self.host.root / "away"))

    def link(self, name, folder=None):
        (folder or self.host.auto).joinpath(name).symlink_to(self.away.path / name)


class Configurations(HungTest):
    def test_one_that_does_not_answer_costs_itself_only(self):
        self.host.guest("before")
        self.link("hung.cfg")
        self.host.guest("later")
        self.host.ctl("start", check=1)
        status = self.host.status()
        self.assertEqual({n: g["state"] for n, g in status.items()},
                         {"before": "running", "hung.cfg": "failed", "later": "running"})
        self.assertIn("hung.cfg", status["hung.cfg"]["reason"])

    def test_no_look_leaves_another_process_behind(self):
        self.link("hung.cfg")
        self.host.ctl("start", check=1)
        before = wait_until(lambda: sleepers(self.host), "the reader to be left behind")
        self.assertEqual(len(before), 1)
        began = time.monotonic()
        for _ in range(3):
            self.host.ctl("start", check=1)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(sleepers(self.host), before)

    def test_a_directory_that_hangs_keeps_no_guest_from_its_save(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.configure(AUTO=self.away.path, AUTO_ONLY="true")
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=0)
        wait_until(lambda: self.host.states().get("web") == "saved", "its image to be seen")


class Images(HungTest):
    def test_one_that_does_not_answer_holds_its_guest_only(self):
        self.host.guest("db")
        self.host.guest("web")
        self.link("web", self.host.save)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"db": "running", "web": "failed"})

    def test_a_directory_that_hangs_may_hold_an_image_of_each(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.host.configure(SAVE=self.away.path)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=1)
        self.assertNotIn("web", self.host.domains())


class Stops(HungTest):
    """A stop does not wait for what a start would."""

    variables = {"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}

    def test_a_stop_without_a_daemon_goes_by_what_has_been_read(self):
        self.host.guest("db")
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.stop_daemon()
        self.host.xl_create("byhand")
        self.link("aaa.cfg")
        began = time.monotonic()
        self.host.once("stop")
        self.assertLess(time.monotonic() - began, 28)
        # The one that has not answered may be that of a guest which tells of none.
        self.assertEqual(self.host.images(), ["byhand", "db", "web"])
        self.assertEqual(self.host.domains(), {})


class GuestDisks(HungTest):
    def test_a_worker_that_cannot_be_killed_does_not_keep_a_driver_domain_from_its_stop(self):
        self.host.native.write_text("[Host]\nProgressTimeout=1\n")
        self.host.ctl("reload", check=0)
        web = self.host.guest("web")
        config = json.loads(web.read_text())
        disk = {"pdev_path": str(self.away.path / "disk"), "vdev": "xvda", "readwrite": 1}
        web.write_text(json.dumps(config | {"disks": [disk]}))
        driver = self.host.guest("driver")
        config = json.loads(driver.read_text())
        config["c_info"]["driver_domain"] = "True"
        driver.write_text(json.dumps(config))
        self.host.ctl("start", check=0)
        stop = self.host.ctl_in_background("stop")
        wait_until(lambda: "driver" not in self.host.domains(), "the driver domain to be stopped")
        self.assertIn(self.host.worker("web"), self.away.waiting)
        self.away.let_go()
        stop.communicate(timeout=60)


class Daemons(HungTest):
    """A daemon that waits for a server cannot be ended, and has its locks for as long as it does."""

    def hang_daemon(self):
        hang_daemon(self.host, self.away)

    def end_daemon(self):
        self.assertIsNone(self.host.daemon.poll())
        self.away.let_go()
        self.assertEqual(self.host.daemon.wait(60), -signal.SIGKILL)
        self.host.daemon = None

    def test_a_stop_goes_on_beside_it(self):
        self.host.guest("db")
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.hang_daemon()
        self.assertEqual(self.host.once("stop"), 0)
        self.assertEqual(self.host.images(), ["db", "web"])
        self.assertEqual(self.host.domains(), {})
        # The one that was left beside is no lock for the next one, nor is its end.
        self.assertEqual(self.host.once("start"), 0)
        self.assertEqual(sorted(self.host.domains()), ["db", "web"])
        self.end_daemon()
        self.host.start_daemon()
        self.assertEqual(self.host.states(), {"db": "running", "web": "running"})
        self.assertNotEqual(self.host.second_daemon(), 0)

    def test_what_it_has_begun_is_taken_on_and_not_begun_again(self):
        self.host.guest("web", save_ms=3000)
        self.host.ctl("start", check=0)
        stop = self.host.ctl_in_background("stop")
        worker = self.host.worker("web")
        os.kill(worker, signal.SIGSTOP)
        self.hang_daemon()
        once = self.host.once_in_background("stop")
        wait_until(lambda: "beside" in self.host.log.read_text(), "another one beside it")
        os.kill(worker, signal.SIGCONT)
        self.assertEqual(once.wait(60), 0)
        self.assertEqual(self.host.images(), ["web"])
        self.assertEqual(self.host.domains(), {})
        saves = [line for line in self.host.history() if line[2:3] == ["suspended"]]
        self.assertEqual(len(saves), 1)
        self.end_daemon()
        stop.communicate(timeout=60)

    def test_a_daemon_goes_on_beside_one_that_was_killed_and_beside_no_other(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.hang_daemon()
        hung = self.host.daemon
        self.assertNotEqual(self.host.second_daemon(), 0)
        hung.kill()
        self.assertIsNone(hung.poll())
        self.host.start_daemon()
        self.assertIsNone(self.host.daemon.poll())
        self.assertNotEqual(self.host.second_daemon(), 0)
        self.host.ctl("stop", check=0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
        self.away.let_go()
        self.assertEqual(hung.wait(60), -signal.SIGKILL)

    def test_its_time_counts_from_the_beginning(self):
        self.host.guest("web", never_off=True)
        self.host.configure(SAVE="", SHUTDOWN_ALL="", STOP_MAXWAIT="300")
        self.host.ctl("start", check=0)
        self.hang_daemon()
        began = time.monotonic()
        self.assertEqual(self.host.once("stop", "--limit", "10"), 1)
        self.assertLess(time.monotonic() - began, 16)
        self.end_daemon()


class LateEnds(FakeHostTest):
    """Readers are put aside when they have told what a file says, and not that this is all."""

    def test_a_file_that_was_told_is_not_said_to_be_missing(self):
        self.host.guest("db")
        self.host.guest("web")
        self.host.stop_daemon()
        self.host.start_daemon(LD_PRELOAD=str(LATE_END), LATE_IN="xendomains-worker", LATE_USEC="1200000")
        for command, state in (("start", "running"), ("stop", "saved"), ("start", "running")):
            outcome = self.host.outcome(command, check=0)
            self.assertEqual({name: event["result"] for name, event in outcome.items()}, {"db": "ok", "web": "ok"})
            self.assertEqual(self.host.states(), {"db": state, "web": state})


class Disks(FakeHostTest):
    """No sync of the daemon's returns, and no rename. Workers have other disks."""

    def setUp(self):
        super().setUp()
        self.held = self.host.root / "held"
        self.environment = {"LD_PRELOAD": str(HOLDER), "HOLD_IN": "xendomainsd-fake",
                            "HOLD_DISK": str(self.held), "HOLD_BELOW": str(self.host.state)}

    def hold(self):
        """A daemon beside which nothing of what it syncs comes to an end."""
        self.host.stop_daemon()
        self.held.touch()
        self.host.start_daemon(**self.environment)

    def let_go(self):
        """What the daemon has answered by now it has not waited for the disk with."""
        self.assertTrue(self.host.helpers())
        self.held.unlink()
        self.host.wait_for_helpers()

    def blow_up(self):
        """A ledger that is to be written anew."""
        records = ledgerfile.read(self.host.state / "ledger")
        ledgerfile.write(self.host.state / "ledger", records[:1] * 1000 + records)

    def test_a_disk_that_does_not_answer_keeps_no_start_no_status_and_no_stop(self):
        self.host.guest("db")
        self.host.guest("web")
        self.hold()
        self.host.ctl("start", check=0)
        boots = {name: self.host.boot(name) for name in ("db", "web")}
        self.host.native.write_text("[Host]\nRestartLimit=1\n")
        self.host.ctl("reload", check=0)
        self.host.xl_create("byhand")
        wait_until(lambda: self.host.states().get("byhand") == "running", "it to be seen")
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.domains(), {})
        self.let_go()
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual({name: self.host.boot(name) for name in boots}, boots)

    def test_a_stop_ends_at_its_limit_whatever_the_disk_does(self):
        self.host.guest("web", never_off=True)
        self.host.configure(SAVE="", SHUTDOWN_ALL="", STOP_MAXWAIT="1")
        self.hold()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=1)
        self.assertIn("web", self.host.domains())
        self.let_go()

    def test_a_ledger_that_is_written_anew_all_the_time_has_what_a_stop_records(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.stop_daemon()
        self.blow_up()
        self.hold()
        self.host.ctl("stop", check=0)
        self.assertTrue((self.host.state / "ledger.new").exists())
        self.let_go()
        self.host.stop_daemon()
        self.assertLess(len(ledgerfile.read(self.host.state / "ledger")), 500)
        self.assertEqual(self.host.once("start"), 0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_a_stop_beside_a_daemon_that_was_killed_while_the_disk_hung_is_recorded(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.stop_daemon()
        self.blow_up()
        self.hold()
        self.host.daemon.kill()
        self.host.daemon.wait()
        self.host.daemon = None
        once = self.host.once_in_background("stop")
        self.assertEqual(once.wait(LIMIT), 0)
        self.assertEqual(self.host.images(), ["web"])
        self.let_go()
        self.assertEqual(self.host.once("start"), 0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_settings_that_were_good_last_are_kept_in_the_end(self):
        self.hold()
        for limit in range(3):
            self.host.native.write_text(f"[Host]\nRestartLimit={limit}\n")
            self.host.ctl("reload", check=0)
        # That of a daemon that has ended is older than that of the next one.
        self.host.daemon.terminate()
        self.host.daemon.wait(LIMIT)
        self.host.native.write_text("[Host]\nRestartLimit=7\n")
        self.host.start_daemon(**self.environment)
        self.let_go()
        self.assertIn(b"RestartLimit=7", (self.host.state / "settings").read_bytes())


class Many(unittest.TestCase):
    N = 2000

    def test_a_directory_with_many_configurations_is_read_again_and_again(self):
        with FakeHost() as host:
            for i in range(self.N):
                host.guest(f"guest{i:04}")
            host.start_daemon()
            for _ in range(2):
                planned = host.ctl("plan", "start", check=0)
                self.assertEqual(planned.count("create"), self.N)


load_tests = at_once(12)


if __name__ == "__main__":
    unittest.main()
