#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the client does for a unit of systemd: whether to act, for how long, and what it tells."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import unittest

from fakehost import CLIENT, LIMIT, wait_until
from fakelogind import HostWithLogind


class Units(unittest.TestCase):
    def setUp(self):
        self.host = self.enterContext(HostWithLogind())
        self.host.guest("web")
        self.host.start_daemon()

    def start(self):
        self.host.ctl("start", check=0)

    def expect_told(self, done, failed):
        """systemd has been told so many guests, in this order."""
        wait_until(lambda: any([int(number) for number in re.findall(r"\d+", said)] == [done, failed]
                               for said in self.host.systemd.statuses()), f"{done} and {failed} for systemd")

    def test_an_explicit_stop_stops_guests(self):
        self.start()
        self.host.unit_ctl("stop")
        self.assertEqual(self.host.states(), {"web": "saved"})
        self.expect_told(1, 0)

    def test_a_stop_for_a_unit_that_conflicts_leaves_guests_alone_and_says_why(self):
        self.start()
        self.host.tell("conflict xendomains-guests.service libvirtd.service")
        for how in ("job", "active"):
            self.host.tell(f"{how} libvirtd.service")
            said = self.host.unit_ctl("stop")

            self.assertIn("libvirtd.service", said)
            self.assertEqual(self.host.states(), {"web": "running"})
            self.host.tell(f"{how} ")

    def test_when_the_host_goes_down_a_conflict_is_none(self):
        self.start()
        self.host.tell("conflict xendomains-guests.service libvirtd.service")
        self.host.tell("active libvirtd.service")
        self.host.tell("job reboot.target")
        self.assertIn("reboot.target", self.host.unit_ctl("stop"))
        self.assertEqual(self.host.states(), {"web": "saved"})

    def test_without_an_answer_of_systemd_guests_are_stopped(self):
        self.start()
        self.host.kill_bus()
        self.assertIn("systemd", self.host.unit_ctl("stop"))
        self.assertEqual(self.host.images(), ["web"])

    def test_a_libsystemd_that_cannot_be_loaded_leaves_no_guest_behind(self):
        self.start()
        libraries = self.host.root / "libraries"
        libraries.mkdir()
        (libraries / "libsystemd.so.0").touch()
        self.assertIn("libsystemd", self.host.unit_ctl("stop", LD_LIBRARY_PATH=str(libraries)))
        self.assertEqual(self.host.images(), ["web"])

    def test_nobody_waits_for_libsystemd_to_be_loaded_for_a_status(self):
        loaded = subprocess.run([CLIENT, "status"], text=True, capture_output=True, check=True,
                                env={"LD_TRACE_LOADED_OBJECTS": "1"}).stdout
        self.assertIn("libjson-c.so", loaded)
        self.assertNotIn("libsystemd.so", loaded)

    def expect_given_up(self):
        """The stop of the guest goes on: it has not failed."""
        self.assertEqual(self.host.states()["hung"], "shutting-down")
        self.assertEqual(self.host.logged("SEQUENCE_FAILED"), [])

    def test_a_stop_gives_up_while_systemd_still_has_patience(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=0)
        self.host.ctl("reload", check=0)
        self.host.guest("hung", never_off=True)
        self.start()
        # Half of them are for other units.
        self.host.tell("timeout 4")
        self.host.tell("job poweroff.target")
        self.host.unit_ctl("stop", check=1)
        self.expect_given_up()

    def test_what_other_units_have_used_of_systemds_patience_is_gone(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=0)
        self.host.ctl("reload", check=0)
        self.host.guest("hung", never_off=True)
        self.start()
        # 90 s are for the units that are stopped behind it, and 30 s are kept back. The daemon asks as
        # soon as there is a job.
        self.host.tell("timeout 1122")
        self.host.tell("begun 1000")
        self.host.tell("job poweroff.target")
        self.host.unit_ctl("stop", check=1)
        self.expect_given_up()

    def test_without_a_daemon_it_gives_up_as_well(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=0)
        self.host.ctl("reload", check=0)
        self.host.guest("hung", never_off=True)
        self.start()
        self.host.kill_daemon()
        self.assertEqual(self.host.once("stop", "--limit=2"), 1)
        self.assertEqual(len(self.host.logged("TIME_OVER")), 1)

    def test_a_start_at_boot_can_be_skipped_once_by_a_file(self):
        skip = self.host.state / "skip-start"
        skip.touch()
        self.assertIn("skip-start", self.host.unit_ctl("start"))
        self.assertEqual(self.host.states(), {"web": "stopped"})
        self.assertFalse(skip.exists())
        self.host.unit_ctl("start")
        self.assertEqual(self.host.states(), {"web": "running"})
        self.expect_told(1, 0)

    def test_a_start_at_boot_can_be_skipped_once_by_the_kernels_command_line(self):
        line = {"SYSTEMD_PROC_CMDLINE": "ro xendomains.skip quiet"}
        self.assertIn("xendomains.skip", self.host.unit_ctl("start", **line))
        self.assertEqual(self.host.states(), {"web": "stopped"})
        self.host.unit_ctl("start", **line)
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_what_a_person_starts_is_not_skipped(self):
        (self.host.state / "skip-start").touch()
        self.start()
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_a_failed_start_shows_in_the_exit_status(self):
        self.host.guest("broken", create_error="no room")
        self.host.unit_ctl("start", check=1)
        self.expect_told(1, 1)

    def test_progress_puts_off_the_end_of_systemds_patience(self):
        self.host.guest("slow", create_ms=500)
        self.host.unit_ctl("start")
        wait_until(lambda: any("EXTEND_TIMEOUT_USEC" in words for words in self.host.systemd.said),
                   "more time to be asked for")

    def expect_other_program(self, said):
        self.assertRegex(said, r"/xendomainsd\b.*: " + os.strerror(errno.ENOENT))

    def test_a_daemon_that_hangs_is_not_waited_for(self):
        self.start()
        self.host.daemon.send_signal(signal.SIGSTOP)
        # It is done without the daemon, by a program that the tests do not install.
        self.expect_other_program(self.host.unit_ctl("--or-once", "stop", check=4))
        self.host.daemon.send_signal(signal.SIGCONT)

    def test_a_queue_of_connections_that_is_full_is_not_waited_for(self):
        self.start()
        self.host.daemon.send_signal(signal.SIGSTOP)
        self.fill_queue()
        self.expect_other_program(self.host.unit_ctl("--or-once", "stop", check=4))
        self.host.daemon.send_signal(signal.SIGCONT)

    def fill_queue(self):
        """Connections that were closed stay in it until a daemon takes them."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(100000):
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as s:
                    s.connect(str(self.host.socket))
            self.fail("the queue has no end")

    def test_a_journal_that_hangs_keeps_no_guest_from_its_stop(self):
        self.start()
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        stop = self.host.command_line("--unit=xendomains-guests.service", "stop")
        done = subprocess.run(stop, stdout=writer, stderr=writer, env=self.host.environment(), timeout=LIMIT)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.host.states(), {"web": "saved"})
        os.close(reader)
        os.close(writer)


if __name__ == "__main__":
    unittest.main()
