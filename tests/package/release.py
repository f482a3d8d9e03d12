#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The upgrade from Debian 12 to 13 with the package on it, in a chroot of 12, where no service runs.

release.py FOLDER: where the package of 13 is. For a chroot that may be changed (see `rig chroot
--scratch`)."""

import pathlib
import shutil
import sys
import unittest

from check import NAME, STATE, WORK, apt, build, sh

SOURCES = pathlib.Path("/etc/apt/sources.list")


def installed(package):
    return sh("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", package).split()


def add_sources_of_the_next_release(deb):
    """Debian's own, and ours."""
    SOURCES.write_text(SOURCES.read_text().replace("bookworm", "trixie")
                       + f"deb [trusted=yes] file:{deb.parent} ./\n")
    packages = sh("dpkg-scanpackages", "--multiversion", str(deb.parent))
    (deb.parent / "Packages").write_text("".join(
        line for line in packages.splitlines(keepends=True) if not line.startswith("dpkg-scanpackages:")
    ).replace(f"Filename: {deb.parent}/", "Filename: ./"))
    apt("update")


class Release(unittest.TestCase):
    def test_full_upgrade_brings_the_package_of_the_next_release_and_keeps_name_and_state(self):
        [newer] = FOLDER.glob("xendomainsd_*+deb13u1_amd64.deb")
        newer = pathlib.Path(shutil.copy(newer, WORK))
        older = build("of-12")
        apt("update")
        apt("install", "xen-utils-4.17", str(older))
        self.assertIn("+deb12u1", installed("xendomainsd")[1])
        STATE.mkdir(exist_ok=True)
        (STATE / "ledger").write_text("lives")
        add_sources_of_the_next_release(newer)
        apt("full-upgrade")
        state, version = installed("xendomainsd")
        self.assertEqual(state, "installed")
        self.assertIn("+deb13u1", version)
        self.assertIn(version.partition("+")[0], sh("xendomainsctl", "--version").split())
        self.assertEqual(NAME.readlink().name, "xendomains-guests.service")
        self.assertEqual((STATE / "ledger").read_text(), "lives")
        self.assertEqual(sh("dpkg", "--audit"), "")
        # The daemon of before goes on until the reboot, with the libxl of its own version. It keeps the
        # save helper open, for that is not there any more.
        self.assertEqual(installed("libxenmisc4.17")[0], "installed")
        self.assertFalse(pathlib.Path("/usr/lib/xen-4.17/bin/libxl-save-helper").exists())
        apt("autoremove")
        self.assertEqual(installed("xendomainsd")[0], "installed")
        apt("purge", "xendomainsd")
        self.assertFalse(NAME.is_symlink())


if __name__ == "__main__":
    if not WORK.is_dir() or len(sys.argv) != 2:
        sys.exit("release.py FOLDER; run it by rig chroot")
    FOLDER = pathlib.Path(sys.argv.pop())
    unittest.main(verbosity=2)
