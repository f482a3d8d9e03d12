#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The generator: which units it orders after which mounts, as systemd names these."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
DAEMON = BUILD / "tests/fake/xendomainsd-fake"
GENERATOR = BUILD / "daemon/xendomains-generator"

UNITS = {"xendomainsd.service", "xendomains-guests.service", "xendomains-shutdown.service"}

DEFAULTS = {"/var", "/var/lib", "/var/lib/xen", "/var/lib/xen/save", "/var/lib/xen/dump",
            "/etc", "/etc/xen", "/etc/xen/auto"}


def unit(path, suffix="mount"):
    """The name of a path's unit, in systemd's own words."""
    return subprocess.run(["systemd-escape", "--path", f"--suffix={suffix}", path],
                          capture_output=True, text=True, check=True).stdout.rstrip("\n")


@unittest.skipUnless(shutil.which("systemd-escape"), "there is no systemd-escape")
class Generator(unittest.TestCase):
    def setUp(self):
        # It reads the copy on the root file system only, which /tmp need not be on.
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(dir="/var/tmp")))
        self.config, self.native = self.folder / "xendomains", self.folder / "xendomains.conf"
        self.kept = self.folder / "state/settings"
        self.root, self.output = self.folder / "root", self.folder / "output"
        self.root.mkdir()
        self.output.mkdir()

    def generate(self, env=None, code=0):
        """Runs it as systemd does, and returns what it said."""
        done = subprocess.run([GENERATOR, "--config", self.config, "--native", self.native,
                               "--kept", self.kept, "--root", self.root, self.output, "/nowhere",
                               "/nowhere"],
                              capture_output=True, text=True, env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def configure(self, save="", auto="", dumps="", rest=""):
        quoted = [word.replace("'", "'\\''") for word in (save, auto)]
        self.config.write_text(f"XENDOMAINS_SAVE='{quoted[0]}'\nXENDOMAINS_AUTO='{quoted[1]}'\n"
                               + rest)
        self.native.write_text(f"[Host]\nDumpFolder={dumps}\n")

    def drop_ins(self):
        return {path.relative_to(self.output).parts[0].removesuffix(".d"): path
                for path in self.output.glob("*/50-mounts.conf")}

    def settings(self, key):
        """The words of a setting in the drop-ins, which are the same for all units."""
        found = {path.read_text() for path in self.drop_ins().values()}
        self.assertEqual(len(found), 1)
        lines = found.pop().split("\n")
        return [word for line in lines if line.startswith(f"{key}=")
                for word in line.partition("=")[2].split(" ")]

    def expect_mounts(self, paths):
        self.assertEqual(set(self.drop_ins()), UNITS)
        self.assertEqual(sorted(self.settings("Wants")), sorted(unit(path) for path in paths))
        self.assertEqual(sorted(self.settings("After")),
                         sorted(unit(path, suffix) for path in paths
                                for suffix in ("mount", "automount")))

    def test_each_of_our_units_waits_for_each_mount_and_requires_none(self):
        self.configure(save="/srv/xen", auto="/srv/auto", dumps="/dumps")
        self.assertEqual(self.generate(), "")
        self.expect_mounts({"/srv", "/srv/xen", "/srv/auto", "/dumps"})
        for path in self.drop_ins().values():
            self.assertNotIn("Requires", path.read_text())

    def test_without_files_the_defaults_count(self):
        self.assertEqual(self.generate(), "")
        self.expect_mounts(DEFAULTS)

    def test_a_line_that_is_refused_costs_its_directory_and_is_told(self):
        self.configure(save="/srv/xen", rest="XENDOMAINS_STOP_MAXWAIT=3OO\n")
        said = self.generate()
        self.assertIn(f"{self.config}:3: ", said)
        self.assertIn("daemon-reload", said)
        self.expect_mounts({"/srv", "/srv/xen"})

    def test_a_directory_that_cannot_be_read_is_the_default(self):
        self.configure(save="srv")
        self.assertIn(f"{self.config}:1: ", self.generate())
        self.expect_mounts({path for path in DEFAULTS if "/var/lib/xen/save".startswith(path)})

    def keep(self):
        """Has a daemon keep a copy of the settings as they are now."""
        if self.folder.stat().st_dev != os.stat("/").st_dev:
            self.skipTest("/var/tmp is not on the root file system")
        command = [DAEMON, "--config", self.config, "--native", self.native, "--socket", self.folder / "socket",
                   "--once", "start"]
        (self.folder / "run").mkdir(exist_ok=True)
        (self.folder / "world").mkdir(exist_ok=True)
        self.kept.parent.mkdir(exist_ok=True)
        subprocess.run(command, capture_output=True, check=False, env=os.environ | {
            "FAKE_WORLD": str(self.folder / "world"), "RUNTIME_DIRECTORY": str(self.folder / "run"),
            "STATE_DIRECTORY": str(self.kept.parent)})
        self.assertTrue(self.kept.exists())

    def test_with_a_mistake_the_last_good_directories_are_waited_for_too(self):
        self.configure(save="/old/save")
        self.keep()
        self.configure(save="/new/save", rest="XENDOMAINS_STOP_MAXWAIT=3OO\n")
        self.generate()
        self.expect_mounts({"/old", "/old/save", "/new", "/new/save"})

    def test_a_sourced_file_that_is_not_mounted_yet_is_taken_from_the_copy(self):
        sourced = self.folder / "sourced"
        sourced.write_text("XENDOMAINS_SAVE=/s\n")
        self.configure(rest=f"source {sourced}\n")
        self.keep()
        sourced.unlink()
        self.generate()
        self.assertIn("s.mount", self.settings("After"))

    def test_a_copy_is_not_used_while_the_settings_are_good(self):
        self.configure(save="/old/save")
        self.keep()
        self.configure(save="/new/save")
        self.generate()
        self.expect_mounts({"/new", "/new/save"})

    def test_a_copy_that_others_can_write_or_that_is_damaged_is_not_used(self):
        self.configure(save="/old/save")
        self.keep()
        self.configure(save="/new/save", rest="XENDOMAINS_STOP_MAXWAIT=3OO\n")
        self.kept.chmod(0o666)
        self.generate()
        self.expect_mounts({"/new", "/new/save"})
        self.kept.chmod(0o600)
        self.kept.write_bytes(self.kept.read_bytes()[:-1])
        self.generate()
        self.expect_mounts({"/new", "/new/save"})

    def test_a_file_that_is_sourced_is_read_on_the_root_file_system_only(self):
        self.native.write_text("[Host]\nDumpFolder=\n")
        for path in ("/proc/self/environ", "/proc/version"):
            self.config.write_text(f"XENDOMAINS_AUTO=\nXENDOMAINS_SAVE=/s\nsource {path}\n")
            self.assertIn(f"{self.config}:3: ", self.generate())
            self.expect_mounts({"/s"})

    def test_a_group_that_is_not_there_is_none_of_its_business(self):
        self.configure(save="/srv/xen")
        self.native.write_text("[Host]\nDumpFolder=\nReadGroup=no-such-group\n")
        self.assertEqual(self.generate(), "")
        self.expect_mounts({"/srv", "/srv/xen"})

    def test_nothing_configured_is_nothing_to_wait_for(self):
        self.configure()
        self.assertEqual(self.generate(), "")
        self.assertEqual(self.drop_ins(), {})

    def test_names_are_those_of_systemd(self):
        for name in ("a b", "100%i", "%%", 'it\'s "quoted"', "back\\slash", "büro", "a-b", ".hidden",
                     "-", "$HOME", "x=1;y", "[Unit]", "tab\tand", "two\nWants=evil.service",
                     "a:b_c.d@e", "#no", "…", "~", "*?"):
            with self.subTest(name):
                self.configure(save=f"/srv/{name}")
                self.assertEqual(self.generate(), "")
                self.expect_mounts({"/srv", f"/srv/{name}"})

    def test_slashes_and_dots_are_simplified(self):
        self.configure(save="//srv///./xen//")
        self.assertEqual(self.generate(), "")
        self.expect_mounts({"/srv", "/srv/xen"})

    def test_two_dots_are_resolved(self):
        self.configure(save="/srv/../data/xen")
        self.assertEqual(self.generate(), "")
        self.expect_mounts({"/srv", "/data", "/data/xen"})

    def test_a_path_that_is_too_long_is_told_and_its_parents_are_waited_for(self):
        self.configure(save="/srv/" + "-" * 100, auto="/srv/auto")
        self.assertIn("/srv/---", self.generate())
        self.expect_mounts({"/srv", "/srv/auto"})

    def test_where_links_lead_is_waited_for_too(self):
        (self.root / "var").mkdir()
        (self.root / "var/images").symlink_to("/data/xen")
        (self.root / "data").symlink_to("big/../bigger/data")
        self.configure(save="/var/images/save")
        self.assertEqual(self.generate(), "")
        self.expect_mounts({"/var", "/var/images", "/var/images/save",
                            "/bigger", "/bigger/data", "/bigger/data/xen",
                            "/bigger/data/xen/save"})

    def test_links_that_lead_in_a_circle_are_told(self):
        (self.root / "a").symlink_to("b")
        (self.root / "b").symlink_to("/a")
        self.configure(save="/a", auto="/srv/auto")
        self.assertIn("/a: ", self.generate())
        self.expect_mounts({"/a", "/srv", "/srv/auto"})

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount")
    def test_a_link_on_another_file_system_is_not_looked_for(self):
        """Where an automount or a dead server is, looking would block systemd."""
        (self.root / "net").mkdir()
        self.configure(save="/net/link")
        script = ('mount -t tmpfs none "$1/net" && ln -s /elsewhere "$1/net/link" && shift && '
                  'exec "$@"')
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", self.root, GENERATOR,
                               "--config", self.config, "--native", self.native,
                               "--root", self.root, self.output], capture_output=True, text=True)
        if "mount:" in done.stderr or "unshare:" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.expect_mounts({"/net", "/net/link"})

    def test_what_cannot_be_written_is_told_and_the_others_are(self):
        (self.output / "xendomainsd.service.d").touch()
        self.configure(save="/srv/xen")
        self.assertIn("xendomainsd.service.d", self.generate(code=1))
        self.assertEqual(set(self.drop_ins()), UNITS - {"xendomainsd.service"})

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_systemd_understands_what_is_written(self):
        self.configure(save="/srv/it's 100%i/büro\nWants=evil.service", auto="/srv/auto")
        self.generate()
        for name in UNITS:
            (self.output / name).write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                               *(self.output / name for name in UNITS)],
                              capture_output=True, text=True,
                              env=os.environ | {"SYSTEMD_UNIT_PATH": f"{self.output}:"})
        said = [line for line in done.stderr.splitlines() if str(self.output) in line
                or "50-mounts" in line]
        self.assertEqual(said, [])


if __name__ == "__main__":
    unittest.main()
