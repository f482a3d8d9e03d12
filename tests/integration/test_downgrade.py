#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the Debian package says when an older version is about to take its place. No package is installed."""

import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

PRERM = pathlib.Path(__file__).resolve().parents[2] / "conf/debian/xendomainsd.prerm"
OURS, OLDER, NEWER = "0.2.0+12", "0.1.0+12", "0.3.0+12"
HEAD = b"Xen saved domain, xl format\n \0 \r" + struct.pack("<I", 0x01020304)


@unittest.skipUnless(shutil.which("dpkg"), "dpkg compares the versions")
class Downgrade(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.saved = self.root / "save"
        self.saved.mkdir()
        self.programs = self.root / "bin"
        self.programs.mkdir()
        self.fake("dpkg-query", f"echo {OURS}")
        # It is asked for the directory, which it reads in the settings of this machine.
        self.fake("bash", f"echo {self.saved}")
        (self.saved / "plain").write_bytes(HEAD + struct.pack("<I", 3))
        (self.saved / "packed").write_bytes(HEAD + struct.pack("<I", 0x80000003))
        (self.saved / "short").write_bytes(b"")

    def fake(self, name, does):
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)

    def prerm(self, *words):
        """What it says. It fails only where dpkg is to stop."""
        done = subprocess.run(["sh", PRERM, *words], text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              env=os.environ | {"PATH": f"{self.programs}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr

    def test_images_are_named_that_the_older_version_may_not_know(self):
        said = self.prerm("upgrade", OLDER)
        self.assertIn(f"{self.saved}/packed is compressed", said)
        self.assertEqual(len(said.splitlines()), 1)

    def test_a_newer_version_knows_them(self):
        self.assertEqual(self.prerm("upgrade", NEWER) + self.prerm("upgrade", OURS), "")

    def test_without_such_an_image_nothing_is_said(self):
        (self.saved / "packed").unlink()
        self.assertEqual(self.prerm("upgrade", OLDER), "")
        shutil.rmtree(self.saved)
        self.assertEqual(self.prerm("upgrade", OLDER), "")


if __name__ == "__main__":
    unittest.main()
