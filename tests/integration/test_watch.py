#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A status that is watched follows the daemon: it is told of changes, and asks once a minute at most."""

import fcntl
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import termios
import time
import unittest

from beside import at_once
from fakehost import CLIENT, LIMIT, FakeHost, FakeHostTest, wait_until
from test_access import MANAGER
from test_rest import SILENCE, wakings
from test_screens import COLOUR, MOVES, Screen

# An hour of the host takes so many seconds of the world.
SPEED, HOUR, MINUTE = 200, 3600, 60

# What does not change unless something happens.
COLUMNS = "--columns=name,state,doing,restarts,memory,domid,vcpus,by"

GUESTS = 1000

# The picture is two seconds old at most.
AGO = re.compile(r"\d+-\d+-\d+ [\d:]+, [\d a-z]+ ago")


class Watch:
    """A terminal with a status in it."""

    def __init__(self, host, lines, *words):
        self.screen = Screen([CLIENT, "--socket", host.socket, "status", "--watch", *words], 200, lines)
        self.pid = self.screen.process.pid
        self.frames = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.screen.__exit__()

    def read(self, seconds=0.0, until=lambda: False):
        """Lets it draw for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not until():
            if select.select([self.screen.master], [], [], min(left, 0.1))[0] and not self.screen.read():
                raise AssertionError(self.screen.text())
        # Of what has been drawn over nothing is kept.
        last = self.screen.said.rfind(b"\x1b[H", 0, max(self.screen.said.rfind(b"\x1b[J"), 0))
        self.frames += self.screen.said.count(b"\x1b[H", 0, max(last, 0))
        self.screen.said = self.screen.said[max(last, 0):]

    def lines(self):
        """The last picture that is whole."""
        text = self.screen.text()
        return MOVES.sub("", COLOUR.sub("", text[:max(text.rfind("\x1b[J"), 0)])).splitlines()

    def wait_for(self, pattern):
        self.read(LIMIT, lambda: re.search(pattern, self.text()))
        assert re.search(pattern, self.text()), f"{pattern} does not come: {self.text()}"

    def text(self):
        return "\n".join(self.lines())


def memory(pid):
    """The KiB that a process alone has."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"(?m)^Private_(?:Clean|Dirty): +(\d+) kB$", rollup))


class Hour(unittest.TestCase):
    """A thousand guests. Some restart every ten minutes; else little happens."""

    def write_host(self):
        guests = [{"name": f"guest{i:04}", "config": f"/auto/{i:04}", "running": True} for i in range(GUESTS)]
        for guest in guests[:20]:
            guest |= {"on_reboot": "restart", "ends": {"after_ms": 600_000, "reason": "reboot"}}
        guests[30] |= {"on_crash": "preserve", "ends": {"after_ms": 1_500_000, "reason": "crash"}}
        guests[31] |= {"ends": {"after_ms": 1_800_000, "reason": "poweroff"}}
        guests[32] |= {"running": False, "manager": "xl", "appears_ms": 900_000}
        path = self.host.root / "host.json"
        path.write_text(json.dumps({"speed": SPEED, "guests": guests}))
        return path

    def test_an_hour_costs_no_memory_and_shows_what_is(self):
        self.host = self.enterContext(FakeHost())
        self.host.native.write_text("[Host]\nRestartLimit=99\n")
        self.host.start_daemon("--backend", f"sim:{self.write_host()}")
        began = time.monotonic()
        with Watch(self.host, GUESTS + 100, COLUMNS) as watch:
            pids = (self.host.daemon.pid, watch.pid)
            # By the minutes of the host: the memory of both, and how often they have woken.
            had, woken = [(0, 0)], [(0, 0)]
            for minute in range(1, 67):
                watch.read(began + minute * MINUTE / SPEED - time.monotonic())
                had.append(tuple(map(memory, pids)))
                woken.append(tuple(map(wakings, pids)))
            wait_until(lambda: self.is_up_to_date(watch), "the picture of now")
            self.assertGreater(watch.frames, 20)
        # A sanitizer keeps what is freed for a while; and it tells of leaks itself.
        if not os.environ.get("SANITIZED"):
            self.expect_flat(had)
        # The five quietest of the minutes before the first guest ends: on a busy machine the start is over late.
        daemon, client = (sum(sorted(late[who] - early[who] for early, late in zip(woken[1:9], woken[2:10]))[:5])
                          for who in (0, 1))
        # It looks at the directories each minute; and libevent rounds what a fast clock asks for.
        self.assertLess(daemon, 5 * 15, woken)
        # By its own clock only.
        self.assertLess(client, 5 * MINUTE / SPEED / 2 + 4, woken)

    def expect_flat(self, had):
        early, late = (map(max, zip(*part)) for part in (had[10:35], had[35:]))
        for before, after in zip(early, late):
            # One answer that was kept would be 300 KiB, and there are a hundred.
            self.assertLess(after, before + 2048, had)

    def is_up_to_date(self, watch):
        watch.read(1)
        with Screen([CLIENT, "--socket", self.host.socket, "status", COLUMNS], 200, GUESTS + 100) as fresh:
            lines = COLOUR.sub("", fresh.finish()[1]).splitlines()
        return len(lines) > GUESTS and AGO.sub("#", watch.text()) == AGO.sub("#", "\n".join(lines))


class Told(FakeHostTest):
    """What another process does shows without a question."""

    def watch(self, *words, lines=50):
        watch = self.enterContext(Watch(self.host, lines, *words))
        watch.wait_for(".")
        return watch

    def test_a_configuration_that_comes(self):
        self.host.guest("db")
        watch = self.watch()
        # The first look of the daemon after its answer is over.
        watch.read(3)
        self.host.guest("web")
        watch.read(20, lambda: "web" in watch.text())
        self.assertRegex(watch.text(), r"(?m)^web +stopped")

    def test_a_guest_that_ends(self):
        self.host.guest("web", ends={"reason": "poweroff", "after_ms": 4000})
        self.host.ctl("start", check=0)
        watch = self.watch()
        self.assertRegex(watch.text(), r"(?m)^web +running")
        watch.wait_for(r"(?m)^web +stopped")

    def test_settings_that_name_another_directory(self):
        self.host.guest("web")
        watch = self.watch()
        other = self.host.root / "other"
        other.mkdir()
        self.host.guest("db", folder=other)
        self.host.configure(AUTO=other)
        self.host.ctl("reload", check=0)
        watch.wait_for(r"(?m)^db +stopped")
        self.assertNotRegex(watch.text(), r"(?m)^web")

    def test_a_terminal_of_another_size(self):
        for i in range(20):
            self.host.guest(f"web{i}")
        watch = self.watch(lines=10)
        watch.wait_for("and [0-9]+ more")
        fcntl.ioctl(watch.screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 90, 200, 0, 0))
        watch.screen.process.send_signal(signal.SIGWINCH)
        watch.wait_for(r"(?m)^web19")

    def test_a_daemon_with_a_watch_on_it_sleeps(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        watch = self.watch()
        self.host.wait_for_helpers()
        watch.read(4)
        before = wakings(self.host.daemon.pid)
        watch.read(SILENCE)
        # As in test_rest, where what others mount counts, too; a question every two seconds would take two each.
        self.assertLess(wakings(self.host.daemon.pid) - before, SILENCE * 3 / 4)

    def test_a_caller_who_comes_again_and_again_keeps_no_news_from_others(self):
        self.host.guest("web")
        watch = self.watch()
        watch.read(3)
        call = json.dumps({"method": f"{MANAGER}.Status", "more": True}).encode() + b"\0"
        self.host.guest("db")
        for _ in range(40):
            if "db" in watch.text():
                break
            with socket.socket(socket.AF_UNIX) as other:
                other.connect(str(self.host.socket))
                other.sendall(call)
                other.recv(1)
                watch.read(0.7)
        self.assertIn("db", watch.text())

    def test_a_pause_of_which_no_event_tells(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        watch = self.watch()
        watch.read(3)
        with self.host.world() as world:
            world["domains"][0]["state"] = "paused"
        watch.read(75, lambda: "paused" in watch.text())
        self.assertRegex(watch.text(), r"(?m)^web +paused")

    def test_named_guests_only(self):
        for name in "web1", "web2", "db":
            self.host.guest(name)
        watch = self.watch("web*", "--columns=name,state")
        self.assertRegex(watch.text(), r"(?m)^web1 +stopped\nweb2 +stopped$")
        self.assertNotIn("db", watch.text())


class Asked(unittest.TestCase):
    """In the place of the daemon is a test."""

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        self.listener = self.enterContext(self.host.listen())
        self.watch = self.enterContext(Watch(self.host, 50))

    def accept(self):
        connection = self.enterContext(self.listener.accept()[0])
        connection.settimeout(LIMIT)
        call = json.loads(connection.recv(65536).rstrip(b"\0"))
        self.assertEqual((call["method"].rpartition(".")[2], call.get("more")), ("Status", True))
        return connection

    @staticmethod
    def answer(connection, name, continues, **more):
        guest = {"name": name, "uuid": "00112233-4455-6677-8899-aabbccddeeff", "state": "running", "wanted": True}
        reply = {"parameters": {"guests": [guest | more], "warnings": [], "settings": {"source": "files", "refused": []}}}
        connection.sendall(json.dumps(reply | ({"continues": True} if continues else {})).encode() + b"\0")

    def test_nothing_while_the_daemon_says_nothing(self):
        connection = self.accept()
        self.answer(connection, "web", True)
        self.watch.wait_for("web")
        before = wakings(self.watch.pid)
        self.watch.read(SILENCE)
        connection.setblocking(False)
        self.listener.setblocking(False)
        self.assertRaises(BlockingIOError, connection.recv, 1)
        self.assertRaises(BlockingIOError, self.listener.accept)
        self.assertLess(wakings(self.watch.pid) - before, 3)

    def test_a_daemon_that_hangs_is_found_out(self):
        self.answer(self.accept(), "web", True)
        self.watch.wait_for("web")
        self.assertEqual(self.watch.screen.process.wait(120), 4)

    def test_a_daemon_that_is_quiet_is_asked_anew(self):
        self.listener.settimeout(90)
        self.answer(self.accept(), "web", True)
        self.watch.wait_for("web")
        self.answer(self.accept(), "db", True)
        self.watch.wait_for("db")

    def test_two_answers_at_once_are_both_read(self):
        connection = self.accept()
        self.answer(connection, "web", True)
        self.answer(connection, "db", True)
        self.watch.wait_for("db")

    def test_times_go_on(self):
        connection = self.accept()
        self.answer(connection, "web", True, activity="save", elapsed_usec=100_000_000, percent=5)
        self.watch.wait_for("1 min 40 s")
        self.watch.wait_for("1 min 44 s|1 min 45 s")

    def test_the_pause_before_a_restart_goes_on(self):
        connection = self.accept()
        self.answer(connection, "web", True, state="stopped", restart_in_usec=30_000_000,
                    reason="ends repeatedly, restarting in 30 s")
        self.watch.wait_for("restarting in 30 s")
        self.watch.wait_for("restarting in 2[0-9] s")

    def test_an_older_daemon_again(self):
        self.answer(self.accept(), "web", False)
        self.watch.wait_for("web")
        before = time.monotonic()
        self.answer(self.accept(), "db", False)
        self.watch.wait_for("db")
        self.assertGreater(time.monotonic() - before, 1)

    def test_a_daemon_that_is_restarted(self):
        connection = self.accept()
        self.answer(connection, "web", True)
        self.watch.wait_for("web")
        connection.close()
        self.answer(self.accept(), "db", True)
        self.watch.wait_for("db")

    def test_a_daemon_that_is_away_for_a_while(self):
        connection = self.accept()
        self.answer(connection, "web", True)
        self.watch.wait_for("web")
        self.leave(connection)
        self.watch.read(8)
        self.assertIsNone(self.watch.screen.process.poll())
        self.listener = self.enterContext(self.host.listen())
        self.answer(self.accept(), "db", True)
        self.watch.wait_for("db")

    def test_a_daemon_that_stays_away(self):
        connection = self.accept()
        self.answer(connection, "web", True)
        self.watch.wait_for("web")
        self.leave(connection)
        self.assertEqual(self.watch.screen.process.wait(LIMIT), 4)

    def leave(self, connection):
        """As a daemon that ends, whose socket goes with it."""
        connection.close()
        self.listener.close()
        self.host.socket.unlink()


load_tests = at_once(6)


if __name__ == "__main__":
    unittest.main()
