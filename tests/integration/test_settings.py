#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings that are refused: what is in effect then, who says so, and that guests are stopped all the same."""

import fcntl
import json
import pathlib
import re
import subprocess
import unittest

from fakehost import CLIENT, KILLER, LIMIT, FakeHost, wait_until
from fakelogind import HostWithLogind

# A daemon makes fewer steps than this until it has written the copy.
STEPS_MAX = 100

BAD = "XENDOMAINS_STOP_MAXWAIT=3OO\n"


class Settings(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(FakeHost())
        self.copy = self.host.state / "settings"
        self.host.guest("web")

    def spoil(self, line=BAD):
        """Puts a line that is refused before all others."""
        self.host.config.write_text(line + self.host.config.read_text())

    def ask(self, *words):
        """The exit status, and the object that the client prints."""
        done = subprocess.run([CLIENT, "--socket", self.host.socket, "--json", *words],
                              capture_output=True, text=True, timeout=LIMIT)
        return done.returncode, json.loads(done.stdout)

    def expect(self, source, *refused):
        """status tells it: the source, and files and lines."""
        code, answer = self.ask("status")
        told = [(r["file"], r.get("line")) for r in answer["settings"]["refused"]]
        self.assertEqual((answer["settings"]["source"], told),
                         (source, [(str(file), line) for file, line in refused]))
        if refused:
            self.assertEqual(code, 1)
            file, line = refused[0]
            self.assertIn(f"{file}:{line}: " if line else f"{file}: ",
                          self.host.ctl("status", check=1).split("\n")[0])
        return code

    def run_web(self):
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.kill_daemon()
        return self.host.boot("web")

    def expect_saved(self):
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))

    # None is kept.

    def test_refused_settings_with_none_kept_stop_all_guests(self):
        self.run_web()
        self.copy.unlink(missing_ok=True)
        self.spoil()
        self.host.start_daemon()
        self.expect("partial", (self.host.config, 1))
        self.host.ctl("stop", check=0)
        self.expect_saved()

    def test_refused_settings_with_none_kept_stop_all_guests_without_a_daemon(self):
        self.run_web()
        self.copy.unlink(missing_ok=True)
        self.spoil()
        self.assertEqual(self.host.once("stop"), 0)
        self.expect_saved()

    def stop_by(self, *lines):
        """With no copy: stops "web" of XENDOMAINS_AUTO and "byhand". Returns which are saved."""
        self.host.configure()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.xl_create("byhand")
        self.host.stop_daemon()
        self.copy.unlink(missing_ok=True)
        self.host.config.write_text("".join(f"{line}\n" for line in lines))
        self.assertEqual(self.host.once("stop"), 0)
        saved = self.host.images()
        with self.host.world() as world:
            world["domains"].clear()
        for image in self.host.save.iterdir():
            image.unlink()
        (self.host.state / "ledger").unlink()
        return saved

    def test_refused_line_that_says_who_is_in_auto_spares_no_guest(self):
        save, auto = f"XENDOMAINS_SAVE={self.host.save}", f"XENDOMAINS_AUTO={self.host.auto}"
        only = "XENDOMAINS_AUTO_ONLY=true"
        for lines in ((save, auto, only, "XENDOMAINS_AUTO_ONLY=ture"),
                      (save, only, "XENDOMAINS_AUTO=auto"),
                      (save, only, "source /nowhere/auto"),
                      (save, only, "if true; then", auto, "fi")):
            with self.subTest(lines=lines):
                self.assertEqual(self.stop_by(*lines), ["byhand", "web"])

    def test_refused_line_of_something_else_does_not_change_who_is_spared(self):
        self.assertEqual(self.stop_by(f"XENDOMAINS_SAVE={self.host.save}", f"XENDOMAINS_AUTO={self.host.auto}",
                                      "XENDOMAINS_AUTO_ONLY=true", "XENDOMAINS_SHUTDOWN_ALL=",
                                      BAD.strip()), ["web"])

    def test_named_guest_is_stopped_with_none_kept(self):
        for words in (("stop", "web"), ("stop", "--force", "web")):
            with self.subTest(words=words):
                self.host.configure()
                self.run_web()
                self.copy.unlink(missing_ok=True)
                self.spoil()
                self.host.start_daemon()
                self.expect("partial", (self.host.config, 1))
                self.host.ctl(*words, check=0)
                self.expect_saved()
                self.host.kill_daemon()

    def test_plan_of_a_stop_is_told_with_none_kept_and_that_of_a_start_is_not(self):
        self.run_web()
        self.copy.unlink(missing_ok=True)
        self.spoil()
        self.host.start_daemon()
        code, plan = self.ask("plan", "stop")
        self.assertEqual((code, plan["steps"][0]["stages"][0]), (0, "save"))
        self.assertEqual(plan["settings"]["source"], "partial")
        self.host.ctl("plan", "start", check=1)

    def test_refused_settings_with_none_kept_start_nothing_and_say_why(self):
        self.spoil()
        self.host.start_daemon()
        for words in (("start",), ("start", "web")):
            self.assertIn(f"{self.host.config}:1: ", self.host.ctl(*words, check=1))
        self.host.stop_daemon()
        self.assertEqual(self.host.once("start"), 1)
        self.assertEqual(self.host.domains(), {})

    def test_a_copy_that_is_damaged_counts_as_none(self):
        self.run_web()
        self.copy.write_bytes(self.copy.read_bytes()[:-1])
        self.spoil()
        self.host.start_daemon()
        self.expect("partial", (self.host.config, 1))

    def test_partial_settings_are_not_kept(self):
        self.spoil()
        self.host.start_daemon()
        self.assertFalse(self.copy.exists())

    # Some are kept.

    def test_kept_settings_are_in_effect_when_the_files_are_refused(self):
        boot = self.run_web()
        self.host.config.write_text(f"{BAD}XENDOMAINS_AUTO=/nowhere\n"
                                    f"XENDOMAINS_SAVE=\n")
        self.host.start_daemon()
        self.expect("kept", (self.host.config, 1))
        self.host.ctl("stop", check=0)
        self.expect_saved()
        code, answer = self.ask("start")
        self.assertEqual((code, answer["settings"]["source"]), (0, "kept"))
        self.assertEqual(self.host.boot("web"), boot)

    def test_kept_settings_stop_guests_without_a_daemon(self):
        self.run_web()
        self.host.config.write_text(f"{BAD}XENDOMAINS_SAVE=\nXENDOMAINS_SHUTDOWN=\n"
                                    f"XENDOMAINS_SHUTDOWN_ALL=\n")
        self.assertEqual(self.host.once("stop"), 0)
        self.expect_saved()

    def test_settings_that_are_corrected_are_in_effect_again(self):
        self.run_web()
        good = self.host.config.read_text()
        self.spoil()
        self.host.start_daemon()
        self.expect("kept", (self.host.config, 1))
        self.host.config.write_text(good)
        self.host.ctl("reload", check=0)
        self.expect("files")

    def test_refused_reload_leaves_the_previous_settings_and_what_is_kept(self):
        self.host.start_daemon()
        self.host.wait_for_helpers()
        kept = self.copy.read_bytes()
        self.spoil()
        self.assertIn(f"{self.host.config}:1: ", self.host.ctl("reload", check=1))
        self.expect("previous", (self.host.config, 1))
        self.host.wait_for_helpers()
        self.assertEqual(self.copy.read_bytes(), kept)
        self.host.ctl("start", check=0)
        self.assertIn("web", self.host.domains())

    def test_each_mistake_of_each_file_is_told_at_once(self):
        self.host.start_daemon()
        (more := self.host.root / "more").write_text("XENDOMAINS_RESTORE=perhaps\n")
        self.host.config.write_text(f"{BAD}{self.host.config.read_text()}. {more}\nXENDOMAINS_AUTO=`pwd`\n")
        self.host.native.write_text("[Host]\nRestartLimit=many\nnonsense\n[Domain web\nForcedDestroy=1\n[Domain db]\nForcedDestroy=perhaps\n")
        last = len(self.host.config.read_text().splitlines())
        mistakes = [f"{self.host.config}:1:", f"{more}:1:", f"{self.host.config}:{last}:",
                    *(f"{self.host.native}:{line}:" for line in (2, 3, 4, 7))]
        said = self.host.ctl("reload", check=1)
        self.assertEqual([said.count(mistake) for mistake in mistakes], [1] * len(mistakes), said)
        self.copy.unlink()
        self.host.stop_daemon()
        self.host.start_daemon()
        logged = " ".join(entry["MESSAGE"] for entry in self.host.logged("CONFIG_REFUSED"))
        self.assertEqual([mistake in logged for mistake in mistakes], [True] * len(mistakes), logged)
        self.assertIn(f"{len(mistakes) - 1} more", self.host.ctl("start", check=1))

    def test_file_is_written_only_when_settings_changed(self):
        self.host.start_daemon()
        self.host.wait_for_helpers()
        before = self.copy.stat()
        self.host.ctl("reload", check=0)
        self.host.wait_for_helpers()
        self.assertEqual((self.copy.stat().st_ino, self.copy.stat().st_mtime_ns),
                         (before.st_ino, before.st_mtime_ns))
        self.host.native.write_text("[Host]\nRestartLimit=1\n")
        self.host.ctl("reload", check=0)
        self.host.wait_for_helpers()
        self.assertNotEqual(self.copy.stat().st_mtime_ns, before.st_mtime_ns)

    def test_daemon_that_dies_while_it_writes_leaves_good_settings(self):
        self.assertEqual(self.host.once("start"), 0)
        old, good = self.copy.read_bytes(), self.host.config.read_text() + "XENDOMAINS_STOP_MAXWAIT=7\n"
        for step in range(1, STEPS_MAX):
            self.host.config.write_text(good)
            self.host.once("start", LD_PRELOAD=str(KILLER), KILL_IN="xendomainsd", KILL_AT=str(step))
            new = self.copy.read_bytes() != old
            self.spoil()
            self.host.start_daemon()
            self.expect("kept", (self.host.config, 1))
            self.host.stop_daemon()
            if new:
                break
        self.assertTrue(new)
        self.assertGreater(step, 1)

    def reload_and_end(self, file):
        """Reloads settings that are not kept before the daemon ends, for a helper of an earlier one waits for
        the disk: file is what that has locked."""
        fcntl.flock(file, fcntl.LOCK_EX)
        for limit in 111, 222:
            self.host.configure(STOP_MAXWAIT=limit)
            self.host.ctl("reload", check=0)
        self.host.daemon.terminate()
        self.host.daemon.wait(LIMIT)

    def wait_until_all_wait(self, n):
        def waits():
            blocked = re.findall(r"-> FLOCK +ADVISORY +WRITE (\d+)", pathlib.Path("/proc/locks").read_text())
            return len(set(map(int, blocked)) & set(self.host.helpers())) == n
        wait_until(waits, "helpers that wait for the lock")

    def test_settings_that_could_not_be_kept_before_the_daemon_ended_leave_no_older_ones(self):
        self.host.start_daemon()
        self.host.wait_for_helpers()
        with self.host.state.joinpath("settings.new").open("w") as file:
            self.reload_and_end(file)
            self.wait_until_all_wait(2)
        self.host.stop_daemon()
        self.assertFalse(self.copy.exists())

    def test_settings_that_an_ended_daemon_could_not_keep_leave_those_of_the_next_one(self):
        self.host.start_daemon()
        self.host.wait_for_helpers()
        with self.host.state.joinpath("settings.new").open("w") as file:
            self.reload_and_end(file)
            self.host.configure(STOP_MAXWAIT=333)
            self.host.start_daemon()
            self.wait_until_all_wait(3)
        self.host.wait_for_helpers()
        self.assertIn("STOP_MAXWAIT='333'", self.copy.read_text())

    def test_state_directory_that_cannot_be_written_costs_the_copy_only(self):
        self.copy.mkdir()
        (self.copy / "x").touch()
        self.host.start_daemon()
        wait_until(lambda: str(self.copy) in " ".join(self.ask("status")[1]["warnings"]), "its warning")
        self.host.ctl("start", check=0)

    # What a mistake costs.

    def test_group_that_is_not_there_costs_its_right_only(self):
        self.host.native.write_text("[Host]\nRestartLimit=1\nReadGroup=xendomains-none\n")
        self.host.start_daemon()
        self.expect("files", (self.host.native, 3))
        self.host.ctl("start", check=0)
        self.host.wait_for_helpers()
        self.assertTrue(self.copy.exists())
        self.host.ctl("stop", check=0)
        self.expect_saved()

    # Sourced files.

    def test_file_that_is_sourced_is_read_and_kept(self):
        more = self.host.root / "more"
        more.write_text(self.host.config.read_text())
        self.host.config.write_text(f"source {more}\n")
        self.host.start_daemon()
        self.expect("files")
        self.host.ctl("start", check=0)
        self.host.kill_daemon()
        more.unlink()
        self.host.start_daemon()
        self.expect("kept", (self.host.config, 1))
        self.host.ctl("stop", check=0)
        self.expect_saved()

    def test_sourced_file_that_is_gone_with_none_kept_costs_its_line_only(self):
        self.run_web()
        self.copy.unlink(missing_ok=True)
        self.spoil("source /nix/store/none\n")
        self.host.start_daemon()
        self.expect("partial", (self.host.config, 1))
        self.host.ctl("stop", check=0)
        self.expect_saved()

    def test_mistake_in_a_sourced_file_is_told_with_that_file(self):
        more = self.host.root / "more"
        more.write_text(f"\n{BAD}")
        self.spoil(f". {more}\n")
        self.host.start_daemon()
        self.expect("partial", (more, 2))


class HostGoesDown(unittest.TestCase):
    def test_host_waits_for_guests_also_with_refused_settings_and_none_kept(self):
        host = self.enterContext(HostWithLogind())
        host.guest("web")
        host.start_daemon()
        host.ctl("start", check=0)
        host.kill_daemon()
        (host.state / "settings").unlink(missing_ok=True)
        host.config.write_text(BAD + host.config.read_text())
        host.start_daemon()
        host.wait_locked()
        host.tell("prepare reboot")
        host.wait_locked(False)
        self.assertEqual((host.domains(), host.images()), ({}, ["web"]))


if __name__ == "__main__":
    unittest.main()
