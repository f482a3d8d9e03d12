#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each command that a document shows is run by a test, or the table beside this file says why not."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A line of a document that is a command.
COMMAND = re.compile(r"    (\$ .*|\(?(?:\w+=\S+ )*(?:apt-get|build/\S+|cd|journalctl|ln|meson|mkdir|ninja|python3|rm|"
                     r"rpmbuild|sh|systemctl|tar|tests/\S+|umask|xendomainsctl|xendomainsd|xl) .*)")


def shown(page):
    """The commands of a page, each with its chapter, without comments; and whether the page shows what it prints."""
    chapter = ""
    for line in page.splitlines():
        if line.startswith("#"):
            chapter = line.lstrip("# ")
        elif found := COMMAND.fullmatch(line):
            command = re.sub(r"\s+# .*|\s{3,}.*", "", found[1].removeprefix("$ "))
            yield chapter, command, found[1].startswith("$ ")


class Table:
    def __init__(self):
        lines = [line for line in (ROOT / "tests/lint/commands").read_text().splitlines()
                 if line and not line.startswith("#")]
        self.run = [tuple(line.split(" | ")) for line in lines if not line.startswith("!")]
        self.left = [tuple(line[2:].split(" | ")) for line in lines if line.startswith("!")]

    def runners(self, document, chapter):
        return [row for row in self.run if row[0] == document and row[1] in (chapter, "*")]

    def reasons(self, document, command):
        return [row for row in self.left if row[0] == document and command.startswith(row[1])]

    def to_run(self, runner):
        """The commands that a test is to run, whatever they print: of each chapter of each document."""
        for document, chapter, who in self.run:
            if who == runner:
                page = (ROOT / document).read_text()
                yield document, chapter, [command for place, command, answered in shown(page) if place == chapter
                                          and not answered and not self.reasons(document, command)]


def is_there(runner):
    """Whether the table names a test."""
    if runner.startswith("scenario "):
        file, _, name = runner.removeprefix("scenario ").partition(".")
        path, wanted = ROOT / f"tests/xen/scenarios/{file}.py", [f"def {name}("]
    elif runner.startswith("tests/"):
        path, wanted = ROOT / runner, []
    else:
        file, *names = runner.split(".")
        path, wanted = ROOT / f"tests/integration/{file}.py", [f"class {names[0]}("] + [f"def {n}(" for n in names[1:]]
    return path.exists() and all(word in path.read_text() for word in wanted)


class Commands(unittest.TestCase):
    def test_each_is_run_or_told_of(self):
        table = Table()
        unused = {*table.run, *table.left}
        for path in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]:
            document = str(path.relative_to(ROOT))
            for chapter, command, _ in shown(path.read_text()):
                reasons = table.reasons(document, command)
                rows = reasons or table.runners(document, chapter)
                self.assertTrue(rows, f"{document}, {chapter}: no test runs '{command}' (tests/lint/commands)")
                unused -= {*rows}
        self.assertEqual(unused, set(), "lines that no command needs")

    def test_each_test_is_there(self):
        for row in Table().run:
            self.assertTrue(is_there(row[2]), row)
        for gone in "scenario install.gone", "scenario gone.shown", "test_docs.Gone", "test_docs.Commands.test_gone", \
                "tests/gone.py":
            self.assertFalse(is_there(gone), gone)

    def test_commands_are_found(self):
        page = "# A\n    $ xl list\n    NAME\n## B\ntext\n    cd /tmp  # there\n    sh x    words\n    X=1 meson test y\n    core -> io\n"
        self.assertEqual(list(shown(page)), [
            ("A", "xl list", True), ("B", "cd /tmp", False), ("B", "sh x", False), ("B", "X=1 meson test y", False)])


if __name__ == "__main__":
    unittest.main()
