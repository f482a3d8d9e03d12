# SPDX-License-Identifier: GPL-2.0-or-later
"""What documents show of the simulated host is what it says, but for times; and each question has its answer."""

import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import journalfile
from fakehost import BUILD, CLIENT, LIMIT, FakeHost, wait_until
from test_screens import COLOUR, Screen

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(SOURCE / "tests/lint"))
Table = importlib.import_module("commands").Table
DEMO = SOURCE / "tests/demo"

# A time of any length, with the blanks that keep its column.
TIME = re.compile(r" *\b\d+(\.\d)? (s|min|h|d)\b")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b")


# The processes and users of a message.
WHO = re.compile(r"(?<=xendomainsd\[)\d+(?=\])|(?<=process )\d+|(?<=user )\d+|(?<=UID=)\d+|(?<=PID=)\d+")

LEFT_OUT = "[...]"


def masked(lines):
    return [WHO.sub("#", TIME.sub(" #", DATE.sub("#", line))).rstrip() for line in lines]


def shown(document, command):
    """The lines that a document shows after a command."""
    lines = (SOURCE / "docs" / document).read_text().splitlines()
    after = lines[lines.index(f"    $ {command}") + 1:]
    end = next(i for i, line in enumerate(after) if not line.startswith("    "))
    return [line[4:] for line in after[:end]]


def commands(document):
    """The commands that a document shows with what they print."""
    return re.findall(r"(?m)^    \$ (.*)$", (SOURCE / "docs" / document).read_text())


def find_difference(expected, said):
    """The part of the expected lines that does not come, where some are left out; or nothing."""
    part, anywhere, at = [], False, 0
    for line in [*expected, None]:
        if line is not None and line.strip() != LEFT_OUT:
            part.append(line)
            continue
        places = [i for i in range(at, len(said) - len(part) + 1) if said[i:i + len(part)] == part]
        if line is None and part:
            places = [i for i in places if i + len(part) == len(said)]
        if not places or (places[0] > at and not anywhere):
            return part
        part, anywhere, at = [], True, places[0] + len(part)
    return None


def questions():
    """Of docs/questions.md: a question, its command, and the line of the answer that tells what to type."""
    page = (SOURCE / "docs/questions.md").read_text()
    for chapter in page.split("\n## ")[1:]:
        command, *answer = re.findall(r"(?m)^    (.*)$", chapter)
        yield chapter.splitlines()[0], command.removeprefix("$ "), answer


class Demonstration(unittest.TestCase):
    """The host of the demonstration, after its start."""

    @classmethod
    def setUpClass(cls):
        cls.host = cls.enterClassContext(FakeHost())
        cls.host.config.write_text((DEMO / "xendomains").read_text())
        cls.host.start_daemon("--backend", f"sim:{DEMO}/host.json")
        cls.host.ctl("start", check=1)

    def say(self, *words):
        with Screen([CLIENT, "--socket", self.host.socket, *words], 80, 100) as screen:
            return COLOUR.sub("", screen.finish()[1]).splitlines()

    def test_status(self):
        self.assertEqual(masked(shown("simulation.md", "xendomainsctl status")), masked(self.say("status")))

    def test_check(self):
        self.assertEqual(shown("monitoring.md", "xendomainsctl check"), self.say("check"))


class Journal(unittest.TestCase):
    """What docs/journal.md shows: a start and a stop of that host, as the real journalctl prints them."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        # The catalog has one place, in which this test has another one than the host.
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
            raise unittest.SkipTest("only root can have mounts of its own")
        cls.host = cls.enterClassContext(FakeHost())
        cls.host.config.write_text((DEMO / "xendomains").read_text())
        cls.host.start_daemon("--backend", f"sim:{DEMO}/host.json")
        cls.host.ctl("start", check=1)
        cls.host.ctl("stop", "--all", check=1)
        cls.write_journal()

    @classmethod
    def write_journal(cls):
        journal, time = journalfile.Journal(), 1_700_000_000_000_000
        always = {"SYSLOG_IDENTIFIER": "xendomainsd", "_PID": cls.host.daemon.pid, "_HOSTNAME": "host",
                  "_SYSTEMD_UNIT": "xendomainsd.service", "_BOOT_ID": journal.boot.hex()}
        before = None
        for entry in cls.host.journal():
            # The daemon of a host is not verbose, and is not asked to reload until it listens.
            if entry["PRIORITY"] != "7" and entry != before:
                journal.log(time, always | entry)
                time += 1000
                before = entry
        cls.file = cls.host.root / "system.journal"
        cls.file.write_bytes(journal.finish())
        cls.sources, cls.database = cls.host.root / "catalog", cls.host.root / "database"
        for folder in cls.sources, cls.database:
            folder.mkdir()
        shutil.copy(SOURCE / "conf/xendomains.catalog", cls.sources)

    def say(self, words):
        """What journalctl prints, without date and host."""
        script = ('mount --bind "$1" /usr/lib/systemd/catalog && mount --bind "$2" /var/lib/systemd/catalog && '
                  'shift 2 && journalctl --update-catalog && exec journalctl --no-pager "$@"')
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "-", self.sources, self.database, "--file", self.file,
                               *words], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C.UTF-8"})
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return [re.sub(r"^\w{3} \d\d \d\d:\d\d:\d\d host (?=xendomainsd)", "", line) for line in done.stdout.splitlines()]

    def test_each_command_prints_what_is_shown(self):
        told = commands("journal.md")
        self.assertGreaterEqual(len(told), 4)
        for command in told:
            with self.subTest(command):
                expected, said = masked(shown("journal.md", command)), masked(self.say(command.split()[1:]))
                if "verbose" in command:
                    # In which order fields are is journald's affair, and there are its own.
                    self.assertLessEqual(set(expected) - {f"    {LEFT_OUT}"}, set(said))
                else:
                    self.assertIsNone(find_difference(expected, said), "\n".join(said))

    def test_a_line_that_does_not_come_is_found(self):
        said = ["a", "b", "c", "d"]
        for right in ["a", "b", "c", "d"], ["a", LEFT_OUT, "d"], [LEFT_OUT, "c", "d"], ["a", "b", LEFT_OUT]:
            self.assertIsNone(find_difference(right, said), right)
        for wrong in ["a", "b"], ["b", "c", "d"], ["a", "c", "d"], ["a", LEFT_OUT, "c"], ["a", LEFT_OUT, "c", "b", LEFT_OUT]:
            self.assertIsNotNone(find_difference(wrong, said), wrong)


class Commands(unittest.TestCase):
    """What documents have people type for the simulated host works, word by word but for places."""

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        self.programs = self.host.root / "bin"
        self.programs.mkdir()
        # A socket that a command does not name is that of the host.
        self.write_program("xendomainsctl", 'case " $* " in *" --socket "*) ;; *) set -- --socket "$SOCKET" "$@" ;; esac',
                           CLIENT)
        self.write_program("xendomainsd", "", BUILD / "daemon/xendomainsd")
        self.file = self.host.root / "sim.json"

    def write_program(self, name, prelude, program):
        path = self.programs / name
        path.write_text(f'#!/bin/sh\n{prelude}\nexec {pathlib.Path(program).resolve()} "$@"\n')
        path.chmod(0o755)

    def run_command(self, command):
        """Types it. A daemon that goes on is waited for until it listens."""
        places = {"/tmp/": f"{self.host.root}/", "build/": f"{BUILD.resolve()}/", "FILE": str(self.file)}
        for place, other in places.items():
            command = re.sub(rf"(?<![\w/]){place}", lambda _, other=other: other, command)
        environment = {k: v for k, v in os.environ.items() if not k.endswith("_DIRECTORY")} | {
            "PATH": f"{self.programs}:{os.environ['PATH']}", "SOCKET": str(self.host.socket)}
        if command.endswith(" &"):
            daemon = subprocess.Popen(["sh", "-c", f"exec {command[:-2]}"], cwd=SOURCE, env=environment,
                                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(daemon.wait)
            self.addCleanup(daemon.terminate)
            socket = pathlib.Path(re.search(r"--socket (\S+)", command)[1])
            wait_until(socket.exists, "the daemon to listen")
            return
        done = subprocess.run(["sh", "-c", command], cwd=SOURCE, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT)
        # 1: some guest is not where it should be.
        self.assertIn(done.returncode, (0, 1), f"{command}: {done.stderr}")
        self.said[command] = done.stdout

    def test_each_works(self):
        told = list(Table().to_run("test_docs.Commands"))
        self.assertGreaterEqual(len(told), 4)
        for document, chapter, words in told:
            with self.subTest(document, chapter=chapter):
                try:
                    self.type(document, chapter, words)
                finally:
                    self.host.stop_daemon()

    def type(self, document, chapter, words):
        page, self.said = (SOURCE / document).read_text(), {}
        if host := re.search(r"(?m)^    \{\n(    .*\n)+?    \}$", page):
            self.file.write_text(host[0])
        if document == "docs/tasks.md":
            self.begin_demonstration(page)
        for command in words:
            self.run_command(command)
        self.assertTrue(any(self.said.values()), self.said)
        if chapter == "Evacuate a host":
            self.assertIn("migrate", self.said["xendomainsctl plan stop"])

    def begin_demonstration(self, page):
        """The host that the tasks are done on, with the settings that they name."""
        self.host.config.write_text((DEMO / "xendomains").read_text())
        self.host.native.write_text("")
        self.host.start_daemon("--backend", f"sim:{DEMO}/host.json")
        self.host.ctl("start", check=1)
        self.host.native.write_text(re.search(r"(?m)^    (\[Host\])\n    (MigrateTargets=.*)$", page).expand(r"\1\n\2\n"))


class Questions(unittest.TestCase):
    """Why is a guest down, and what do I type?"""

    def test_each_is_answered_by_one_screen(self):
        told = list(questions())
        self.assertGreaterEqual(len(told), 12)
        with FakeHost() as host:
            host.config.write_text((DEMO / "xendomains").read_text())
            host.native.write_text("[Host]\nRestartLimit=9\n")
            host.start_daemon("--backend", f"sim:{DEMO}/questions.json")
            host.ctl("start", check=1)
            wait_until(lambda: "domid" not in host.status()["batch"], "one to end")
            for question, command, answer in told:
                with self.subTest(question):
                    done = subprocess.run(
                        [CLIENT, "--socket", host.socket, *command.split()[1:]], capture_output=True, text=True)
                    said = masked((done.stdout + done.stderr).splitlines())
                    for line in masked(answer):
                        self.assertIn(line, said)


if __name__ == "__main__":
    unittest.main()
