# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmarks read what the programs say: small ones, whose figures mean nothing, come to their end."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
BUILD = os.environ["BUILD"]


class Benchmarks(unittest.TestCase):
    def test_all(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, BENCH / "all.py", folder, BUILD, "--small"], text=True,
                                  capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        figures = {}
        for part in done.stdout.split("\n# ")[1:]:
            program, _, rest = part.partition(" ")
            lines = [line for line in rest.splitlines()[1:] if line.startswith(("| ", "1 x ", "4 x "))]
            figures.setdefault(program, []).append(sum(any(map(str.isdigit, line)) for line in lines))
        # Without and with zeros a save and a restore; as it is and compressed, twice as many.
        self.assertEqual(figures["throughput.py"], [4, 4, 8])
        self.assertGreaterEqual(figures["scale.py"][0], 1)
        self.assertGreater(min(figures["makespan.py"]), 10)


if __name__ == "__main__":
    unittest.main()
