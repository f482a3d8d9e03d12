#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that are compressed: guests come back from them, and from nothing that is not whole."""

import os
import re
import unittest

import memory
from fakehost import BUILD, FakeHostTest, wait_until

ZSTD = "[Host]\nImageCompression=zstd\n"
STARVER = BUILD / "tests/fake/libstarve.so"
# Sizes of what zstd asks for at one time: several threads for the first when they begin, for the second with the
# first bytes; the third is below what even one thread asks for.
THREADS_STARVE, THREADS_STARVE_LATER, ZSTD_STARVES = (3 << 20, 1 << 62), (2 << 20, 3 << 20), (300 << 10, 1 << 62)
PAGES = 300
BLOCK, HALF = 4096, 2048


class Compression(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.image = self.host.save / "web"
        self.native(ZSTD)
        self.host.guest("web", pages=PAGES)

    def native(self, text, check=0):
        self.host.native.write_text(text)
        return self.host.ctl("reload", check=check)

    def saved(self):
        """A guest that is saved. Returns which of its boots this is."""
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        return boot

    def is_compressed(self):
        return self.image.stat().st_size < PAGES * memory.PAGE

    def starve(self, sizes):
        """Workers have no memory for an allocation that is as large as the first, and smaller than the second."""
        if os.environ.get("SANITIZED"):
            self.skipTest("a sanitizer brings an allocator of its own")
        self.host.stop_daemon()
        self.host.start_daemon(LD_PRELOAD=str(STARVER), STARVE_IN="xendomains-worker", STARVE_FROM=str(sizes[0]),
                               STARVE_BELOW=str(sizes[1]))

    def suspended(self):
        return sum("suspended" in line for line in self.host.history())

    def feed(self):
        self.host.stop_daemon()
        self.host.start_daemon()

    def said(self, words):
        return self.host.log.read_text().count(words)

    def test_without_memory_for_threads_one_thread_compresses(self):
        self.starve(THREADS_STARVE)
        boot = self.saved()
        self.assertTrue(self.is_compressed())
        self.assertEqual(self.said("compressing in one"), 1)
        self.feed()
        self.expect_restore(boot)

    def test_without_memory_for_compression_the_guest_is_saved_plain(self):
        for sizes, suspended in (ZSTD_STARVES, 1), (THREADS_STARVE_LATER, 2):
            with self.subTest(sizes):
                self.starve(sizes)
                before, told = self.suspended(), self.said("saving it without compression")
                boot = self.saved()
                self.assertFalse(self.is_compressed())
                self.assertEqual(self.host.stages("web")[-1], "save")
                self.assertEqual(self.said("saving it without compression"), told + 1)
                # In between it ran on.
                self.assertEqual(self.suspended(), before + suspended)
                self.feed()
                self.expect_restore(boot)

    def expect_restore(self, boot):
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertEqual(self.host.images(), [])

    def test_guest_comes_back_after_a_restart_of_the_daemon(self):
        boot = self.saved()
        self.assertTrue(self.is_compressed())
        self.assertEqual(self.image.stat().st_mode & 0o777, 0o600)
        self.host.stop_daemon()
        self.host.start_daemon()
        self.assertEqual(self.host.states(), {"web": "saved"})
        self.expect_restore(boot)

    def test_images_of_either_kind_are_restored_whatever_is_set_by_then(self):
        for before, after in (ZSTD, ""), ("", ZSTD):
            with self.subTest(before):
                self.native(before)
                boot = self.saved()
                self.assertEqual(self.is_compressed(), before == ZSTD)
                self.native(after)
                self.expect_restore(boot)

    def shown(self):
        """What people see of the sizes."""
        head, line = (re.split("  +", line) for line in self.host.ctl("image", "list", check=0).splitlines())
        return [line[head.index(column)] for column in ("DISK", "MEMORY")]

    def test_list_tells_both_sizes(self):
        self.saved()
        plain = len(self.host.cat("web")[1])
        image = self.host.json("image", "list", check=0)["images"][0]
        self.assertEqual((image["compression"], image["size"], image["plain_size"]),
                         ("zstd", self.image.stat().st_size, plain))
        self.assertEqual(image["disk_size"], self.image.stat().st_blocks * 512)
        self.assertEqual(self.shown(), [f"{image['disk_size'] >> 10} KiB", f"{plain / 1048576:.1f} MiB"])
        self.image.write_bytes(self.host.cat("web")[1])
        image = self.host.json("image", "list", check=0)["images"][0]
        self.assertEqual(image["size"], plain)
        self.assertFalse({"compression", "plain_size"} & set(image))
        self.assertEqual(self.shown()[1], f"{plain / 1048576:.1f} MiB")

    def test_guests_can_differ(self):
        self.native(ZSTD + "[Domain web*]\nImageCompression=none\n")
        self.saved()
        self.assertFalse(self.is_compressed())

    def test_mistake_is_told_and_guests_are_saved_as_without_it(self):
        mistake = "xendomains.conf:2: ImageCompression=gzip: must be none or zstd"
        self.assertIn(mistake, self.native(ZSTD.replace("zstd", "gzip"), check=1))
        self.assertIn(mistake, self.host.ctl("status", check=1))
        boot = self.saved()
        self.assertFalse(self.is_compressed())
        self.expect_restore(boot)

    def test_whole_image_is_verified(self):
        self.saved()
        said = self.host.json("image", "verify", "web", check=0)["images"][0]
        self.assertTrue(said["verified"])

    def test_what_is_written_for_xl_is_the_image_without_compression(self):
        self.native("")
        boot = self.saved()
        plain = self.image.read_bytes()
        self.native(ZSTD)
        self.expect_restore(boot)
        self.host.ctl("stop", check=0)
        packed = self.image.read_bytes()
        status, written, said = self.host.cat("web")
        self.assertEqual((status, said), (0, ""))
        begin = memory.stream_begin(plain)
        self.assertEqual(written[begin:], plain[begin:])
        # Before that, all but the flag and the facts is as it was.
        self.assertEqual(written[:40], plain[:40])
        self.assertEqual(written[40:begin - BLOCK], packed[40:begin - BLOCK])
        self.assertEqual(written[begin - HALF:begin], packed[begin - HALF:begin])
        for member in b"compression", b"stored_bytes":
            self.assertIn(member, packed[:begin])
            self.assertNotIn(member, written)

    def test_what_is_written_for_xl_is_restored_in_place_of_the_image(self):
        boot = self.saved()
        _, written, _ = self.host.cat("web")
        self.image.write_bytes(written)
        self.assertEqual(self.host.cat("web"), (0, written, ""))
        self.native("")
        self.host.json("image", "verify", "web", check=0)
        self.expect_restore(boot)

    def test_reader_of_a_damaged_image_sees_no_end(self):
        self.saved()
        _, whole, _ = self.host.cat("web")
        for what, data in list(self.damages()):
            with self.subTest(what):
                self.image.write_bytes(data)
                status, written, said = self.host.cat("web")
                self.assertEqual(status, 1)
                self.assertLess(len(written), len(whole))
                self.assertIn(str(self.image), said)

    def damages(self):
        """Images that are not whole any more."""
        whole = self.image.read_bytes()
        begin = memory.stream_begin(whole)
        for at in range(begin, len(whole), max((len(whole) - begin) // 12, 1)):
            yield f"byte {at}", whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1:]
        yield "cut short by one", whole[:-1]
        yield "without its stream", whole[:begin]
        yield "with more", whole + b"\0"
        yield "with a second frame", whole + whole[begin:]
        yield "another flag", whole[:36] + b"\3\0\0\xc0" + whole[40:]
        yield "without its flag", whole[:36] + b"\3\0\0\0" + whole[40:]

    def test_damaged_image_is_found_before_its_guest_runs_and_is_kept(self):
        boot = self.saved()
        whole = self.image.read_bytes()
        for what, data in list(self.damages()):
            with self.subTest(what):
                self.image.write_bytes(data)
                self.assertIn("problem", self.host.json("image", "verify", "web", check=1)["images"][0])
                self.host.ctl("start", check=1)
                self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
                self.assertEqual(self.image.read_bytes(), data)
        self.image.write_bytes(whole)
        self.expect_restore(boot)

    def test_save_whose_worker_is_killed_leaves_the_guest_running(self):
        self.host.configure(SHUTDOWN="", SHUTDOWN_ALL="")
        self.native(ZSTD)
        self.host.guest("web", pages=PAGES, save_ms=20000)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        stop = self.host.ctl_in_background("stop", "web")
        wait_until(lambda: self.host.images() == ["web.part"], "the save to begin")
        self.host.kill_worker("web")
        stop.communicate(timeout=60)
        self.assertEqual((self.host.boot("web"), self.host.images()), (boot, []))


if __name__ == "__main__":
    unittest.main()
