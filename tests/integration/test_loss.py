#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a loss of records in the ledger costs: the rules of docs/recovery.md and trouble.md."""

import json
import unittest

import ledgerfile
from test_images import make_xls
from test_lives import UUID_A, UUID_B, Lives


class LostRecords(Lives):
    """Where a guest is that was migrated away: the record of it is lost."""

    def ran_here(self):
        self.host.guest("web", uuid=UUID_A)
        self.host.guest("mail", uuid=UUID_B)
        self.host.ctl("start", check=0)
        self.host.stop_daemon()
        with self.host.world() as world:
            world["domains"].clear()

    def migrate(self):
        """As if web had been migrated to another host."""
        ledger = self.host.state / "ledger"
        records = ledgerfile.read(ledger)
        record = dict(next(r for r in records if r["uuid"] == UUID_A))
        ledgerfile.write(ledger, records + [{k: record[k] for k in (
            "uuid", "boot", "monotonic_usec", "time_usec")} | {
                "entry": "migrated", "name": "web", "target": "elsewhere"}])

    def damage(self, old, new):
        ledger = self.host.state / "ledger"
        text = ledger.read_bytes()
        self.assertIn(old, text)
        ledger.write_bytes(text.replace(old, new))

    def expect_loss(self, told):
        (self.assertIn if told else self.assertNotIn)(str(self.host.state / "ledger"), self.host.ctl("status"))

    def expect_unplaced(self):
        """No guest is created that may run elsewhere, until a person names it."""
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.expect_held("mail", "web")
        self.expect_loss(True)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.expect_loss(True)
        self.host.ctl("start", "web", check=0)
        self.assertEqual(list(self.host.domains()), ["web"])
        self.host.ctl("start", check=1)
        self.expect_loss(True)
        self.host.ctl("start", "mail", check=0)
        self.host.ctl("start", check=0)
        # This daemon goes on to tell of it, and no other has a reason to.
        self.expect_loss(True)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.expect_loss(False)

    def test_damaged_record_of_a_migration_holds_who_may_be_away(self):
        self.ran_here()
        self.migrate()
        self.damage(b"elsewhere", b"elsewhera")
        self.host.start_daemon()
        self.expect_unplaced()

    def test_any_damaged_record_holds_who_may_be_away_where_guests_are_migrated(self):
        self.ran_here()
        self.migrate()
        ledger = self.host.state / "ledger"
        lines = ledger.read_bytes().splitlines(keepends=True)
        ledger.write_bytes(b"".join(lines[:-1]) + b"\xff" * 40 + b"\n")
        self.host.configure(MIGRATE="elsewhere")
        self.host.start_daemon()
        self.expect_unplaced()

    def test_image_that_cannot_be_read_holds_a_renamed_guest_whose_save_is_lost(self):
        """The record of its life is left, and tells how it was called."""
        config = self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.host.stop_daemon()
        self.damage(b'"saved"', b'"saveq"')
        image = self.host.save / "web"
        image.rename(self.host.root / "away")
        image.symlink_to("/nonexistent/web")
        config.write_text(config.read_text().replace('"web"', '"shop"'))
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.assertIn(str(image), self.host.reasons()["shop"])

    def test_lost_ledger_holds_who_may_be_away_where_guests_are_migrated(self):
        for what, lose in {"missing": lambda ledger: ledger.unlink(),
                           "empty": lambda ledger: ledger.write_bytes(b""),
                           "unreadable": lambda ledger: (ledger.unlink(), ledger.mkdir())}.items():
            with self.subTest(what):
                self.host.configure(MIGRATE="elsewhere")
                if self.host.daemon:
                    self.host.stop_daemon()
                self.host.start_daemon()
                self.ran_here()
                lose(self.host.state / "ledger")
                self.host.start_daemon()
                self.expect_unplaced()
                with self.host.world() as world:
                    world["domains"].clear()

    def test_image_of_xl_is_held_where_its_disks_cannot_be_seen(self):
        disks = {"file": (self.host.root / "disk", {}), "script": ("rbd:p/w", {"script": "block-rbd"})}
        disks["file"][0].write_bytes(bytes(4096))
        for what, (path, more) in disks.items():
            with self.subTest(what):
                config = self.host.guest("web", uuid=UUID_A)
                config.write_text(json.dumps(json.loads(config.read_text()) | {"disks": [
                    {"pdev_path": str(path), "vdev": "xvda", "readwrite": 1} | more]}))
                self.host.ctl("start", check=0)
                boot = self.host.boot("web")
                self.host.ctl("stop", check=0)
                make_xls(self.host.save / "web")
                self.restart_without_ledger()
                self.host.ctl("start", check=0 if what == "file" else 1)
                if what == "file":
                    self.assertEqual(self.host.boot("web"), boot)
                    self.host.ctl("stop", check=0)
                    (self.host.save / "web").unlink()
                else:
                    self.expect_held("web")

    def test_image_is_held_as_long_as_it_lies_there(self):
        config = self.host.guest("web", uuid=UUID_A)
        config.write_text(json.dumps(json.loads(config.read_text()) | {"disks": [
            {"pdev_path": "rbd:p/w", "vdev": "xvda", "readwrite": 1, "script": "block-rbd"}]}))
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        make_xls(self.host.save / "web")
        # The guests that have a configuration are all known to be here.
        config.unlink()
        self.host.guest("mail", uuid=UUID_B)
        self.restart_without_ledger()
        for _ in range(2):
            self.host.ctl("start", check=1)
            self.expect_held("web")
        self.expect_loss(True)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.expect_held("web")
        (self.host.save / "web").unlink()
        self.host.ctl("start", check=0)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.expect_loss(False)

    def test_first_start_of_all_holds_nobody(self):
        self.host.stop_daemon()
        self.host.configure(MIGRATE="elsewhere")
        self.host.start_daemon()
        self.host.stop_daemon()
        self.host.start_daemon()
        self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        self.expect_loss(False)

    def test_loss_where_no_guest_is_migrated_holds_nobody(self):
        self.ran_here()
        (self.host.state / "ledger").unlink()
        self.host.start_daemon()
        self.expect_loss(True)
        self.host.ctl("start", check=0)
        self.assertEqual(sorted(self.host.domains()), ["mail", "web"])

    def test_guest_that_a_record_after_the_damage_tells_of_is_not_held(self):
        self.ran_here()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.stop_daemon()
        ledger = self.host.state / "ledger"
        ledger.write_bytes(b"0 {migrated}\n" + ledger.read_bytes())
        with self.host.world() as world:
            world["domains"].clear()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual(sorted(self.host.domains()), ["mail", "web"])


if __name__ == "__main__":
    unittest.main()
