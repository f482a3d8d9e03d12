#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a start and a stop make of each condition that another tool can leave a domain in."""

import json
import shutil
import time
import unittest

import ledgerfile
from beside import at_once
from fakehost import FakeHostTest, wait_until
from fakelogind import HostWithLogind

UUID = "00000000-0000-4000-8000-00000000000a"


class Conditions(FakeHostTest):

    variables = {"STOP_MAXWAIT": 60}

    def setUp(self):
        super().setUp()
        self.host.guest("web", uuid=UUID)

    def running(self):
        self.host.ctl("start", check=0)
        return self.host.boot("web")

    def change(self, **what):
        with self.host.world() as world:
            world["domains"][0] |= what

    def by_xl(self, name="web", **what):
        """A domain that another tool has made, of the same guest unless it says otherwise."""
        with self.host.world() as world:
            world["last_domid"] = world.get("last_domid", 0) + 1
            world["domains"].append({
                "domid": world["last_domid"], "uuid": UUID, "name": name, "state": "running",
                "boot": f"by-xl-{world['last_domid']}",
                "config": {"c_info": {"name": name, "uuid": UUID}, "b_info": {}, "fake": {}}} | what)

    def quickly(self, *words, check):
        """Not after the whole time that a stop may take."""
        begin = time.monotonic()
        said = self.host.ctl(*words, check=check)
        self.assertLess(time.monotonic() - begin, 30)
        return said

    def ledger(self):
        return ledgerfile.read(self.host.state / "ledger")

    # A start.

    def test_leftover_that_does_not_run_is_no_success_of_a_start(self):
        for what in ({"state": "paused"}, {"state": "paused", "never_run": True},
                     {"state": "paused", "never_run": True, "unbuilt": True},
                     {"state": "suspended", "saver": True}):
            with self.subTest(**what):
                self.by_xl(**what)
                wait_until(lambda: self.host.domains(), "it")
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.domains()["web"]["state"], what["state"])
                with self.host.world() as world:
                    world["domains"].clear()

    def test_wanted_guest_that_is_paused_is_missing_and_tells_why(self):
        for what in ({"state": "paused"}, {"state": "paused", "never_run": True},
                     {"state": "paused", "never_run": True, "unbuilt": True}):
            with self.subTest(**what):
                self.by_xl(**what)
                wait_until(lambda: self.host.states()["web"] == "paused", "it")
                self.host.ctl("status", check=1)
                self.assertEqual(self.host.ctl("--names", "status", "--state=down").split(), ["web"])
                self.host.ctl("check", check=1)
                self.assertIn("xl ", self.host.reasons()["web"])
                with self.host.world() as world:
                    world["domains"].clear()

    def test_guest_whose_domain_another_tool_took_away_tells_when_and_what_to_type(self):
        for how in ({}, {"state": "suspended"}):
            with self.subTest(**how):
                self.running()
                if how:
                    self.change(**how)
                    wait_until(lambda: self.host.states()["web"] == "suspended", "it")
                with self.host.world() as world:
                    world["domains"].clear()
                wait_until(lambda: self.host.states()["web"] == "stopped", "it to be gone")
                wait_until(lambda: "reason_usec" in self.host.status()["web"], "the record")
                self.assertIn("xendomainsctl start web", self.host.reasons()["web"])
                # It may run elsewhere.
                self.assertNotIn("actions", self.host.status()["web"])

    def test_guest_that_was_suspended_and_is_not_being_saved_is_resumed_by_a_start(self):
        boot = self.running()
        self.change(state="suspended")
        self.assertEqual(self.host.states(), {"web": "suspended"})
        self.assertIn("reason", self.host.status()["web"])
        self.assertEqual(self.host.status()["web"]["actions"], ["xendomainsctl start web"])
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertEqual(self.host.states(), {"web": "running"})
        # The worker has recorded that before: an image that xl wrote meanwhile is outlived.
        self.assertIn("resume", [line.get("life") for line in self.ledger()])

    # A migration by another tool: the guest may run on the other host, now or soon.

    def test_guest_that_another_tool_may_have_migrated_is_never_resumed(self):
        self.running()
        self.change(state="suspended", name="web--migratedaway")
        left = self.host.domains()
        for word in ("stop", "start"):
            self.quickly(word, check=1)
            self.assertEqual(self.host.domains(), left)
        self.assertEqual(self.host.images(), [])

    def test_guest_that_is_migrated_while_the_stop_waits_is_never_resumed(self):
        self.running()
        self.change(state="suspended", saver=True)
        stop = self.host.ctl_in_background("stop")
        self.host.wait_logged("GUEST_AWAITED", domain="web")
        self.change(saver=False, name="web--migratedaway")
        left = self.host.domains()
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 1)
        self.assertEqual(self.host.domains(), left)

    def handed_over(self, **what):
        """xl migrate has given the other host leave to run the guest, and destroys it here next."""
        boot = self.running()
        self.change(state="suspended", saver=True)
        wait_until(lambda: self.host.states()["web"] == "saving", "the migration to be seen")
        self.change(name="web--migratedaway", **what)
        wait_until(lambda: "leaving" in self.entries(), "the departure to be recorded")
        return boot

    def entries(self):
        return [line["entry"] for line in self.ledger()]

    def cut_power(self):
        self.host.kill_daemon()
        with self.host.world() as world:
            world["domains"].clear()
        shutil.rmtree(self.host.run)
        self.host.run.mkdir()
        self.host.start_daemon()

    def test_guest_that_another_tool_has_migrated_is_started_here_by_name_only(self):
        boot = self.handed_over()
        with self.host.world() as world:
            world["domains"].clear()
        wait_until(lambda: "migrated" in self.entries(), "the end of the migration")
        for again in (lambda: None, self.cut_power):
            again()
            self.host.ctl("start", check=0)
            self.assertEqual(self.host.domains(), {})
            self.assertEqual(self.host.states(), {"web": "stopped"})
            self.assertIn("xendomainsctl start web", self.host.reasons()["web"])
        self.host.stop_daemon()
        self.assertEqual(self.host.once("start"), 0)
        self.assertEqual(self.host.domains(), {})
        self.host.start_daemon()
        self.host.ctl("start", "web", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        # It is here: that is forgotten.
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_power_cut_while_another_tool_hands_a_guest_over_starts_it_by_name_only(self):
        self.handed_over()
        self.cut_power()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.states(), {"web": "failed"})
        self.host.ctl("start", "web", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_guest_that_another_tool_hands_over_is_not_resumed_by_name(self):
        for what in ({}, {"saver": False}):
            with self.subTest(**what):
                self.handed_over(**what)
                left = self.host.domains()
                self.host.ctl("start", "web", check=1)
                self.assertEqual(self.host.domains(), left)
                self.change(name="web", state="running", saver=False)
                wait_until(lambda: self.host.states()["web"] == "running", "it to run on")
                (self.host.state / "ledger").write_text("")

    def test_guest_whose_migration_by_another_tool_failed_is_here(self):
        """xl gives it its name back, and resumes it."""
        for back in ({"state": "suspended", "saver": False}, {"state": "running", "saver": False}):
            with self.subTest(**back):
                boot = self.handed_over()
                self.change(name="web", **back)
                wait_until(lambda: self.entries()[-1] in ("home", "began"), "it to be here")
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)
                with self.host.world() as world:
                    world["domains"].clear()
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.states(), {"web": "running"})
                (self.host.state / "ledger").write_text("")

    def test_guest_that_another_tool_migrates_from_this_host_to_this_host_is_here(self):
        self.running()
        self.by_xl(boot="arrived")
        self.change(state="suspended", name="web--migratedaway")
        with self.host.world() as world:
            del world["domains"][0]
        self.host.ctl("start", check=0)
        self.cut_power()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_guest_that_a_person_gave_such_a_name_is_not_away_when_it_is_suspended(self):
        self.host.guest("a--migratedaway")
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            for domain in world["domains"]:
                domain["state"] = "suspended"
        self.host.ctl("plan", "start")
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states()["a--migratedaway"], "running")

    def test_guest_without_a_uuid_is_not_created_beside_what_a_migration_left(self):
        self.host.guest("mail")
        self.host.ctl("reload", check=0)
        for name, what in (("mail--migratedaway", {"state": "suspended"}),
                           ("mail--incoming", {"state": "paused", "never_run": True})):
            with self.subTest(name=name):
                self.by_xl(name=name, uuid=UUID[:-1] + "b", **what)
                wait_until(lambda: "domid" in self.host.status()["mail"], "it")
                left = self.host.domains()
                self.quickly("start", "mail", check=1)
                self.assertEqual(self.host.domains(), left)
                with self.host.world() as world:
                    world["domains"].clear()

    def test_guest_that_arrives_during_the_stop_is_saved_by_its_own_name(self):
        self.by_xl(name="web--incoming", state="paused", never_run=True, boot="from-afar",
                   config={"c_info": {"name": "web", "uuid": UUID}, "b_info": {}, "fake": {}})
        wait_until(self.host.domains, "it")
        stop = self.host.ctl_in_background("stop")
        self.host.wait_logged("GUEST_AWAITED", domain="web")
        self.change(name="web", state="running", never_run=False)
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0)
        self.assertEqual(self.host.images(), ["web"])
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), "from-afar")

    def test_domain_that_is_unpaused_without_an_event_outlives_the_image_that_it_came_from(self):
        boot = self.running()
        self.host.ctl("stop", check=0)
        self.by_xl(state="paused", never_run=True, boot=boot)
        wait_until(lambda: self.host.states().get("web") == "paused", "it")
        self.change(state="running", never_run=False)
        wait_until(lambda: self.ledger()[-1].get("life") == "seen", "its life to be recorded")
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)

    # A stop.

    def test_guest_that_was_restored_and_left_paused_has_lived_before_it_is_saved(self):
        self.by_xl(state="paused", never_run=True)
        wait_until(self.host.domains, "it")
        self.quickly("stop", check=0)
        lives = [line.get("life") or line["entry"] for line in self.ledger()]
        self.assertIn("unpause", lives)
        self.assertLess(lives.index("unpause"), lives.index("saved"))

    def test_guest_that_was_restored_and_left_paused_is_saved_at_once(self):
        self.by_xl(state="paused", never_run=True, boot="from-its-image")
        wait_until(lambda: self.host.states().get("web") == "paused", "it")
        self.quickly("stop", check=0)
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.images(), ["web"])
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), "from-its-image")

    def test_guest_that_was_restored_and_left_paused_and_cannot_be_saved_fails_the_stop(self):
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="", STOP_MAXWAIT=5)
        self.host.ctl("reload", check=0)
        self.by_xl(state="paused", never_run=True,
                   config={"c_info": {"name": "web", "uuid": UUID}, "b_info": {},
                           "fake": {"deaf": True}})
        wait_until(lambda: "web" in self.host.domains(), "it")
        self.quickly("stop", check=1)
        self.assertEqual(list(self.host.domains()), ["web"])

    def test_guest_that_was_suspended_and_is_not_being_saved_is_saved_by_a_stop(self):
        boot = self.running()
        self.change(state="suspended")
        self.quickly("stop", check=0)
        self.assertEqual(self.host.domains(), {})
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_guest_whose_saver_is_killed_during_the_stop_is_saved_all_the_same(self):
        boot = self.running()
        self.change(state="suspended", saver=True)
        stop = self.host.ctl_in_background("stop")
        self.host.wait_logged("GUEST_AWAITED", domain="web")
        self.change(saver=False)
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_guest_whose_saver_is_killed_when_it_was_asked_is_asked_again(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=60)
        self.host.guest("web", uuid=UUID, never_off=True)
        self.host.ctl("reload", check=0)
        self.running()
        stop = self.host.ctl_in_background("stop")
        wait_until(lambda: any("asked" in line for line in self.host.history()), "the request")
        with self.host.world() as world:
            world["domains"][0]["state"] = "suspended"
            world["domains"][0]["config"]["fake"].clear()
        begin = time.monotonic()
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0)
        self.assertLess(time.monotonic() - begin, 30)
        self.assertEqual(sum("asked" in line for line in self.host.history()), 2)
        self.assertEqual(self.host.domains(), {})

    def test_guest_that_another_tool_saves_is_waited_for(self):
        self.running()
        self.change(state="suspended", saver=True)
        stop = self.host.ctl_in_background("stop")
        self.host.wait_logged("GUEST_AWAITED", domain="web")
        with self.host.world() as world:
            world["domains"].clear()
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0)

    def test_guest_of_another_tool_that_reboots_at_the_request_is_stopped_all_the_same(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=60)
        self.host.ctl("reload", check=0)
        self.by_xl(config={"c_info": {"name": "web", "uuid": UUID}, "b_info": {},
                           "fake": {"never_off": True}})
        wait_until(lambda: self.host.states().get("web") == "running", "it")
        stop = self.host.ctl_in_background("stop")
        wait_until(lambda: any("asked" in line for line in self.host.history()), "the request")
        self.change(state="reboot")
        wait_until(lambda: "sr" in self.host.status()["web"]["flags"], "the reboot to be seen")
        with self.host.world() as world:
            world["domains"].clear()
        wait_until(lambda: "domid" not in self.host.status().get("web", {}), "it to be gone")
        self.by_xl()
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0)
        self.assertEqual(self.host.domains(), {})

    def test_guest_of_another_tool_that_comes_up_again_is_stopped_once_more(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=60)
        self.host.guest("db", never_off=True)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", "db", check=0)
        self.by_xl()
        with self.host.world() as world:
            world["domains"][-1]["config"]["fake"]["never_off"] = True
        wait_until(lambda: self.host.states().get("web") == "running", "it")
        stop = self.host.ctl_in_background("stop")
        wait_until(lambda: sum("asked" in line for line in self.host.history()) == 2, "the requests")
        with self.host.world() as world:
            world["domains"] = [d for d in world["domains"] if d["name"] == "db"]
        wait_until(lambda: "domid" not in self.host.status().get("web", {}), "it to be gone")
        self.by_xl()
        wait_until(lambda: sum("asked" in line for line in self.host.history()) == 3, "another request")
        with self.host.world() as world:
            world["domains"] = [d for d in world["domains"] if d["name"] == "web"]
        stop.communicate(timeout=60)
        self.assertEqual(stop.returncode, 0)
        self.assertEqual(self.host.domains(), {})

    def test_guest_that_another_host_is_sending_is_not_let_run(self):
        self.host.configure(STOP_MAXWAIT=5)
        self.host.ctl("reload", check=0)
        self.by_xl(name="web--incoming", state="paused", never_run=True)
        wait_until(lambda: "web--incoming" in self.host.domains(), "it")
        for goal in ("start", "stop"):
            self.host.ctl(goal, check=1)
            self.assertEqual(self.host.domains()["web--incoming"]["state"], "paused")
        self.assertEqual(self.host.images(), [])

    def test_guest_that_cannot_be_suspended_and_gets_keys_only_fails_the_stop(self):
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="", SYSRQ="s")
        self.host.ctl("reload", check=0)
        boot = self.running()
        self.change(unsavable="it has PCI devices of the host")
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.boot("web"), boot)

    def test_guest_that_cannot_be_suspended_is_shut_down_and_the_plan_says_so(self):
        self.running()
        self.change(unsavable="it has PCI devices of the host")
        plan = json.loads(self.host.ctl("--json", "plan", "stop"))
        [step] = plan["steps"]
        self.assertNotIn("save", step["stages"])
        self.assertIn("shutdown", step["stages"])
        self.assertIn("PCI", step["reason"])
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.images(), [])

    def test_guest_that_cannot_be_suspended_and_has_no_other_stage_fails_the_stop(self):
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        boot = self.running()
        self.change(unsavable="it has PCI devices of the host")
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.boot("web"), boot)

    def test_guest_that_cannot_be_suspended_is_not_migrated(self):
        self.host.configure(MIGRATE="nowhere")
        self.host.ctl("reload", check=0)
        self.running()
        self.change(unsavable="it has PCI devices of the host")
        [step] = json.loads(self.host.ctl("--json", "plan", "stop"))["steps"]
        self.assertNotIn("migrate", step["stages"])
        self.assertNotIn("save", step["stages"])
        self.assertIn("shutdown", step["stages"])
        self.assertIn("PCI", step["reason"])


class Away(FakeHostTest):
    """The configurations are gone under guests that run: as if their file system were not mounted."""

    variables = {"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}

    def take_away(self, host, how):
        host.auto.rename(host.root / "kept")
        if how != "gone":
            host.auto.mkdir()
        if how == "holds one of no use":
            (host.auto / "stray").write_text("memory 512\n")

    def bring_back(self, host):
        if host.auto.exists():
            shutil.rmtree(host.auto)
        (host.root / "kept").rename(host.auto)

    def test_guest_is_saved_whatever_became_of_auto(self):
        self.host.guest("web")
        for how in "gone", "empty", "holds one of no use":
            for daemon in "same", "new", "none":
                with self.subTest(auto=how, daemon=daemon):
                    self.host.ctl("start", check=0)
                    boot = self.host.boot("web")
                    self.take_away(self.host, how)
                    if daemon != "same":
                        self.host.stop_daemon()
                    if daemon == "new":
                        self.host.start_daemon()
                    if daemon == "none":
                        self.assertEqual(self.host.once("stop"), 0)
                        self.host.start_daemon()
                    else:
                        self.host.ctl("stop", check=0)
                    self.assertEqual((self.host.images(), self.host.domains()), (["web"], {}))
                    self.bring_back(self.host)
                    self.host.ctl("start", check=0)
                    self.assertEqual(self.host.boot("web"), boot)

    def test_guest_is_saved_and_not_shut_down_with_the_others(self):
        self.host.configure(AUTO_ONLY="true")
        self.host.ctl("reload", check=0)
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.take_away(self.host, "empty")
        self.host.ctl("stop", check=0)
        self.assertEqual((self.host.images(), self.host.domains()), (["web"], {}))

    def test_guest_that_is_restored_meanwhile_is_saved_again(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.take_away(self.host, "empty")
        for _ in range(2):
            self.host.ctl("stop", check=0)
            self.assertEqual((self.host.images(), self.host.domains()), (["web"], {}))
            self.host.ctl("start", check=0)
            self.assertEqual(self.host.boot("web"), boot)

    def test_nobody_else_is_stopped_for_an_empty_auto(self):
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.take_away(self.host, "empty")
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "byhand": "running"})

    def test_all_are_stopped_for_an_auto_that_is_gone(self):
        self.host.guest("web")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        self.take_away(self.host, "gone")
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "byhand": "saved"})

    def test_guest_is_spared_whose_configuration_alone_was_removed(self):
        web = self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", check=0)
        web.unlink()
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "db": "saved"})

    def test_guest_is_saved_whose_configuration_is_a_link_that_has_lost_its_target(self):
        elsewhere = self.host.root / "elsewhere"
        elsewhere.mkdir()
        web = self.host.auto / "web.cfg"
        web.symlink_to(self.host.guest("web", folder=elsewhere))
        self.host.guest("db")
        self.host.xl_create("byhand")
        self.host.ctl("start", check=0)
        elsewhere.rename(self.host.root / "kept")
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["db", "web"])
        self.assertEqual(self.host.states()["byhand"], "running")

    def test_guest_is_spared_when_auto_is_another_one(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        other = self.host.root / "other"
        other.mkdir()
        self.host.configure(AUTO=other, **self.variables)
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_status_warns_of_an_auto_that_is_gone_and_a_start_goes_on(self):
        self.host.auto.rmdir()
        self.host.ctl("start", check=0)
        [warning] = json.loads(self.host.ctl("--json", "status"))["warnings"]
        self.assertIn(str(self.host.auto), warning)

    def test_logind_waits_for_the_guest(self):
        for how in "gone", "empty":
            with self.subTest(auto=how), HostWithLogind(**self.variables) as host:
                host.guest("web")
                host.start_daemon()
                host.ctl("start", check=0)
                host.wait_locked()
                self.take_away(host, how)
                host.stop_daemon()
                host.systemd.forget()
                host.wait_locked(False)
                host.start_daemon()
                host.wait_locked()
                host.tell("prepare poweroff")
                wait_until(lambda host=host: not host.domains(), "the guest to be saved")
                self.assertEqual(host.images(), ["web"])


load_tests = at_once(6)


if __name__ == "__main__":
    unittest.main()
