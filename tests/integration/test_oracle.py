#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle itself: that it would see what must not be."""

import dataclasses
import unittest

from oracle import ASIDE, PART, Facts, Image, Life, Seen, breaches, is_as_wanted, may

IMAGE = Image("web", 1, ("boot", 4))
SAVED = Facts("start", disk=4, images=(IMAGE,), word="saved")
USED = dataclasses.replace(SAVED, disk=5, word="life")
RUNNING = Facts("stop", domain="running", memory=("boot", 5), disk=5, word="life")


class Oracle(unittest.TestCase):
    def of(self, facts, **changes):
        return set(may(dataclasses.replace(facts, **changes)))

    def test_newest_image_is_restored_with_a_ledger_and_without(self):
        for ledger in ("whole", "torn", "missing"):
            self.assertEqual(self.of(SAVED, ledger=ledger), {"restored"})

    def test_restoring_needs_the_ledger(self):
        image = dataclasses.replace(IMAGE, file="web.restoring", restoring=True)
        self.assertEqual(self.of(SAVED, images=(image,)), {"restored"})
        self.assertEqual(self.of(SAVED, images=(image,), ledger="missing"), {"down"})

    def test_old_memory_is_allowed_only_where_nothing_can_tell(self):
        self.assertEqual(self.of(USED), {"cold"})
        self.assertEqual(self.of(USED, ledger="missing"), {"down"})
        self.assertIn("old", self.of(USED, ledger="missing", disk_seen=False))

    def test_an_image_that_cannot_be_judged_is_held(self):
        for harm in ({"sound": False}, {"sound": False, "memory": None}):
            self.assertEqual(self.of(SAVED, images=(dataclasses.replace(IMAGE, **harm),)), {"down"})
        self.assertEqual(self.of(SAVED, images=(IMAGE, dataclasses.replace(IMAGE, inode=2))),
                         {"down", "restored"})

    def test_a_part_is_no_image(self):
        self.assertEqual(self.of(USED, images=(dataclasses.replace(IMAGE, kind=PART),)), {"cold"})

    def test_a_folder_that_is_another_one_holds_who_is_saved(self):
        self.assertEqual(self.of(SAVED, images=(), folder="another"), {"down"})
        self.assertEqual(self.of(SAVED, images=()), {"cold"})
        self.assertEqual(self.of(USED, images=(), folder="another"), {"cold"})

    def test_identity_that_conflicts_is_held(self):
        for config in ("uuid added", "uuid changed", "renamed"):
            self.assertEqual(self.of(SAVED, config=config), {"down"})
        self.assertEqual(self.of(SAVED, config="duplicate"), {"restored"})
        self.assertEqual(self.of(USED, config="duplicate"), {"down"})
        self.assertEqual(self.of(SAVED, config="duplicate", ledger="unreadable"), {"down"})
        self.assertEqual(self.of(SAVED, config="missing"), {"restored"})
        self.assertEqual(self.of(USED, config="missing"), {"down"})

    def test_running_guests_are_saved(self):
        self.assertEqual(self.of(RUNNING), {"saved"})
        self.assertEqual(self.of(RUNNING, asked=False), {"left"})
        self.assertFalse(is_as_wanted(RUNNING, "left"))

    def test_what_is_right_is_no_breach(self):
        life = Life(5, "boot", 4, 4)
        self.assertEqual(breaches(SAVED, Seen("restored", (life,), (), ("boot", 5))), [])
        saved = dataclasses.replace(IMAGE, memory=("boot", 5))
        self.assertEqual(breaches(RUNNING, Seen("saved", (), (saved,))), [])

    def see(self, facts, seen, words):
        self.assertTrue([b for b in breaches(facts, seen) if words in b], breaches(facts, seen))

    def test_old_memory_over_a_newer_disk_is_seen(self):
        self.see(USED, Seen("old", (Life(6, "boot", 4, 5),), (), ("boot", 6)), "newer disk")

    def test_lost_memory_is_seen(self):
        self.see(RUNNING, Seen("gone"), "is lost")
        self.see(SAVED, Seen("down"), "is lost")

    def test_a_deleted_image_is_seen(self):
        self.see(USED, Seen("cold", (Life(6, "other", 0, 5),), (), ("other", 6)), "was deleted")
        aside = dataclasses.replace(IMAGE, file="web.stale-1", kind=ASIDE)
        self.see(USED, Seen("cold", (), (aside,)), "without a reason")
        other = dataclasses.replace(IMAGE, memory=("other", 5), inode=2)
        self.see(dataclasses.replace(RUNNING, images=(IMAGE,)), Seen("saved", (), (other,)),
                 "was deleted")

    def test_an_exit_status_that_lies_is_seen(self):
        self.see(SAVED, Seen("down", (), (IMAGE,), exit=0), "exit 0")
        self.see(SAVED, Seen("down", (), (IMAGE,), reason="", exit=1), "no reason")


if __name__ == "__main__":
    unittest.main()
