#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What docs/migrating.md promises of tests: that they are there, and expect what it says."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/xen"), str(ROOT / "tests/integration")]

from xenrig import differ, scenarios  # noqa: E402

PAGE = differ.DOCUMENT.read_text()


def tables():
    """The cases of each scenario that compares."""
    [story] = {found.story for found in scenarios.find("full", ["differ.briefly"])}
    return story.__globals__["TABLES"]


def names_of_tests():
    """Everything that the list of faults may point at."""
    found = {scenario.name for scenario in scenarios.find("full", [])}
    found |= {case.name for table in tables() for case in table}
    for path in (ROOT / "tests/integration").glob("test_*.py"):
        test_class = ""
        for line in path.read_text().splitlines():
            if said := re.match(r"class (\w+)|    def (test_\w+)", line):
                test_class = said[1] or test_class
                if said[2]:
                    found.add(f"{path.stem}.{test_class}.{said[2]}")
    return found


def chapter(heading):
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


class Migrating(unittest.TestCase):
    def test_every_difference_expected_is_told(self):
        for cases in tables():
            differ.check_table(cases)

    def test_tests_that_faults_point_at_are_there(self):
        rows = [line.split("|") for line in chapter("The faults of the script").splitlines()
                if line.startswith("| ")][2:]
        self.assertGreater(len(rows), 20)
        known = names_of_tests()
        for row in rows:
            tests = re.findall(r"`([^`]+)`", row[-2])
            self.assertTrue(tests, row)
            for test in tests:
                self.assertIn(test, known, row)

    def test_links_lead_somewhere(self):
        for link in re.findall(r"\]\(#([^)]+)\)", PAGE):
            self.assertIn(link, differ.anchors())

    def test_every_variable_has_its_chapter(self):
        source = (ROOT / "daemon/core/settings.c").read_text()
        headings = "\n".join(re.findall(r"^### .*", PAGE, re.MULTILINE))
        for variable in re.findall(r'\{"(XENDOMAINS_\w+)"', source):
            self.assertRegex(headings, rf"\b{variable}\b")

    def test_every_case_is_in_the_table_of_outcomes(self):
        told = chapter("Side by side")
        for table in tables():
            for case in table:
                self.assertIn(f"| {case.name}: ", told)


if __name__ == "__main__":
    unittest.main()
