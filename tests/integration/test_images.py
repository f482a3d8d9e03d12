#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that can be trusted: what is told of them, and when a guest is not brought back from one."""

import errno
import json
import os
import re
import shlex
import socket
import struct
import subprocess
import time
import unittest

import memory
from fakehost import LIMIT, MANAGER, NOT_POSSIBLE, FakeHostTest, wait_until

HALF = 2048
BLOCK = 4096


def stream_begin(image):
    """Where the stream begins, by xl's header."""
    (length,) = struct.unpack("<I", image.read_bytes()[44:48])
    return 48 + length


def tear_stamp(image):
    """As a power cut does that comes before the disks were described, and as an earlier version, which
    had no first stamp, left an image then."""
    with image.open("r+b") as file:
        file.seek(stream_begin(image) - HALF)
        file.write(bytes(HALF))
        file.seek(stream_begin(image) - 2 * BLOCK)
        file.write(bytes(BLOCK))


def make_xls(image):
    """Takes out of an image what xl would not have written."""
    data = image.read_bytes()
    begin = stream_begin(image)
    (config,) = struct.unpack("<I", data[48:52])
    head = data[:44] + struct.pack("<I", 4 + config) + data[48:52 + config]
    image.write_bytes(head + data[begin:])


class Images(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.disk = self.host.root / "disk"
        self.disk.write_bytes(bytes(4096))
        self.image = self.host.save / "web"

    def started(self, name="web"):
        """A guest with a disk. Returns which of its boots this is."""
        path = self.host.guest(name)
        config = json.loads(path.read_text())
        config["disks"] = [{"pdev_path": str(self.disk), "vdev": "xvda", "readwrite": 1}]
        path.write_text(json.dumps(config))
        self.host.ctl("start", check=0)
        return self.host.boot(name)

    def saved(self, name="web"):
        """The same, saved."""
        boot = self.started(name)
        self.host.ctl("stop", check=0)
        return boot

    def native(self, text):
        self.host.native.write_text(text)
        self.host.ctl("reload", check=0)

    def list(self):
        said = json.loads(self.host.ctl("--json", "image", "list"))
        return {image["file"]: image for image in said["images"]}

    def test_image_tells_who_saved_it_when_and_where(self):
        before = time.time()
        self.saved()
        image = self.list()["web"]
        self.assertEqual((image["kind"], image["name"], image["by"]), ("image", "web", "xendomainsd"))
        self.assertEqual(image["host"], os.uname().nodename)
        self.assertEqual(image["xen"], "4.17.0")
        self.assertEqual(image["size"], self.image.stat().st_size)
        self.assertTrue(before <= image["saved_usec"] / 1e6 <= time.time())
        self.assertNotIn("problem", image)

    def advice(self, name):
        """The words of the command that the reason advises."""
        [command] = re.findall(r"""xendomainsctl (start --cold (?:\\.|[^\\'"\s])+)""",
                               self.host.reasons()[name])
        return shlex.split(command)

    def test_guest_whose_disk_changed_is_held_and_says_how_to_go_on(self):
        self.saved()
        self.disk.write_bytes(b"changed".ljust(4096))
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.assertIn(str(self.disk), self.list()["web"]["problem"])
        # What it says helps.
        self.host.ctl(*self.advice("web"), check=0)
        self.assertRegex(self.host.images()[0], r"^web\.stale-\d+$")
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_command_that_is_advised_names_the_guest_as_a_shell_takes_it(self):
        name = "the web's $HOME"
        self.saved(name)
        self.disk.write_bytes(b"changed".ljust(4096))
        self.host.ctl("start", check=1)
        self.assertEqual(self.advice(name), ["start", "--cold", name])
        self.host.ctl(*self.advice(name), check=0)
        self.assertEqual(self.host.states(), {name: "running"})

    def test_what_is_said_of_an_image_left_half_used_helps(self):
        for fault in (lambda image: self.disk.write_bytes(b"changed".ljust(4096)), tear_stamp):
            self.saved()
            consumed = self.image.rename(self.host.save / "web.restoring")
            fault(consumed)
            self.host.ctl("start", check=1)
            self.host.ctl(*self.advice("web"), check=0)
            self.assertEqual(self.host.states(), {"web": "running"})

    def fail_destroys(self, times):
        with self.host.world() as world:
            world["domains"][0]["destroy_fails"] = times

    def test_domain_that_goes_at_the_second_try_leaves_a_whole_image(self):
        boot = self.started()
        self.fail_destroys(1)
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_domain_that_does_not_go_is_removed_by_a_later_stop_and_its_disks_described(self):
        boot = self.started()
        self.fail_destroys(2)
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.domains()["web"]["state"], "suspended")
        self.host.stop_daemon()
        self.host.start_daemon()
        self.assertEqual(self.host.states(), {"web": "failed"})
        self.assertIn("xendomainsctl stop web", self.host.ctl("start", check=1))
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.domains(), {})
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_domain_that_is_left_is_not_let_run_where_images_are_switched_off(self):
        self.started()
        with self.host.world() as world:
            world["domains"][0]["destroy_fails"] = 2
        self.host.ctl("stop", check=1)
        self.host.configure(SAVE="")
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=1)
        self.assertEqual(self.host.domains()["web"]["state"], "suspended")
        self.host.configure()
        self.host.ctl("reload", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))

    def test_domain_whose_image_is_another_one_now_is_left_alone(self):
        self.started()
        self.fail_destroys(2)
        self.host.ctl("stop", check=1)
        self.image.unlink()
        reason = self.host.outcome("stop", check=1)["web"]["reason"]
        self.assertRegex(reason, r"\bdomain 1\b")
        self.assertEqual(list(self.host.domains()), ["web"])

    def failed_restore(self):
        """Leaves a domain that could neither be unpaused nor destroyed. Returns the boot that was saved."""
        self.host.guest("web", restore_ms=500)
        self.host.ctl("start", check=0)
        boot = self.host.boot("web")
        self.host.ctl("stop", check=0)
        with self.host.world() as world:
            world["unpause_fails"] = True
        start = self.host.ctl_in_background("start")
        wait_until(self.host.domains, "the restore")
        self.fail_destroys(9)
        start.communicate()
        self.assertEqual((start.returncode, list(self.host.domains())), (1, ["web"]))
        return boot

    def test_image_is_used_where_its_guest_may_have_run_unseen_behind_a_failed_restore(self):
        boot = self.failed_restore()
        with self.host.world() as world:
            world["unpause_fails"] = False
            world["domains"].clear()
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        self.assertRegex(self.host.images()[0], r"^web\.stale-\d+$")

    def test_what_a_power_cut_left_of_an_image_that_a_guest_ran_from_is_put_aside(self):
        boot = self.saved()
        whole = self.image.read_bytes()
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            world["domains"].clear()
        (self.host.save / "web.restoring").write_bytes(whole)
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        [(file, aside)] = self.list().items()
        self.assertRegex(file, r"^web\.restoring\.stale-\d+$")
        self.assertEqual(aside["kind"], "aside")
        self.assertTrue(aside["reason"])

    def test_guest_whose_disk_changed_is_started_afresh_where_configured_so(self):
        boot = self.saved()
        self.native("[Domain w*]\nImageChanged=afresh\n")
        self.disk.write_bytes(b"changed".ljust(4096))
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        [(file, aside)] = self.list().items()
        self.assertRegex(file, r"^web\.stale-\d+$")
        self.assertEqual(aside["kind"], "aside")
        self.assertIn(str(self.disk), aside["reason"])
        self.assertEqual(len(self.host.logged("GUEST_COLD", domain="web")), 1)

    def test_guest_whose_disk_is_not_there_waits_for_it_whatever_is_configured(self):
        boot = self.saved()
        self.native("[Host]\nImageUnknown=afresh\nImageChanged=afresh\n")
        elsewhere = self.disk.rename(self.host.root / "elsewhere")
        self.host.ctl("start", check=1)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))
        self.assertIn(str(self.disk), self.host.reasons()["web"])
        elsewhere.rename(self.disk)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_guest_whose_disks_nobody_described_is_held(self):
        boot = self.saved()
        tear_stamp(self.image)
        # A policy for what has changed is none for what is not known.
        self.native("[Host]\nImageChanged=afresh\n")
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed"})
        self.assertEqual(self.host.images(), ["web"])
        self.native("[Host]\nImageUnknown=afresh\n")
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)

    def test_damaged_image_is_held_whatever_is_configured(self):
        self.saved()
        self.native("[Host]\nImageUnknown=afresh\nImageChanged=afresh\n")
        data = bytearray(self.image.read_bytes())
        data[-1000] ^= 1
        self.image.write_bytes(data)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.assertEqual(self.host.images(), ["web"])

    def test_image_with_a_wrong_checksum_tells_how_the_guest_can_be_started(self):
        boot = self.saved()
        data = bytearray(self.image.read_bytes())
        data[len(data) // 2] ^= 1
        self.image.write_bytes(data)
        self.host.ctl("start", check=1)
        [command] = re.findall("'xendomainsctl ([^']*)'", self.host.reasons()["web"])
        self.host.ctl(*command.split(), check=0)
        self.assertNotIn(self.host.boot("web"), (None, boot))

    def test_image_of_a_newer_xen_is_held(self):
        boot = self.saved()
        self.host.stop_daemon()
        self.host.start_daemon(FAKE_XEN="4.16.5")
        self.host.ctl("start", check=1)
        self.assertRegex(self.host.reasons()["web"], r"\b4\.17\.0\b.*\b4\.16\.5\b")
        self.host.stop_daemon()
        self.host.start_daemon(FAKE_XEN="4.20.1")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_xls_image_is_judged_by_its_age(self):
        boot = self.saved()
        make_xls(self.image)
        # Nothing else is known of the guest than what the image says.
        self.host.stop_daemon()
        (self.host.state / "ledger").unlink()
        self.host.start_daemon()
        hour = 3600
        os.utime(self.image, (time.time() - hour, time.time() - hour))
        self.assertEqual(self.list()["web"]["by"], "xl")
        self.host.ctl("start", check=1)
        self.assertIn(str(self.disk), self.host.reasons()["web"])
        os.utime(self.disk, (time.time() - 2 * hour, time.time() - 2 * hour))
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertRegex(self.host.log.read_text(), rf"web: .*{re.escape(str(self.image))}.*\bxl\b")

    def moved_behind_a_link(self):
        """A saved guest whose image lies elsewhere. Returns its boot, and the folder."""
        boot = self.saved()
        away = self.host.root / "away"
        away.mkdir()
        self.image.rename(away / "image")
        self.image.symlink_to("../away/image")
        return boot, away

    def test_xls_image_that_is_written_while_it_is_restored_is_not_used(self):
        self.host.guest("web", restore_ms=1000)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        make_xls(self.image)
        self.host.stop_daemon()
        (self.host.state / "ledger").unlink()
        self.host.start_daemon()
        start = self.host.ctl_in_background("start")
        wait_until(lambda: self.host.domains(), "the guest to be built")
        os.utime(self.image)
        start.communicate(timeout=60)
        self.assertEqual(start.returncode, 1)
        self.assertEqual((self.host.domains(), self.host.images()), ({}, ["web"]))

    def test_image_behind_a_link_is_restored_where_root_alone_can_write(self):
        boot, away = self.moved_behind_a_link()
        away.chmod(0o777)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.assertIn(str(away), self.host.reasons()["web"])
        self.assertIn(str(away), self.list()["web"]["problem"])
        away.chmod(0o755)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        # The link is gone, as an image would be; the file is somebody's.
        self.assertEqual((self.host.images(), (away / "image").exists()), ([], True))
        self.host.ctl("stop", check=0)
        self.assertFalse(self.image.is_symlink())
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_image_behind_a_link_that_was_used_is_not_used_again(self):
        boot, away = self.moved_behind_a_link()
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        with self.host.world() as world:
            world["domains"].clear()
        self.image.symlink_to("../away/image")
        self.host.ctl("start", check=0)
        self.assertNotEqual(self.host.boot("web"), boot)
        self.assertTrue((away / "image").exists())

    def xls_image_of(self, name):
        """A guest's image under the guest's own name, as the xendomains script leaves it. Returns its boot."""
        self.host.guest(name)
        self.host.ctl("start", name, check=0)
        boot = self.host.boot(name)
        self.host.ctl("stop", name, check=0)
        [ours] = [image for image in self.host.save.iterdir() if self.list()[image.name]["name"] == name]
        make_xls(ours.rename(self.host.save / name))
        self.host.stop_daemon()
        (self.host.state / "ledger").unlink()
        self.host.start_daemon()
        return boot

    def test_xls_image_whose_guest_has_a_name_like_our_files_is_restored(self):
        for name in ("web.part", "web.restoring"):
            with self.subTest(name):
                boot = self.xls_image_of(name)
                self.assertEqual(self.list()[name]["kind"], "image")
                self.host.ctl("start", name, check=0)
                self.assertEqual(self.host.boot(name), boot)
                self.assertNotIn(name, self.host.images())

    def test_save_does_not_remove_the_image_of_a_guest_whose_name_is_that_of_its_part(self):
        boot = self.xls_image_of("web.part")
        self.host.guest("web")
        self.host.ctl("start", "web", check=0)
        self.host.ctl("stop", "web", check=0)
        self.assertEqual(self.host.images(), ["web", "web%2Epart"])
        self.host.ctl("start", "web.part", check=0)
        self.assertEqual(self.host.boot("web.part"), boot)

    def test_link_to_an_image_beside_it_is_no_second_image(self):
        boot = self.saved()
        self.image.rename(self.host.save / "web-big")
        self.image.symlink_to("web-big")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)
        self.assertEqual(self.host.images(), ["web"])
        self.assertIn(str(self.image), self.host.ctl("status"))

    def test_link_to_an_image_beside_it_that_cannot_be_read_holds_its_guest(self):
        self.saved()
        big = self.host.save / "web-big"
        self.image.rename(big)
        self.image.symlink_to("web-big")
        big.write_bytes(b"x" * 4096)
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})

    def test_directory_that_is_a_link_to_nothing_is_not_taken_for_empty(self):
        boot = self.saved()
        away = self.host.root / "away"
        self.host.save.rename(away)
        self.host.save.symlink_to(self.host.root / "not-mounted")
        self.host.stop_daemon()
        (self.host.state / "ledger").unlink()
        self.host.start_daemon()
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.domains(), {})
        self.host.save.unlink()
        away.rename(self.host.save)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.boot("web"), boot)

    def test_link_to_nothing_holds_a_guest_that_is_known_and_makes_none(self):
        _, away = self.moved_behind_a_link()
        away.rename(self.host.root / "not mounted")
        lost = self.host.save / "unheard-of"
        lost.symlink_to("/nonexistent/image")
        self.host.ctl("start", check=1)
        self.assertEqual((self.host.domains(), self.host.states()), ({}, {"web": "failed"}))
        said = self.host.ctl("status")
        self.assertIn(str(lost), said)
        self.assertIn(str(self.image), said)

    def test_verify_reads_it_through(self):
        self.saved()
        [image] = self.host.json("image", "verify", "web", check=0)["images"]
        self.assertEqual((image["verified"], image.get("problem")), (True, None))
        data = bytearray(self.image.read_bytes())
        data[-1000] ^= 1
        self.image.write_bytes(data)
        # To list them is no reason to read them.
        self.host.ctl("image", "list", check=0)
        [image] = self.host.json("image", "verify", "web", check=1)["images"]
        self.assertFalse(image.get("verified"))
        self.assertTrue(image["problem"])

    def test_delete_takes_images_only_and_from_the_folder_only(self):
        (self.host.save / "README").write_text("images")
        outside = self.host.root / "outside"
        outside.write_text("")
        for name in ("README", "../outside", "..", ".", str(outside), "nobody"):
            self.host.ctl("image", "delete", name, check=1)
        [image] = self.host.json("image", "delete", "nobody", check=1)["images"]
        self.assertEqual((image["problem"], image["missing"]), (os.strerror(errno.ENOENT), True))
        self.assertTrue(outside.exists() and (self.host.save / "README").exists())
        self.host.ctl("image", "delete", check=2)
        self.host.ctl("image", "list", "web", check=2)
        self.host.ctl("image", "frobnicate", check=2)

    def test_name_that_no_image_has_is_told_once_and_the_others_are_done(self):
        self.saved()
        for words, said in ((["verify", "--progress=none"], "verified"), (["delete"], "deleted")):
            done = subprocess.run(self.host.command_line("image", *words, "wbe", "web", "wbe", "web"),
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout.count(said), 1)
            self.assertNotIn("wbe", done.stdout)
            self.assertRegex(done.stderr, r'^No image named "wbe"\. Did you mean "web"\? Run .*\n$')
        # Nothing is like it now.
        for verb in ("verify", "delete"):
            for name in ("web", "/var/lib/xen/save/web", "a\x1bb"):
                done = subprocess.run(self.host.command_line("image", verb, name), capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertRegex(done.stderr, r'^No image named "[^\x1b]*"\. Run .*\n$')

    def test_link_to_nothing_is_an_image_all_the_same(self):
        (self.host.save / "web").symlink_to(self.host.root / "nowhere")
        [image] = self.host.json("image", "verify", "web", check=1)["images"]
        self.assertNotIn("missing", image)
        self.assertIn("problem", image)

    def test_image_that_a_guest_is_at_work_with_is_not_deleted(self):
        self.host.guest("web", save_ms=1500, restore_ms=1500)
        self.host.ctl("start", check=0)
        for goal in ("stop", "start"):
            at_work = self.host.ctl_in_background(goal)
            self.host.worker("web")
            for file in ("web", "web.part", "web.restoring"):
                self.host.ctl("image", "delete", file, check=1)
            at_work.communicate()
            self.assertEqual(at_work.returncode, 0)

    def test_list_tells_which_image_its_guest_has_outlived(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        [image] = self.host.json("image", "list", check=0)["images"]
        self.assertNotIn("outlived", image)
        copy = self.host.save / image["file"]
        data = copy.read_bytes()
        self.host.ctl("start", check=0)
        copy.touch(mode=0o600)
        copy.write_bytes(data)
        self.host.status()
        [image] = self.host.json("image", "list", check=0)["images"]
        self.assertTrue(image["outlived"])
        self.assertNotIn("problem", image)
        [image] = self.host.json("image", "verify", image["file"], check=0)["images"]
        self.assertEqual((image["verified"], image["outlived"]), (True, True))
        # The next image has its name, and what is known is still of the last look.
        self.host.ctl("stop", check=0)
        kinds = {image["kind"]: image for image in self.host.json("image", "list", check=0)["images"]}
        self.assertNotIn("outlived", kinds["image"])

    def test_list_shows_what_is_no_image(self):
        (self.host.save / "README").write_text("images")
        (self.host.save / "web.part").write_text("")
        (self.host.save / ".hidden").write_text("")
        files = self.list()
        self.assertEqual({file: image["kind"] for file, image in files.items()},
                         {"README": "foreign", "web.part": "part"})
        self.assertTrue(files["web.part"]["problem"])

    def test_there_are_no_images_where_they_are_switched_off(self):
        self.host.configure(SAVE="")
        self.host.ctl("reload", check=0)
        self.assertEqual(self.host.call("ListImages")["error"], NOT_POSSIBLE)
        self.assertIn("XENDOMAINS_SAVE", self.host.ctl("image", "list", check=1))


class Verify(FakeHostTest):
    """An image that takes a while to be read."""

    def setUp(self):
        super().setUp()
        self.image = self.host.save / "long"
        config = {"c_info": {"name": "long", "uuid": "11111111-2222-4333-8444-555555555555"}, "b_info": {}}
        memory.write_long(self.image, config, 160)
        self.settle(self.image)
        self.size = self.image.stat().st_size

    def settle(self, path):
        """Until it is written back, a file may come to take more on the disk."""
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def replies(self, **members):
        """What the daemon answers to a call."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            s.connect(str(self.host.socket))
            call = {"method": f"{MANAGER}.VerifyImage", "parameters": {"file": "long"}} | members
            s.sendall(json.dumps(call).encode() + b"\0")
            with s.makefile("rb") as file:
                text = b""
                while True:
                    text += file.read(1)
                    if text.endswith(b"\0"):
                        yield json.loads(text[:-1])
                        text = b""

    def test_list_tells_what_it_takes_on_the_disk_and_what_its_memory_is(self):
        [image] = self.host.json("image", "list", check=0)["images"]
        self.assertEqual((image["size"], image["disk_size"]), (self.size, self.image.stat().st_blocks * 512))
        self.assertLess(image["disk_size"], self.size / 100)
        said = self.host.ctl("image", "list", check=0)
        self.assertIn(f"{image['disk_size'] / 1024:.0f} KiB  10 GiB ", said)

    def test_who_wants_its_progress_gets_it_and_the_image_last(self):
        events = []
        for reply in self.replies(more=True):
            if not reply.get("continues"):
                break
            self.assertEqual(reply["parameters"]["images"], [])
            events.append(reply["parameters"]["event"])
        [image] = reply["parameters"]["images"]
        self.assertTrue(image["verified"])
        self.assertEqual({(e["name"], e["stage"]) for e in events}, {("long", "verify")})
        *running, last = events
        self.assertEqual((last["result"], last["final"]), ("ok", True))
        self.assertEqual([e["result"] for e in running], ["running"] * len(running))
        self.assertGreater(len(running), 1)
        self.assertLessEqual(len(running), 2 + last["elapsed_usec"] / 1e6)
        self.assertEqual(running[0]["bytes"], 0)
        for before, after in zip(running, running[1:]):
            self.assertLess(before["bytes"], after["bytes"])
        for event in running:
            self.assertAlmostEqual(event["total_bytes"], self.size, delta=10000)
            self.assertEqual(event.get("percent", 0), min(event["bytes"] * 100 // event["total_bytes"], 99))

    def test_who_does_not_ask_for_its_progress_gets_the_image_only(self):
        reply = self.host.call("VerifyImage", file="long")
        self.assertEqual(list(reply), ["parameters"])
        self.assertEqual(list(reply["parameters"]), ["images"])

    def test_what_a_pipe_gets(self):
        with self.image.open("rb") as file:
            self.image.with_name("bad").write_bytes(file.read(100))
        self.settle(self.image.with_name("bad"))
        begins, done, *table = self.host.ctl("image", "verify", "long", "bad", check=1).splitlines()
        self.assertEqual(begins, "long: verify begins")
        self.assertRegex(done, r"^long: verify done in .* s$")
        self.assertEqual(table[0].split()[0], "FILE")
        self.assertEqual([line.split()[0] for line in table[1:]], ["long", "bad", "bad:"])
        self.assertEqual(self.host.ctl("image", "verify", "--progress=none", "long", "bad", check=1).splitlines(), table)

    def test_what_programs_get(self):
        *events, answer = map(json.loads, self.host.ctl("--progress=json", "image", "verify", "long", check=0).splitlines())
        self.assertTrue(events[-1]["event"]["final"])
        self.assertGreater(len(events), 2)
        self.assertTrue(answer["images"][0]["verified"])
        self.assertEqual(self.host.json("image", "verify", "long", check=0), answer)

    def test_its_end_is_told_also_if_it_is_damaged(self):
        with self.image.open("r+b") as file:
            file.seek(-len(memory.END), os.SEEK_END)
            file.write(b"\xee" * 8)
        *events, answer = map(json.loads, self.host.ctl("--progress=json", "image", "verify", "long", check=1).splitlines())
        self.assertEqual((events[-1]["event"]["result"], events[-1]["event"]["final"]), ("failed", True))
        self.assertIn("problem", answer["images"][0])


class Cat(FakeHostTest):
    """An image on its way to 'xl restore /dev/stdin'."""

    def setUp(self):
        super().setUp()
        self.host.guest("web", pages=600)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.image = self.host.save / "web"
        self.whole = self.image.read_bytes()

    def test_image_is_written_as_it_is(self):
        for file in "web", self.image, os.path.relpath(self.image):
            self.assertEqual(self.host.cat(file), (0, self.whole, ""))

    def test_path_needs_no_daemon_and_a_name_does(self):
        self.host.stop_daemon()
        self.assertEqual(self.host.cat(self.image), (0, self.whole, ""))
        status, data, _ = self.host.cat("web")
        self.assertEqual((status, data), (4, b""))

    def test_image_of_xl_is_written_as_it_is(self):
        make_xls(self.image)
        self.assertEqual(self.host.cat("web"), (0, self.image.read_bytes(), ""))

    def test_reader_of_a_damaged_image_sees_no_end(self):
        end = len(memory.END)
        for what, data in (("stream", self.whole[:-5000] + b"?" + self.whole[-4999:]),
                           ("structure", self.whole[:-end] + b"?" + self.whole[1 - end:])):
            with self.subTest(what):
                self.image.write_bytes(data)
                status, written, said = self.host.cat("web")
                self.assertEqual(status, 1)
                self.assertLess(len(written), len(data) - end)
                self.assertRegex(said, rf"^{re.escape(str(self.image))}: ")

    def test_nothing_is_written_of_what_is_seen_to_be_no_whole_image(self):
        begin = memory.stream_begin(self.whole)
        for what, data in (("cut short", self.whole[:-1]), ("with more", self.whole + b"?"), ("empty", b""),
                           ("none", b"none of ours"), ("part", self.whole[:begin - BLOCK] + b"xendomainsd incomplete\0"
                                                       + self.whole[begin - BLOCK + 23:])):
            with self.subTest(what):
                self.image.write_bytes(data)
                status, written, said = self.host.cat("web")
                self.assertEqual((status, written), (1, b""))
                self.assertRegex(said, rf"^{re.escape(str(self.image))}: ")
        status, written, said = self.host.cat("other")
        self.assertEqual((status, written), (1, b""))
        self.assertIn("other", said)

    def test_it_takes_one_file_and_no_terminal(self):
        for words in ((), ("web", "web"), ("--json", "web"), ("--names", "web")):
            self.host.ctl("image", "cat", *words, check=2)
        self.host.ctl("image", "list", "--worker=/bin/true", check=2)
        ours, its = os.openpty()
        try:
            done = subprocess.run(self.host.command_line("image", "cat", "web"), stdout=its, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"xl restore", done.stderr)
        finally:
            os.close(ours)
            os.close(its)

    def test_reader_that_goes_away_is_an_error(self):
        ours, its = os.pipe()
        os.close(ours)
        try:
            done = subprocess.run([self.host.program, "cat", self.image], stdout=its, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1)
        finally:
            os.close(its)


if __name__ == "__main__":
    unittest.main()
