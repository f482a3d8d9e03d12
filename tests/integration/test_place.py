#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where images are saved: what makes a save impossible is told while the guests still run."""

import json
import os
import unittest

from fakehost import FakeHostTest, wait_until


class Place(FakeHostTest):
    def notes(self):
        return json.loads(self.host.ctl("--json", "status"))["warnings"]

    def test_directory_that_others_can_write_gets_no_image(self):
        self.host.guest("web", off_ms=10)
        for mode in (0o777, 0o770):
            self.host.save.chmod(mode)
            self.host.ctl("start", check=0)
            self.assertEqual(len(self.notes()), 1)
            self.assertEqual(self.host.plan("stop")["web"]["stages"], ["shutdown", "shutdown-all"])
            self.host.ctl("stop", check=0)
            self.assertNotIn("save", self.host.stages("web"))
            self.assertEqual((self.host.images(), self.host.states()), ([], {"web": "stopped"}))
        for mode in (0o1777, 0o755):
            self.host.save.chmod(mode)
            self.assertEqual(self.notes(), [])
            self.host.ctl("start", check=0)
            self.host.ctl("stop", check=0)
            self.assertEqual((self.host.images(), self.host.states()), (["web"], {"web": "saved"}))

    def test_directory_that_is_opened_to_others_during_a_stop_gets_no_more_images(self):
        self.host.guest("db", save_ms=1000)
        self.host.guest("web", off_ms=10)
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.ctl("reload", check=0)
        self.host.ctl("start", check=0)
        stop = self.host.ctl_in_background("stop")
        wait_until(lambda: self.host.domains().get("db", {}).get("state") == "suspended", "the first save")
        self.host.save.chmod(0o777)
        stop.communicate()
        self.assertEqual(self.host.stages("web", "STAGE_FAILED"), ["save"])
        # Found before the guest was suspended.
        self.assertEqual(self.host.stages("web")[-1], "shutdown")
        self.assertEqual(self.host.images(), ["db"])

    def test_place_where_no_directory_can_be_made_is_told_before_a_stop(self):
        self.host.guest("web", off_ms=10)
        for place in ("missing/save", "link", "file", "file/save"):
            with self.subTest(place=place):
                self.host.configure(SAVE=self.host.root / place)
                (self.host.root / "file").touch()
                (self.host.root / "link").unlink(missing_ok=True)
                (self.host.root / "link").symlink_to("nothing")
                self.host.ctl("reload", check=0)
                self.host.ctl("start", check=0)
                self.assertTrue(any("no guest can be saved" in note for note in self.notes()))
                self.assertEqual(self.host.plan("stop")["web"]["stages"], ["shutdown", "shutdown-all"])
        self.host.configure(SAVE=self.host.root / "made")
        self.host.ctl("reload", check=0)
        self.assertEqual(self.host.plan("stop")["web"]["stages"][0], "save")
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved"})

    @unittest.skipIf(os.geteuid(), "only root can give a directory away")
    def test_directory_of_another_user_gets_no_image(self):
        os.chown(self.host.save, 65534, 65534)
        self.host.guest("web", off_ms=10)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertNotIn("save", self.host.stages("web"))
        self.assertEqual((self.host.images(), self.host.states()), ([], {"web": "stopped"}))


if __name__ == "__main__":
    unittest.main()
