#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd stops the system, and our unit with it: logind has not waited for guests, or not enough."""

import json
import os
import socket
import subprocess
import time
import unittest

from beside import at_once
from fakehost import CLIENT, LIMIT, NOT_POSSIBLE, wait_until
from fakelogind import HostWithLogind
from hung import LIBC, MNT_DETACH

TARGET = "poweroff.target"

# Of mount(2).
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096


class SecondLineTest(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(HostWithLogind())

    def start(self, *names, **behaviour):
        for name in names:
            self.host.guest(name, **behaviour)
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.wait_locked()

    def go_down(self):
        """Has systemd stop the system; returns the client that is the unit's stop."""
        self.host.tell(f"job {TARGET}")
        return subprocess.Popen(
            [CLIENT, "--socket", self.host.socket, "--or-once",
             "--unit=xendomains-shutdown.service", "stop"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=self.host.environment())

    def wait_for(self, client, status=0):
        said, _ = client.communicate(timeout=LIMIT)
        self.assertEqual(client.returncode, status, said)


class SecondLine(SecondLineTest):
    def going_down(self):
        return json.loads(self.host.ctl("--json", "status"))["host"].get("going_down")

    def test_cancel_does_not_end_it(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.start("db", "web", save_ms=1000)
        client = self.go_down()
        self.host.wait_logged("STAGE_STARTED", stage="save")
        self.assertEqual(json.loads(self.host.ctl("--json", "cancel", check=0)),
                         {"cancelled": 0, "sequences": [], "left": [], "host": True})
        said = self.host.ctl("cancel", check=0)
        self.assertTrue(said.startswith("Nothing to cancel: "))
        self.assertIn("'shutdown -c'", said)
        self.wait_for(client)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["db", "web"]))

    def test_nothing_is_started_during_it_nor_after_it(self):
        self.start("web", save_ms=1000)
        client = self.go_down()
        self.host.wait_logged("STAGE_STARTED", stage="save")
        self.assertEqual(self.host.call("Start")["error"], NOT_POSSIBLE)
        self.wait_for(client)
        self.assertEqual(self.host.call("Start")["error"], NOT_POSSIBLE)
        self.assertEqual(self.host.states(), {"web": "saved"})

    def test_it_takes_over_a_deaf_guest_of_a_stop_that_has_no_limit(self):
        self.host.configure(SAVE="", STOP_MAXWAIT="")
        self.start("deaf", off_ms=120000)
        stop = self.host.ctl_in_background("stop", "deaf")
        self.host.wait_logged("STAGE_STARTED", domain="deaf", stage="shutdown")
        client = self.go_down()
        # A stop of its own would leave the guest to the one that has no limit.
        self.host.wait_logged("STAGE_STARTED", times=2, domain="deaf", stage="shutdown")
        for process in (stop, client):
            process.kill()
            process.communicate()
        with self.host.world() as world:
            world["domains"] = []

    def test_it_stops_what_logind_has_not_waited_for(self):
        self.start("web")
        self.host.tell("prepare poweroff")
        self.host.wait_locked(False)
        self.host.xl_create("late")
        self.wait_for(self.go_down())
        self.assertEqual(self.host.domains(), {})
        # The lock is for logind, which has gone on.
        self.assertNotIn(["-", "refused"], self.host.history())

    def test_it_joins_a_stop_that_logind_has_begun(self):
        self.start("web", save_ms=1000)
        self.host.tell("prepare poweroff")
        self.host.wait_logged("STAGE_STARTED", stage="save")
        self.wait_for(self.go_down())
        self.assertEqual(len(self.host.logged("STAGE_STARTED", stage="save")), 1)
        self.assertEqual(len(self.host.logged("SEQUENCE_STARTED", operation="stop")), 1)

    def test_a_daemon_that_takes_over_goes_on_with_it(self):
        self.start("web", save_ms=2000)
        client = self.go_down()
        self.host.worker("web")
        self.host.kill_daemon()
        self.host.start_daemon()
        self.wait_for(client)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
        self.assertEqual(self.host.call("Start")["error"], NOT_POSSIBLE)

    def extensions(self):
        return sum("EXTEND_TIMEOUT_USEC" in words for words in self.host.systemd.said)

    def lose_client(self):
        """Kills the client of the second line while the first of two guests is saved."""
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.start("db", "web", save_ms=1500)
        client = self.go_down()
        self.host.wait_logged("STAGE_STARTED", stage="save")
        client.kill()
        client.communicate()

    def test_a_client_that_is_killed_leaves_the_stop_to_the_daemon(self):
        self.lose_client()
        before = self.extensions()
        self.host.stop_daemon()
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["db", "web"]))
        self.assertGreater(self.extensions(), before)

    def test_a_daemon_that_is_told_twice_does_not_end_the_stop_first(self):
        self.lose_client()
        before = self.extensions()
        self.host.daemon.terminate()
        wait_until(lambda: self.extensions() > before, "it to be told")
        self.host.stop_daemon()
        self.assertIn("web", self.host.domains())

    def test_a_daemon_is_not_there_past_the_end_that_it_was_given(self):
        """The rest is for other units, which save what is left of the host."""
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="", STOP_MAXWAIT="")
        self.start("web", save_ms=50000)
        # The other half is for other units.
        self.host.tell("timeout 12")
        client = self.go_down()
        self.host.wait_logged("STAGE_STARTED", stage="save")
        self.wait_for(client, status=1)
        self.host.daemon.terminate()
        self.assertEqual(self.host.daemon.wait(20), 0)
        self.host.daemon = None
        self.host.kill_worker("web")

    def test_guests_come_back_if_the_system_stays_up_after_all(self):
        self.start("web")
        boot = self.host.boot("web")
        self.wait_for(self.go_down())
        self.assertEqual(self.going_down(), "unknown")
        self.host.tell("job ")
        wait_until(lambda: self.host.states() == {"web": "running"}, "the guest")
        self.assertEqual(self.host.boot("web"), boot)
        self.assertIsNone(self.going_down())
        self.host.wait_locked()

    def test_guests_come_back_where_there_is_no_logind_as_well(self):
        self.start("web")
        self.host.kill_logind()
        self.host.start_logind("absent yes", f"job {TARGET}")
        self.wait_for(self.go_down())
        self.host.tell("job ")
        wait_until(lambda: self.host.states() == {"web": "running"}, "the guest")

    def test_without_a_daemon_little_time_is_not_spent_on_one_that_hangs(self):
        self.start("web", save_ms=500)
        self.host.freeze_daemon()
        self.addCleanup(self.host.kill_daemon)
        self.assertEqual(self.host.once("stop", "--limit=6"), 0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))

    def test_without_a_daemon_the_first_of_two_units_has_not_failed(self):
        self.start("web")
        self.host.kill_daemon()
        # In the middle of its start: it has the lock, and waits for the hypervisor.
        with self.host.world():
            first = self.host.once_in_background("stop")
            wait_until(lambda: (self.host.run / "manager.lock").read_text().split()[:1] ==
                       [str(first.pid)], "the lock")
            second = self.host.once_in_background("stop")
            self.assertEqual(first.wait(LIMIT), 0)
        self.assertEqual(second.wait(LIMIT), 0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
        self.host.wait_for_helpers()

    def lose_the_domains(self):
        world = self.host.world_dir / "world"
        world.rename(self.host.world_dir / "kept")
        world.write_text("no host")
        self.addCleanup((self.host.world_dir / "kept").replace, world)

    def test_what_the_daemon_cannot_do_is_done_without(self):
        self.start("web")
        self.lose_the_domains()
        self.host.tell(f"job {TARGET}")
        # It is done without the daemon, by a program that the tests do not install.
        self.host.unit_ctl("--or-once", "stop", check=4)

    def test_what_the_daemon_cannot_do_for_an_administrator_is_told(self):
        self.start("web")
        self.lose_the_domains()
        self.host.unit_ctl("--or-once", "stop", check=1)

    def test_a_stop_of_the_unit_alone_stays_an_administrators(self):
        self.start("web", save_ms=1000)
        client = subprocess.Popen(
            [CLIENT, "--socket", self.host.socket, "--or-once",
             "--unit=xendomains-guests.service", "stop"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=self.host.environment())
        self.host.wait_logged("STAGE_STARTED", stage="save")
        self.assertEqual(json.loads(self.host.ctl("--json", "cancel", check=0)),
                         {"cancelled": 1, "sequences": [{"goal": "stop"}],
                          "left": [{"name": "web", "stage": "save", "goes_on": True}]})
        client.communicate(timeout=LIMIT)
        self.assertIsNone(self.going_down())
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})


class ForcedEnd(unittest.TestCase):
    """systemd forces the host down before all guests can be saved, which takes 9 s each."""

    def setUp(self):
        self.host = self.enterContext(HostWithLogind())
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        # Of these, half are for other units.
        self.host.tell("timeout 40")
        self.host.tell("delay 5")
        for number in range(4):
            self.host.guest(f"g{number}", memory_kib=400 << 10, save_ms=1000)
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.wait_locked()

    def expect_one_saved(self):
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["g0"]))
        self.assertEqual(len(self.host.logged("STAGE_DONE", stage="shutdown")), 3)

    def test_the_second_line_asks_whom_it_cannot_save(self):
        self.host.tell("job poweroff.target")
        self.host.unit_ctl("stop")
        self.expect_one_saved()

    def test_a_stop_in_the_window_of_logind_thinks_of_the_end_behind_it(self):
        plan = json.loads(self.host.ctl("--json", "plan", "stop", check=0))
        self.assertEqual([s["stages"][0] for s in plan["steps"]], ["save"] + 3 * ["shutdown"])
        self.host.tell("prepare poweroff")
        self.host.wait_locked(False)
        self.expect_one_saved()

    def test_guests_are_asked_however_little_time_there_is(self):
        self.host.ctl("stop", check=0)
        self.host.configure(SAVE="", SHUTDOWN_ALL="")
        self.host.native.write_text("[Host]\nParallelOperations=1\n[Domain doomed]\nForcedDestroy=yes\n")
        for name in "db", "doomed":
            self.host.guest(name, off_ms=1500)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", "db", "doomed", check=0)
        self.assertEqual(self.host.once("stop", "--limit=3"), 0)
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.logged("STAGE_STARTED", stage="destroy"), [])

    def test_a_stop_without_any_time_asks_guests_and_waits_for_no_save(self):
        self.host.ctl("stop", check=0)
        self.host.configure(SAVE="", STOP_MAXWAIT="", SHUTDOWN_ALL="")
        self.host.guest("db", off_ms=1500)
        self.host.guest("deaf", never_off=True)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", "db", "deaf", check=0)
        self.host.kill_daemon()
        self.assertEqual(self.host.once("stop", "--limit=0"), 1)
        self.assertEqual(list(self.host.domains()), ["deaf"])
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="")
        with self.host.world() as world:
            world["domains"][0]["config"]["fake"]["save_ms"] = 20000
        self.assertEqual(self.host.once("stop", "--limit=0"), 1)
        self.assertIn("deaf", self.host.domains())
        # The second stop names the guest for its save, which is not over: no stage of it has failed.
        failed = self.host.logged("GUEST_FAILED", domain="deaf")
        self.assertEqual([entry.get("XEN_STAGE") for entry in failed], ["shutdown", None])
        self.host.kill_worker("deaf")
        with self.host.world() as world:
            world["domains"] = []

    def test_pauses_of_sysrq_do_not_eat_the_time(self):
        self.host.ctl("stop", check=0)
        self.host.configure(SYSRQ="s", USLEEP=60000000)
        self.host.ctl("reload", check=0)
        self.host.guest("db")
        self.host.ctl("start", "db", check=0)
        self.host.tell("job poweroff.target")
        self.host.unit_ctl("stop")
        self.assertEqual(self.host.domains(), {})

    def test_who_is_left_running_is_told_and_destroyed_where_that_was_asked_for(self):
        self.host.ctl("stop", check=0)
        self.host.configure(SAVE="", STOP_MAXWAIT="", SHUTDOWN_ALL="")
        self.host.native.write_text("[Domain doomed]\nForcedDestroy=yes\n")
        for name in "deaf", "doomed":
            self.host.guest(name, off_ms=600000)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", "deaf", "doomed", check=0)
        self.host.tell("job poweroff.target")
        self.host.unit_ctl("stop", check=1)
        self.assertEqual(list(self.host.domains()), ["deaf"])
        [failed] = self.host.logged("GUEST_FAILED", domain="deaf", operation="stop")
        self.assertIn(self.host.reasons()["deaf"], failed["MESSAGE"])
        with self.host.world() as world:
            world["domains"] = []

    def test_other_units_leave_guests_at_least_half_of_a_short_limit(self):
        self.host.ctl("stop", check=0)
        self.host.configure(SAVE="", STOP_MAXWAIT="", SHUTDOWN_ALL="")
        self.host.native.write_text("[Domain forced]\nForcedDestroy=yes\n")
        self.host.guest("forced", off_ms=1500)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", "forced", check=0)
        self.host.tell("job poweroff.target")
        self.host.unit_ctl("stop", check=0)
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.logged("STAGE_STARTED", stage="destroy"), [])

    def test_without_a_daemon_whoever_cannot_be_saved_is_asked_as_well(self):
        self.host.kill_daemon()
        self.assertEqual(self.host.once("stop", "--limit=20"), 0)
        self.expect_one_saved()


@unittest.skipUnless(os.geteuid() == 0, "only root mounts")
class ReadOnly(SecondLineTest):
    """The runtime directory cannot be written any more, as after SysRq+u."""

    def make_read_only(self):
        path = os.fsencode(self.host.run)
        self.assertEqual(LIBC.mount(path, path, None, MS_BIND, None), 0)
        self.addCleanup(LIBC.umount2, path, MNT_DETACH)
        self.assertEqual(LIBC.mount(None, path, None, MS_REMOUNT | MS_BIND | MS_RDONLY, None), 0)

    def expect_asked(self):
        # Nothing that needs a worker can be done.
        self.assertEqual(self.host.once("stop", "--limit=8"), 1)
        self.assertEqual(self.host.domains()["web"]["state"], "poweroff")

    def test_guests_are_asked_without_a_lock(self):
        self.start("web")
        self.host.kill_daemon()
        for file in self.host.run.glob("manager.lock*"):
            file.unlink()
        self.make_read_only()
        self.expect_asked()
        self.assertIn("manager.lock", self.host.log.read_text())

    def test_a_lock_that_is_there_is_taken(self):
        self.start("web")
        self.host.kill_daemon()
        self.make_read_only()
        self.host.start_daemon()
        self.assertNotEqual(self.host.second_daemon(), 0)
        self.host.stop_daemon()
        self.expect_asked()


class LostDaemon(SecondLineTest):
    """Little time is left when the daemon does not answer any more."""

    def setUp(self):
        super().setUp()
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.start("a", "b", "c", save_ms=2500)

    def go_down_within(self, seconds):
        # The other half is for other units.
        self.host.tell(f"timeout {2 * seconds}")
        return self.go_down()

    def expect_time_for_once(self, lose, seconds=20):
        end = time.monotonic() + seconds
        client = self.go_down_within(seconds)
        self.host.wait_logged("STAGE_STARTED", stage="save")
        lose()
        # The tests install no program for it.
        self.wait_for(client, status=4)
        left = end - time.monotonic()
        self.assertGreater(left, seconds / 3)
        self.assertEqual(self.host.once("stop", f"--limit={int(left)}"), 0)
        self.assertEqual(self.host.domains(), {})

    def freeze_daemon(self):
        self.host.freeze_daemon()
        self.addCleanup(self.end)

    def end(self):
        self.host.kill_daemon()
        with self.host.world() as world:
            world["domains"] = []

    def test_one_that_is_killed_leaves_time_to_do_without(self):
        self.expect_time_for_once(self.host.kill_daemon)

    def kill_daemon_behind_a_socket(self):
        """systemd's socket takes connections also where it starts no daemon any more."""
        self.host.kill_daemon()
        self.host.socket.unlink(missing_ok=True)
        listener = self.enterContext(socket.socket(socket.AF_UNIX))
        listener.bind(str(self.host.socket))
        listener.listen()

    def test_one_that_is_killed_behind_a_socket_leaves_time_to_do_without(self):
        self.expect_time_for_once(self.kill_daemon_behind_a_socket)

    def test_one_that_hangs_leaves_time_to_do_without(self):
        self.expect_time_for_once(self.freeze_daemon)

    def test_one_that_hangs_before_the_stop_leaves_time_to_do_without(self):
        self.freeze_daemon()
        end = time.monotonic() + 6
        self.wait_for(self.go_down_within(6), status=4)
        self.assertLess(time.monotonic(), end - 2)

    def test_one_that_hangs_at_the_end_does_not_keep_guests_running(self):
        client = self.go_down_within(3)
        self.host.wait_logged("STAGE_STARTED", stage="save")
        self.freeze_daemon()
        self.wait_for(client, status=4)


load_tests = at_once(4)

if __name__ == "__main__":
    unittest.main()
