# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration shows what it is meant to show."""

import os
import pathlib
import subprocess
import unittest

SHOW = pathlib.Path(__file__).resolve().parents[1] / "demo/show.sh"


class Demo(unittest.TestCase):
    def test_it_shows_the_main_job(self):
        done = subprocess.run(["sh", SHOW, os.environ["BUILD"]], text=True, capture_output=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for expected in ("db: restore done", "mail: create done", "archive: start failed: ",
                         "db       save, else shutdown, else shutdown-all",
                         "db: save failed\n", "s: save: no room for the image",
                         "db: shutdown done", "legacy: shutdown-all failed\n", "legacy: stop failed: ",
                         "web          saved", "4 stopped, 1 failed",
                         "db: stop done in"):
            self.assertIn(expected, done.stdout)


if __name__ == "__main__":
    unittest.main()
