#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the status tells of the directories is never older than the last change to them, and is read anew only
where there can be one."""

import json
import os
import pathlib
import shutil
import signal
import unittest

from fakehost import LIMIT, FakeHostTest
from hung import LIBC, MNT_DETACH, have_own_mounts

ANOTHER = "00000000-0000-4000-8000-00000000000a"


class Current(FakeHostTest):
    @classmethod
    def setUpClass(cls):
        have_own_mounts()

    def begin(self):
        """With a survey of all that is there."""
        self.host.states()

    def reads(self):
        """Whether a status starts a worker: only of children that have ended the kernel counts page faults."""
        def faults():
            stat = pathlib.Path(f"/proc/{self.host.daemon.pid}/stat").read_text()
            return stat.rpartition(")")[2].split()[8]

        self.host.wait_for_helpers()
        before = faults()
        self.host.status()
        return faults() != before

    def mount(self, source, target, kind, flags=0):
        target = os.fsencode(target)
        self.assertEqual(LIBC.mount(source, target, kind, flags, None), 0)
        self.addCleanup(LIBC.umount2, target, MNT_DETACH)

    def rename_guest(self, path, name):
        """In place: the file stays the same one."""
        config = json.loads(path.read_text())
        config["c_info"]["name"] = name
        path.write_text(json.dumps(config))

    def test_nothing_is_read_while_nothing_changes(self):
        self.host.guest("web")
        self.host.guest("db")
        self.begin()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", "web", check=0)
        self.host.states()
        self.assertFalse(self.reads())
        self.assertFalse(self.reads())
        self.assertEqual(self.host.states(), {"web": "saved", "db": "running"})

    def test_each_change_to_a_configuration_is_seen(self):
        path = self.host.guest("web")
        self.begin()
        self.host.guest("db")
        self.assertEqual(set(self.host.states()), {"web", "db"})
        self.rename_guest(path, "new")
        self.assertEqual(set(self.host.states()), {"new", "db"})
        beside = self.host.guest("other", folder=self.host.root)
        beside.rename(path)
        self.assertEqual(set(self.host.states()), {"other", "db"})
        path.unlink()
        self.assertEqual(set(self.host.states()), {"db"})
        self.assertFalse(self.reads())

    def test_each_change_to_what_a_link_leads_to_is_seen(self):
        target = self.host.guest("web", folder=self.host.root)
        (self.host.auto / "link.cfg").symlink_to(target)
        self.begin()
        self.assertFalse(self.reads())
        self.rename_guest(target, "new")
        self.assertEqual(set(self.host.states()), {"new"})
        beside = self.host.root / "beside"
        beside.write_text(target.read_text())
        self.rename_guest(beside, "other")
        beside.rename(target)
        self.assertEqual(set(self.host.states()), {"other"})
        target.unlink()
        self.assertEqual(set(self.host.states()), set())
        self.host.guest("web", folder=self.host.root)
        self.assertEqual(set(self.host.states()), {"web"})

    def test_a_change_under_another_name_is_seen(self):
        path = self.host.guest("web")
        other = self.host.root / "other"
        other.hardlink_to(path)
        self.begin()
        self.assertFalse(self.reads())
        self.rename_guest(other, "new")
        self.assertEqual(set(self.host.states()), {"new"})

    def test_each_change_to_an_image_is_seen(self):
        self.host.guest("web")
        self.begin()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        image = self.host.save / "web"
        self.assertEqual(self.host.states(), {"web": "saved"})
        whole = image.read_bytes()
        image.write_bytes(whole[:-1])
        self.assertEqual(self.host.states(), {"web": "failed"})
        image.write_bytes(whole)
        self.assertEqual(self.host.states(), {"web": "saved"})
        image.rename(self.host.root / "web")
        self.assertNotEqual(self.host.states(), {"web": "saved"})
        (self.host.root / "web").rename(image)
        self.assertEqual(self.host.states(), {"web": "saved"})

    def test_a_directory_that_another_takes_the_place_of_is_seen(self):
        self.host.guest("web")
        self.begin()
        self.host.auto.rename(self.host.root / "old")
        self.host.auto.mkdir()
        self.host.guest("db")
        self.assertEqual(set(self.host.states()), {"db"})
        shutil.rmtree(self.host.auto)
        self.assertEqual(set(self.host.states()), set())
        self.host.auto.mkdir()
        self.host.guest("db")
        self.assertEqual(set(self.host.states()), {"db"})

    def test_a_mount_over_a_directory_and_its_end_are_seen(self):
        self.host.guest("web")
        self.begin()
        self.assertFalse(self.reads())
        self.mount(b"none", self.host.auto, b"tmpfs")
        self.assertEqual(set(self.host.states()), set())
        LIBC.umount2(os.fsencode(self.host.auto), MNT_DETACH)
        self.assertEqual(set(self.host.states()), {"web"})

    def test_a_change_of_mounts_is_seen_by_all_who_ask(self):
        self.host.guest("web")
        self.begin()
        self.mount(b"none", self.host.auto, b"tmpfs")
        os.kill(self.host.daemon.pid, signal.SIGSTOP)
        calls = [self.host.ctl_in_background("--json", "status") for _ in range(3)]
        os.kill(self.host.daemon.pid, signal.SIGCONT)
        for call in calls:
            said, _ = call.communicate(timeout=LIMIT)
            self.assertEqual(json.loads(said)["guests"], [])

    def test_names_that_lead_elsewhere_are_seen(self):
        def turn(link, target):
            beside = link.with_name("beside")
            beside.symlink_to(target)
            beside.rename(link)

        root = self.host.root
        for name in ("one", "two"):
            (root / name / "auto").mkdir(parents=True)
            self.host.guest(f"in-{name}", folder=root / name / "auto")
        (root / "way").symlink_to("one")
        self.host.configure(AUTO=root / "way/auto")
        self.host.ctl("reload", check=0)
        self.assertEqual(set(self.host.states()), {"in-one"})
        turn(root / "way", "two")
        self.assertEqual(set(self.host.states()), {"in-two"})
        (root / "two").rename(root / "three")
        (root / "one").rename(root / "two")
        self.assertEqual(set(self.host.states()), {"in-one"})
        (root / "two/auto/in-one.cfg").unlink()
        (root / "file").symlink_to(self.host.guest("first", folder=root))
        (root / "two/auto/link.cfg").symlink_to(root / "file")
        self.assertEqual(set(self.host.states()), {"first"})
        turn(root / "file", self.host.guest("second", folder=root))
        self.assertEqual(set(self.host.states()), {"second"})

    def test_what_was_mended_is_seen(self):
        self.host.guest("web")
        self.begin()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        beside = self.host.root / "beside"
        beside.mkdir(mode=0o755)
        (self.host.save / "web").rename(beside / "web")
        (self.host.save / "web").symlink_to(beside / "web")
        beside.chmod(0o777)
        self.assertEqual(self.host.states(), {"web": "failed"})
        beside.chmod(0o755)
        self.assertEqual(self.host.states(), {"web": "saved"})

    def test_a_file_system_that_may_be_shared_is_always_read(self):
        self.mount(b"none", self.host.auto, b"ramfs")
        self.host.guest("web")
        self.begin()
        self.assertTrue(self.reads())
        self.assertTrue(self.reads())

    def test_another_directory_is_read_at_once(self):
        self.host.guest("web")
        self.begin()
        other = self.host.root / "other"
        other.mkdir()
        self.host.guest("db", folder=other)
        self.host.configure(AUTO=other)
        self.host.ctl("reload", check=0)
        self.assertEqual(set(self.host.states()), {"db"})

    def test_another_uuid_is_seen(self):
        path = self.host.guest("web")
        self.begin()
        config = json.loads(path.read_text())
        config["c_info"]["uuid"] = ANOTHER
        path.write_text(json.dumps(config))
        self.assertEqual([guest["uuid"] for guest in self.host.status().values()], [ANOTHER])


if __name__ == "__main__":
    unittest.main()
