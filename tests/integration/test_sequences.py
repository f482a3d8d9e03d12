# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and stop, as people use them, with the real daemon, workers and client."""

import errno
import json
import os
import stat
import unittest

from fakehost import NOT_POSSIBLE, FakeHost, FakeHostTest, wait_until


class StartAndStop(FakeHostTest):
    def test_guests_go_on_where_they_were(self):
        self.host.guest("web")
        self.host.guest("db", save_ms=100)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "db": "running"})
        boots = {name: self.host.boot(name) for name in ("web", "db")}
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "db": "saved"})
        self.assertEqual(self.host.images(), ["db", "web"])
        self.assertEqual(self.host.domains(), {})
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "db": "running"})
        self.assertEqual(boots, {name: self.host.boot(name) for name in ("web", "db")})
        self.assertEqual(self.host.images(), [])

    def test_images_are_for_root_only(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        mode = (self.host.save / "web").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_a_second_start_starts_nothing_twice(self):
        self.host.guest("web", create_ms=300)
        both = [self.host.ctl_in_background("start") for _ in range(2)]
        self.assertEqual([process.wait() for process in both], [0, 0])
        for process in both:
            process.stdout.close()
        self.host.ctl("start", check=0)
        self.assertEqual([line[2] for line in self.host.history()], ["paused", "running"])

    def test_uuid_of_a_configuration_without_one_stays(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        first = self.host.status()["web"]["uuid"]
        self.host.configure(SAVE="")
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=0)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.status()["web"]["uuid"], first)

    def test_domain_made_by_xl_is_saved_and_restored_too(self):
        self.host.xl_create("byhand")
        self.assertEqual(self.host.status()["byhand"]["manager"], "xl")
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("byhand"), "byhand-by-hand")
        self.assertEqual(self.host.status()["byhand"]["manager"], "xendomainsd")

    def test_running_guest_of_a_configuration_is_known_by_its_name(self):
        self.host.guest("web")
        self.host.xl_create("web")
        self.host.ctl("start", check=0)
        self.assertEqual(len(self.host.domains()), 1)

    def test_named_guests_only(self):
        self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", "db", check=0)
        self.assertEqual(self.host.states(), {"web": "stopped", "db": "running"})
        self.host.ctl("start", "nobody", check=1)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "db": "running"})

    def test_restart_takes_a_guest_through_its_image(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("restart", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertIn("suspended", [line[2] for line in self.host.history() if len(line) > 2])

    def test_stop_takes_in_a_guest_that_comes_up_meanwhile(self):
        self.host.guest("slow", save_ms=800)
        self.host.ctl("start", check=0)
        stop = self.host.ctl_in_background("stop")
        self.host.worker("slow")
        self.host.xl_create("late")
        self.assertEqual(stop.wait(), 0)
        stop.stdout.close()
        self.assertEqual(self.host.images(), ["late", "slow"])

    def test_stop_ends_a_start_that_is_under_way(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.ctl("reload", check=0)
        self.host.guest("a", create_ms=500)
        self.host.guest("b", create_ms=500)
        start = self.host.ctl_in_background("start")
        self.host.worker("a")
        self.host.ctl("stop", check=0)
        start.wait()
        start.stdout.close()
        self.assertEqual(self.host.states(), {"a": "stopped", "b": "stopped"})
        self.assertEqual(self.host.domains(), {})

    def test_a_restore_that_a_stop_ends_keeps_the_image(self):
        self.host.guest("web", restore_ms=60000)
        self.host.guest("db")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        start = self.host.ctl_in_background("start")
        self.host.worker("web")
        wait_until(lambda: self.host.states().get("db") == "running", "the other guest")
        self.host.ctl("stop", check=0)
        self.assertEqual(start.wait(), 0)
        start.stdout.close()
        self.assertEqual(self.host.states(), {"web": "saved", "db": "saved"})
        self.assertEqual(self.host.images(), ["db", "web"])
        self.host.ctl("image", "verify", "web", check=0)

    def test_an_unknown_name_costs_itself_only(self):
        self.host.guest("web")
        self.host.guest("db")
        text = self.host.ctl("start", "web", "wbe", "db", check=1)
        self.assertIn("wbe", text)
        self.assertEqual(self.host.states(), {"web": "running", "db": "running"})
        self.host.ctl("restart", "wbe", "web", check=1)
        self.assertEqual(self.host.states()["web"], "running")
        self.host.ctl("stop", "wbe", "web", check=1)
        self.assertEqual(self.host.states(), {"web": "saved", "db": "running"})

    def test_saves_run_side_by_side(self):
        for i in range(6):
            self.host.guest(f"g{i}", save_ms=500)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertGreater(self.host.peak("save"), 3)

    def test_events_of_others_are_noticed_at_once(self):
        self.host.xl_create("byhand")
        self.host.wait_logged("DOMAIN_APPEARED", domain="byhand")
        with self.host.world() as world:
            world["domains"][0]["name"] = "renamed"
        self.host.wait_logged("DOMAIN_RENAMED", domain="renamed")
        self.assertIn("byhand", self.host.logged("DOMAIN_RENAMED")[0]["MESSAGE"])
        with self.host.world() as world:
            world["domains"].clear()
        self.host.wait_logged("DOMAIN_GONE", domain="renamed")


class Scope(FakeHostTest):
    variables = {"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}

    def test_auto_only_leaves_other_guests_alone(self):
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "byhand": "running"})

    def test_auto_only_goes_by_identity_and_not_by_pattern(self):
        self.host.guest("web")
        self.host.xl_create("web-1")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "web-1": "running"})

    def test_a_configuration_that_broke_meanwhile_does_not_cost_its_guest_the_save(self):
        guests = "new", "restored"
        self.host.guest("restored")
        self.host.ctl("restart", check=0)
        self.host.ctl("restart", check=0)
        self.host.guest("new")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        for name in guests:
            (self.host.auto / f"{name}.cfg").write_text("memory 512\n")
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), list(guests))
        self.assertEqual(self.host.states()["byhand"], "running")

    def test_all_are_saved_while_nobody_knows_who_is_in_auto(self):
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.host.auto.rename(self.host.root / "kept")
        self.host.auto.symlink_to(self.host.auto)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["byhand", "web"])

    def test_an_emptied_directory_is_told_while_there_are_guests_of_xl(self):
        warning = "a stop spares guests that xl has started"
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.assertNotIn(warning, self.host.ctl("status", check=0))
        (self.host.auto / "web.cfg").unlink()
        self.assertIn(warning, self.host.ctl("status", check=0))
        with self.host.world() as world:
            world["domains"] = [d for d in world["domains"] if d["name"] == "web"]
        self.assertNotIn(warning, self.host.ctl("status", check=0))

    def test_shutdown_all_reaches_the_others(self):
        self.host.configure(AUTO_ONLY="true")
        self.host.ctl("reload", check=0)
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved"})


class Shutdown(FakeHostTest):
    variables = {"SAVE": "", "STOP_MAXWAIT": "1"}

    def test_waits_until_the_domain_is_gone(self):
        self.host.guest("web", off_ms=300)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.domains(), {})

    def test_guest_that_ignores_it_is_said_to_run_on(self):
        self.host.guest("deaf", never_off=True)
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.states(), {"deaf": "running", "web": "stopped"})
        self.assertRegex(self.host.reasons()["deaf"], r"\b1 s\b")

    def test_without_wait_it_is_only_asked(self):
        self.host.configure(SAVE="", SHUTDOWN="--halt", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.guest("deaf", never_off=True)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"deaf": "running"})
        self.assertIn(["1", "asked"], self.host.history())

    def test_stages_that_are_off_are_skipped(self):
        self.host.configure(SAVE="", SHUTDOWN="", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.guest("web")
        self.host.ctl("start", check=0)
        event = self.host.outcome("stop", check=0)["web"]
        self.assertEqual(event["result"], "skipped")
        self.assertTrue(event["reason"])
        self.assertEqual(self.host.states(), {"web": "running"})


class Ends(FakeHostTest):
    """Guests that end by themselves."""

    def test_poweroff_removes_the_domain(self):
        self.host.guest("web", ends={"reason": "poweroff", "after_ms": 100})
        self.host.ctl("start", check=0)
        wait_until(lambda: not self.host.domains(), "the domain to go")
        wait_until(lambda: self.host.states() == {"web": "stopped"}, "its end to be told")

    def test_reboot_makes_a_new_domain(self):
        self.host.guest("web", on={"reboot": "restart"}, ends={"reason": "reboot", "after_ms": 300})
        self.host.ctl("start", check=0)
        first = self.host.domains()["web"]

        def another():
            second = self.host.domains().get("web", first)
            return second if second["domid"] != first["domid"] else None

        self.assertEqual(first["uuid"], wait_until(another, "a new domain")["uuid"])
        # It reboots again and again, and is nobody's while it does.
        wait_until(lambda: self.host.status()["web"]["manager"] == "xendomainsd", "it to be ours")

    def test_crash_loop_is_held_until_somebody_starts_it(self):
        self.host.native.write_text("[Host]\nRestartLimit=2\n")
        self.host.ctl("reload", check=0)
        self.host.guest("web", on={"crash": "restart"}, ends={"reason": "crash", "after_ms": 20})
        self.host.ctl("start", check=0)
        wait_until(lambda: self.host.states()["web"] == "failed", "it to be held")
        self.assertIn("xendomainsctl start web", self.host.reasons()["web"])
        starts = [line for line in self.host.history() if "running" in line]
        self.assertEqual(len(starts), 3)
        self.host.ctl("start", "web", check=0)
        starts = [line for line in self.host.history() if "running" in line]
        self.assertGreater(len(starts), 3)

    def test_crash_of_a_domain_that_is_removed_is_told(self):
        self.host.guest("web", on={"crash": "destroy"}, ends={"reason": "crash", "after_ms": 20})
        self.host.ctl("start", check=0)
        wait_until(lambda: self.host.states()["web"] == "stopped", "the crash")
        wait_until(lambda: "reason_usec" in self.host.status()["web"], "the record")
        told = self.host.status()["web"]
        self.assertEqual(told["actions"], ["xendomainsctl start web"])
        self.assertIn("on_crash", told["reason"])

    def test_preserved_domain_stays(self):
        self.host.guest("web", on={"crash": "preserve"}, ends={"reason": "crash", "after_ms": 20})
        self.host.ctl("start", check=0)
        wait_until(lambda: self.host.states()["web"] == "crashed", "the crash")
        wait_until(lambda: "since_usec" in self.host.status()["web"], "the end of its create, which records it")
        told = self.host.status()["web"]
        self.assertIn(f"'xl destroy {told['domid']}'", told["reason"])
        self.assertEqual(told["reason_usec"], told["since_usec"])
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.domains()["web"]["state"], "crash")

    def test_guest_of_xl_is_never_restarted_by_us(self):
        self.host.xl_create("byhand")
        with self.host.world() as world:
            world["domains"][0]["state"] = "reboot"
        self.assertEqual(self.host.status()["byhand"]["manager"], "xl")
        self.assertEqual(self.host.operations(), {})


class Trouble(FakeHostTest):
    def test_broken_configuration_costs_no_other_guest(self):
        (self.host.auto / "bad.cfg").write_text("memory 512\n")
        self.host.guest("web")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"bad.cfg": "failed", "web": "running"})
        self.assertIn("bad.cfg", self.host.reasons()["bad.cfg"])

    def test_a_start_that_cannot_read_the_folder_of_configurations_fails_and_says_so(self):
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("stop", check=0)
        self.host.auto.rename(self.host.root / "kept")
        self.host.auto.symlink_to(self.host.auto)
        self.assertIn(os.strerror(errno.ELOOP), self.host.ctl("start", check=1))
        self.assertEqual(self.host.states(), {"auto": "failed", "byhand": "running"})
        self.host.auto.unlink()
        (self.host.root / "kept").rename(self.host.auto)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"byhand": "running", "web": "running"})

    def test_a_link_that_leads_nowhere_is_a_note_and_no_guest(self):
        self.host.guest("web")
        link = self.host.auto / "mail.cfg"
        link.symlink_to("/nonexistent/mail.cfg")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})
        self.assertIn(str(link), self.host.ctl("status"))

    def test_a_link_is_followed_only_where_root_alone_can_write(self):
        away = self.host.root / "away"
        away.mkdir()
        (self.host.auto / "web.cfg").symlink_to(self.host.guest("web", folder=away))
        self.host.guest("db")
        away.chmod(0o777)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"db": "running", "web.cfg": "failed"})
        self.assertIn(str(away), self.host.reasons()["web.cfg"])
        away.chmod(0o755)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"db": "running", "web": "running"})

    def test_configurations_that_any_user_can_write_are_told(self):
        self.host.guest("web").chmod(0o666)
        self.host.auto.chmod(0o777)
        self.host.ctl("start", check=0)
        told = json.loads(self.host.ctl("--json", "status"))["warnings"]
        for path in (self.host.auto, self.host.auto / "web.cfg"):
            self.assertTrue(any(f" {path}:" in warning for warning in told), told)
        (self.host.auto / "web.cfg").chmod(0o644)
        # Nobody can replace the file of another user there.
        self.host.auto.chmod(0o1777)
        self.host.ctl("start", check=0)
        told = self.host.json("status")["warnings"]
        self.assertFalse([warning for warning in told if str(self.host.auto) in warning])

    def test_leftovers_of_editors_are_no_guests(self):
        self.host.guest("web")
        for name in ("web.cfg~", ".#web.cfg", "web.cfg.dpkg-old", "web.cfg.swp"):
            (self.host.auto / name).write_text((self.host.auto / "web.cfg").read_text())
        (self.host.auto / "folder").mkdir()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_configuration_with_a_space_in_its_name(self):
        self.host.guest("two words")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["two%20words"])
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"two words": "running"})

    def test_name_that_means_something_to_a_path(self):
        self.host.guest("x")
        config = json.loads((self.host.auto / "x.cfg").read_text())
        config["c_info"]["name"] = "../../etc/passwd"
        (self.host.auto / "x.cfg").write_text(json.dumps(config))
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["%2E.%2F..%2Fetc%2Fpasswd"])

    def test_name_full_of_escapes_and_fields_is_shown_harmless_and_kept(self):
        name = "\033[2J*?web\nXEN_RESULT=ok\n"
        self.host.xl_create(name)
        wait_until(lambda: name in self.host.states(), "the guest")
        said = self.host.ctl("status") + self.host.ctl("stop", check=0)
        self.assertNotIn(name, self.host.domains())
        self.assertEqual(len(self.host.images()), 1)
        said += self.host.ctl("status") + self.host.ctl("image", "list") + self.host.ctl("start", check=0)
        self.assertIn(name, self.host.domains())
        for text in (said, self.host.log.read_text()):
            self.assertIn("web", text)
            self.assertNotIn("\033", text)
            self.assertFalse([line for line in text.splitlines() if line.startswith("XEN_RESULT")])

    def test_two_configurations_of_one_name_are_refused(self):
        self.host.guest("web")
        (self.host.auto / "other.cfg").write_text((self.host.auto / "web.cfg").read_text())
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        said = self.host.ctl("plan", "start")
        self.assertIn("other.cfg", said)
        self.assertIn("web.cfg", said)

    def test_create_that_fails_says_why(self):
        self.host.guest("web", create_error="no such kernel: /boot/nothing")
        self.host.guest("db")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed", "db": "running"})
        self.assertIn("/boot/nothing", self.host.reasons()["web"])

    def slow_guest(self, times):
        """A guest whose devices are so many times not there within libxl's own limit."""
        slow = self.host.root / "slow"
        slow.mkdir()
        for n in range(times):
            (slow / str(n)).touch()
        self.host.guest("web", slow_builds=str(slow))
        return slow

    def test_build_that_ran_into_libxls_own_limit_is_tried_again(self):
        slow = self.slow_guest(2)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        (slow / "once").touch()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertEqual(self.host.images(), [])

    def test_build_that_runs_into_libxls_own_limit_each_time_fails_at_last(self):
        self.slow_guest(9)
        self.host.ctl("start", check=1)
        self.assertEqual((self.host.domains(), self.host.states()["web"]), ({}, "failed"))

    def test_too_little_memory_is_found_before_the_guest_is_built(self):
        self.host.guest("big", memory_kib=1 << 30)
        with self.host.world() as world:
            world["free_kib"] = 1 << 20
        self.host.ctl("start", check=1)
        self.assertIn("1048576 MiB", self.host.reasons()["big"])
        self.assertEqual(self.host.history(), [])

    def test_save_that_fails_makes_way_for_shutdown(self):
        self.host.guest("deaf", deaf=True, off_ms=50)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.stages("deaf", "STAGE_FAILED"), ["save"])
        self.assertEqual(self.host.stages("deaf")[-1], "shutdown")
        self.assertEqual(self.host.images(), [])

    def test_save_that_takes_too_long_lets_the_guest_run_on(self):
        self.host.configure(STOP_MAXWAIT=1, SHUTDOWN="", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.guest("slow", save_ms=60000)
        self.host.ctl("start", check=0)
        boot = self.host.boot("slow")
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.stages("slow", "STAGE_FAILED"), ["save"])
        self.assertEqual(self.host.domains()["slow"]["state"], "running")
        self.assertEqual(self.host.boot("slow"), boot)
        self.assertEqual(self.host.images(), [])

    def test_image_that_is_cut_short_is_kept_and_the_guest_not_started_afresh(self):
        self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        image = self.host.save / "web"
        os.truncate(image, image.stat().st_size - 100)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed", "db": "running"})
        self.assertTrue(self.host.reasons()["web"])
        self.assertEqual(self.host.images(), ["web"])
        image.unlink()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "db": "running"})

    def test_empty_image_is_not_as_if_there_were_none(self):
        self.host.guest("web")
        (self.host.save / "web").touch()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed"})

    def test_foreign_file_among_the_images_is_nobody(self):
        (self.host.save / "README").write_text("images")
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_damaged_image_is_found_by_its_checksum(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        with (self.host.save / "web").open("r+b") as image:
            image.seek(-1000, os.SEEK_END)
            image.write(b"x")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.stages("web", "STAGE_FAILED"), ["restore"])
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.images(), ["web"])

    def test_damaged_head_of_the_stream_never_reaches_libxl(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        image = self.host.save / "web"
        whole = image.read_bytes()
        begin = whole.index(b"LibxlFmt")
        for at in range(begin, begin + 24):
            if begin + 12 <= at < begin + 16:
                continue  # options
            with self.subTest(at=at - begin):
                image.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1:])
                self.host.ctl("start", check=1)
            self.assertEqual(self.host.logged("WORKER_LOST"), [])
            self.assertEqual(self.host.domains(), {})
        image.write_bytes(whole)
        self.host.ctl("start", check=0)

    def test_no_guest_is_started_afresh_while_the_images_cannot_be_read(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        kept = self.host.save.rename(self.host.root / "kept")
        # Nothing else keeps root from reading a folder.
        self.host.save.symlink_to(self.host.save)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.host.save.unlink()
        kept.rename(self.host.save)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_image_is_not_restored_twice(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        copy = (self.host.save / "web").read_bytes()
        self.host.ctl("start", check=0)
        self.host.configure(SAVE="")
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=0)
        (self.host.save / "web").write_bytes(copy)
        (self.host.save / "web").chmod(0o600)
        self.host.configure()
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        self.assertRegex(self.host.images()[0], r"^web\.stale-\d+$")

    def test_image_of_a_guest_whose_disk_was_written_is_refused(self):
        disk = self.host.root / "disk"
        disk.write_bytes(bytes(4096))
        path = self.host.guest("web")
        config = json.loads(path.read_text())
        config["disks"] = [{"pdev_path": str(disk), "vdev": "xvda", "readwrite": 1}]
        path.write_text(json.dumps(config))
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        disk.write_bytes(b"changed".ljust(4096, b"\0"))
        self.host.ctl("start", check=1)
        self.assertIn(str(disk), self.host.reasons()["web"])
        self.assertEqual(self.host.images(), ["web"])

    def test_image_others_can_write_is_refused(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        (self.host.save / "web").chmod(0o622)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed"})
        (self.host.save / "web").chmod(0o600)
        self.host.ctl("start", check=0)

    def test_guest_started_afresh_puts_its_image_aside(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.host.configure(RESTORE="false")
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        self.assertEqual(len(self.host.images()), 1)
        self.assertRegex(self.host.images()[0], r"^web\.stale-\d+$")

    def test_folder_that_is_not_there_is_no_error(self):
        self.host.configure(AUTO="/nonexistent", SAVE=self.host.root / "new" )
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)
        self.host.xl_create("byhand")
        self.host.ctl("stop", check=0)
        self.assertTrue((self.host.root / "new" / "byhand").exists())


class Configuration(FakeHostTest):
    def test_mistake_is_refused_with_file_and_line_and_the_old_one_stays(self):
        self.host.guest("web")
        self.host.config.write_text("\nXENDOMAINS_SAVE=$(mktemp)\n")
        said = self.host.ctl("reload", check=1)
        self.assertIn(f"{self.host.config}:2:", said)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["web"])

    def test_start_with_a_mistake_does_nothing_until_it_is_mended(self):
        self.host.guest("web")
        self.host.stop_daemon()
        (self.host.state / "settings").unlink()
        self.host.config.write_text("XENDOMAINS_STOP_MAXWAIT=soon\n")
        self.host.start_daemon()
        self.assertEqual(self.host.call("Start")["error"], NOT_POSSIBLE)
        self.assertEqual(self.host.domains(), {})
        place = f"{self.host.config}:1: "
        self.assertIn(place, self.host.ctl("start", check=1))
        self.assertIn(place, self.host.ctl("status"))
        self.host.configure()
        # It is correct now, but only a reload finds out.
        for command in ("start",), ("plan", "start"), ("image", "list"), ("status",):
            self.assertIn("xendomainsctl reload", self.host.ctl(*command, check=1))
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)

    def test_unknown_variable_is_warned_of(self):
        self.host.configure(SAEV="/tmp")
        self.assertIn("XENDOMAINS_SAEV", self.host.ctl("reload", check=0))


class Client(FakeHostTest):
    def test_exit_statuses(self):
        self.host.ctl("status", check=3)
        self.host.guest("web")
        self.host.guest("db", create_error="no")
        self.host.ctl("status", check=3)
        self.host.ctl("start", check=1)
        self.host.ctl("status", check=1)
        (self.host.auto / "db.cfg").unlink()
        self.host.ctl("status", "web", check=0)
        self.host.ctl("frobnicate", check=2)
        self.host.ctl("--nonsense", check=2)
        self.host.ctl("plan", check=2)
        self.host.ctl("help", check=0)
        self.host.stop_daemon()
        self.host.ctl("status", check=4)
        self.host.ctl("start", check=4)

    def test_plan_does_nothing(self):
        self.host.guest("web")
        self.assertRegex(self.host.ctl("plan", "start", check=0), "^web +create")
        self.assertEqual(self.host.plan("start")["web"]["stages"], ["create"])
        self.assertEqual(self.host.history(), [])
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.plan("stop")["web"]["stages"][:2], ["save", "shutdown"])
        self.assertRegex(self.host.ctl("plan", "stop", check=0), "(?m)^web +save, .*shutdown")
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_json_is_one_object(self):
        self.host.guest("web")
        for words in (("status",), ("plan", "start"), ("start",), ("stop",)):
            self.assertIsInstance(json.loads(self.host.ctl("--json", *words)), dict)


class Engines(unittest.TestCase):
    def test_second_daemon_is_refused(self):
        with FakeHost() as host:
            host.start_daemon()
            self.assertEqual(host.second_daemon(), 1)

    def test_once_does_it_without_a_daemon(self):
        with FakeHost() as host:
            host.guest("web")
            self.assertEqual(host.once("start"), 0)
            self.assertEqual(host.domains()["web"]["state"], "running")
            self.assertEqual(host.once("stop"), 0)
            self.assertEqual(host.images(), ["web"])

    def test_once_takes_over_from_a_daemon_that_hangs(self):
        with FakeHost() as host:
            host.guest("web", save_ms=8000)
            host.start_daemon()
            host.ctl("start", check=0)
            stop = host.ctl_in_background("stop")
            host.worker("web")
            host.freeze_daemon()
            self.assertEqual(host.once("stop"), 0)
            self.assertEqual(len(host.logged("WORKER_ADOPTED", domain="web", operation="save")), 1)
            self.assertEqual(host.images(), ["web"])
            saves = [line for line in host.history() if "suspended" in line]
            self.assertEqual(len(saves), 1)
            self.assertEqual(host.operations(), {})
            host.daemon.wait()
            host.daemon = None
            stop.kill()
            stop.wait()
            stop.stdout.close()


if __name__ == "__main__":
    unittest.main()
