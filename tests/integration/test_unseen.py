#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What no daemon has seen of a guest, and what it means for its images: by docs/recovery.md."""

import os
import time
import unittest

import ledgerfile
import memory
from fakehost import wait_until
from test_lives import UUID_A, UUID_B, Lives


class Unseen(Lives):
    """Another tool has run a saved guest while no daemon looked."""

    def leave(self, uuid, state, name="web"):
        """A domain of another tool's, as the next daemon finds it; its configuration."""
        config = {"c_info": {"name": name, "uuid": uuid}, "b_info": {}, "fake": {}}
        with self.host.world() as world:
            world["last_domid"] += 1
            world["domains"].append({"domid": world["last_domid"], "uuid": uuid, "name": name, "state": state,
                                     "boot": "by-xl", "config": config})
        return config

    def remove(self):
        with self.host.world() as world:
            world["domains"].clear()

    def write_image(self, config, age=0):
        image = self.host.save / "web-by-xl"
        image.write_bytes(memory.make_xls(config, "by-xl\n0"))
        image.chmod(0o600)
        os.utime(image, (time.time() - age,) * 2)

    def begin_anew(self):
        self.host.ctl("stop", check=0)
        for image in self.host.save.iterdir():
            image.unlink()
        self.restart_without_ledger()

    def test_guest_that_ran_and_ended_while_no_daemon_looked_outlives_its_image(self):
        for uuid, again, state in ((UUID_A, UUID_A, "crash"), (UUID_A, UUID_A, "suspended"),
                                   (None, None, "poweroff"), (None, UUID_B, "crash"),
                                   (None, UUID_B, "suspended")):
            with self.subTest(uuid=uuid, again=again, state=state):
                boot = self.saved(uuid=uuid)
                again = again or self.host.status()["web"]["uuid"]
                self.host.stop_daemon()
                self.leave(again, state)
                self.host.start_daemon()
                self.remove()
                self.host.ctl("start", check=0)
                self.expect_cold(boot)
                self.assertEqual(len(self.aside()), 1)
                self.begin_anew()

    def test_guest_that_ran_and_ended_with_the_number_of_its_saved_domain_outlives_its_image(self):
        """xl restores with the number that the image has."""
        boot = self.saved(uuid=UUID_A)
        self.host.stop_daemon()
        with self.host.world() as world:
            world["last_domid"] -= 1
        self.leave(UUID_A, "crash")
        self.host.start_daemon()
        self.host.ctl("status")
        self.remove()
        self.host.ctl("start", check=0)
        self.expect_cold(boot)

    def test_guest_that_is_found_suspended_may_have_been_saved_since_long(self):
        """Its image is held, as that of a checkpoint would have to be, and not put aside."""
        for uuid, seen in ((UUID_A, False), (None, False), (UUID_A, True)):
            with self.subTest(uuid=uuid, seen=seen):
                self.saved(uuid=uuid)
                self.host.stop_daemon()
                config = self.leave(uuid or UUID_B, "running" if seen else "suspended")
                self.set_back_ledger()
                self.write_image(config, age=1800)
                if seen:
                    self.host.start_daemon()
                    self.host.stop_daemon()
                    self.set_back_ledger()
                    with self.host.world() as world:
                        world["domains"][0]["state"] = "suspended"
                self.host.start_daemon()
                self.remove()
                wait_until(lambda: self.host.states()["web"] != "suspended", "it to be gone")
                self.host.ctl("start", check=1)
                self.expect_held("web")
                self.assertIn("web-by-xl", self.host.images())
                (self.host.save / "web-by-xl").unlink()
                self.begin_anew()

    def test_guest_that_another_tool_was_saving_when_the_daemon_came_is_restored(self):
        for uuid in UUID_A, None:
            with self.subTest(uuid=uuid):
                boot = self.saved(uuid=uuid)
                self.host.stop_daemon()
                config = self.leave(uuid or UUID_B, "suspended")
                self.host.start_daemon()
                self.write_image(config)
                self.remove()
                wait_until(lambda: self.host.states()["web"] != "suspended", "it to be gone")
                self.host.ctl("start", check=0)
                self.expect_cold(boot)
                self.assertEqual(self.host.boot("web"), "by-xl")
                self.assertEqual(len(self.aside()), 1)
                self.begin_anew()

    def test_departure_that_was_found_as_such_is_recorded(self):
        boot = self.saved(uuid=UUID_A)
        self.host.stop_daemon()
        self.leave(UUID_A, "suspended", "web--migratedaway")
        self.host.start_daemon()
        self.host.ctl("status")
        self.remove()
        self.host.ctl("start")
        self.assertEqual(self.host.domains(), {})
        self.host.ctl("start", "web", check=0)
        self.expect_cold(boot)

    def test_domain_that_has_ended_and_whose_ledger_is_lost_is_not_taken_for_a_preserved_one(self):
        path = self.host.guest("web", on={"crash": "preserve"})
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            world["domains"][0]["state"] = "crash"
        self.restart_without_ledger()
        path.write_text(path.read_text().replace('"web"', '"www"'))
        self.host.ctl("start", check=1)
        self.assertIn("web", self.host.reasons()["www"])
        self.assertEqual(list(self.host.domains()), ["web"])

    def test_image_of_another_tool_from_after_the_clock_was_set_back_is_not_put_aside(self):
        """The clock of a host that begins with a wrong one, and is set when the network is there."""
        for then in ("it runs", "it is gone", "it has ended"):
            with self.subTest(then=then):
                self.host.guest("web", uuid=UUID_A, on={"poweroff": "destroy"})
                self.host.ctl("start", check=0)
                config = self.host.domains()["web"]["config"]
                if then == "it has ended":
                    with self.host.world() as world:
                        world["domains"][0]["state"] = "poweroff"
                    wait_until(lambda: not self.host.domains() and self.host.states()["web"] == "stopped", "its end")
                self.host.stop_daemon()
                self.set_back_ledger(-2)
                if then == "it runs":
                    self.host.start_daemon()
                    self.host.stop_daemon()
                    records = ledgerfile.read(self.host.state / "ledger")
                    life = [r for r in records if r["entry"] == "began"][-1]
                    self.assertLessEqual(life["time_usec"], time.time() * 1e6)
                self.write_image(config)
                self.remove()
                self.host.start_daemon()
                self.host.ctl("start", check=1)
                self.expect_held("web")
                self.assertEqual(self.host.images(), ["web-by-xl"])
                self.assertIn("--cold web", self.host.reasons()["web"])
                self.host.ctl("start", "--cold", "web", check=0)
                self.begin_anew()

    def set_back_ledger(self, hours=1):
        """What it tells of was so many hours before."""
        records = ledgerfile.read(self.host.state / "ledger")
        for record in records:
            record["time_usec"] -= hours * 3600 * 10**6
        ledgerfile.write(self.host.state / "ledger", records)


if __name__ == "__main__":
    unittest.main()
