#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of XENDOMAINS_AUTO that are copied or changed beside their guest: nothing is lost, or left behind."""

import itertools
import json
import re
import unittest

from fakehost import FakeHost, FakeHostTest, wait_until

UUID = "00000000-0000-4000-8000-00000000000a"
ANOTHER = "00000000-0000-4000-8000-00000000000b"
THIRD = "00000000-0000-4000-8000-00000000000c"

# The copy is before or behind the file in the order of names, and the first one has the guest.
COPIES = ("web-old.cfg", "web2.cfg")


def write(path, config, **changes):
    """Writes a configuration as another one, with changes of c_info."""
    text = json.loads(config.read_text())
    text["c_info"] |= changes
    path.write_text(json.dumps(text))


class Copies(FakeHostTest):
    """cp web.cfg web-old.cfg"""

    def each(self, check):
        """Calls it with a host for each kind of guest and of copy, as yet without the copy."""
        for uuid, copy in itertools.product((UUID, None), COPIES):
            with self.subTest(uuid=uuid, copy=copy), FakeHost() as self.host:
                self.host.start_daemon()
                self.config = self.host.guest("web", on={"reboot": "restart"}, **({"uuid": uuid} if uuid else {}))
                self.copy = self.host.auto / copy
                check()

    def make_copy(self, **changes):
        write(self.copy, self.config, **changes)
        wait_until(lambda: len(self.listed()) == 2, "the copy to be seen")

    def listed(self):
        return [g for g in self.host.json("status")["guests"] if g["name"] == "web"]

    def expect_both_named(self, state):
        """Two guests, of which one is in the state; each names both files, and the other one failed."""
        guests = self.listed()
        self.assertEqual(sorted(g["state"] for g in guests), sorted([state, "failed"]))
        for guest in guests:
            self.assertIn(str(self.config), guest["reason"])
            self.assertIn(str(self.copy), guest["reason"])

    def expect_whole(self, state, boot=None, refused=False):
        """As if there never was a copy."""
        self.copy.unlink()
        wait_until(lambda: len(self.listed()) == 1, "the copy to be gone")
        [guest] = self.listed()
        self.assertEqual((guest["state"], "reason" in guest), (state, refused))
        self.host.ctl("start", check=0)
        self.assertEqual(list(self.host.domains()), ["web"])
        if boot:
            self.assertEqual(self.host.boot("web"), boot)

    def test_guest_that_runs_is_stopped_and_restored_beside_a_copy(self):
        def check():
            self.host.ctl("start", check=0)
            boot = self.host.boot("web")
            self.make_copy()
            self.expect_both_named("running")
            self.host.ctl("start", check=1)
            self.host.ctl("stop", check=0)
            self.assertEqual(self.host.images(), ["web"])
            self.expect_both_named("saved")
            self.host.ctl("start", check=1)
            self.assertEqual(self.host.boot("web"), boot)
            self.assertEqual(len(self.host.domains()), 1)
            self.expect_both_named("running")
            self.expect_whole("running", boot)

        self.each(check)

    def test_guest_that_is_saved_starts_once_the_copy_is_gone(self):
        def check():
            self.host.ctl("start", check=0)
            boot = self.host.boot("web")
            self.host.ctl("stop", check=0)
            self.make_copy()
            self.expect_both_named("saved")
            self.expect_whole("saved", boot)

        self.each(check)

    def test_guest_beside_a_copy_is_not_started_without_its_memory(self):
        def check():
            self.host.ctl("start", check=0)
            boot = self.host.boot("web")
            self.host.ctl("stop", check=0)
            self.make_copy()
            self.host.ctl("start", "--cold", "web", check=1)
            self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
            self.expect_whole("saved", boot, refused=True)

        self.each(check)

    def test_guest_that_reboots_beside_a_copy_runs_again(self):
        def check():
            self.host.ctl("start", check=0)
            self.make_copy()
            before = self.host.domains()["web"]["domid"]
            with self.host.world() as world:
                world["domains"][0]["state"] = "reboot"
            wait_until(lambda: self.host.domains().get("web", {}).get("domid", before) != before, "a new life")
            wait_until(lambda: self.host.domains().get("web", {}).get("state") == "running", "the guest to run")
            self.expect_whole("running")

        self.each(check)

    def test_neither_of_two_copies_is_started_where_nothing_runs(self):
        def check():
            self.make_copy()
            self.expect_both_named("failed")
            self.host.ctl("start", check=1)
            self.assertEqual(self.host.domains(), {})
            self.copy.unlink()
            self.host.ctl("start", check=0)
            self.assertEqual(self.host.states(), {"web": "running"})

        self.each(check)

    def test_copy_of_another_uuid_is_named_and_the_guest_goes_on(self):
        def check():
            self.host.ctl("start", check=0)
            boot = self.host.boot("web")
            self.make_copy(uuid=ANOTHER)
            self.expect_both_named("running")
            self.host.ctl("start", "web", check=0)
            self.host.ctl("stop", check=0)
            self.host.ctl("start", "web", check=0)
            self.host.ctl("stop", check=0)
            self.host.ctl("start", check=1)
            self.assertEqual([d["boot"] for d in self.host.domains().values()], [boot])
            self.expect_whole("running", boot)

        self.each(check)

    def test_copy_of_another_name_needs_another_uuid(self):
        for copy in COPIES:
            with self.subTest(copy=copy), FakeHost() as self.host:
                self.host.start_daemon()
                self.config = self.host.guest("web", uuid=UUID)
                self.copy = self.host.auto / copy
                self.host.ctl("start", check=0)
                boot = self.host.boot("web")
                write(self.copy, self.config, name="db")
                wait_until(lambda: self.host.states() == {"web": "running", "db": "failed"}, "the copy to be seen")
                for reason in self.host.reasons().values():
                    self.assertIn(str(self.config), reason)
                    self.assertIn(str(self.copy), reason)
                self.host.ctl("stop", check=0)
                self.assertEqual(self.host.states(), {"web": "saved", "db": "failed"})
                self.host.ctl("start", check=1)
                self.assertEqual([d["boot"] for d in self.host.domains().values()], [boot])


    def restored_beside_a_copy(self):
        """The file is known to be the guest's, and the copy is gone."""
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.make_copy()
        self.host.ctl("start", check=1)
        self.copy.unlink()
        return boot

    def test_guest_that_was_restored_beside_a_copy_does_not_run_twice(self):
        def check():
            boot = self.restored_beside_a_copy()
            write(self.config, self.config, name="db", uuid=ANOTHER)
            self.host.ctl("start", check=1)
            self.assertEqual([d["boot"] for d in self.host.domains().values()], [boot])
            self.host.ctl("stop", check=0)
            self.host.ctl("start", check=1)
            self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))

        self.each(check)

    def test_guest_that_was_restored_beside_a_copy_is_saved_though_its_file_broke(self):
        def check():
            self.host.configure(AUTO_ONLY="yes")
            self.host.ctl("reload", check=0)
            self.restored_beside_a_copy()
            self.config.write_text("nonsense")
            self.host.ctl("stop", check=0)
            self.assertEqual(self.host.images(), ["web"])

        self.each(check)

    def test_old_file_beside_a_renamed_guest_brings_no_old_memory(self):
        self.config = self.host.guest("db", uuid=UUID)
        self.copy = self.host.auto / "web.cfg"
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        old = self.config.read_text()
        write(self.copy, self.config, name="web")
        self.config.unlink()
        self.host.ctl("start", "--cold", "web", check=0)
        boot = self.host.boot("web")
        self.config.write_text(old)
        wait_until(lambda: self.host.states() == {"web": "running", "db": "failed"}, "the old file to be seen")
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=1)
        self.assertEqual([d["boot"] for d in self.host.domains().values()], [boot])

    def test_refused_start_does_not_hide_what_failed_before(self):
        self.host.native.write_text("[Host]\nRestartLimit=1\nRestartInterval=3600\n")
        self.host.ctl("reload", check=0)
        self.config = self.host.guest("web", uuid=UUID, on={"crash": "restart"})
        self.copy = self.host.auto / "web2.cfg"
        self.host.ctl("start", check=0)
        for _ in range(2):
            wait_until(lambda: self.host.domains().get("web", {}).get("state") == "running", "the guest to run")
            with self.host.world() as world:
                world["domains"][0]["state"] = "crash"
        wait_until(lambda: self.host.states() == {"web": "failed"}, "the limit")
        reason = self.host.reasons()["web"]
        self.make_copy()
        self.host.ctl("start", "--cold", "web", check=1)
        self.copy.unlink()
        wait_until(lambda: len(self.listed()) == 1, "the copy to be gone")
        [guest] = self.listed()
        self.assertEqual((guest["state"], guest["reason"]), ("failed", reason))

    def test_guest_that_may_run_elsewhere_says_so_beside_a_copy(self):
        self.config = self.host.guest("web", uuid=UUID)
        self.copy = self.host.auto / "web2.cfg"
        self.host.ctl("start", check=0)
        self.make_copy()
        with self.host.world() as world:
            world["domains"][0] |= {"state": "suspended", "name": "web--migratedaway"}
        away = wait_until(lambda: [g for g in self.host.json("status")["guests"] if "domid" in g and g["state"] == "failed"],
                          "the migration")
        self.assertIn("xl list", away[0]["reason"])


class Changes(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.config = self.host.guest("web", uuid=UUID)
        self.host.ctl("start", check=0)
        write(self.config, self.config, name="db", uuid=ANOTHER)
        wait_until(lambda: "db" in self.host.states(), "the change to be seen")

    def test_guest_of_a_new_name_and_uuid_starts_once_the_old_one_was_shut_down(self):
        self.host.ctl("start", "db", check=1)
        self.assertIn(f"xl shutdown {self.host.domains()['web']['domid']}", self.host.reasons()["db"])
        with self.host.world() as world:
            world["domains"][0]["state"] = "poweroff"
        wait_until(lambda: not self.host.domains(), "the guest to end")
        self.host.ctl("start", "db", check=0)
        self.assertEqual(list(self.host.domains()), ["db"])

    def test_guest_of_an_old_name_and_uuid_goes_on_once_the_change_is_undone(self):
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=1)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
        write(self.config, self.config, name="web", uuid=UUID)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)


class Broken(FakeHostTest):
    """A guest is restored while its file cannot be read."""

    variables = {"AUTO_ONLY": "yes"}

    def setUp(self):
        super().setUp()
        self.config = self.host.guest("web")
        self.host.guest("mail")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.whole = self.config.read_text()
        self.config.write_text("{")
        self.host.ctl("start", check=1)
        self.expect_running()

    def expect_running(self):
        self.assertEqual(sorted(self.host.domains()), ["mail", "web"])

    def test_is_saved_with_the_others(self):
        self.host.ctl("stop", check=0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["mail", "web"]))

    def test_does_not_run_twice_when_the_file_is_mended_as_another_guests(self):
        self.config.write_text(self.whole)
        write(self.config, self.config, name="db", uuid=ANOTHER)
        self.host.ctl("start", check=1)
        self.host.ctl("start", "db", check=1)
        self.expect_running()


class AnotherName(FakeHostTest):
    """A guest that is known by its name is saved, renamed, and started without its memory."""

    def setUp(self):
        super().setUp()
        self.config = self.host.guest("web")
        self.host.ctl("start", check=0)
        self.boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.elsewhere = self.host.root / "elsewhere"
        self.elsewhere.mkdir(mode=0o700)

    def save_to(self, folder):
        self.host.configure(SAVE=folder)
        self.host.ctl("reload", check=0)

    def start_cold(self):
        write(self.config, self.config, name="db")
        self.host.ctl("start", check=1)
        self.host.ctl("start", "--cold", "db", check=0)
        self.assertEqual(self.host.states(), {"db": "running"})

    def expect_goes_on(self):
        """Nothing of its former name holds it, wherever images are saved."""
        boot = self.host.boot("db")
        for folder in (self.elsewhere, self.host.save):
            self.save_to(folder)
            self.assertEqual(self.host.states(), {"db": "running"})
            self.host.ctl("stop", check=0)
            self.host.ctl("start", check=0)
            self.assertEqual((self.host.states(), self.host.boot("db")), ({"db": "running"}, boot))

    def test_goes_on_where_its_image_was_put_aside(self):
        self.start_cold()
        self.expect_goes_on()

    def test_goes_on_where_its_image_could_not_be_seen(self):
        self.save_to(self.elsewhere)
        self.start_cold()
        self.expect_goes_on()

    def test_memory_is_not_given_up_by_a_cold_start_that_comes_to_nothing(self):
        write(self.config, self.config, name="db")
        with self.host.world() as world:
            world["unpause_fails"] = True
        self.host.ctl("start", "--cold", "db", check=1)
        with self.host.world() as world:
            del world["unpause_fails"]
        [aside] = self.host.images()
        (self.host.save / aside).rename(self.host.save / "web")
        write(self.config, self.config, name="web")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), self.boot)

    def test_old_memory_does_not_come_back_with_the_old_name(self):
        self.save_to(self.elsewhere)
        self.start_cold()
        boot = self.host.boot("db")
        with self.host.world() as world:
            world["domains"][0]["state"] = "poweroff"
        wait_until(lambda: not self.host.domains(), "the guest to end")
        self.save_to(self.host.save)
        write(self.config, self.config, name="web")
        self.host.ctl("start", check=0)
        self.assertNotIn(self.host.boot("web"), (self.boot, boot))
        self.assertEqual(len(self.host.images()), 1)
        self.assertNotEqual(self.host.images(), ["web"])


class TwoSaved(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.web = self.host.guest("web", uuid=UUID)
        self.db = self.host.guest("db", uuid=ANOTHER)
        self.host.ctl("start", check=0)
        self.boots = {name: self.host.boot(name) for name in ("web", "db")}
        self.host.ctl("stop", check=0)

    def expect_named(self, text):
        for name in "web", "db":
            self.assertIn(str(self.host.save / name), text)

    def test_cold_start_answers_for_both_where_a_third_has_the_name_of_one_and_the_file_of_the_other(self):
        self.web.unlink()
        write(self.db, self.db, name="web", uuid=THIRD)
        self.expect_named(self.host.ctl("start", check=1))
        self.assertEqual(self.host.domains(), {})
        self.expect_named(self.host.ctl("start", "--cold", THIRD, check=0))
        self.assertEqual(self.host.states(), {"web": "running"})
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual((self.host.states(), self.host.boot("web")), ({"web": "running"}, boot))

    def test_each_guest_is_told_of_its_own_file_where_two_files_are_swapped(self):
        for change in {"uuid": (ANOTHER, UUID)}, {"name": ("db", "web")}:
            with self.subTest(change=change):
                for file, pick in (self.web, 0), (self.db, 1):
                    write(file, file, uuid=(UUID, ANOTHER)[pick], name=("web", "db")[pick])
                    write(file, file, **{key: values[pick] for key, values in change.items()})
                outcome = self.host.outcome("start", check=1)
                for name, event in outcome.items():
                    file = self.web if json.loads(self.web.read_text())["c_info"]["name"] == name else self.db
                    self.assertIn(f"{file} names {name} ", event["reason"])
                    self.assertEqual(re.findall("--cold ([a-z]+)", event["reason"]), [name])
                    self.expect_named(event["reason"])
                self.assertEqual(sorted(outcome), ["db", "web"])

    def test_cold_start_names_both_images_that_it_gives_up_where_two_files_are_swapped(self):
        write(self.web, self.web, uuid=ANOTHER)
        write(self.db, self.db, uuid=UUID)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.expect_named(self.host.ctl("start", "--cold", "web", check=0))
        # What ran on the disks of the one makes its memory useless, with whatever name or UUID.
        with self.host.world() as world:
            world["domains"].clear()
        write(self.web, self.web, uuid=UUID)
        write(self.db, self.db, uuid=ANOTHER)
        self.host.ctl("start", check=0)
        self.assertNotIn(self.host.boot("web"), self.boots.values())


class Succeeded(FakeHostTest):
    """A person removed the image of a guest, and installed another one in its place."""

    def test_does_not_keep_the_new_guest_down_when_saves_go_elsewhere(self):
        for save in "", "elsewhere":
            for saved, name in itertools.product((False, True), ("web", "db")):
                with self.subTest(save=save, saved=saved, name=name), FakeHost() as host:
                    host.start_daemon()
                    web = host.guest("web", uuid=UUID)
                    host.ctl("start", check=0)
                    host.ctl("stop", check=0)
                    host.ctl("image", "delete", "web", check=0)
                    write(web, web, uuid=ANOTHER, name=name)
                    host.ctl("start", check=0)
                    folder = host.root / "elsewhere"
                    folder.mkdir(mode=0o700)
                    host.configure(SAVE=folder if save else "", SHUTDOWN="--wait")
                    host.ctl("reload", check=0)
                    self.assertEqual(host.states(), {name: "running"})
                    boot = host.boot(name)
                    if saved:
                        host.ctl("stop", check=0)
                    else:
                        host.configure(SAVE="", SHUTDOWN="--wait")
                        host.ctl("reload", check=0)
                        host.ctl("stop", check=0)
                        host.configure(SAVE=folder if save else "", SHUTDOWN="--wait")
                        host.ctl("reload", check=0)
                    host.ctl("start", check=0)
                    self.assertEqual(host.states(), {name: "running"})
                    self.assertEqual(host.boot(name) == boot, bool(save) and saved)


if __name__ == "__main__":
    unittest.main()
