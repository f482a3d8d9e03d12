# SPDX-License-Identifier: GPL-2.0-or-later
"""What documents show of the simulated host is what it says, but for times; and each question has its answer."""

import pathlib
import re
import subprocess
import unittest

from fakehost import CLIENT, FakeHost
from test_screens import COLOUR, Screen

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEMO = SOURCE / "tests/demo"

# A time of any length, with the blanks that keep its column.
TIME = re.compile(r" *\b\d+(\.\d)? (s|min|h|d)\b")


def masked(lines):
    return [TIME.sub(" #", line).rstrip() for line in lines]


def shown(document, command):
    """The lines that a document shows after a command."""
    lines = (SOURCE / "docs" / document).read_text().splitlines()
    after = lines[lines.index(f"    $ {command}") + 1:]
    end = next(i for i, line in enumerate(after) if not line.startswith("    "))
    return [line[4:] for line in after[:end]]


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
            for question, command, answer in told:
                with self.subTest(question):
                    done = subprocess.run(
                        [CLIENT, "--socket", host.socket, *command.split()[1:]], capture_output=True, text=True)
                    said = masked((done.stdout + done.stderr).splitlines())
                    for line in masked(answer):
                        self.assertIn(line, said)


if __name__ == "__main__":
    unittest.main()
