#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package of the release that this runs on: built, and installed where no service runs.

It installs and removes packages: for a chroot that may be changed (see `rig chroot --scratch`)."""

import filecmp
import functools
import hashlib
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import unittest

import fakes

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path("/mnt/build")
# Where an administrator has unpacked the sources.
TREE = WORK / "tree"

sys.path.insert(0, str(ROOT / "tests/xen"))
from xenrig.told import COPY, commands  # noqa: E402

NAME = pathlib.Path("/etc/systemd/system/xendomains.service")
STATE = pathlib.Path("/var/lib/xendomains")
SAVED = pathlib.Path("/var/lib/xen/save")
IMAGE = SAVED / "web"
SETTINGS = pathlib.Path("/etc/default/xendomains")

# What debhelper has of units that it enabled.
RECORDS = pathlib.Path("/var/lib/systemd/deb-systemd-helper-enabled")

UNITS = ("xendomains-guests.service", "xendomains-shutdown.service", "xendomainsd.service", "xendomainsd.socket")
SCRIPT = "xendomains.service"

# What dpkg and apt keep of a package that was there.
OF_DPKG = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/etc/ld.so.cache")


# The Xen that runs, for what asks sysfs. For each of $OUTDATED, a process that is of this unit, for what asks
# procfs, and uses a library that is not there any more.
MACHINE = r"""
if [ -n "$XEN" ]; then
	mount -t tmpfs none /sys
	mkdir -p /sys/hypervisor/version
	echo "${XEN%.*}" >/sys/hypervisor/version/major
	echo "${XEN#*.}" >/sys/hypervisor/version/minor
fi
processes=
library=/usr/local/lib/libold.so
for unit in $OUTDATED; do
	cp /usr/lib/x86_64-linux-gnu/libjson-c.so.5 "$library"
	process=$(LD_PRELOAD=$library sleep infinity >/dev/null 2>&1 & echo $!)
	processes="$processes $process"
	until grep -q "$library" "/proc/$process/maps"; do sleep 0.1; done
	rm "$library"
	echo "0::/system.slice/$unit" >"/run/group-$process"
	mount --bind "/run/group-$process" "/proc/$process/cgroup"
done
code=0
"$@" || code=$?
[ -z "$processes" ] || kill $processes
exit "$code"
"""


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


def follow(heading):
    """Does what a chapter of the page says, and returns what that said."""
    return "".join(sh("sh", "-c", f"cd {TREE} && {command}") for command in commands("docs/install.md", heading))


@functools.cache
def first():
    """The package, built as the page says."""
    sh("sh", "-c", COPY, "sh", str(ROOT), str(TREE))
    follow("Build")
    folder = shutil.copytree(TREE / "build-package", WORK / "first", symlinks=True)
    return (folder / "xendomainsd.deb").resolve()


def newer(deb, folder, depends=""):
    """The same package with a higher version, and perhaps with more dependencies."""
    tree = WORK / "unpacked" / folder
    tree.parent.mkdir(exist_ok=True)
    sh("dpkg-deb", "--raw-extract", str(deb), str(tree))
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: 0", "Version: 1")
                       .replace("\nDepends: ", f"\nDepends: {depends}"))
    (WORK / folder).mkdir()
    sh("dpkg-deb", "--build", str(tree), str(WORK / folder))
    return next((WORK / folder).iterdir())


def offer(deb):
    """Makes a repository of the folder that the package is in."""
    index = deb.parent / "Packages"
    index.write_text(sh("sh", "-c", f"cd {deb.parent} && dpkg-scanpackages --multiversion . 2>/dev/null"))
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    (deb.parent / "Release").write_text(f"Origin: ours\nSHA256:\n {digest} {index.stat().st_size} Packages\n")


def depends():
    return [word.split()[0] for field in ("Pre-Depends", "Depends")
            for word in sh("dpkg-deb", "--field", str(first()), field).split(", ")]


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deb = first()

    def test_installed_and_upgraded_as_the_page_says_by_a_second_build_that_is_the_same(self):
        apt("update")
        follow("Install")
        version = sh("dpkg-deb", "--field", str(self.deb), "Version").partition("+")[0]
        self.assertIn(version, follow("Upgrade").split())
        self.assertTrue(filecmp.cmp(self.deb, TREE / "build-package/xendomainsd.deb", shallow=False))
        apt("purge", "xendomainsd")

    def test_a_version_for_another_xen_is_not_even_unpacked(self):
        self.assertIn("libxenmisc", sh("dpkg-deb", "--field", str(self.deb), "Pre-Depends"))

    def test_lintian_has_nothing_to_say(self):
        [changes] = self.deb.parent.glob("*.changes")
        self.assertEqual(sh("lintian", "--allow-root", "--fail-on=error,warning", str(changes)), "")

    def test_shells_load_the_completion_that_is_installed(self):
        apt("update")
        apt("install", "bash-completion", "zsh", "xen-utils-common", *depends(), str(self.deb))
        # Debian 12's bash-completion has the first of these functions, Debian 13's has the second.
        self.assertIn("_xendomainsctl", sh("bash", "-c", """
            . /usr/share/bash-completion/bash_completion
            _completion_loader xendomainsctl || _comp_load xendomainsctl
            complete -p xendomainsctl"""))
        self.assertEqual(sh("zsh", "-fc", "autoload -U compinit && compinit -u && print $_comps[xendomainsctl]"),
                         "_xendomainsctl\n")
        apt("purge", "xendomainsd")

    def test_installed_and_purged_it_leaves_names_and_files_as_they_were(self):
        apt("update")
        apt("install", "xen-utils-common", *depends())
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


class OnHost(unittest.TestCase):
    """As on a host that runs, of which nothing but the answers of programs is there."""

    @classmethod
    def setUpClass(cls):
        cls.deb = first()
        apt("update")
        apt("install", "xen-utils-common", *depends())
        fakes.put(WORK / "bin")
        pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)

    def setUp(self):
        folder = pathlib.Path("/run/systemd/system")
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, folder.parent)
        self.addCleanup(shutil.rmtree, SAVED, ignore_errors=True)
        self.addCleanup(shutil.rmtree, STATE, ignore_errors=True)
        self.addCleanup(sh, "dpkg", "--purge", "xendomainsd")

    def run_in(self, *command, active="xendomainsd.service", enabled=(*UNITS, SCRIPT), disabled="", xen="", **asked):
        """What was said, and for what systemctl was called."""
        calls = WORK / "calls"
        calls.write_text("")
        asked |= {"CALLS": str(calls), "ACTIVE": active, "DISABLED": disabled, "XEN": xen,
                  "ENABLED": " ".join(unit for unit in enabled if unit not in disabled.split()),
                  "PATH": f"{WORK}/bin:{os.environ['PATH']}"}
        said = sh("env", *(f"{name}={value}" for name, value in asked.items()),
                  "unshare", "--mount", "sh", "-ec", MACHINE, "sh", *command)
        return said, calls.read_text().splitlines()

    def apt(self, *words, **asked):
        return self.run_in("apt-get", "-qy", "-o", f"DPkg::Path={WORK}/bin:{os.environ['PATH']}", *words, **asked)

    def install(self, **asked):
        return self.apt("install", str(self.deb), **asked)

    def remove(self, **asked):
        return self.apt("remove", "xendomainsd", **asked)


class Live(OnHost):
    def test_installation_starts_no_guest_and_leaves_an_administrators_skip_start_alone(self):
        STATE.mkdir()
        (STATE / "skip-start").touch()
        [xen] = [name.removeprefix("libxenmisc") for name in depends() if name.startswith("libxenmisc")]
        said, calls = self.install(xen=xen)
        self.assertTrue([call for call in calls if call.endswith(f"start {UNITS[0]} (no guest)")], calls)
        self.assertTrue((STATE / "skip-start").exists())
        self.assertFalse(list(pathlib.Path("/run/systemd/system").iterdir()))
        self.assertIn("looks after the guests", said)

    def test_installation_says_what_is_in_the_way(self):
        for in_the_way, message in (({"NO_XEN": "1"}, "restarted into Xen"), ({"xen": "4.1"}, "another version"),
                                    ({"active": ""}, "is not active")):
            with self.subTest(message):
                said, _ = self.install(**in_the_way)
                self.assertIn(message, said)
                self.assertNotIn("looks after", said)
                self.remove()

    def test_installation_does_not_enable_what_takes_the_place_of_a_disabled_script(self):
        said, calls = self.install(disabled=" ".join((*UNITS, SCRIPT)))
        self.assertFalse(NAME.is_symlink())
        self.assertIn("was disabled", said)
        self.assertIn("not in charge", said)
        self.assertFalse([call for call in calls if " start " in f" {call}"], calls)
        self.apt("install", "--reinstall", str(self.deb), disabled=" ".join(UNITS))
        self.assertFalse(NAME.is_symlink())

    def test_installation_in_a_chroot_with_the_run_of_the_host_asks_systemctl_nothing(self):
        said, calls = self.install(CHROOT="1")
        self.assertTrue(NAME.is_symlink())
        self.assertNotIn("looks after", said)
        self.assertFalse([call for call in calls if "start" in call or "kill" in call], calls)
        self.remove(CHROOT="1")
        self.assertFalse(NAME.is_symlink())

    def test_installation_names_the_settings_that_are_refused(self):
        before = SETTINGS.read_text()
        self.addCleanup(SETTINGS.write_text, before)
        SETTINGS.write_text("XENDOMAINS_RESTORE=true\nXENDOMAINS_SAVE=$(hostname)\n")
        said, _ = self.install()
        self.assertIn(f"{SETTINGS}:2: ", said)
        self.assertIn("starts no guest", said)

    def test_removal_gives_the_name_back_where_one_of_our_units_was_disabled(self):
        self.install()
        pathlib.Path("/etc/systemd/system/sockets.target.wants/xendomainsd.socket").unlink()
        said, _ = self.remove(active=SCRIPT)
        self.assertFalse(NAME.is_symlink())
        self.assertIn("in charge", said)

    def test_reinstallation_enables_no_unit_that_was_disabled_before_the_removal(self):
        def enabled():
            return {path.name: path for path in NAME.parent.rglob("xendomains*")
                    if path.is_symlink() and path.readlink().name in UNITS}

        for units in (UNITS[1:2], UNITS[2:3], UNITS[3:], UNITS[1:], (*UNITS, SCRIPT)):
            with self.subTest(units):
                self.install()
                links = enabled()
                self.assertEqual({*links}, {*UNITS, SCRIPT})
                for unit in units:
                    links.pop(unit).unlink()
                self.remove()
                self.assertEqual(enabled(), {})
                for _ in ("installation", "upgrade"):
                    self.apt("install", "--reinstall", str(self.deb))
                    self.assertEqual(enabled(), links)
                self.apt("purge", "xendomainsd")
                self.assertFalse([path for path in RECORDS.rglob("xendomains*") if path.name.startswith(UNITS)])

    def test_removal_hands_back_whichever_of_our_units_is_active(self):
        for unit in UNITS[:2]:
            with self.subTest(unit):
                self.install()
                said, calls = self.remove(active=unit)
                self.assertIn(f"start {SCRIPT} (no guest)", calls)
                self.assertIn("stop xendomainsd.socket xendomainsd.service", calls)

    def test_removal_of_what_was_not_configured_hands_back_too(self):
        self.install()
        deb = newer(self.deb, "incomplete", depends="not-in-debian, ")
        with self.assertRaises(AssertionError):
            self.run_in("dpkg", "--install", str(deb))
        said, calls = self.apt("--fix-broken", "install")
        self.assertFalse(NAME.is_symlink())
        self.assertIn(f"{SCRIPT} is not active", said)
        self.assertEqual(calls[0], "stop xendomainsd.socket xendomainsd.service")

    def test_removal_leaves_the_script_no_image_that_must_not_be_restored(self):
        self.install()
        SAVED.mkdir(parents=True, exist_ok=True)
        for name in ("web", "web.stale-1", "db.part", "db.restoring"):
            (SAVED / name).write_text(name)
        said, _ = self.remove()
        aside = SAVED / "xendomainsd-aside"
        self.assertEqual([path.name for path in SAVED.iterdir() if path.is_file()], ["web"])
        self.assertEqual(sorted(path.name for path in aside.iterdir()), ["db.part", "db.restoring", "web.stale-1"])
        self.assertIn(f"{SAVED}/db.part is not to be restored: it is now in {aside}", said)

    def test_removal_names_images_that_the_script_cannot_restore(self):
        self.install()
        SAVED.mkdir(parents=True, exist_ok=True)
        head = b"Xen saved domain, xl format\n \0 \r" + struct.pack("<I", 0x01020304)
        (SAVED / "plain").write_bytes(head + struct.pack("<I", 3))
        (SAVED / "packed").write_bytes(head + struct.pack("<I", 0x80000003))
        said, _ = self.remove()
        self.assertIn(f"{SAVED}/packed is compressed", said)
        self.assertNotIn("plain is", said)

    def test_removal_reads_the_settings_as_the_script_does_by_bash(self):
        before = SETTINGS.read_text()
        self.addCleanup(SETTINGS.write_text, before)
        other = WORK / "other"
        other.mkdir()
        (other / "web.stale-1").touch()
        self.install()
        SETTINGS.write_text(f"names=(a b)\nXENDOMAINS_SAVE={other}\n")
        self.remove()
        self.assertEqual([path.name for path in other.iterdir()], ["xendomainsd-aside"])

    def test_removal_leaves_its_name_to_an_image_that_is_being_written(self):
        self.install()
        SAVED.mkdir(parents=True, exist_ok=True)
        (SAVED / "db.part").touch()
        operations = pathlib.Path("/run/xendomains/operation")
        operations.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, operations.parent)
        (operations / "one").touch()
        said, _ = self.remove()
        self.assertTrue((SAVED / "db.part").exists())
        self.assertIn("move it away", said)

    def test_purge_removes_what_is_ours_and_no_image(self):
        self.install()
        (STATE / "save").mkdir(parents=True)
        for path in (STATE / "save/web", STATE / "ledger", STATE / "settings"):
            path.touch()
        self.apt("purge", "xendomainsd")
        self.assertEqual([path for path in STATE.rglob("*") if path.is_file()], [STATE / "save/web"])


class Automatic(OnHost):
    """Upgrades that no administrator watches, with Debian's own programs for them."""

    OTHER = "other.service"
    OUTDATED = " ".join((*UNITS[:3], SCRIPT, OTHER))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        apt("install", "needrestart", "unattended-upgrades")
        cls.addClassCleanup(apt, "purge", "needrestart", "unattended-upgrades")
        cls.set_up("/etc/needrestart/conf.d/a.conf", "$nrconf{restart} = 'a';\n")
        cls.newer = newer(cls.deb, "repository")
        offer(cls.newer)
        cls.set_up("/etc/apt/sources.list.d/ours.list", f"deb [trusted=yes] file:{cls.newer.parent} ./\n")
        cls.set_up("/etc/apt/apt.conf.d/99ours", f'DPkg::Path "{WORK}/bin:{os.environ["PATH"]}";\n'
                   'Unattended-Upgrade::Origins-Pattern { "origin=ours"; };\n')
        apt("update")

    @classmethod
    def set_up(cls, path, text):
        path = pathlib.Path(path)
        path.write_text(text)
        cls.addClassCleanup(path.unlink)

    def setUp(self):
        super().setUp()
        self.install()

    def assert_no_more(self, calls, *expected):
        """Fail unless this is all that became of units, those of systemd itself left out."""
        asked = (re.search(r"\b(\w*restart|stop|reload|kill|isolate) .*", call) for call in calls)
        self.assertEqual({found[0] for found in asked if found and "systemd-" not in found[0]}, {*expected}, calls)
        self.assertFalse([call for call in calls if re.search(r"\bstart (xendomains-guests|xendomains)\.", call)])

    def test_needrestart_restarts_no_unit_of_ours(self):
        own = pathlib.Path("/etc/needrestart/conf.d/own.conf")
        self.addCleanup(own.unlink)
        for config in ("", "$nrconf{override_rc} = {};\n"):
            with self.subTest(config):
                own.write_text(config)
                _, calls = self.run_in("needrestart", OUTDATED=self.OUTDATED)
                self.assert_no_more(calls, f"restart {self.OTHER}")

    def test_unattended_upgrades_restarts_the_daemon_only(self):
        _, calls = self.run_in("unattended-upgrade", OUTDATED=self.OUTDATED)
        self.assertEqual(sh("dpkg-query", "--show", "--showformat=${Version}\n", "xendomainsd"),
                         sh("dpkg-deb", "--field", str(self.newer), "Version"))
        self.assert_no_more(calls, f"restart {UNITS[2]}", f"restart {self.OTHER}")


class BesideLibvirt(OnHost):
    """With Debian's libvirt, whose daemon may not run beside xendomains.service."""

    def test_installed_after_ours_it_asks_nothing_of_our_units_and_before_it_is_not_stopped(self):
        self.install()
        packages = ("libvirt-daemon-system", "libvirt-daemon-driver-xen")
        self.addCleanup(apt, "purge", *packages)
        _, calls = self.apt("--no-install-recommends", "install", *packages, enabled=["libvirtd.service"])
        self.assertTrue([call for call in calls if re.search(r"\bstart .*libvirtd\.service", call)], calls)
        self.assertFalse([call for call in calls if "xendomains" in call], calls)
        self.assertIn("Conflicts=xendomains.service\n",
                      pathlib.Path("/usr/lib/systemd/system/libvirtd.service").read_text())

        active = f"libvirtd.service {UNITS[1]} {UNITS[2]}"
        said, calls = self.remove(active=active)
        self.assertIn(f"{SCRIPT} is not active", said)
        self.assertFalse([call for call in calls if re.search(r"\b(start|stop .*libvirt)", call)], calls)
        said, calls = self.install(active=active)
        self.assertIn("would stop libvirtd.service", said)
        self.assertFalse([call for call in calls if re.search(rf"\b(start {UNITS[0]}|stop .*libvirt)", call)], calls)


if __name__ == "__main__":
    if not WORK.is_dir():
        sys.exit(f"check.py: {WORK} is not there; run it by rig chroot")
    unittest.main(verbosity=2)
