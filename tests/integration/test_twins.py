#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two domains of one UUID: each is a guest, and nothing that is done to one touches the other."""

import json
import unittest

import memory
from fakehost import KILLER, FakeHost, FakeHostTest, each_step, wait_until

UUID = "00000000-0000-4000-8000-00000000000a"

# An operation makes fewer steps than this.
STEPS_MAX = 200


def add(host, name, state, first=False, **more):
    """Another tool makes a domain of the guest's UUID."""
    with host.world() as world:
        domid = world["last_domid"] = world.get("last_domid", 0) + 1
        domain = {"domid": domid, "uuid": UUID, "name": name, "state": state, "boot": f"{name}-boot",
                  "config": {"c_info": {"name": name, "uuid": UUID}, "b_info": {}, "fake": {}}} | more
        world["domains"].insert(0 if first else len(world["domains"]), domain)
    return domid


def set_domain(host, domid, **values):
    with host.world() as world:
        next(d for d in world["domains"] if d["domid"] == domid).update(values)


class Twins(FakeHostTest):
    def started(self, **guest):
        """A guest that runs; its boot."""
        self.host.guest("web", uuid=UUID, **guest)
        self.host.ctl("start", check=0)
        return self.host.boot("web")

    def runs_again(self, name, ended):
        domain = self.host.domains().get(name, {})
        return domain.get("state") == "running" and domain["domid"] != ended

    def listed(self):
        said = self.host.ctl("--json", "status")
        return sorted((g["name"], g.get("domid", 0), g["state"]) for g in json.loads(said)["guests"])

    def wait_listed(self, *expected):
        wait_until(lambda: self.listed() == sorted(expected), f"{expected}")

    def planned(self):
        plan = json.loads(self.host.ctl("--json", "plan", "stop"))
        return {step["domid"]: step["stages"] for step in plan["steps"]}

    def preserved_beside_a_running_one(self):
        """The guest crashed, was renamed, and another tool created it once more."""
        self.started(on={"crash": "preserve"})
        set_domain(self.host, 1, state="crash")
        self.wait_listed(("web", 1, "crashed"))
        set_domain(self.host, 1, name="web-crashed")
        add(self.host, "web", "running")
        self.wait_listed(("web-crashed", 1, "crashed"), ("web", 2, "running"))

    def expect_saved(self, image, boot):
        self.assertIn(boot.encode(), (self.host.save / image).read_bytes())


class Stops(Twins):
    def test_guest_that_runs_beside_its_preserved_domain_is_saved(self):
        for words in (("stop",), ("stop", "web")):
            with self.subTest(words=words), FakeHost() as self.host:
                self.host.start_daemon()
                self.preserved_beside_a_running_one()
                self.assertEqual((self.planned()[1], self.planned()[2][0]), ([], "save"))
                self.host.ctl(*words, check=0)
                self.assertEqual(list(self.host.domains()), ["web-crashed"])
                self.expect_saved("web", "web-boot")

    def test_guest_that_runs_beside_its_preserved_domain_is_saved_without_a_daemon(self):
        self.preserved_beside_a_running_one()
        self.host.stop_daemon()
        self.assertEqual(self.host.once("stop"), 0)
        self.assertEqual(list(self.host.domains()), ["web-crashed"])
        self.expect_saved("web", "web-boot")

    def test_guest_that_runs_beside_what_xl_has_migrated_is_saved(self):
        self.host.guest("web", uuid=UUID)
        add(self.host, "web--migratedaway", "suspended")
        add(self.host, "web", "running")
        self.wait_listed(("web", 1, "failed"), ("web", 2, "running"))
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(list(self.host.domains()), ["web--migratedaway"])
        self.expect_saved("web", "web-boot")

    def test_guest_that_does_not_save_is_shut_down_and_not_what_xl_has_migrated(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=10)
        self.host.ctl("reload", check=0)
        self.host.guest("web", uuid=UUID)
        add(self.host, "web--migratedaway", "suspended")
        add(self.host, "web", "running")
        self.wait_listed(("web", 1, "failed"), ("web", 2, "running"))
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(list(self.host.domains()), ["web--migratedaway"])

    def test_guest_that_runs_is_saved_while_another_tool_saves_its_double(self):
        self.host.guest("web", uuid=UUID)
        add(self.host, "clone", "suspended", saver=True)
        add(self.host, "web", "running")
        self.wait_listed(("clone", 1, "saving"), ("web", 2, "running"))
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(list(self.host.domains()), ["clone"])
        self.expect_saved("web", "web-boot")

    def test_each_of_a_running_and_a_built_domain_is_saved_under_its_own_name(self):
        for first in (False, True):
            with self.subTest(first=first), FakeHost() as self.host:
                self.host.start_daemon()
                boot = self.started()
                add(self.host, "clone", "paused", first=first, never_run=True)
                wait_until(lambda: "clone" in self.host.states(), "the clone")
                self.assertIn("web", self.host.states())
                self.host.ctl("stop", check=0)
                self.assertEqual((self.host.domains(), self.host.images()), ({}, ["clone", "web"]))
                self.expect_saved("web", boot)
                self.expect_saved("clone", "clone-boot")
                self.host.ctl("start", check=1)
                self.assertEqual(self.host.images(), ["clone", "web"])
                (self.host.save / "clone").unlink()
                self.host.ctl("start", check=0)
                self.assertEqual(self.host.boot("web"), boot)


class Images(Twins):
    def test_save_displaces_no_newest_image_of_another_guest(self):
        """Two guests of one name, one after the other."""
        for shutdown in ("", "--wait"):
            with self.subTest(shutdown=shutdown), FakeHost(SHUTDOWN=shutdown, SHUTDOWN_ALL="") as self.host:
                self.host.start_daemon()
                self.host.xl_create("web")
                boot = self.host.boot("web")
                wait_until(lambda: self.host.states().get("web") == "running", "the guest")
                self.host.ctl("stop", check=0)
                whole = (self.host.save / "web").read_bytes()
                add(self.host, "web", "running")
                wait_until(lambda: '"running"' in self.host.ctl("--json", "status"), "the other guest")
                self.host.ctl("stop", check=0 if shutdown else 1)
                self.assertEqual([d["state"] for d in self.host.domains().values()],
                                 [] if shutdown else ["running"])
                self.assertNotIn(["2", "web", "suspended", "web-boot"], self.host.history())
                self.assertEqual(self.host.images(), ["web"])
                self.assertEqual((self.host.save / "web").read_bytes(), whole)
                self.expect_saved("web", boot)
                if shutdown:
                    continue
                # What cannot be read may be that image. What is not there is not in the way.
                (self.host.save / "web").write_bytes(whole[:100])
                self.host.ctl("stop", check=1)
                (self.host.save / "web").unlink()
                self.host.ctl("stop", check=0)
                self.expect_saved("web", "web-boot")


class Clones(Twins):
    """Another tool runs a domain of the guest's UUID, by another name, and the guest itself does not run."""

    def saved(self):
        boot = self.started()
        self.host.ctl("stop", check=0)
        return boot

    def held(self):
        guest = self.host.status()["web"]
        self.assertEqual((guest["state"], guest.get("domid")), ("failed", None))
        return guest["reason"]

    def vanish(self):
        with self.host.world() as world:
            world["domains"].clear()
        wait_until(lambda: "clone" not in self.host.status(), "the clone to be gone")

    def test_guest_whose_clone_runs_is_shown_and_held(self):
        self.host.guest("web", uuid=UUID)
        add(self.host, "clone", "running")
        self.host.ctl("start", check=1)
        self.host.ctl("start", "web", check=1)
        self.host.ctl("start", "--cold", "web", check=1)
        self.assertIn("clone", self.held())
        self.assertEqual(list(self.host.domains()), ["clone"])

    def test_guest_whose_clone_has_ended_is_told_to_leave_it_to_xl(self):
        self.host.guest("web", uuid=UUID)
        domid = add(self.host, "clone", "poweroff")
        for words in ("start",), ("start", "--cold", "web"):
            self.host.ctl(*words, check=1)
            self.assertIn(f"domain {domid} (clone) has its UUID, and has ended. xl may", self.held())
            self.assertNotIn("xl destroy", self.held())
        self.vanish()
        self.host.ctl("start", check=0)
        self.assertEqual(list(self.host.domains()), ["web"])

    def test_guest_that_runs_under_its_old_name_is_not_started_cold_under_the_new_one(self):
        path = self.host.guest("web", uuid=UUID)
        self.host.ctl("start", check=0)
        config = json.loads(path.read_text())
        config["c_info"] |= {"name": "www", "uuid": UUID[:-1] + "b"}
        path.write_text(json.dumps(config))
        self.host.ctl("start", "--cold", "www", check=1)
        self.assertEqual(list(self.host.domains()), ["web"])

    def test_clone_that_starts_after_the_save_does_not_outlive_the_image(self):
        boot = self.saved()
        add(self.host, "clone", "running")
        self.host.ctl("start", check=1)
        self.assertIn("clone", self.held())
        self.host.stop_daemon()
        self.host.start_daemon()
        self.vanish()
        self.host.ctl("start", check=1)
        self.assertIn("clone", self.held())
        self.expect_saved("web", boot)

    def test_image_is_outlived_once_the_domain_has_its_name_again(self):
        self.saved()
        domid = add(self.host, "clone", "running")
        self.host.ctl("start", check=1)
        set_domain(self.host, domid, name="web")
        self.wait_listed(("web", domid, "running"))
        self.vanish_as("web")
        self.host.ctl("start", check=0)
        self.assertIn("web", self.host.domains())
        self.assertNotIn("web", self.host.images())

    def vanish_as(self, name):
        with self.host.world() as world:
            world["domains"].clear()
        wait_until(lambda: self.host.status()[name].get("domid") is None, "the domain to be gone")

    def test_configuration_that_got_the_domains_name_tells_that_it_is_the_guest(self):
        self.saved()
        self.host.guest("clone", uuid=UUID)
        (self.host.auto / "web.cfg").unlink()
        add(self.host, "clone", "running")
        self.wait_listed(("clone", 2, "running"))
        self.vanish_as("clone")
        self.host.ctl("start", check=0)
        self.assertIn("clone", self.host.domains())
        self.assertNotIn("web", self.host.images())

    def test_clone_is_saved_where_only_configured_guests_are(self):
        self.host.stop_daemon()
        self.host.configure(AUTO_ONLY="yes")
        self.host.start_daemon()
        self.host.guest("web", uuid=UUID)
        add(self.host, "clone", "running")
        self.host.ctl("stop", check=0)
        self.expect_saved("clone", "clone-boot")

    def test_save_of_the_clone_displaces_no_image(self):
        boot = self.saved()
        add(self.host, "clone", "running")
        self.host.ctl("stop", check=0)
        self.expect_saved("web", boot)
        self.expect_saved("clone", "clone-boot")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})

    def write_xls(self, name, boot):
        config = {"c_info": {"name": name, "uuid": UUID}, "b_info": {}, "fake": {}}
        image = self.host.save / f"{name}-by-xl"
        image.write_bytes(memory.make_xls(config, boot))
        image.chmod(0o600)

    def remove(self, domid):
        with self.host.world() as world:
            world["domains"] = [d for d in world["domains"] if d["domid"] != domid]

    def test_image_of_another_tool_outlasts_the_end_of_the_clone(self):
        """Its time is from before that end, and says nothing of this guest."""
        boot = self.started()
        clone = add(self.host, "clone", "running")
        self.wait_listed(("web", 1, "running"), ("clone", clone, "running"))
        self.write_xls("web", boot)
        self.remove(1)
        self.wait_listed(("web", 0, "failed"), ("clone", clone, "running"))
        set_domain(self.host, clone, state="poweroff")
        self.vanish()
        self.host.ctl("start", check=1)
        self.assertIn("clone", self.held())
        self.assertEqual(self.host.images(), ["web-by-xl"])

    def test_checkpoint_is_not_restored_after_a_reboot_that_was_seen_at_one_glance(self):
        self.host.guest("web", uuid=UUID)
        old = add(self.host, "web", "running")
        self.wait_listed(("web", old, "running"))
        with self.host.world() as world:
            world["domains"][0] |= {"domid": old + 1, "boot": "second"}
        self.wait_listed(("web", old + 1, "running"))
        self.write_xls("web", "second")
        self.vanish_as("web")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.images(), ["web-by-xl"])

    def test_checkpoint_is_put_aside_though_a_clone_came_and_went(self):
        self.host.guest("web", uuid=UUID)
        web = add(self.host, "web", "running")
        clone = add(self.host, "clone", "running")
        self.wait_listed(("web", web, "running"), ("clone", clone, "running"))
        self.remove(clone)
        self.wait_listed(("web", web, "running"))
        self.write_xls("web", "web-boot")
        (self.host.save / "web-by-xl").rename(self.host.root / "kept")
        set_domain(self.host, web, state="poweroff")
        self.wait_listed(("web", web, "stopped"))
        (self.host.root / "kept").rename(self.host.save / "web")
        self.vanish_as("web")
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), "web-boot")
        self.assertNotIn("web", self.host.images())

    def test_clone_takes_back_no_departure(self):
        self.host.guest("web", uuid=UUID)
        web = add(self.host, "web", "running")
        self.wait_listed(("web", web, "running"))
        set_domain(self.host, web, name="web--migratedaway", state="suspended")
        wait_until(lambda: self.listed()[0][2] != "running", "the departure")
        self.vanish_as("web")
        clone = add(self.host, "clone", "running")
        wait_until(lambda: "clone" in self.host.status(), "the clone")
        self.remove(clone)
        self.vanish()
        self.host.ctl("start", check=None)
        self.assertEqual(self.host.domains(), {})

    def test_guest_that_xl_created_and_renamed_is_not_started_beside_itself(self):
        self.host.guest("web")
        self.host.xl_create("web")
        domid = self.host.domains()["web"]["domid"]
        self.wait_listed(("web", domid, "running"))
        set_domain(self.host, domid, name="new")
        self.wait_listed(("new", domid, "running"), ("web", 0, "failed"))
        self.host.ctl("start", check=1)
        self.assertEqual(list(self.host.domains()), ["new"])

    def test_renamed_guest_is_saved_beside_its_ended_domain_where_only_configured_guests_are(self):
        self.host.stop_daemon()
        self.host.configure(AUTO_ONLY="yes", SHUTDOWN_ALL="")
        self.host.start_daemon()
        self.host.guest("web", uuid=UUID)
        add(self.host, "web", "crash")
        add(self.host, "web2", "running")
        self.host.ctl("stop")
        self.expect_saved("web2", "web2-boot")

    def test_clone_that_got_another_uuid_holds_nobody(self):
        boot = self.saved()
        add(self.host, "clone", "running")
        self.wait_listed(("web", 0, "failed"), ("clone", 2, "running"))
        self.vanish()
        (self.host.save / "web").rename(self.host.root / "kept")
        uuid = UUID[:-1] + "b"
        add(self.host, "clone", "running", uuid=uuid,
            config={"c_info": {"name": "clone", "uuid": uuid}, "b_info": {}, "fake": {}})
        self.host.ctl("start", check=0)
        self.assertEqual(sorted(self.host.domains()), ["clone", "web"])
        self.assertNotEqual(self.host.boot("web"), boot)

    def test_image_that_xl_made_of_a_renamed_guest_holds_it(self):
        for uuid in UUID, None:
            with self.subTest(uuid=uuid), FakeHost() as self.host:
                self.host.start_daemon()
                self.host.guest("web", uuid=uuid)
                if uuid:
                    add(self.host, "web", "running")
                else:
                    self.host.xl_create("web")
                domain = self.host.domains()["web"]
                self.wait_listed(("web", domain["domid"], "running"))
                set_domain(self.host, domain["domid"], name="web2", state="suspended")
                wait_until(lambda: self.host.status().get("web2", {}).get("state") != "running",
                           "a suspended guest")
                config = {"c_info": {"name": "web2", "uuid": domain["uuid"]}, "b_info": {}, "fake": {}}
                image = self.host.save / "web2"
                image.write_bytes(memory.make_xls(config, domain["boot"]))
                image.chmod(0o600)
                with self.host.world() as world:
                    world["domains"].clear()
                wait_until(lambda: self.host.status()["web"].get("domid") is None, "its end")
                self.host.ctl("start", check=1)
                self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web2"]))

    def test_guest_that_ran_by_its_own_name_outlives_what_was_saved_by_another(self):
        self.host.guest("web", uuid=UUID)
        self.host.stop_daemon()
        add(self.host, "new", "running")
        self.host.start_daemon()
        self.host.ctl("stop", check=0)
        self.expect_saved("new", "new-boot")
        web = add(self.host, "web", "running")
        wait_until(lambda: self.host.status()["web"].get("domid") == web, "the guest")
        self.vanish_as("web")
        path = self.host.auto / "web.cfg"
        config = json.loads(path.read_text())
        config["c_info"]["name"] = "new"
        path.write_text(json.dumps(config))
        self.host.ctl("start", check=1)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["new"]))

    def test_preserved_domain_holds_nobody(self):
        self.started(on={"crash": "restart_rename"})
        set_domain(self.host, 1, state="crash")
        wait_until(lambda: self.runs_again("web", 1), "the restart")
        self.host.ctl("stop", "web", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.domains()["web"]["state"], "running")

    def test_departure_of_a_clone_names_both(self):
        self.host.guest("web", uuid=UUID)
        clone = add(self.host, "clone", "running")
        self.wait_listed(("web", 0, "failed"), ("clone", clone, "running"))
        set_domain(self.host, clone, name="clone--migratedaway", state="suspended")
        wait_until(lambda: self.host.status()["clone"]["state"] != "running", "the departure")
        with self.host.world() as world:
            world["domains"].clear()
        wait_until(lambda: "clone" not in self.host.status(), "its end")
        said = self.host.ctl("start", check=1)
        self.assertIn("clone", said)
        self.assertIn("start web", said)
        self.host.ctl("start", "web", check=0)

    def test_stop_of_a_kept_domain_fails_while_the_guest_may_run_by_another_name(self):
        self.host.guest("web", uuid=UUID)
        add(self.host, "web", "poweroff")
        add(self.host, "new", "running")
        for words in ("start",), ("start", "--cold", "web"), ("stop", "web"):
            self.host.ctl(*words, check=1)
        self.assertEqual(self.host.domains()["new"]["state"], "running")

    def test_clones_image_of_another_tool_is_not_put_aside(self):
        self.started()
        clone = add(self.host, "clone", "running")
        self.wait_listed(("web", 1, "running"), ("clone", clone, "running"))
        self.write_xls("clone", "clone-boot")
        self.remove(clone)
        self.wait_listed(("web", 1, "running"))
        self.host.ctl("stop", "web", check=0)
        self.host.ctl("start", check=None)
        self.assertIn("clone-by-xl", self.host.images())

    def test_stop_of_a_guest_that_may_run_by_another_name_fails(self):
        self.host.guest("web", uuid=UUID)
        add(self.host, "new", "running")
        self.host.ctl("stop", "web", check=1)
        self.assertEqual(list(self.host.domains()), ["new"])
        self.host.ctl("stop", UUID, check=0)
        self.assertEqual(self.host.domains(), {})

    def test_image_of_another_tool_is_not_outlived_by_a_clone_that_starts_later(self):
        self.started()
        domain = self.host.domains()["web"]
        self.write_xls("web", domain["boot"])
        self.vanish_as("web")
        add(self.host, "clone", "running")
        self.wait_listed(("web", 0, "failed"), ("clone", 2, "running"))
        self.vanish()
        self.host.ctl("start", check=1)
        self.assertIn("clone", self.held())
        self.assertEqual(self.host.images(), ["web-by-xl"])


class Ends(Twins):
    def test_guest_that_reboots_is_restarted_beside_its_double(self):
        for first in (False, True):
            with self.subTest(first=first), FakeHost() as self.host:
                self.host.start_daemon()
                boot = self.started(on={"reboot": "restart"})
                add(self.host, "clone", "running", first=first)
                wait_until(lambda: "clone" in self.host.states(), "the clone")
                set_domain(self.host, 1, state="reboot")
                wait_until(lambda: self.host.domains().get("web", {}).get("domid") == 3, "the restart")
                self.wait_listed(("clone", 2, "running"), ("web", 3, "running"))
                self.assertNotEqual(self.host.boot("web"), boot)

    def test_guest_that_powers_off_is_removed_and_its_double_is_not(self):
        for first in (False, True):
            with self.subTest(first=first), FakeHost() as self.host:
                self.host.start_daemon()
                self.started()
                add(self.host, "clone", "running", first=first)
                wait_until(lambda: "clone" in self.host.states(), "the clone")
                set_domain(self.host, 1, state="poweroff")
                wait_until(lambda: list(self.host.domains()) == ["clone"], "the removal")

    def reboot(self, name):
        """A restart: at once, or put off."""
        ended = self.host.domains()[name]["domid"]
        set_domain(self.host, ended, state="reboot")
        wait_until(lambda: self.runs_again(name, ended) or "restart_in_usec" in self.host.status()[name],
                   "the restart, or its delay")
        return self.host.domains()[name]["domid"]

    def test_guest_that_is_about_to_be_restarted_has_one_reason(self):
        self.host.configure(SAVE="", SHUTDOWN_ALL="", STOP_MAXWAIT=1)
        self.host.ctl("reload", check=0)
        self.host.guest("deaf", on={"reboot": "restart"}, off_ms=600000)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", "deaf", check=1)
        self.reboot("deaf")
        self.reboot("deaf")
        guest, = self.host.call("Status")["parameters"]["guests"]
        self.assertIn("restart_in_usec", guest)
        self.assertIn("restarting in", guest["reason"])

    def test_domain_that_ended_is_not_restarted_when_the_guest_lives_on_in_another(self):
        self.host.guest("later", on={"reboot": "restart"})
        self.started(on={"reboot": "restart"})
        self.reboot("web")
        ended = self.reboot("web")
        set_domain(self.host, ended, name="web-old")
        running = add(self.host, "web", "running")
        wait_until(lambda: self.host.states().get("web-old") == "stopped", "the new name")
        self.assertNotIn("restart_in_usec", self.host.status()["web-old"])
        # A restart that is put off after that one, and comes.
        self.reboot("later")
        put_off = self.reboot("later")
        wait_until(lambda: self.runs_again("later", put_off), "the later restart")
        domids = {name: domain["domid"] for name, domain in self.host.domains().items()}
        self.assertEqual((domids["web-old"], domids["web"]), (ended, running))
        self.host.ctl("stop", check=0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["later", "web"]))

    def test_preserved_domain_is_told_of_once(self):
        self.preserved_beside_a_running_one()
        for state in ("paused", "running", "paused"):
            set_domain(self.host, 2, state=state)
            self.wait_listed(("web-crashed", 1, "crashed"), ("web", 2, state))
        told = [entry["PRIORITY"] for entry in self.host.logged("GUEST_ENDED", domain="web")]
        self.assertEqual(told, ["5"])


class Kills(Twins):
    """The worker dies at step N, and another one puts things in order."""

    def sweep(self, state, **guest):
        for step in each_step(STEPS_MAX):
            with self.subTest(step=step), FakeHost() as self.host:
                self.host.start_daemon()
                self.started(**guest)
                self.host.stop_daemon()
                add(self.host, "built", "paused", never_run=True)
                add(self.host, "saving", "suspended", saver=True)
                add(self.host, "running", "running")
                set_domain(self.host, 1, state=state)
                others = [d for d in self.host.domains().values() if d["domid"] != 1]
                self.host.start_daemon(LD_PRELOAD=str(KILLER), KILL_IN="worker", KILL_AT=str(step),
                                       KILL_VERB="operate")
                wait_until(lambda: self.runs_again("web", 1) and not self.host.operations(), "the restart")
                self.assertEqual([d for d in self.host.domains().values() if d["domid"] in (2, 3, 4)], others)
                if not self.host.logged("WORKER_LOST"):
                    return step
        raise AssertionError("the operation never got through")

    def test_restart_touches_no_other_domain_of_the_uuid(self):
        self.assertGreater(self.sweep("reboot", on={"reboot": "restart"}), 5)

    def test_restart_that_preserves_touches_no_other_domain_of_the_uuid(self):
        self.assertGreater(self.sweep("reboot", on={"reboot": "restart_rename"}), 5)

    def test_soft_reset_that_fails_touches_no_other_domain_of_the_uuid(self):
        self.assertGreater(self.sweep("soft-reset", on={"soft_reset": "soft_reset"}, reset_error="no"), 5)


if __name__ == "__main__":
    unittest.main()
