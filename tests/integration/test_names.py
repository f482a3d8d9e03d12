#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest whose configuration has no uuid= is its name: the rules of docs/identity.md."""

import json
import unittest

import ledgerfile
from fakehost import wait_until
from test_lives import Lives


class Names(Lives):
    """Configurations without uuid=: xl draws another UUID each time that it creates the guest."""

    def setUp(self):
        super().setUp()
        self.old = self.saved_unseen()

    def saved_unseen(self):
        """As saved(), with a disk of which this host sees nothing: only the ledger can tell."""
        disk = {"pdev_path": "rbd:p/w", "vdev": "xvda", "readwrite": 1, "script": "block-rbd"}
        path = self.host.guest("web")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"disks": [disk]}))
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        return boot

    def create_by_xl(self):
        self.host.xl_create("web")
        uuid = self.host.domains()["web"]["uuid"]
        wait_until(lambda: any(r["uuid"] == uuid for r in ledgerfile.read(self.host.state / "ledger")),
                   "the domain to be seen")

    def test_guest_that_xl_created_outlives_its_image_over_a_power_cut(self):
        self.create_by_xl()
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold(self.old, "web-by-hand")
        self.assertEqual(len(self.aside()), 1)

    def test_guest_that_xl_created_and_that_ended_outlives_its_image(self):
        self.create_by_xl()
        self.host.ctl("start", check=0)
        [guest] = json.loads(self.host.ctl("--json", "status"))["guests"]
        self.assertEqual(guest["state"], "running")
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("start", check=0)
        self.expect_cold(self.old, "web-by-hand")
        self.assertEqual(len(self.aside()), 1)

    def test_image_is_held_where_no_configuration_says_who_ran_by_its_name(self):
        (self.host.auto / "web.cfg").rename(self.host.root / "web.cfg")
        self.create_by_xl()
        self.host.ctl("start", check=1)
        self.assertEqual(list(self.host.domains()), ["web"])
        with self.host.world() as world:
            world["domains"].clear()
        for _ in range(2):
            self.host.ctl("start", check=1)
            self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
            self.assertIn(str(self.host.save / "web"), self.host.reasons()["web"])
            self.host.stop_daemon()
            self.host.start_daemon()
        # The configuration says it: all domains of the name are the guest.
        (self.host.root / "web.cfg").rename(self.host.auto / "web.cfg")
        self.host.ctl("start", check=0)
        self.expect_cold(self.old, "web-by-hand")

    def test_image_is_held_beside_a_domain_of_its_name_that_is_being_saved(self):
        """No configuration is left, and no ledger: the domain has run, whoever it is."""
        (self.host.auto / "web.cfg").unlink()
        self.host.stop_daemon()
        (self.host.state / "ledger").unlink()
        self.host.xl_create("web")
        with self.host.world() as world:
            world["domains"][0] |= {"state": "suspended", "saver": True}
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.images(), ["web"])
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("start", check=1)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
        self.assertIn(str(self.host.save / "web"), self.host.reasons()["web"])

    def test_guest_that_xl_created_outlives_its_image_in_a_ledger_that_is_written_anew(self):
        self.create_by_xl()
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("status")
        self.host.stop_daemon()
        with (self.host.state / "ledger").open("a") as ledger:
            ledger.write("torn")
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.expect_cold(self.old, "web-by-hand")

    def test_domain_that_got_the_name_later_outlives_the_image(self):
        self.host.xl_create("other")
        wait_until(lambda: "other" in self.host.states(), "the domain to be seen")
        with self.host.world() as world:
            world["domains"][0]["name"] = "web"
        self.host.ctl("start", check=0)
        self.assertEqual([d["boot"] for d in self.host.domains().values()], ["other-by-hand"])
        self.cut_power()
        self.host.ctl("start", check=0)
        self.expect_cold(self.old)
        self.assertEqual(len(self.aside()), 1)

    def test_image_from_before_is_no_reason_to_wait_for_its_file_system(self):
        self.create_by_xl()
        self.cut_power()
        self.host.save.rename(self.host.root / "kept")
        self.host.save.mkdir()
        self.host.ctl("start", check=0)
        self.expect_cold(self.old, "web-by-hand")

    def test_memory_of_what_xl_created_is_missed_where_its_image_was_removed(self):
        (self.host.save / "web").unlink()
        self.create_by_xl()
        self.host.ctl("stop", check=0)
        uuid = self.host.status()["web"]["uuid"]
        (self.host.save / "web").unlink()
        self.host.ctl("start", check=0)
        self.assertEqual(len(self.host.logged("GUEST_COLD", domain="web")), 1)
        self.assertEqual(self.host.domains()["web"]["uuid"], uuid)

    def test_domain_that_has_not_run_holds_the_image_and_loses_nothing(self):
        self.host.xl_create("web")
        with self.host.world() as world:
            world["domains"][0] |= {"state": "paused", "never_run": True}
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.images(), ["web"])
        self.host.ctl("status")
        with self.host.world() as world:
            world["domains"].clear()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), self.old)

    def test_domain_that_has_not_run_is_not_doubled_under_the_changed_name_of_its_file(self):
        path = self.host.auto / "web.cfg"
        self.host.xl_create("web")
        with self.host.world() as world:
            world["domains"][0] |= {"state": "paused", "never_run": True}
        config = json.loads(path.read_text())
        config["c_info"]["name"] = "www"
        path.write_text(json.dumps(config))
        self.host.ctl("start", check=1)
        self.assertEqual(list(self.host.domains()), ["web"])
        self.assertIn("web", self.host.reasons()["www"])

    def test_image_is_not_restored_beside_a_domain_of_its_file_that_has_another_name(self):
        path = self.host.auto / "web.cfg"
        config = json.loads(path.read_text())
        config["c_info"]["name"] = "www"
        path.write_text(json.dumps(config))
        self.host.xl_create("www")
        self.host.ctl("start", check=1)
        self.assertEqual(list(self.host.domains()), ["www"])
        self.assertIn("www", self.host.reasons()["web"])
        self.cut_power()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})

    def test_guest_with_uuid_is_not_outlived_by_another_of_its_name(self):
        (self.host.save / "web").unlink()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        uuid = self.host.status()["web"]["uuid"]
        self.host.guest("web", uuid=uuid)
        self.create_by_xl()
        self.cut_power()
        self.host.ctl("start", check=0)
        self.assertIn("web", self.host.domains())
        self.assertEqual(self.aside(), [])


if __name__ == "__main__":
    unittest.main()
