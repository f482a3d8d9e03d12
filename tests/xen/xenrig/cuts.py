# SPDX-License-Identifier: GPL-2.0-or-later
"""Power cuts: a host loses its power at a random moment of a start, a save or a restore, and comes
back by itself. What became of each guest is then asked of the guest, of its disk, and of us."""

import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable

from .guest import pv
from .host import CONSOLE, SAVE, Host
from .xendomains import REACHABLE, ctl, image_list, images, states, status

NAMES = ("p1", "p2", "p3")
DISK = "/root/disk-{name}"
GUESTS = tuple(pv(name, f'disk = ["file:{DISK.format(name=name)},xvda,w"]', disk="count")
               for name in NAMES)

START, SAVING, RESTORE = PHASES = ("start", "save", "restore")
COMMANDS = {START: "xendomainsctl start", SAVING: "xendomainsctl stop",
            RESTORE: "xendomainsctl start"}

WENT_ON, AFRESH, HELD = OUTCOMES = ("went on", "afresh", "held")

# What a guest says whose disk holds what this memory has not written.
NOT_ITS_DISK = "the disk has gone on without this memory"

# At boot the images are listed before anybody can touch them, and consoles begin anew.
FOUND = "/root/found-at-boot"
AT_BOOT = {
    "/etc/systemd/system/rig-found.service":
        "[Unit]\nBefore=xendomains-guests.service xendomainsd.service\n"
        f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'ls {SAVE} >{FOUND}'\n"
        "[Install]\nWantedBy=multi-user.target\n",
    "/etc/tmpfiles.d/rig.conf": f"r! {CONSOLE.format(name='*')}\n",
}


class Cuts:
    """Cuts the power of one host, and keeps the tally."""

    def __init__(self, host: Host, seed: int, say: Callable[[str], None]) -> None:
        self.host = host
        self.random = random.Random(seed)
        self.say = say
        self.tally = Counter()
        self.boots: dict[str, str] = {}
        self.longest: dict[str, float] = {}
        self._prepare()

    def cut(self, phase: str) -> None:
        """Cut the power somewhere in the phase; raise unless each guest has come to a right end."""
        self._lead_up_to(phase)
        moment = self.random.uniform(0, self.longest[phase])
        said = self._cut_after(phase, moment)
        self.host.boot()
        found = self.host.sh(f"cat {FOUND}").out.split()
        ends = {name: self._end_of(name, phase, said, found) for name in NAMES}
        self.say(f"{phase}, cut after {min(moment, self.longest[phase]):.1f} s"
                 f" of {self.longest[phase]:.1f} s: "
                 + ", ".join(f"{name} {end}" for name, end in ends.items()))
        self.tally[phase] += 1
        self.tally.update((phase, end) for end in ends.values())
        self._release([name for name, end in ends.items() if end == HELD])
        self.boots = {name: self.host.expect_counting(name).boot for name in NAMES}

    def table(self) -> None:
        """Say how many guests came to which end; any other end than these ends the cuts."""
        self.say("| power cut in a | cuts | " + " | ".join(OUTCOMES) + " |")
        self.say("|---|---:|" + "---:|" * len(OUTCOMES))
        for phase in PHASES:
            counts = " | ".join(str(self.tally[phase, outcome]) for outcome in OUTCOMES)
            self.say(f"| {phase} | {self.tally[phase]} | {counts} |")

    def _prepare(self) -> None:
        host = self.host
        host.config()
        host.auto(*GUESTS)
        host.sh("".join(f"truncate --size=1M {DISK.format(name=name)};" for name in NAMES))
        for path, text in AT_BOOT.items():
            host.put(path, text)
        host.sh(f"systemctl enable rig-found.service; {REACHABLE}; sync")
        for phase in PHASES:
            started = time.monotonic()
            host.sh(COMMANDS[phase], timeout=900)
            self.longest[phase] = time.monotonic() - started
            if phase != SAVING:
                self.boots = {name: host.wait_count(name, 2).boot for name in NAMES}

    def _lead_up_to(self, phase: str) -> None:
        """Bring all guests, which run, to where the phase begins."""
        if phase == RESTORE:
            ctl(self.host, "stop")
        elif phase == START:
            self.host.config(XENDOMAINS_SAVE="")
            ctl(self.host, "reload")
            ctl(self.host, "stop")
            self.host.config()
            ctl(self.host, "reload")

    def _cut_after(self, phase: str, seconds: float) -> str:
        """Begin the phase, cut the power in the midst of it, and return what we had said."""
        started = time.monotonic()
        client = subprocess.Popen([*self.host.ssh, COMMANDS[phase]], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            client.wait(seconds)
            self.longest[phase] = time.monotonic() - started
        except subprocess.TimeoutExpired:
            pass
        self.host.note("(power cut)\n")
        self.host.machine.cut_power()
        self.host.disconnect()
        said, _ = client.communicate()
        self.host.note(said)
        return said

    def _end_of(self, name: str, phase: str, said: str, found: list[str]) -> str:
        """What became of a guest, told by itself; raises if that should not be."""
        imaged = _images_of(name, found)
        saved = re.search(rf"^{name}: save done", said, re.MULTILINE)
        assert imaged or not saved, f"{name} was said to be saved, and has no image: {found}"
        running = [row for row in self.host.sh("xl list").out.splitlines()[1:]
                   if row.split()[0] == name]
        assert len(running) <= 1, f"{name} runs twice: {running}"
        if not running:
            guest = status(self.host)[name]
            assert imaged and guest["state"] == "failed" and guest["reason"], \
                f"{name} does not run, and nobody says why: {guest}, {found}"
            assert _images_of(name, images(self.host)), f"{name} has lost its image"
            assert not saved, f"{name} was said to be saved, and is held: {guest}"
            return HELD
        count = self.host.expect_counting(name)
        assert NOT_ITS_DISK not in self.host.console(name), f"{name} has memory older than its disk"
        if count.boot == self.boots[name]:
            assert phase != START and imaged, f"{name} goes on from nowhere: {found}"
            return WENT_ON
        if imaged:
            self._expect_used_up(name, imaged)
        return AFRESH

    def _expect_used_up(self, name: str, imaged: list[str]) -> None:
        """The power went while the guest ran, and its image was not removed yet: it is worth
        nothing any more, and says so where it was put aside."""
        aside = [image for image in image_list(self.host)
                 if image["file"].startswith(f"{name}.stale-")]
        assert imaged == [name] and len(aside) == 1 \
            and "has run from it" in aside[0].get("reason", ""), \
            f"{name} was started afresh beside {imaged}: {aside}"
        ctl(self.host, "image", "delete", aside[0]["file"])

    def _release(self, held: list[str]) -> None:
        """Have guests started afresh that are held, as their administrator would in the end."""
        for name in held:
            ctl(self.host, "image", "delete", *_images_of(name, images(self.host)))
        if held:
            ctl(self.host, "start", *held)
        assert set(states(self.host).values()) == {"running"}, states(self.host)


def _images_of(name: str, files: list[str]) -> list[str]:
    """Those of the files that have the memory of this guest, whole."""
    return [file for file in files if file == name]


def cut_many(host: Host, rounds: int, seed: int, say: Callable[[str], None]) -> None:
    """Cut the power in each phase in turn, and say the tally."""
    cuts = Cuts(host, seed, say)
    try:
        for number in range(rounds):
            cuts.cut(PHASES[number % len(PHASES)])
    finally:
        cuts.table()
