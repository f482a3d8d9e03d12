#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package of the release that this runs on: built, and installed where no service runs.

It installs and removes packages: for a chroot that may be changed (see `rig chroot --scratch`)."""

import filecmp
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path("/mnt/build")

NAME = pathlib.Path("/etc/systemd/system/xendomains.service")
STATE = pathlib.Path("/var/lib/xendomains")
IMAGE = pathlib.Path("/var/lib/xen/save/web")

# What dpkg and apt keep of a package that was there.
OF_DPKG = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/etc/ld.so.cache")


def sh(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
    if done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def apt(*words):
    sh("apt-get", "-qy", "--no-install-recommends", *words)


def build(folder):
    return pathlib.Path(sh("sh", str(ROOT / "tests/package.sh"), str(WORK / folder)).splitlines()[-1])


def files():
    return {path for top in ("/etc", "/usr", "/var/lib", "/run")
            for path in map(str, pathlib.Path(top).rglob("*")) if not path.startswith(OF_DPKG)}


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb = build("first")

    def test_two_builds_are_the_same(self):
        again = build("second")
        self.assertTrue(filecmp.cmp(self.deb, again, shallow=False))

    def test_lintian_has_nothing_to_say(self):
        [changes] = self.deb.parent.glob("*.changes")
        self.assertEqual(sh("lintian", "--allow-root", "--fail-on=error,warning", str(changes)), "")

    def test_installed_and_purged_it_leaves_names_and_files_as_they_were(self):
        apt("update")
        apt("install", "xen-utils-common", *self.depends())
        before = files()
        # An administrator's own unit would keep the name, and both would stop guests.
        NAME.write_text("[Service]\nExecStart=/bin/true\n")
        with self.assertRaises(AssertionError):
            apt("install", str(self.deb))
        NAME.unlink()
        self.assertEqual(files(), before)
        apt("install", str(self.deb))
        self.assertEqual(os.readlink(NAME).rpartition("/")[2], "xendomains-guests.service")
        version = sh("dpkg-deb", "--field", str(self.deb), "Version").partition("+")[0]
        self.assertIn(version, sh("xendomainsctl", "--version").split())
        apt("install", "--reinstall", str(self.deb))
        STATE.mkdir(exist_ok=True)
        IMAGE.parent.mkdir(parents=True, exist_ok=True)
        IMAGE.write_text("memory")

        # A link that leads nowhere would hide the unit of Xen's packages.
        apt("remove", "xendomainsd")
        self.assertFalse(NAME.is_symlink())
        self.assertTrue(STATE.exists())
        apt("install", str(self.deb))
        self.assertTrue(NAME.exists())

        apt("purge", "xendomainsd")
        self.assertEqual(IMAGE.read_text(), "memory")
        IMAGE.unlink()
        self.assertEqual(files() - before - {str(IMAGE.parent), str(IMAGE.parent.parent)}, set())
        self.assertEqual(before - files(), set())

    def depends(self):
        said = sh("dpkg-deb", "--field", str(self.deb), "Depends")
        return [word.split()[0] for word in said.split(", ")]


if __name__ == "__main__":
    if not WORK.is_dir():
        sys.exit(f"check.py: {WORK} is not there; run it by rig chroot")
    unittest.main(verbosity=2)
