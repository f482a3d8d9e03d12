#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which image is a guest's memory, and which is of an earlier life: by docs/recovery.md and identity.md."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
import unittest

import ledgerfile
import memory
from fakehost import KILLER, FakeHostTest, wait_until
from test_images import make_xls

UUID_A = "00000000-0000-4000-8000-00000000000a"
UUID_B = "00000000-0000-4000-8000-00000000000b"


class Lives(FakeHostTest):

    def saved(self, name="web", **guest):
        """A guest that has run and is saved; its boot."""
        self.host.guest(name, **guest)
        self.host.ctl("start", check=0)
        boot = self.host.boot(name)
        self.host.ctl("stop", check=0)
        self.assertIn(name, self.host.images())
        return boot

    def cut_power(self):
        """All domains are gone, and what a boot had is forgotten."""
        if self.host.daemon:
            self.host.kill_daemon()
        with self.host.world() as world:
            world["domains"].clear()
        shutil.rmtree(self.host.run)
        self.host.run.mkdir()
        self.host.start_daemon()

    def restart_without_ledger(self):
        self.host.stop_daemon()
        (self.host.state / "ledger").unlink()
        self.host.start_daemon()

    def switch(self, **variables):
        self.host.configure(**variables)
        self.host.ctl("reload", check=0)

    def aside(self):
        return [image for image in self.host.images() if ".stale-" in image]

    def expect_cold(self, *boots):
        self.assertEqual(self.host.states()["web"], "running")
        self.assertNotIn(self.host.boot("web"), boots)

    def expect_held(self, *names):
        for name in names:
            self.assertEqual(self.host.states()[name], "failed")
            self.assertTrue(self.host.reasons()[name])
            self.assertNotIn(name, self.host.domains())


class Images(Lives):

    def test_older_image_beside_the_newest_is_put_aside_and_never_takes_its_name(self):
        self.saved()
        old = (self.host.save / "web").read_bytes()
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            world["domains"][0]["boot"] = "later"
        self.host.ctl("stop", check=0)
        restoring = self.host.save / "web.restoring"
        restoring.write_bytes(old)
        restoring.chmod(0o600)
        self.host.stop_daemon()
        self.host.start_daemon(LD_PRELOAD=str(KILLER), KILL_IN="worker", KILL_AT="3",
                               KILL_VERB="operate")
        self.host.ctl("start")
        self.assertIn("web", self.host.images())
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), "later")
        [aside] = self.aside()
        self.assertEqual((self.host.save / aside).read_bytes(), old)

    def test_image_called_restoring_is_judged_by_the_ledger_and_keeps_its_name(self):
        disk = {"pdev_path": "rbd:p/w", "vdev": "xvda", "readwrite": 1, "script": "block-rbd"}
        path = self.host.guest("web")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"disks": [disk]}))
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        (self.host.save / "web").rename(self.host.save / "web.restoring")
        (self.host.state / "ledger").rename(self.host.root / "kept")
        self.host.stop_daemon()
        self.host.start_daemon(LD_PRELOAD=str(KILLER), KILL_IN="worker", KILL_AT="1",
                               KILL_VERB="operate")
        # With no ledger it is held, however often that is tried.
        self.host.ctl("start", check=1)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.images(), ["web.restoring"])
        self.host.stop_daemon()
        (self.host.root / "kept").replace(self.host.state / "ledger")
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_image_is_consumed_by_the_record_and_not_by_its_removal(self):
        boot = self.saved()
        whole = (self.host.save / "web").read_bytes()
        self.host.ctl("start", check=0)
        (self.host.save / "web").write_bytes(whole)
        (self.host.save / "web").chmod(0o600)
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)
        self.assertEqual(len(self.aside()), 1)

    def test_guest_that_ran_without_images_outlives_its_image(self):
        for variables in ({"SAVE": ""}, {"RESTORE": "false"}):
            with self.subTest(**variables):
                boot = self.saved()
                whole = (self.host.save / "web").read_bytes()
                self.switch(SHUTDOWN="", **variables)
                self.host.ctl("start", check=0)
                self.switch(SAVE="")
                self.host.ctl("stop", check=0)
                if "web" not in self.host.images():
                    (self.host.save / "web").write_bytes(whole)
                    (self.host.save / "web").chmod(0o600)
                self.switch()
                self.host.ctl("start", check=0)
                self.expect_cold(boot)
                self.host.ctl("stop", check=0)
                for image in self.host.save.iterdir():
                    image.unlink()

    def test_guest_that_another_tool_ran_outlives_its_image(self):
        boot = self.saved(uuid=UUID_A)
        with self.host.world() as world:
            world["domains"].append({
                "domid": 77, "uuid": UUID_A, "name": "web", "state": "running", "boot": "by-xl",
                "config": {"c_info": {"name": "web", "uuid": UUID_A}, "b_info": {}, "fake": {}}})
        wait_until(lambda: "by-xl" in str(self.host.domains()) and
                   self.host.states()["web"] == "running", "the domain to be seen")
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold(boot, "by-xl")
        self.assertEqual(len(self.aside()), 1)

    def test_checkpoint_is_outlived_by_the_guest_that_runs_on(self):
        """xl save -c, and then the guest is shut down."""
        self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        for state in ("suspended", "running"):
            with self.host.world() as world:
                world["domains"][0]["state"] = state
                config = world["domains"][0]["config"]
            wait_until(lambda: self.host.states()["web"] == state, state)
            if state == "suspended":
                (self.host.save / "web").write_bytes(memory.make_xls(config, f"{boot}\n0"))
                (self.host.save / "web").chmod(0o600)
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)
        self.assertEqual(len(self.aside()), 1)

    def test_copy_of_an_older_image_of_xl_is_held_though_it_is_newer_than_the_guests_end(self):
        disk = self.host.root / "disk"
        disk.write_bytes(bytes(4096))
        path = self.host.guest("web", uuid=UUID_A, on={"poweroff": "destroy"})
        path.write_text(json.dumps(json.loads(path.read_text()) | {"disks": [
            {"pdev_path": str(disk), "vdev": "xvda", "readwrite": 1}]}))
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        image, kept = self.host.save / "web", self.host.root / "kept"
        make_xls(image)
        image.rename(kept)
        self.host.ctl("start", "--cold", "web", check=0)
        disk.write_bytes(b"x" * 4096)
        with self.host.world() as world:
            world["domains"][0]["state"] = "poweroff"
        wait_until(lambda: not self.host.domains() and self.host.states()["web"] == "stopped", "its end")
        shutil.copyfile(kept, image)
        image.chmod(0o600)
        self.host.ctl("start", check=1)
        self.expect_held("web")
        self.assertEqual(self.host.images(), ["web"])

    def test_copy_from_after_the_end_of_a_guest_that_another_tool_saved_is_not_its_image(self):
        self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        with self.host.world() as world:
            world["domains"][0]["state"] = "suspended"
            config = world["domains"][0]["config"]
        wait_until(lambda: self.host.states()["web"] == "suspended", "suspended")
        self.host.kill_daemon()
        with self.host.world() as world:
            world["domains"].clear()
        # The next one sees that it is gone.
        self.host.start_daemon()
        self.host.stop_daemon()
        image = self.host.save / "web"
        image.write_bytes(memory.make_xls(config, f"{boot}\n0"))
        image.chmod(0o600)
        os.utime(image, (time.time() + 60,) * 2)
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.expect_held("web")
        self.assertEqual(self.host.images(), ["web"])

    def test_two_images_put_aside_in_one_second_both_stay(self):
        self.saved()
        whole = (self.host.save / "web").read_bytes()
        for _ in range(3):
            self.host.ctl("start", "--cold", "web", check=0)
            with self.host.world() as world:
                world["domains"].clear()
            (self.host.save / "web").write_bytes(whole)
            (self.host.save / "web").chmod(0o600)
        self.host.ctl("start", check=0)
        self.assertEqual(len(self.aside()), 4)

    def read_only(self):
        """SAVE, mounted read-only: what cannot be written cannot be renamed."""
        if os.geteuid() != 0:
            self.skipTest("only root can mount a file system")
        if subprocess.run(["mount", "--bind", self.host.save, self.host.save], capture_output=True).returncode:
            self.skipTest("a file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.host.save], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.host.save], check=True)

    def test_used_up_image_that_cannot_be_put_aside_keeps_no_guest_down(self):
        boot = self.saved()
        whole = (self.host.save / "web").read_bytes()
        self.host.ctl("start", check=0)
        (self.host.save / "web").write_bytes(whole)
        (self.host.save / "web").chmod(0o600)
        self.cut_power()
        self.read_only()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)
        self.assertEqual(self.host.images(), ["web"])

    def test_used_up_image_that_cannot_be_put_aside_keeps_no_saved_guest_down(self):
        self.saved()
        whole = (self.host.save / "web").read_bytes()
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            world["domains"][0]["boot"] = "later"
        self.host.ctl("stop", check=0)
        for name in ("older", "copy"):
            (self.host.save / name).write_bytes(whole if name == "older" else (self.host.save / "web").read_bytes())
            (self.host.save / name).chmod(0o600)
        self.read_only()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), "later")
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold("later")
        self.assertEqual(self.host.images(), ["copy", "older", "web"])

    def test_cold_start_is_not_made_beside_an_image_that_cannot_be_put_aside(self):
        self.saved()
        self.read_only()
        self.host.ctl("start", "--cold", "web", check=1)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))

    def test_image_that_a_person_removed_is_missed_in_words_and_the_guest_starts(self):
        boot = self.saved()
        (self.host.save / "web").unlink()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)
        self.assertEqual(len(self.host.logged("GUEST_COLD", domain="web")), 1)

    def test_saved_guest_starts_without_its_memory_in_words_where_saves_are_switched_off(self):
        for uuid in (None, UUID_A):
            for variables in ({"SAVE": ""}, {"SAVE": "", "RESTORE": "false"}):
                with self.subTest(uuid=uuid, **variables):
                    boot = self.saved(uuid=uuid)
                    self.switch(**variables)
                    said = len(self.host.logged("GUEST_COLD", domain="web"))
                    self.assertIn("XENDOMAINS_SAVE", self.host.ctl("start", check=0))
                    self.expect_cold(boot)
                    self.assertEqual(len(self.host.logged("GUEST_COLD", domain="web")), said + 1)
                    self.switch()
                    self.cut_power()
                    self.host.ctl("start", check=0)
                    self.expect_cold(boot)
                    self.assertEqual(len(self.aside()), 1)
                    self.host.ctl("stop", check=0)
                    for image in self.host.save.iterdir():
                        image.unlink()
                    self.restart_without_ledger()

    def test_guest_whose_images_are_not_mounted_is_held(self):
        boot = self.saved()
        kept = self.host.save.rename(self.host.root / "kept")
        self.host.save.mkdir()
        self.host.ctl("start", check=1)
        self.expect_held("web")
        self.host.save.rmdir()
        self.host.ctl("start", check=1)
        self.expect_held("web")
        kept.rename(self.host.save)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_held_guest_can_be_started_without_its_memory(self):
        boot = self.saved()
        self.host.save.rename(self.host.root / "kept")
        self.host.save.mkdir()
        self.host.ctl("start", "--cold", check=2)
        self.host.ctl("stop", "--cold", "web", check=2)
        self.host.ctl("start", "--cold", "web", check=0)
        self.expect_cold(boot)


class Identities(Lives):

    def change(self, **info):
        path = self.host.auto / "web.cfg"
        config = json.loads(path.read_text())
        config["c_info"] |= info
        path.write_text(json.dumps(config))

    def test_saved_guest_whose_uuid_is_added_or_changed_is_held_under_both(self):
        for before in (None, UUID_A):
            with self.subTest(before=before):
                boot = self.saved(uuid=before)
                self.change(uuid=UUID_B)
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.domains(), {})
                status = json.loads(self.host.ctl("--json", "status"))
                self.assertEqual([g["state"] for g in status["guests"]], ["failed"] * 2)
                self.change(uuid=before or status["guests"][0]["uuid"])
                self.host.guest("web", uuid=before)
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                self.host.ctl("stop", check=0)
                for image in self.host.save.iterdir():
                    image.unlink()

    def test_saved_guest_whose_file_now_has_another_name_is_held_under_both(self):
        for uuid in (None, UUID_A):
            with self.subTest(uuid=uuid):
                boot = self.saved(uuid=uuid)
                self.change(name="www")
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.domains(), {})
                self.change(name="web")
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                self.host.ctl("stop", check=0)
                for image in self.host.save.iterdir():
                    image.unlink()

    def test_guest_that_runs_is_stopped_by_its_name_whatever_its_configuration_says_now(self):
        for before in (None, UUID_A):
            with self.subTest(before=before):
                self.host.guest("web", uuid=before)
                self.host.ctl("start", check=0)
                self.change(uuid=UUID_B)
                self.host.ctl("plan", "start")
                said = json.loads(self.host.ctl("--json", "status", "web"))["guests"]
                self.assertEqual(sorted(g["state"] for g in said), ["failed", "running"])
                self.host.ctl("stop", "web", check=0)
                self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
                (self.host.save / "web").unlink()
                self.restart_without_ledger()

    def test_without_ledger_a_file_of_the_guests_name_holds_it_under_another_name_too(self):
        boot = self.saved()
        self.change(name="www")
        self.restart_without_ledger()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.change(name="web", uuid=self.host.status()["web"]["uuid"])
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_file_of_another_guests_name_holds_no_guest_that_is_known(self):
        self.host.guest("web").rename(self.host.auto / "first.cfg")
        self.host.guest("web1", uuid=UUID_B).rename(self.host.auto / "web.cfg")
        self.host.ctl("start", check=0)
        boot, first = self.host.boot("web"), self.host.boot("web1")
        self.host.ctl("stop", check=0)
        # Each has an image of its own, whatever the ledger knows.
        self.restart_without_ledger()
        self.host.ctl("start", check=0)
        self.assertEqual((self.host.boot("web"), self.host.boot("web1")), (boot, first))

    def test_running_guest_whose_file_now_has_another_name_is_not_built_a_second_time(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        for state in ("running", "paused"):
            with self.host.world() as world:
                world["domains"][0]["state"] = state
            self.change(name="www")
            self.host.ctl("start", check=1)
            self.host.ctl("start", "www", check=1)
            self.assertEqual(list(self.host.domains()), ["web"])
            self.expect_held("www")

    def test_image_that_cannot_be_read_holds_its_guest_under_the_changed_name_too(self):
        for change in ({"uuid": UUID_B}, {"name": "www"}):
            with self.subTest(**change):
                self.saved()
                image = self.host.save / "web"
                whole = image.read_bytes()
                image.write_bytes(whole[:-100])
                self.change(**change)
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.domains(), {})
                image.unlink()
                image.symlink_to("nothing")
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.domains(), {})
                image.unlink()
                self.restart_without_ledger()

    def test_guest_whose_images_are_not_mounted_is_held_under_the_changed_name_too(self):
        for change in ({"uuid": UUID_B}, {"name": "www"}):
            with self.subTest(**change):
                self.saved()
                kept = self.host.save.rename(self.host.root / "kept")
                self.host.save.mkdir()
                self.change(**change)
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.domains(), {})
                self.host.save.rmdir()
                kept.rename(self.host.save)
                for image in self.host.save.iterdir():
                    image.unlink()
                self.restart_without_ledger()

    def test_images_of_earlier_lives_go_aside_under_the_changed_uuid_too(self):
        self.saved()
        whole = (self.host.save / "web").read_bytes()
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            world["domains"].clear()
        (self.host.save / "web").write_bytes(whole)
        (self.host.save / "web").chmod(0o600)
        self.change(uuid=UUID_B)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states()["web"], "running")
        self.assertEqual(len(self.aside()), 1)

    def test_two_domains_of_one_uuid_are_both_saved_each_to_its_own_image(self):
        for state in ("running", "paused"):
            with self.subTest(state=state):
                self.host.guest("web", uuid=UUID_A)
                self.host.ctl("start", check=0)
                boot = self.host.boot("web")
                self.clone(state)
                self.assertTrue(all(self.host.reasons().values()))
                self.host.ctl("stop", check=0)
                self.assertEqual(self.host.domains(), {})
                self.assertEqual(self.host.images(), ["clone", "web"])
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.images(), ["clone", "web"])
                (self.host.save / "clone").unlink()
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                self.host.ctl("stop", check=0)
                (self.host.save / "web").unlink()
                self.restart_without_ledger()

    def test_double_that_runs_on_does_not_outlive_the_image_of_the_other(self):
        for state in ("running", "paused"):
            with self.subTest(state=state):
                self.host.guest("web", uuid=UUID_A)
                self.host.ctl("start", check=0)
                boot = self.host.boot("web")
                self.clone(state)
                self.host.ctl("stop", "web", check=0)
                self.host.ctl("plan", "start")
                self.assertIn("web", self.host.reasons()["clone"])
                self.host.ctl("stop", "clone", check=0)
                self.assertEqual(self.host.images(), ["clone", "web"])
                (self.host.save / "clone").unlink()
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                self.host.ctl("stop", check=0)
                (self.host.save / "web").unlink()
                self.restart_without_ledger()

    def test_new_daemon_beside_a_double_that_runs_keeps_the_image_of_the_other(self):
        """Which of the two was there first tells nothing."""
        for first in ("web", "clone"):
            with self.subTest(first=first):
                boot = self.saved_beside_a_double(first)
                self.host.kill_daemon()
                self.host.start_daemon()
                self.host.ctl("plan", "start")
                self.assertIn("web", self.host.reasons()["clone"])
                self.host.ctl("stop", "clone", check=0)
                self.assertEqual(self.host.images(), ["clone", "web"])
                self.host.ctl("start", check=1)
                self.expect_held("web")
                (self.host.save / "clone").unlink()
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                self.host.ctl("stop", check=0)
                (self.host.save / "web").unlink()
                self.restart_without_ledger()

    def test_once_beside_a_double_that_runs_keeps_the_image_of_the_other(self):
        boot = self.saved_beside_a_double("clone")
        self.host.stop_daemon()
        self.assertEqual(self.host.once("stop"), 0)
        self.assertEqual(self.host.images(), ["clone", "web"])
        self.assertEqual(self.host.once("start"), 1)
        self.assertEqual(self.host.images(), ["clone", "web"])
        (self.host.save / "clone").unlink()
        self.assertEqual(self.host.once("start"), 0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_power_cut_beside_a_double_that_runs_keeps_the_image_of_the_other(self):
        boot = self.saved_beside_a_double("clone")
        self.host.kill_daemon()
        self.host.start_daemon()
        self.cut_power()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_image_of_a_double_is_missed_where_its_directory_is_not_mounted(self):
        self.saved_beside_a_double("web")
        self.host.kill_daemon()
        self.host.start_daemon()
        self.host.save.rename(self.host.root / "unmounted")
        self.host.save.mkdir()
        self.cut_power()
        self.host.ctl("start", check=1)
        self.expect_held("web")

    def test_double_that_reboots_or_is_resumed_keeps_the_image_of_the_other(self):
        boot = self.saved_beside_a_double("web")
        for state in ("suspended", "running"):
            with self.host.world() as world:
                world["domains"][0]["state"] = state
            wait_until(lambda: self.host.states()["clone"] == state, state)
        with self.host.world() as world:
            world["domains"][0]["domid"] += 1
        self.host.ctl("plan", "start")
        self.host.ctl("stop", "clone", check=0)
        (self.host.save / "clone").unlink()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_guest_that_runs_by_its_own_name_outlives_its_image_beside_a_double(self):
        boot = self.saved_beside_a_double("web")
        self.host.kill_daemon()
        with self.host.world() as world:
            world["domains"][0]["name"] = "web"
        self.host.start_daemon()
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)
        self.assertEqual(len(self.aside()), 1)

    def saved_beside_a_double(self, first):
        """The guest is saved, and its double runs on; the boot of the guest. first: which was there first."""
        self.host.guest("web", uuid=UUID_A)
        for name in sorted(("web", "clone"), key=lambda name: name != first):
            self.host.xl_create(name)
            with self.host.world() as world:
                world["domains"][-1]["uuid"] = UUID_A
                world["domains"][-1]["config"]["c_info"]["uuid"] = UUID_A
            wait_until(lambda: name in self.host.states(), "the domain to be seen")
        boot = self.host.boot("web")
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(self.host.images(), ["web"])
        return boot

    def clone(self, state):
        """A second domain of the guest's UUID."""
        with self.host.world() as world:
            world["last_domid"] += 1
            world["domains"].append({
                "domid": world["last_domid"], "uuid": UUID_A, "name": "clone",
                "state": state, "boot": "clone-1",
                "config": {"c_info": {"name": "clone", "uuid": UUID_A}, "b_info": {}, "fake": {}}})
        wait_until(lambda: len(self.host.states()) == 2, "both to be listed")

    def test_uuid_that_no_guest_can_have_is_refused_in_words(self):
        self.host.guest("web", uuid="00000000-0000-0000-0000-000000000000")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.assertIn("uuid=", self.host.reasons()["web"])

    def test_domain_that_another_tool_builds_of_the_same_guest_is_left_alone(self):
        self.host.guest("web", uuid=UUID_A, create_ms=500, create_error="no such disk")
        start = self.host.ctl_in_background("start")
        wait_until(self.host.domains, "the build to begin")
        with self.host.world() as world:
            world["last_domid"] += 1
            world["domains"].append({
                "domid": world["last_domid"], "uuid": UUID_A, "name": "web--other",
                "state": "paused", "boot": "other",
                "config": {"c_info": {"name": "web", "uuid": UUID_A}, "b_info": {}, "fake": {}}})
        start.communicate()
        self.assertEqual(start.returncode, 1)
        self.assertEqual(list(self.host.domains()), ["web--other"])


class OtherVersions(Lives):

    def test_operation_file_that_is_not_understood_is_left_to_its_worker_and_then_kept(self):
        self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.stop_daemon()
        file = self.host.run / "operation" / UUID_A
        file.write_bytes(b"".join(json.dumps(message).encode() + b"\0" for message in (
            {"request": {"operation": "save", "uuid": UUID_A, "name": "web", "domid": 1}},
            {"mark": {"point": "of a later version"}})))
        with file.open() as worker:
            fcntl.flock(worker, fcntl.LOCK_EX)
            self.host.start_daemon()
            self.assertTrue(file.exists())
            self.assertEqual(self.host.status()["web"]["activity"], "save")
        wait_until(lambda: not file.exists(), "the file to be kept under another name")
        self.assertEqual(len(list(file.parent.glob(f"{UUID_A}.unreadable-*"))), 1)
        # Nothing was done to the guest.
        self.assertEqual(self.host.boot("web"), boot)
        self.assertTrue(self.host.reasons()["web"])
        for kept in file.parent.iterdir():
            kept.unlink()


class Ledger(Lives):

    def restart_with(self, change):
        self.host.stop_daemon()
        change(self.host.state / "ledger")
        self.host.start_daemon()

    def test_loss_of_the_ledger_costs_neither_start_nor_stop(self):
        changes = {
            "missing": lambda ledger: ledger.unlink(),
            "empty": lambda ledger: ledger.write_bytes(b""),
            "foreign": lambda ledger: ledger.write_bytes(b"\xff\0" * 5000),
            "link": lambda ledger: (ledger.unlink(), ledger.symlink_to("/etc/passwd")),
            "directory": lambda ledger: (ledger.unlink(), ledger.mkdir()),
            "oversized": lambda ledger: self.truncate(ledger, 65 << 20),
            "torn": lambda ledger: ledger.write_bytes(ledger.read_bytes()[:-20]),
        }
        for what, change in changes.items():
            with self.subTest(what):
                boot = self.saved()
                self.restart_with(change)
                self.assertEqual(self.host.states()["web"], "saved")
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                self.restart_with(change)
                self.host.ctl("stop", check=0)
                self.assertEqual(self.host.domains(), {})
                self.host.ctl("start", check=0)
                self.host.ctl("stop", check=0)
                (self.host.save / "web").unlink()

    def truncate(self, path, size):
        with path.open("r+b") as file:
            file.truncate(size)

    def test_ledger_that_is_emptied_under_the_daemon_is_written_again(self):
        boot = self.saved()
        (self.host.state / "ledger").write_bytes(b"")
        self.host.guest("mail")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertEqual(self.host.states(), {"mail": "running", "web": "running"})
        began = [r for r in ledgerfile.read(self.host.state / "ledger") if r["entry"] == "drawn"]
        self.assertEqual({r["name"] for r in began}, {"mail", "web"})

    def test_ledger_that_cannot_be_read_is_said_by_status(self):
        self.saved()
        self.restart_with(lambda ledger: (ledger.unlink(), ledger.mkdir()))
        self.assertRegex(self.host.ctl("status"), re.escape(str(self.host.state / "ledger")))


if __name__ == "__main__":
    unittest.main()
