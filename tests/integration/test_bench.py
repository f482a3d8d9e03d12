# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmarks read what the programs say: small ones, whose figures mean nothing, come to their end."""

import os
import pathlib
import subprocess
import sys
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
BUILD = os.environ["BUILD"]


class Benchmarks(unittest.TestCase):
    def rows(self, program, *words):
        """The numbers of rows that it prints, after their heads."""
        done = subprocess.run([sys.executable, BENCH / program, *words], text=True, capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return [line for line in done.stdout.splitlines() if line.startswith("| ") and any(map(str.isdigit, line))]

    def test_makespan(self):
        self.assertGreater(len(self.rows("makespan.py", BUILD, "--hosts=4")), 10)

    def test_scale(self):
        self.assertGreaterEqual(len(self.rows("scale.py", BUILD, "--sizes=10")), 1)


if __name__ == "__main__":
    unittest.main()
