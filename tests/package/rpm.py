#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The spec for Fedora and openSUSE: built on Debian, and its scriptlets run with a systemctl that only records.

Nothing is installed, and nothing outside of a scratch directory is changed."""

import os
import pathlib
import re
import subprocess
import tarfile
import tempfile
import tomllib
import unittest

import fakes

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SPEC = ROOT / "conf/rpm/xendomainsd.spec"
FILTERS = ROOT / "conf/rpm/rpmlint.toml"
MACROS = HERE / "macros.rpm"

FLAVOURS = {"Fedora": (), "openSUSE": ("--define=suse_version 1600",)}

# The stop of one of these is the stop of all guests.
KEPT = ("xendomains-guests.service", "xendomains-shutdown.service")

# The words by which systemctl stops a unit, now or later.
STOPS = re.compile(r"\b(stop|restart|try-restart|reload-or-restart|try-reload-or-restart|condrestart|kill|isolate"
                   r"|mask|set-property|--now)\b")

# What each scriptlet is given: how many packages of the name there are after it.
INSTALL = (("PREIN", 1), ("POSTIN", 1))
UPGRADE = (("PREIN", 2), ("POSTIN", 2), ("PREUN", 1), ("POSTUN", 1))
REMOVE = (("PREUN", 0), ("POSTUN", 0))

# The machine that the scriptlets see: what they write to is empty, and goes with them.
MACHINE = r"""
for folder in /run /var/lib /var/lock /etc/systemd/system /usr/libexec; do
	[ ! -d "$folder" ] || mount -t tmpfs none "$(readlink -f "$folder")"
done
mkdir -p /run/systemd/system /run/lock /usr/libexec/xendomains
cp "$WORK/takeover" /usr/libexec/xendomains/takeover
if [ -n "$XEN" ]; then
	mount -t tmpfs none /sys
	mkdir -p /sys/hypervisor/version
	echo "${XEN%.*}" >/sys/hypervisor/version/major
	echo "${XEN#*.}" >/sys/hypervisor/version/minor
fi
if [ -n "$OWN_UNIT" ]; then : >/etc/systemd/system/xendomains.service; fi
if [ -n "$IMAGE" ]; then mkdir -p /var/lib/xen/save && : >"/var/lib/xen/save/$IMAGE"; fi
for scriptlet in $SCRIPTLETS; do
	sh -e "$WORK/${scriptlet%=*}" "${scriptlet#*=}" || exit 1
done
"""


def sh(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def rpm(program, *words):
    return sh(program, f"--load={MACROS}", *words)


def spec_of(flavour, query):
    return rpm("rpmspec", *FLAVOURS[flavour], f"--define=_sourcedir {ROOT}", "-q", "--qf", query, str(SPEC))


def functions(path):
    """The functions of a shell script, as they would be in one that calls systemctl itself."""
    found = re.findall(r"^(\w+)\(\) \{\n(.*?)^\}$", path.read_text(), re.MULTILINE | re.DOTALL)
    return {name: body.replace("deb-systemd-invoke", "systemctl") for name, body in found}


def setUpModule():
    sh("sh", str(ROOT / "tests/deps.sh"), "build", "rpm")


class Spec(unittest.TestCase):
    def test_version_is_that_of_the_project(self):
        version = re.search(r"version : '(.*)'", (ROOT / "meson.build").read_text())[1]
        self.assertEqual(spec_of("Fedora", "%{VERSION}"), version)

    def test_each_distribution_is_asked_for_its_own_package_of_xen(self):
        self.assertIn("xen-runtime\n", spec_of("Fedora", "[%{REQUIRES}\n]"))
        self.assertIn("xen-tools\n", spec_of("openSUSE", "[%{REQUIRES}\n]"))

    def test_what_debians_scripts_have_too_is_the_same(self):
        ours, same = functions(ROOT / "conf/rpm/takeover.in"), []
        for path in (ROOT / "conf/debian").glob("xendomainsd.p*"):
            for name, body in functions(path).items():
                if name in ours and name not in ("hand_back", "fits_xen"):
                    self.assertEqual(ours[name], body, f"{name} of {path.name}")
                    same.append(name)
        self.assertEqual(set(ours) - set(same), {"disable_ours", "take", "give", "hand_back", "fits_xen"})


class Scriptlets:
    flavour = None

    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="rpm-")))
        fakes.put(cls.work / "bin")
        takeover = (ROOT / "conf/rpm/takeover.in").read_text()
        (cls.work / "takeover").write_text(takeover.replace("@xen@", "4.19"))
        (cls.work / "takeover").chmod(0o755)

    def run_scriptlets(self, steps, enabled="", active="", xen="", own_unit="", **asked):
        """What systemctl was called for."""
        calls = self.work / "calls"
        calls.write_text("")
        for tag, _ in steps:
            (self.work / tag).write_text(spec_of(self.flavour, f"%|{tag}?{{%{{{tag}}}}}|"))
        user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        self.said = sh("unshare", *user, "--mount", "sh", "-ec", MACHINE, env=os.environ | {
            "PATH": f"{self.work}/bin:{os.environ['PATH']}", "WORK": str(self.work), "CALLS": str(calls),
            "ENABLED": enabled, "ACTIVE": active, "XEN": xen, "OWN_UNIT": own_unit, **asked,
            "SCRIPTLETS": " ".join(f"{tag}={left}" for tag, left in steps)})
        return calls.read_text().splitlines()

    def assert_no_guest_is_touched(self, calls):
        for before, call in zip([""] + calls, calls):
            if "xendomains.service" in call or any(unit in call for unit in KEPT):
                if call == f"stop {KEPT[1]}":
                    self.assertIn("LoadState", before)
                else:
                    self.assertNotRegex(call, STOPS)
            if re.search(r"\bstart (xendomains-guests|xendomains)\.service", call):
                self.assertIn("(no guest)", call)
            # A pattern could mean them, too.
            self.assertFalse(STOPS.search(call) and "*" in call, call)

    def test_no_text_of_a_scriptlet_stops_what_stops_guests(self):
        for tag in ("PREIN", "POSTIN", "PREUN", "POSTUN", "PRETRANS", "POSTTRANS"):
            text = spec_of(self.flavour, f"%|{tag}?{{%{{{tag}}}}}|").replace("\\\n", "")
            lines = {line.strip() for line in text.splitlines()
                     if any(unit in line for unit in KEPT) and STOPS.search(line)}
            self.assertEqual(lines, {f"systemctl stop {KEPT[1]} || :"} if tag == "POSTUN" else set(), tag)

    def test_installation_leaves_the_script_in_charge_and_says_how_to_change_that(self):
        calls = self.run_scriptlets(INSTALL)
        self.assertEqual([call for call in calls if re.search(r"\b(start|enable)\b", call)], [])
        self.assertIn("takeover take", self.said)

    def test_installation_takes_over_where_a_preset_enables_units(self):
        calls = self.run_scriptlets(INSTALL, enabled=KEPT[0], active="xendomainsd.service")
        self.assert_no_guest_is_touched(calls)
        self.assertIn(f"start {KEPT[0]} (no guest)", calls)
        self.assertIn(f"start {KEPT[1]}", calls)
        self.assertIn("start xendomainsd.socket xendomainsd.service", calls)
        self.assertIn("kill --signal=HUP systemd-logind.service", calls)

    def test_installation_takes_the_state_of_a_script_that_is_active(self):
        calls = self.run_scriptlets(INSTALL, enabled=KEPT[0], active=KEPT[0])
        self.assert_no_guest_is_touched(calls)
        self.assertFalse([call for call in calls if call.startswith(f"start {KEPT[0]}")])

    def test_takeover_says_what_is_in_the_way(self):
        for in_the_way, message in (({"NO_XEN": "1"}, "restarted into Xen"), ({"xen": "4.18"}, "another version"),
                                    ({"active": ""}, "is not active")):
            self.run_scriptlets(INSTALL, enabled=KEPT[0], **({"active": "xendomainsd.service"} | in_the_way))
            self.assertIn(message, self.said)
            self.assertNotIn("looks after", self.said)

    def test_takeover_in_a_chroot_with_the_run_of_the_host_enables_units_only(self):
        calls = self.run_scriptlets(INSTALL, enabled=KEPT[0], CHROOT="1")
        self.assertTrue([call for call in calls if "enable" in call])
        self.assertFalse([call for call in calls if re.search(r"\b(start|kill)\b", call)])

    def test_installation_does_not_stop_libvirt(self):
        calls = self.run_scriptlets(INSTALL, enabled=KEPT[0], active="libvirtd.service")
        self.assertFalse([call for call in calls if call.startswith(f"start {KEPT[0]}")])
        self.assertIn("would stop libvirtd.service", self.said)

    def test_installation_disables_units_whose_name_an_administrator_has_taken(self):
        calls = self.run_scriptlets(INSTALL, enabled=KEPT[0], own_unit="1")
        self.assert_no_guest_is_touched(calls)
        self.assertTrue(any("disable" in call for call in calls))
        self.assertFalse([call for call in calls if call.startswith("start")])

    def test_upgrade_restarts_the_daemon_only(self):
        calls = self.run_scriptlets(UPGRADE, active=" ".join(KEPT))
        self.assert_no_guest_is_touched(calls)
        self.assertEqual([call for call in calls if "xendomains" in call],
                         [call for call in calls if STOPS.search(call) and "xendomainsd.service" in call])
        self.assertTrue([call for call in calls if "xendomainsd.service" in call])

    def test_upgrade_restarts_no_daemon_of_another_xen(self):
        calls = self.run_scriptlets(UPGRADE, xen="4.19")
        self.assertTrue([call for call in calls if "xendomainsd.service" in call])
        calls = self.run_scriptlets(UPGRADE, xen="4.18")
        self.assertFalse([call for call in calls if "xendomainsd.service" in call])
        self.assertIn("Restart the host", self.said)

    def test_removal_hands_back_and_touches_no_guest(self):
        calls = self.run_scriptlets(REMOVE, active=" ".join(KEPT))
        self.assert_no_guest_is_touched(calls)
        self.assertIn("start xendomains.service (no guest)", calls)
        self.assertIn("stop xendomainsd.socket xendomainsd.service", calls)
        self.assertIn(f"stop {KEPT[1]}", calls)

    def test_removal_hands_back_whichever_of_our_units_is_active(self):
        for unit in KEPT:
            self.assertIn("start xendomains.service (no guest)", self.run_scriptlets(REMOVE, active=unit))

    def test_removal_leaves_the_script_no_image_that_must_not_be_restored(self):
        self.run_scriptlets(REMOVE, IMAGE="web.stale-1")
        self.assertIn("web.stale-1 is not to be restored: it is now in /var/lib/xen/save/xendomainsd-aside", self.said)

    def test_removal_where_the_script_is_in_charge_starts_nothing(self):
        calls = self.run_scriptlets(REMOVE, active="xendomains.service", enabled="xendomains.service")
        self.assert_no_guest_is_touched(calls)
        self.assertFalse([call for call in calls if call.startswith("start")])


class OnFedora(Scriptlets, unittest.TestCase):
    flavour = "Fedora"


class OnOpenSuse(Scriptlets, unittest.TestCase):
    flavour = "openSUSE"


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="rpm-")))
        version = spec_of("Fedora", "%{VERSION}")
        name = f"xendomainsd-{version}"
        with tarfile.open(work / f"{name}.tar.xz", "w:xz", preset=0) as archive:
            archive.add(ROOT, name, filter=lambda info: None if re.fullmatch(
                rf"{name}/(build.*|\.git)|.*/__pycache__", info.name) else info)
        # Its dependencies have other names here.
        rpm("rpmbuild", "-bb", "--nodeps", f"--define=_topdir {work}", f"--define=_sourcedir {work}",
            "--noclean", str(SPEC))
        [cls.package] = work.glob("RPMS/*/*.rpm")
        [build] = work.glob("BUILD/**/_build")
        cls.tree = build.parent
        cls.files = rpm("rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\n]", str(cls.package)).splitlines()

    def test_its_files_are_those_of_the_debian_package_and_the_takeover(self):
        said = sh("meson", "introspect", "--installed", str(self.tree / "_build"))
        debian = [pathlib.PurePath(path).name for path in re.findall(r'": "(.*?)"', said)]
        documents = (ROOT / "conf/debian/xendomainsd.docs").read_text().split()
        debian += {pathlib.PurePath(path).name for path in documents} - set(debian)
        # That of needrestart is the second one of its name.
        debian += ["xendomainsd.conf", "LICENSE", "takeover"]
        ours = [re.sub(r"(\.[158])\.gz$", r"\1", line.rpartition("/")[2]) for line in self.files
                if not line.startswith("d")]
        self.assertEqual(sorted(ours), sorted(debian))

    def test_its_programs_can_be_run_and_its_takeover_knows_its_xen(self):
        for name in ("/usr/bin/xendomainsctl", "/usr/sbin/xendomainsd", "/usr/libexec/xendomains/takeover",
                     "/usr/libexec/xendomains/xendomains-worker",
                     "/usr/lib/systemd/system-generators/xendomains-generator"):
            self.assertIn(f"-rwxr-xr-x {name}", self.files)
        self.assertRegex((self.tree / "takeover").read_text(), r'minor"\)" = "4\.\d+" \]')

    def test_rpmlint_has_nothing_to_say(self):
        said = sh("rpmlint", f"--config={FILTERS}", str(self.package), str(SPEC))
        self.assertRegex(said, r"\b0 errors, 0 warnings")
        filters = tomllib.loads(FILTERS.read_text())["Filters"]
        unfiltered = subprocess.run(["rpmlint", str(self.package), str(SPEC)], capture_output=True, text=True)
        self.assertEqual([entry for entry in filters
                          if not re.search(entry, unfiltered.stdout, re.MULTILINE)], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
