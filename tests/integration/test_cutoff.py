#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A save that is cut off between the image's name and the last description of the disks."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from fakehost import BUILD, KILLER, WORKER, FakeHost, runs, wait_until

RECORDER = BUILD / "tests/fake/librecord.so"

# A save makes fewer steps than this.
STEPS_MAX = 200


class CutOff(unittest.TestCase):
    # No step before this one leaves an image that counts.
    first = 25

    def prepare(self, host, disks):
        """Gives the host a guest with these disks."""
        host.disk = host.root / "disk"
        host.disk.write_bytes(bytes(4096))
        host.boot_id = host.root / "boot-id"
        self.new_boot(host, 1)
        path = host.guest("web")
        config = json.loads(path.read_text())
        config["disks"] = [{"pdev_path": str(host.disk), "vdev": "xvda", "readwrite": 1} | disk
                           for disk in disks]
        path.write_text(json.dumps(config))

    def new_boot(self, host, number):
        host.boot_id.write_text(f"00000000-0000-4000-8000-{number:012}\n")

    def start_daemon(self, host, **more):
        preload = f"{KILLER}:{RECORDER}"
        host.start_daemon(LD_PRELOAD=preload, RECORD_BOOT=str(host.boot_id), **more)

    def cut_off(self, host, step):
        """A save whose worker and daemon die at this step. Returns whether it came to that, and which of
        the guest's boots it was."""
        note = host.root / "note"
        self.assertEqual(host.once("start", LD_PRELOAD=str(RECORDER),
                                   RECORD_BOOT=str(host.boot_id)), 0)
        self.start_daemon(host, KILL_IN="worker", KILL_VERB="operate", KILL_AT=str(step),
                          KILL_WITH="hang", KILL_NOTE=str(note))
        boot = host.boot("web")
        stop = host.ctl_in_background("stop", "web")
        wait_until(lambda: note.exists() or stop.poll() is not None, "the step")
        came = note.exists()
        host.kill_daemon()
        stop.kill()
        self.kill_workers(host)
        stop.communicate()
        return came, boot

    def kill_workers(self, host):
        """Also one that has not told yet that it is at work."""
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(host.root).encode() in (process / "environ").read_bytes() and \
                        (process / "exe").readlink().name == WORKER.name:
                    os.kill(int(process.name), signal.SIGKILL)
        wait_until(lambda: not any(runs(m["worker"]["pid"])
                                   for m in host.operations().get("web", ()) if "worker" in m),
                   "the worker to die")

    def each_cut(self, disks, act, check):
        """At each step after which there is an image. Returns how many of those there are."""
        cuts = 0
        for step in range(CutOff.first, STEPS_MAX):
            with self.subTest(step=step), FakeHost(SHUTDOWN="", SHUTDOWN_ALL="") as host:
                self.prepare(host, disks)
                came, boot = self.cut_off(host, step)
                if not came:
                    return cuts
                if host.images() != ["web"]:
                    continue
                act(host)
                self.start_daemon(host)
                wait_until(lambda: not host.operations(), "order")
                host.ctl("start")
                # Cut off before the image counted, the guest has run on.
                if host.domains().get("web", {}).get("domid") == 1:
                    self.assertEqual((host.boot("web"), host.images()), (boot, []))
                    continue
                cuts += 1
                check(host, boot)
        raise AssertionError("the save never got through")

    def power_cut(self, host):
        """All that was in memory is gone."""
        with host.world() as world:
            world["domains"].clear()
        for path in (host.run / "operation").iterdir():
            path.unlink()
        self.new_boot(host, 2)

    def write(self, host):
        host.disk.write_bytes(b"newer".ljust(4096))

    def expect_restored(self, host, boot):
        self.assertEqual(host.boot("web"), boot)
        self.assertEqual(host.states(), {"web": "running"})

    def expect_held(self, host, _):
        self.assertEqual((host.domains(), host.images()), ({}, ["web"]))

    def test_disk_that_was_written_before_the_next_daemon_gets_no_older_memory(self):
        self.assertGreater(self.each_cut([{}], self.write, self.expect_held), 2)

    def test_disk_that_was_not_written_gets_its_memory(self):
        self.assertGreater(self.each_cut([{}], lambda _: None, self.expect_restored), 2)

    def test_after_a_power_cut_the_guest_is_restored(self):
        self.assertGreater(self.each_cut([{}], self.power_cut, self.expect_restored), 2)

    def test_after_a_power_cut_a_disk_that_was_written_gets_no_older_memory(self):
        def act(host):
            self.power_cut(host)
            self.write(host)

        self.assertGreater(self.each_cut([{}], act, self.expect_held), 2)

    def test_after_a_power_cut_a_disk_that_cannot_be_seen_gets_no_memory_before_the_last_stamp(self):
        held = []

        def check(host, _):
            held.append(not host.domains())

        cuts = self.each_cut([{"script": "block-rbd"}], self.power_cut, check)
        self.assertTrue(0 < sum(held) < cuts, held)

    def attach(self):
        """A block device of 8 MiB."""
        backing = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "disk"
        backing.write_bytes(bytes(8 << 20))
        done = subprocess.run(["losetup", "--find", "--show", backing], text=True, capture_output=True)
        if done.returncode != 0:
            self.skipTest("a loop device cannot be had here")
        device = pathlib.Path(done.stdout.strip())
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=True)
        return device

    @unittest.skipIf(os.geteuid(), "only root can attach a device")
    def test_after_a_power_cut_a_device_that_was_written_in_its_middle_gets_no_older_memory(self):
        device = self.attach()
        disk = {"pdev_path": str(device)}
        self.assertGreater(self.each_cut([disk], self.power_cut, self.expect_restored), 2)

        def act(host):
            self.power_cut(host)
            with device.open("r+b") as file:
                file.seek(4 << 20)
                file.write(os.urandom(4096))
                os.fsync(file.fileno())

        def check(host, _):
            held.append(not host.domains())

        # With the last stamp nothing tells of it: none of the hashed regions was written.
        held = []
        self.each_cut([disk], act, check)
        self.assertTrue(held[0], held)

    def test_guest_without_disks_is_never_held(self):
        self.assertGreater(self.each_cut([], self.power_cut, self.expect_restored), 2)
        self.assertGreater(self.each_cut([], lambda _: None, self.expect_restored), 2)


if __name__ == "__main__":
    unittest.main()
