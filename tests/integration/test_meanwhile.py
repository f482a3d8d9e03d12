#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stop was planned with becomes another while it waits, or works: it goes by what is so then."""

import os
import signal
import subprocess
import unittest

from fakehost import FakeHost, wait_until
from fakelogind import HostWithLogind

UUID = "11111111-0000-4000-8000-000000000001"


def domain(world, name):
    return next(d for d in world["domains"] if d["name"] == name)


def is_suspended(host, name):
    return lambda: host.domains()[name]["state"] == "suspended"


class Meanwhile(unittest.TestCase):
    def host_with(self, **variables):
        host = self.enterContext(FakeHost(**variables))
        return host

    def test_guest_that_an_earlier_daemon_was_saving_is_not_let_run_when_it_is_saved(self):
        host = self.host_with()
        host.guest("web", save_ms=1500, off_ms=50)
        host.start_daemon()
        host.ctl("start", check=0)
        boot = host.boot("web")
        with host.world() as world:
            world["domains"][0]["destroy_fails"] = 1
        stop = host.ctl_in_background("stop")
        wait_until(is_suspended(host, "web"), "the save")
        host.kill_daemon()
        host.start_daemon()
        said, _ = stop.communicate()
        self.assertEqual((stop.returncode, host.domains(), host.images()), (0, {}, ["web"]), said)
        host.ctl("start", check=0)
        self.assertEqual(host.boot("web"), boot)

    def test_guest_that_is_renamed_while_it_is_saved_comes_back_from_that_image(self):
        for killed in (False, True):
            with self.subTest(killed=killed), FakeHost() as host:
                host.guest("web", save_ms=1500)
                host.start_daemon()
                host.ctl("start", check=0)
                boot = host.boot("web")
                stop = host.ctl_in_background("stop")
                wait_until(is_suspended(host, "web"), "the save")
                with host.world() as world:
                    domain(world, "web")["name"] = "renamed"
                if killed:
                    host.kill_worker("web")
                said, _ = stop.communicate()
                if killed:
                    # The save is undone, and the guest shut down.
                    self.assertEqual((host.domains(), host.images()), ({}, []), said)
                    continue
                self.assertEqual((stop.returncode, host.domains(), host.images()), (0, {}, ["web"]), said)
                host.ctl("start", check=0)
                self.assertEqual(host.boot("web"), boot)

    def test_stop_fails_that_cannot_tell_whether_others_have_come_up(self):
        host = self.host_with()
        host.guest("web", save_ms=1000)
        host.start_daemon()
        host.ctl("start", check=0)
        stop = host.ctl_in_background("stop")
        wait_until(is_suspended(host, "web"), "the save")
        host.freeze_daemon()
        host.xl_create("late")
        wait_until(lambda: "web" in host.images() and "web" not in host.domains(), "the image")
        wait_until(lambda: any("result" in m for m in host.operations().get("web", ())), "the result")
        world = host.world_dir / "world"
        world.rename(host.world_dir / "kept")
        world.write_text("no host")
        host.daemon.send_signal(signal.SIGCONT)
        said, _ = stop.communicate()
        (host.world_dir / "kept").rename(world)
        self.assertEqual(stop.returncode, 1, said)
        self.assertIn("late", host.domains())

    def test_guest_that_a_stop_left_alone_is_stopped_when_it_runs_again(self):
        host = self.host_with()
        host.guest("web", uuid=UUID, on={"crash": "preserve"})
        host.guest("slow", save_ms=1500)
        host.start_daemon()
        host.ctl("start", check=0)
        with host.world() as world:
            domain(world, "web")["state"] = "crash"
        wait_until(lambda: host.states()["web"] == "crashed", "the crash")
        stop = host.ctl_in_background("stop")
        wait_until(is_suspended(host, "slow"), "the save")
        with host.world() as world:
            again = domain(world, "web")
            again.update(domid=9, state="running", boot="again")
            again.pop("mark", None)
            world["last_domid"] = 9
        said, _ = stop.communicate()
        self.assertEqual(stop.returncode, 0, said)
        self.assertEqual((host.domains(), host.images()), ({}, ["slow", "web"]))

    def test_room_that_comes_while_a_stop_waits_is_used(self):
        if os.geteuid() != 0:
            self.skipTest("only root can mount a file system")
        host = self.host_with()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", host.save],
                              capture_output=True)
        if done.returncode != 0:
            self.skipTest("a file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", host.save], check=True)
        host.guest("web", memory_kib=12288, pages=3000, off_ms=50, restore_ms=1500)
        host.start_daemon()
        host.ctl("start", check=0)
        boot = host.boot("web")
        host.ctl("stop", check=0)
        subprocess.run(["mount", "-o", "remount,size=36m", host.save], check=True)
        start = host.ctl_in_background("start")
        wait_until(host.domains, "the restore")
        stop = host.ctl_in_background("stop")
        start.communicate()
        said, _ = stop.communicate()
        self.assertEqual((stop.returncode, host.domains(), host.images()), (0, {}, ["web"]), said)
        host.ctl("start", check=0)
        self.assertEqual(host.boot("web"), boot)

    def test_stop_without_time_takes_no_guest_for_one_that_is_not_its_own(self):
        host = self.enterContext(HostWithLogind(AUTO_ONLY="true", SHUTDOWN="", SHUTDOWN_ALL=""))
        host.tell("delay infinity")
        host.guest("web", save_ms=500)
        host.start_daemon()
        host.ctl("start", check=0)
        host.wait_locked()
        host.guest("new", uuid=UUID)
        with host.world() as world:
            world["last_domid"] = 2
            world["domains"].append({
                "domid": 2, "uuid": UUID, "name": "new", "state": "running", "boot": "new",
                "config": {"c_info": {"name": "new", "uuid": UUID}, "b_info": {}, "fake": {}}})
        host.tell("prepare reboot")
        wait_until(lambda: not host.domains(), "all guests to be saved")
        self.assertEqual(host.images(), ["new", "web"])


if __name__ == "__main__":
    unittest.main()
