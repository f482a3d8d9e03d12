#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a start, a stop, images and cancel show: on terminals of all sizes, elsewhere, and to programs."""

import fcntl
import json
import os
import pathlib
import pty
import re
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import unittest

from beside import at_once
from fakehost import BUILD, CLIENT, LIMIT, FakeHostTest, wait_until
from screen import Screen

SCREENS = pathlib.Path(__file__).parent / "screens/progress"
DAEMON = BUILD / "daemon/xendomainsd"

SIZES = [(80, 24), (80, 10), (200, 50)]
LOCALES = {"utf8": "C.UTF-8", "c": "C"}


def masked(text):
    """Rates and times are those of the moment."""
    text = re.sub(r"\b\d+ min( \d+ s)?\b", "T", text)
    text = re.sub(r"\b\d+(\.\d)? s\b", "T", text)
    return re.sub(r" +\d+(\.\d)? [KMGT]iB/s", " RATE", text)


def in_order(text):
    """Events come as guests get on, and some of them at the same time."""
    entries = re.findall(r"^\S.*\n(?:  .*\n)*", text, flags=re.MULTILINE)
    is_event = re.compile(r"[^:]+: (\S+ )?(begins|done in|failed|skipped)\b")
    first = next(i for i, entry in enumerate(entries) if not is_event.match(entry))
    return "".join(sorted(entries[:first]) + entries[first:])


def at_terminal(command, size, **environment):
    """What the command prints at a terminal of this size, all of it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env=os.environ | {"TERM": "linux"} | environment)
    os.close(slave)
    said = b""
    try:
        while data := os.read(master, 65536):
            said += data
    except OSError:
        pass # Linux says EIO at the end.
    os.close(master)
    process.wait(LIMIT)
    return said.decode()


class Screens(unittest.TestCase):
    def compare(self, name, text):
        path = SCREENS / f"{name}.txt"
        if os.environ.get("UPDATE_SCREENS"):
            path.write_text(masked(text))
        self.assertEqual(masked(text), path.read_text(), f"{path.name}; UPDATE_SCREENS=1 writes it anew")

    def shown(self, said, size):
        """The screen, with what has left it above."""
        screen = Screen(*size)
        screen.feed(said)
        self.assertEqual(screen.wide, [])
        return screen


class Simulated(Screens):
    """The real daemon, on a simulated host of 30 guests in mixed states."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.socket = self.folder / "socket"
        (self.folder / "settings").write_text("XENDOMAINS_STOP_MAXWAIT=60\n")
        environment = os.environ | {"RUNTIME_DIRECTORY": str(self.folder), "STATE_DIRECTORY": str(self.folder)}
        with (self.folder / "journal").open("wb") as journal:
            daemon = subprocess.Popen(
                [DAEMON, "--backend", f"sim:{SCREENS}/host.json", "--config", self.folder / "settings",
                 "--native", self.folder / "none", "--socket", self.socket],
                env=environment, stdin=subprocess.DEVNULL, stderr=journal)
        self.addCleanup(daemon.wait, LIMIT)
        self.addCleanup(daemon.terminate)
        wait_until(self.socket.exists, "the daemon to listen")

    def command(self, *words):
        return [CLIENT, "--socket", self.socket, *words]

    def test_the_end_of_a_start_and_of_a_stop(self):
        # A host that was stopped starts as before: each size sees the same.
        for size in SIZES:
            with self.subTest(size):
                self.setUp()
                for goal in ("start", "stop"):
                    said = at_terminal(self.command(goal), size, LC_ALL="C.UTF-8")
                    self.compare(f"{goal}-{size[0]}x{size[1]}", in_order(self.shown(said, size).all()))

    def test_a_dumb_terminal_gets_lines_that_fit(self):
        for goal in ("start", "stop"):
            said = at_terminal(self.command(goal), (80, 24), LC_ALL="C", TERM="dumb")
            self.assertNotIn("\x1b", said)
            self.compare(f"{goal}-dumb", in_order(self.shown(said, (80, 24)).all()))

    def test_a_pipe_gets_lines(self):
        for goal in ("start", "stop"):
            done = subprocess.run(self.command(goal), capture_output=True, text=True, timeout=LIMIT)
            self.compare(f"{goal}-piped", in_order(done.stdout + done.stderr))


class Scripted(Screens):
    """A daemon that says what is written here, and then waits: the lines of what is under way."""

    END = {"error": "org.example.End"}

    def at_work(self, size, locale):
        events = [{"name": f"web{i}", "stage": "restore", "percent": 5 * i, "bytes": i * 214748364,
                   "total_bytes": 20 * 214748364, "elapsed_usec": i * 1000000 + 200000} for i in range(1, 11)]
        events += [{"name": "datenbank-für-büro", "stage": "create", "elapsed_usec": 9200000},
                   {"name": "日本語サーバー", "stage": "migrate", "percent": 62, "bytes": 2576980377,
                    "total_bytes": 4187593113, "elapsed_usec": 8200000},
                   {"name": "a" * 70, "stage": "shutdown-all", "elapsed_usec": 2092200000}]
        events += [{"name": f"mail{i}", "stage": "shutdown", "elapsed_usec": 100000} for i in range(1, 15)]
        events += [{"name": "router", "waits_for": "web1", "waiting": 12},
                   {"name": "by-hand", "waits_for": "the tool that saves or migrates it", "waiting": 12}]
        events.append({"name": "done", "stage": "save", "result": "ok", "final": True, "elapsed_usec": 9000000,
                       "stage_elapsed_usec": 7000000})
        replies = [self.told({"uuid": event["name"]} | event) for event in events]
        return self.said(["start"], [[*replies, self.END]], size, locale)

    @staticmethod
    def told(event, **others):
        return {"parameters": others | {"event": {"result": "running", "final": False} | event}, "continues": True}

    def said(self, words, calls, size, locale, **environment):
        """What a command prints at a terminal, where each of its calls is answered by a list of replies."""
        with socket.socket(socket.AF_UNIX) as server, tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            server.bind(path)
            server.listen()
            daemon = threading.Thread(target=self.serve, args=(server, calls))
            daemon.start()
            said = at_terminal([CLIENT, "--socket", path, *words], size, LC_ALL=locale, **environment)
            daemon.join()
        return said

    @staticmethod
    def serve(server, calls):
        for replies in calls:
            connection, _ = server.accept()
            with connection:
                while not connection.recv(65536).endswith(b"\0"):
                    pass
                for reply in replies:
                    connection.sendall(json.dumps(reply).encode() + b"\0")

    def verifying(self, size, locale):
        """An image that has been read, and another one."""
        web, db = {"name": "web", "stage": "verify"}, {"name": "datenbank-für-büro.stale-1", "stage": "verify"}
        calls = [[self.told(web | {"total_bytes": 1 << 31, "bytes": 0, "elapsed_usec": 100000}, images=[]),
                  self.told(web | {"result": "ok", "final": True, "elapsed_usec": 9200000}, images=[]),
                  {"parameters": {"images": [{"file": "web", "kind": "image", "name": "web", "verified": True}]}}],
                 [self.told(db | {"total_bytes": 33 << 30, "bytes": 11 << 30, "percent": 33, "elapsed_usec": 20000000},
                            images=[]),
                  self.END]]
        return self.said(["image", "verify", "web", db["name"]], calls, size, locale)

    def test_what_is_read(self):
        for size in ((80, 24), (40, 8), (20, 3)):
            for name, locale in LOCALES.items():
                with self.subTest(size=size, locale=locale):
                    said = self.verifying(size, locale)
                    # The lines go before the table comes.
                    *_, last, table = re.split(r"\x1b\[\d+A\x1b\[J", said)
                    self.shown(said.removesuffix(table), size)
                    self.compare(f"verify-{size[0]}x{size[1]}-{name}", last.replace("\r", ""))
                    self.assertIn("verified", table)

    def test_what_is_under_way(self):
        for size in (*SIZES, (40, 8), (20, 3)):
            for name, locale in LOCALES.items():
                with self.subTest(size=size, locale=locale):
                    said = self.at_work(size, locale)
                    # The lines go at the end.
                    last = re.split(r"\x1b\[\d+A\x1b\[J", said)[-2]
                    self.assertLessEqual(last.count("\n"), size[1])
                    self.shown(said, size)
                    self.compare(f"live-{size[0]}x{size[1]}-{name}", last.replace("\r", ""))


    def test_the_table_of_images(self):
        mib, gib, day = 1 << 20, 1 << 30, 86400000000
        ours = {"kind": "image", "by": "xendomainsd", "saved_usec": 20000 * day, "host": "host1.example.org", "xen": "4.17.0"}
        images = [ours | {"file": "web", "name": "web", "size": 4 * gib, "disk_size": 3 * gib + 200 * mib},
                  ours | {"file": "db", "name": "db", "size": 90 * mib, "disk_size": 90 * mib, "compression": "zstd",
                          "plain_size": 16 * gib, "verified": True},
                  ours | {"file": "datenbank-für-das-große-büro", "name": "datenbank-für-das-große-büro", "size": gib,
                          "disk_size": gib, "problem": "/var/lib/xen/save/datenbank: it was saved under Xen 4.19.0, and "
                          "this is Xen 4.17.0, which may not understand it; boot the newer one to restore it"},
                  {"file": "mail", "kind": "image", "name": "mail", "by": "xl", "size": 512 * mib, "disk_size": 512 * mib},
                  {"file": "web.part", "kind": "part", "size": 0, "disk_size": 0,
                   "problem": "its save has not ended yet, or was cut off"},
                  {"file": "README", "kind": "foreign", "size": 6, "disk_size": 4096}]
        for size in ((80, 24), (40, 8), (200, 50)):
            reply = {"parameters": {"images": images, "directory": "/var/lib/xen/save"}}
            said = self.said(["image", "list"], [[reply]], size, "C.UTF-8", TZ="UTC", NO_COLOR="1")
            self.compare(f"images-{size[0]}x{size[1]}", self.shown(said, size).all())


    def test_what_was_cancelled(self):
        left = [{"name": f"web{i}", "stage": "save", "goes_on": True} for i in range(1, 13)]
        left += [{"name": "mail", "stage": "shutdown", "goes_on": False},
                 {"name": "old", "stage": "sysrq", "goes_on": True}]
        answer = {"cancelled": 2, "sequences": [{"goal": "restart"}, {"goal": "start", "guests": ["büro", "db"]}],
                  "left": left, "host": True}
        for size in ((80, 24), (40, 8)):
            said = self.said(["cancel"], [[{"parameters": answer}]], size, "C.UTF-8")
            self.compare(f"cancel-{size[0]}x{size[1]}", self.shown(said, size).all())

    def advice(self, *sequences, left=()):
        """What a cancel of these sequences tells to type for a restart."""
        answer = {"cancelled": len(sequences), "sequences": sequences, "left": left}
        said = self.said(["cancel"], [[{"parameters": answer}]], (400, 24), "C.UTF-8")
        return [line for line in said.splitlines() if line.startswith("A restart")]

    def test_after_a_cancelled_restart_its_own_guests_are_started(self):
        every, some = {"goal": "restart"}, {"goal": "restart", "guests": ["we b", "-db"]}
        start = "A restart that was cancelled starts no guest. Run 'xendomainsctl start"
        status = "A restart that was cancelled starts no guest. Run 'xendomainsctl status'"
        self.assertTrue(self.advice(some)[0].startswith(start + r" we\ b -- -db'"), self.advice(some))
        [named] = self.advice(some, {"goal": "restart", "guests": ["mail"]}, {"goal": "start", "guests": ["old"]})
        self.assertTrue(named.startswith(start + r" we\ b -- -db mail'"), named)
        for sequences in ([every], [some, every], [{"goal": "restart", "guests": [f"web{i}" for i in range(11)]}]):
            [line] = self.advice(*sequences)
            self.assertTrue(line.startswith(status), line)
        self.assertEqual(self.advice({"goal": "stop"}), [])

    def test_a_guest_that_is_still_started_is_not_denied(self):
        for stage in "create", "restore", "save":
            [line] = self.advice({"goal": "restart"}, left=[{"name": "web", "stage": stage, "goes_on": True}])
            self.assertIn("starts no guest" if stage == "save" else "starts no other guest", line)


class Options(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.host.guest("web")
        self.host.guest("bad", create_error="no luck")

    def test_json_has_each_event_and_the_outcome_last(self):
        *events, outcome = map(json.loads, self.host.ctl("--progress=json", "start", "web", check=0).splitlines())
        self.assertIn(("create", "running"), [(e["event"]["stage"], e["event"]["result"]) for e in events])
        self.assertTrue(events[-1]["event"]["final"])
        self.assertEqual([e["name"] for e in outcome["outcome"]], ["web"])

    def test_what_a_guest_waits_for_is_told(self):
        driver = self.host.guest("driver")
        driver.write_text(driver.read_text().replace('"c_info": {', '"c_info": {"driver_domain": "True", '))
        self.host.guest("web", save_ms=2000)
        self.host.ctl("start", "web", "driver", check=0)
        events = [json.loads(line).get("event", {}) for line in
                  self.host.ctl("--progress=json", "stop", "web", "driver", check=0).splitlines()]
        self.assertIn(("driver", "web", 1), [(e.get("name"), e.get("waits_for"), e.get("waiting")) for e in events])
        self.host.ctl("start", "web", "driver", check=0)
        self.assertIn("driver: waits for web", self.host.ctl("stop", "web", "driver", check=0))

    def test_none_tells_the_end_only(self):
        lines = self.host.ctl("--progress=none", "start", "web", check=0).splitlines()
        self.assertEqual(lines, ["1 started"])

    def test_wrong_words_are_refused(self):
        self.assertIn('"plain"', self.host.ctl("--progress=plian", "start", check=2))
        for words in (["--progress=plain", "status"], ["--no-wait", "plan", "start"], ["--json", "--progress=plain", "start"],
                      ["--no-wait", "--progress=none", "start"], ["--no-wait", "--or-once", "stop"], ["--no-wait", "--unit=x.service", "start"]):
            self.host.ctl(*words, check=2)
        self.assertEqual(self.host.states(), {"web": "stopped", "bad": "stopped"})

    def test_what_is_not_waited_for_is_done(self):
        self.host.guest("web", create_ms=2000, save_ms=500)
        self.assertIn("xendomainsctl cancel", self.host.ctl("--no-wait", "start", "web", check=0))
        self.assertIn(self.host.states()["web"], ("stopped", "starting"))
        wait_until(lambda: self.host.states()["web"] == "running", "the start")
        self.assertNotIn("outcome", json.loads(self.host.ctl("--json", "--no-wait", "stop", "--all", check=0)))
        wait_until(lambda: self.host.states()["web"] == "saved", "the stop")
        self.host.ctl("--no-wait", "restart", "web", check=0)
        wait_until(lambda: self.host.states()["web"] == "running", "the restart")

    def test_the_journal_says_who_asked(self):
        for goal in ("start", "stop"):
            client = self.host.ctl_in_background(goal, "web")
            client.communicate(timeout=LIMIT)
            self.assertEqual(len(self.host.logged("SEQUENCE_STARTED", operation=goal, requested_uid=str(os.getuid()),
                                                  requested_pid=str(client.pid))), 1)

    def test_times_are_those_of_the_journal(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.guest("web", save_ms=300)
        self.host.guest("db", save_ms=300)
        self.host.ctl("start", "web", "db", check=0)
        for name, event in self.host.outcome("stop", "web", "db", check=0).items():
            [stage], [guest] = (self.host.logged(f"{kind}_DONE", domain=name, **fields)
                                for kind, fields in (("STAGE", {"stage": "save"}), ("GUEST", {"operation": "stop"})))
            self.assertEqual(event["stage_elapsed_usec"], int(stage["XEN_ELAPSED_USEC"]))
            self.assertEqual(event["elapsed_usec"], int(guest["XEN_ELAPSED_USEC"]))


load_tests = at_once(5)


if __name__ == "__main__":
    unittest.main()
