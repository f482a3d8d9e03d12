#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""State that a newer version has written: it stays as it is, guests are stopped, and none is started."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest

import ledgerfile
from fakehost import LIMIT, WORKER, FakeHostTest, wait_until
from test_lives import UUID_A, UUID_B

NEWER = 2


class Formats(FakeHostTest):

    def work(self, request):
        """Runs a worker; its last message."""
        path = self.host.root / "operation"
        path.write_bytes(json.dumps({"request": request}).encode() + b"\0")
        ours, its = socket.socketpair()
        with ours, its, path.open("ab+") as file:
            def prepare():
                os.dup2(file.fileno(), 13)
                os.dup2(its.fileno(), 4)
                os.dup2(13, 3)
            done = subprocess.run([WORKER, "operate"], preexec_fn=prepare, close_fds=False, timeout=LIMIT,
                                  stderr=subprocess.DEVNULL, env=self.host.environment())
        return done.returncode, [json.loads(text) for text in path.read_bytes().split(b"\0") if text][-1]


class NewerLedger(Formats):
    """web is saved, mail runs; shop has not run yet."""

    def setUp(self):
        super().setUp()
        self.ledger = self.host.state / "ledger"
        self.host.guest("web", uuid=UUID_A)
        self.host.guest("mail", uuid=UUID_B, on={"reboot": "restart"})
        self.host.ctl("start", check=0)
        self.boot = self.host.boot("web")
        self.host.ctl("stop", "web", check=0)
        self.host.guest("shop")

    def raise_format(self):
        """As a newer daemon does that takes over from this one. It writes a record of a new kind, too."""
        records = ledgerfile.read(self.ledger)
        kept = next(r for r in records if r["entry"] == "kept")
        self.assertEqual(kept["format"], NEWER - 1)
        new = {k: kept[k] for k in ("uuid", "boot", "monotonic_usec", "time_usec")}
        ledgerfile.write(self.ledger, records + [kept | {"format": NEWER}, new | {"entry": "moon"}])
        self.text = self.ledger.read_bytes()

    def restart(self):
        self.host.stop_daemon()
        self.raise_format()
        self.host.start_daemon()

    def expect_untouched(self):
        self.assertEqual(self.ledger.read_bytes(), self.text)
        self.assertEqual(sorted(f.name for f in self.host.state.glob("ledger*")), ["ledger"])

    def expect_told(self, text):
        self.assertRegex(text, rf"{re.escape(str(self.ledger))} .*newer version.*format {NEWER}\b.*reads {NEWER - 1}\b")

    def expect_no_start(self, *words):
        before = self.host.domains()
        self.expect_told(self.host.ctl(*words, check=1))
        self.assertEqual(self.host.domains(), before)

    def test_no_guest_is_started_and_those_that_run_are_saved(self):
        self.restart()
        self.expect_told(self.host.ctl("status", check=1))
        for words in (("start",), ("start", "web"), ("start", "shop"), ("start", "--cold", "web"), ("restart",),
                      ("restart", "mail"), ("plan", "start")):
            self.expect_no_start(*words)
        self.expect_untouched()
        self.host.ctl("stop", check=0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["mail", "web"]))
        self.expect_untouched()
        self.host.stop_daemon()
        self.host.start_daemon()
        self.expect_no_start("start")
        self.assertEqual(self.host.once("start"), 1)
        self.expect_untouched()

    def test_it_is_logged_once(self):
        self.restart()
        self.host.ctl("stop", check=0)
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=1)
        self.assertEqual([e["PRIORITY"] for e in self.host.logged("LEDGER_NEWER")], ["3"])

    def test_newer_version_restores_what_was_saved_without_a_record(self):
        self.restart()
        mail = self.host.boot("mail")
        self.host.ctl("stop", check=0)
        self.host.stop_daemon()
        # This version is the newer one now: it knows all that stands there.
        ledgerfile.write(self.ledger, [r | {"format": NEWER - 1} if r["entry"] == "kept" else r
                                       for r in ledgerfile.read(self.ledger) if r["entry"] != "moon"])
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual((self.host.boot("web"), self.host.boot("mail")), (self.boot, mail))

    def test_once_saves(self):
        self.host.stop_daemon()
        self.raise_format()
        self.assertEqual(self.host.once("stop"), 0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["mail", "web"]))
        self.expect_untouched()

    def test_guest_that_reboots_stays_as_it_is(self):
        self.restart()
        with self.host.world() as world:
            domain = world["domains"][0]
            domain["state"] = "reboot"
        wait_until(lambda: self.host.states()["mail"] != "running", "the daemon to see its end")
        self.assertFalse(self.host.logged("GUEST_ENDED"))
        self.assertEqual([d["domid"] for d in self.host.domains().values()], [domain["domid"]])
        self.expect_untouched()

    def test_guest_is_saved_and_not_migrated(self):
        self.host.configure(MIGRATE="elsewhere")
        self.restart()
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.stages("mail"), ["create", "save"])
        self.assertEqual(self.host.stages("mail", "STAGE_FAILED"), ["migrate"])
        self.assertIn(str(self.ledger), self.host.logged("STAGE_FAILED", domain="mail")[0]["MESSAGE"])
        self.assertEqual(self.host.images(), ["mail", "web"])
        self.expect_untouched()

    def test_ledger_that_is_replaced_under_the_daemon(self):
        for how in "another file", "the same file":
            with self.subTest(how):
                text = self.ledger.read_bytes()
                if how == "another file":
                    self.ledger.unlink()
                    self.ledger.write_bytes(text)
                self.raise_format()
                self.host.xl_create("by-hand")
                wait_until(lambda: self.host.states().get("by-hand") == "running", "the daemon to see the domain")
                self.expect_untouched()
                self.expect_no_start("start", "web")
                self.host.ctl("stop", check=0)
                self.expect_untouched()
                self.host.stop_daemon()
                self.expect_untouched()
                self.ledger.write_bytes(text)
                self.host.start_daemon()
                self.host.ctl("start", "mail", check=0)

    def test_worker_that_meets_it_begins_no_life(self):
        self.host.stop_daemon()
        self.raise_format()
        before = self.host.domains()
        for operation in "create", "restore", "restart", "soft-reset", "migrate":
            with self.subTest(operation):
                _, message = self.work({"operation": operation, "uuid": UUID_A, "name": "web", "domid": 1,
                                    "path": str(self.host.save / "web"), "ledger": str(self.ledger)})
                self.assertRegex(message["result"]["reason"], "newer version")
        self.assertEqual(self.host.domains(), before)
        self.expect_untouched()


class NewerOperation(Formats):

    def request(self, operation):
        return {"format": NEWER, "operation": operation, "uuid": UUID_A, "name": "web", "domid": 1}

    def test_operation_that_has_lost_its_worker_is_kept_whole_and_the_guest_left_alone(self):
        self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.stop_daemon()
        file = self.host.run / "operation" / UUID_A
        text = json.dumps({"request": self.request("save")}).encode() + b"\0"
        file.write_bytes(text)
        self.host.start_daemon()
        wait_until(lambda: not file.exists(), "the file to be kept under another name")
        self.assertEqual([kept.read_bytes() for kept in file.parent.glob(f"{UUID_A}.*")], [text])
        self.assertEqual(self.host.boot("web"), boot)
        self.assertIn("'xl list'", self.host.reasons()["web"])
        self.assertTrue([e for e in self.host.journal() if str(file) in e["MESSAGE"] and e["PRIORITY"] == "3"])
        for kept in file.parent.iterdir():
            kept.unlink()

    def test_worker_does_nothing(self):
        request = self.request("create")
        self.assertEqual(self.work(request), (1, {"request": request}))


class NewerWorker(FakeHostTest):
    """An upgrade replaces the worker's file under a daemon that goes on."""

    def start_daemon_with_a_copy(self):
        self.host.stop_daemon()
        worker = self.host.root / WORKER.name
        shutil.copy2(WORKER, worker)
        self.host.program = worker
        self.host.start_daemon()
        return worker

    def expect_work(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_daemon_goes_on_with_the_worker_of_its_own_version(self):
        worker = self.start_daemon_with_a_copy()
        newer = worker.with_suffix(".new")
        newer.write_text("#!/bin/sh\nexit 1\n")
        newer.chmod(0o755)
        newer.rename(worker)
        self.expect_work()

    def test_daemon_goes_on_when_the_worker_is_removed(self):
        self.start_daemon_with_a_copy().unlink()
        self.expect_work()

    def test_daemon_that_began_without_a_worker_takes_the_one_that_comes(self):
        worker = self.start_daemon_with_a_copy()
        self.host.stop_daemon()
        worker.unlink()
        self.host.start_daemon()
        self.host.guest("web")
        self.host.ctl("start", check=1)
        shutil.copy2(WORKER, worker)
        self.expect_work()


class OlderLedger(FakeHostTest):

    def test_ledger_without_a_format_is_read_and_gets_one(self):
        ledger = self.host.state / "ledger"
        self.host.guest("web", uuid=UUID_A)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        self.host.stop_daemon()
        records = [{k: v for k, v in r.items() if k != "format"} for r in ledgerfile.read(ledger)]
        ledgerfile.write(ledger, records)
        self.host.start_daemon()
        self.assertEqual([r.get("format") for r in ledgerfile.read(ledger) if r["entry"] == "kept"], [None, NEWER - 1])
        self.assertNotIn(str(ledger), self.host.ctl("status"))
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)


if __name__ == "__main__":
    unittest.main()
