#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What status shows at terminals of some sizes, compared with the files in screens/.

With UPDATE=1 in the environment the files are written anew: read the difference before it is committed."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata
import unittest

from fakehost import CLIENT, LIMIT, FakeHost, wait_until

HOST = pathlib.Path(__file__).parents[1] / "demo/thirty.json"
SCREENS = pathlib.Path(__file__).parent / "screens"
UPDATE = os.environ.get("UPDATE") == "1"

# While a save on the simulated host is so old, each time on a screen has as many digits as each other time there.
AGE_MIN, AGE_MAX = 43, 58

TIME = re.compile(r"\b\d+(\.\d)?(?: |\n +)(s|min|h|d)\b|\b\d+ %|\d{4}-\d\d-\d\d(?: |\n +)\d\d:\d\d:\d\d")
# Cells that are numbers: in which order operations begin is not what is compared.
NUMBER = re.compile(r"(?<=  )\d+(?=  |\n)")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
# The last byte that a terminal has.
END = b"\0"
MOVES = re.compile(r"\x1b\[[HKJ]")
# A command in a reason, with names as a shell takes them; and one that goes on in the next line.
COMMAND = re.compile(r"(?<!\S)'(?:[^'\\]|\\.)+'")
BROKEN = re.compile(r"(?m)(?<!\S)'(?:[^'\\\n]|\\.)*$")


def masked(text):
    """With each digit of a time or a number as #, so that columns stay, and without control characters."""
    for pattern in TIME, NUMBER:
        text = pattern.sub(lambda found: re.sub(r"\d", "#", found[0]), text)
    return text.replace("\x1b", "^[")


def width(line):
    """How many columns a terminal needs, as Unicode has it, and not the client."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in COLOUR.sub("", line))


class Screen:
    """A program at a terminal of this size."""

    def __init__(self, command, columns, lines, **environment):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        base = {key: value for key, value in os.environ.items()
                if key not in ("NO_COLOR", "COLUMNS", "LINES", "LC_CTYPE", "LANG")}
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.slave, stderr=self.slave,
            env=base | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC"} | environment)
        self.said = b""
        self.end = threading.Thread(target=self.mark_end)
        self.end.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        self.end.join()
        os.close(self.slave)

    def mark_end(self):
        """The other side stays open: where it is closed, what was written last can be lost."""
        self.process.wait()
        with contextlib.suppress(OSError):
            os.write(self.slave, END)

    def text(self):
        return self.said.decode().replace("\r\n", "\n").removesuffix(END.decode())

    def read(self):
        """Another part; False at the end."""
        if not self.said.endswith(END):
            self.said += os.read(self.master, 65536)
        return not self.said.endswith(END)

    def finish(self):
        while self.read():
            pass
        return self.process.wait(LIMIT), self.text()


class Commands(unittest.TestCase):
    def test_no_screen_breaks_one(self):
        found = 0
        for path in SCREENS.rglob("*.txt"):
            text = path.read_text()
            self.assertEqual(BROKEN.findall(text), [], path)
            found += len(COMMAND.findall(text))
        self.assertGreater(found, 40)


class Screens(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        self.host.native.write_text("[Host]\nRestartLimit=3\n")
        self.host.start_daemon("--backend", f"sim:{HOST}")
        for words in (["start", "db", "db-replica", "mail", "ns2", "データベース-東京"], ["stop", "backup"]):
            client = self.host.ctl_in_background(*words)
            self.addCleanup(client.wait)
            self.addCleanup(client.stdout.close)
            self.addCleanup(client.kill)
        wait_until(lambda: self.age() > 0, "the save")

    def age(self):
        """For how many seconds of its own the host has been saving the guest."""
        guests = json.loads(self.host.ctl("--json", "status", "backup"))["guests"]
        return guests[0].get("elapsed_usec", 0) / 1e6

    def wait_for_age(self):
        while self.age() < AGE_MIN:
            time.sleep(0.1)

    def compare(self, name, text):
        path = SCREENS / f"{name}.txt"
        text = masked(text)
        if UPDATE:
            SCREENS.mkdir(exist_ok=True)
            path.write_text(text)
        else:
            self.assertEqual(path.read_text(), text, name)

    def expect_width(self, text, columns):
        for line in text.splitlines():
            # What is pasted is never broken: a command, and a word that is longer than the line.
            if not line.startswith("  run: ") and " " in COMMAND.sub("COMMAND", line).strip():
                self.assertLessEqual(width(line), columns, line)

    def show(self, name, columns, lines, *words, **environment):
        with Screen([CLIENT, "--socket", self.host.socket, "status", *words], columns, lines,
                    **environment) as screen:
            status, text = screen.finish()
        self.assertEqual(status, 0 if words else 1)
        self.expect_width(text, columns)
        self.compare(name, text)
        return text

    def watch(self):
        """The first picture of a status that is watched."""
        with Screen([CLIENT, "--socket", self.host.socket, "status", "--watch"], 80, 10) as screen:
            while "\x1b[J" not in screen.text():
                self.assertTrue(screen.read(), screen.text())
            screen.process.send_signal(signal.SIGINT)
            self.assertEqual(screen.process.wait(LIMIT), -signal.SIGINT)
            text = MOVES.sub("", screen.text().split("\x1b[J")[0])
        self.assertLess(len(text.splitlines()), 10)
        self.expect_width(text, 80)
        self.compare("watch-80x10", text)

    def test_screens_are_those_that_were_agreed_on(self):
        self.wait_for_age()
        plain = COLOUR.sub("", self.show("status-80x24", 80, 24))
        self.show("status-80x10", 80, 10)
        self.show("status-200x50", 200, 50)
        self.show("status-40x24", 40, 24)
        self.show("status-80x24-C", 80, 24, LC_ALL="C")
        dumb = self.show("status-80x24-dumb", 80, 24, TERM="dumb")
        self.show("status-80x24-no-color", 80, 24, NO_COLOR="1")
        self.show("guest-80x24", 80, 24, "backup")
        self.watch()
        done = subprocess.run([CLIENT, "--socket", self.host.socket, "status"], capture_output=True, text=True)
        self.compare("status-piped", done.stdout)
        self.assertLess(self.age(), AGE_MAX, "this host is too slow to compare screens")
        self.assertNotIn("\x1b", dumb + done.stdout)
        self.assertEqual(masked(plain), masked(dumb))

    def test_stages_of_a_plan_stand_below_each_other(self):
        names = [step["name"] for step in self.host.plan("stop").values()]
        lines = self.host.ctl("plan", "stop").splitlines()
        starts = set()
        for name in names:
            [line] = [line for line in lines if line.startswith(f"{name}  ")]
            starts.add(width(line) - width(line[len(name):].lstrip()))
        self.assertEqual(len(starts), 1)

    def test_watch_is_refused_where_nothing_can_be_drawn_in_place(self):
        with Screen([CLIENT, "--socket", self.host.socket, "status", "--watch"], 80, 24, TERM="dumb") as screen:
            status, text = screen.finish()
        self.assertEqual((status, text.count("\n")), (1, 1))
        done = subprocess.run([CLIENT, "--socket", self.host.socket, "status", "--watch"], capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))


if __name__ == "__main__":
    unittest.main()
