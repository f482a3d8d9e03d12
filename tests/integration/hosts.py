# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts in every state that one can be in, drawn by number: states x images x configurations x commands."""

import dataclasses
import random

# How many guests share a host: they are set up together, and judged one by one.
GUESTS = 30

# What was done with a guest whose domain is gone, a letter each, in the order in which hosts.Host is
# set up: A start, B stop, C start, D stop, O it powers off while a daemon looks, X its domain goes
# while none does; "m": its image is out of the way between B and the end. "b", "c" and "d" are what
# others do in B, C and D (stage.py); small letters of the end, the name's own, come last of all: of
# "unseen", what others do while no daemon looks, and of "kept", the same, where a daemon sees the domain
# that is left, and then that is removed.
DOWN = {
    "never": "", "ran": "AO", "cut": "AX", "removed": "AB", "ours": "AB", "ours twice": "ABCD",
    "older beside": "ABCD", "older restoring": "ABCD", "older alone": "ABCD",
    "used up": "ABCO", "used up, cut": "ABCX", "used restoring": "ABCX", "used copy": "ABCX",
    "outlived": "ABmCO", "outlived, cut": "ABmCX", "outlived by xl": "ABcO",
    "outlived unseen": "AB", "used by xl": "ABcO", "used unseen": "AB",
    "outlived, kept": "AB", "used, kept": "AB",
    "xl": "Ad", "xl unseen": "A", "checkpoint": "AbO", "checkpoint, cut": "AbX",
    "copy": "AB", "moved": "AB", "link": "AB", "dangling": "AB", "damaged": "AB",
    "damaged head": "AB", "short": "AB", "owner": "AB", "mode": "AB", "part": "ABCX",
    "part beside": "AB", "restoring": "AB",
}

# The same for a guest that has a domain: whatever lies there is of an earlier life.
UP = {
    "none": "A", "used up": "ABC", "used restoring": "ABC", "used copy": "ABC", "used link": "ABC",
    "used damaged": "ABC", "used owner": "ABC", "part": "ABC", "checkpoint": "Ab", "restored": "ABC",
}

# The same for a guest that another tool runs, or ran, since it was saved: the daemon that looks next
# finds its domain so.
UP_UNSEEN = {"outlived unseen": "AB", "used unseen": "AB"}
LEFT_UNSEEN = ("running", "paused", "suspended", "suspended, saver", "kept")

# A guest that somebody restored and never let run: its memory is in its domain; and in a file, if
# that is there still.
HELD_BACK = {"none": "AB", "twin": "AB"}

DOMAINS = {
    "none": 60, "running": 20, "paused": 4, "built": 4, "restored paused": 4, "suspended": 4,
    "suspended, saver": 4, "dying": 2, "kept": 3,
}
CONFIGS = {
    "there": 60, "missing": 8, "broken": 6, "uuid added": 6, "uuid changed": 6, "renamed": 8,
    "duplicate": 6,
}
LEDGERS = {"whole": 60, "missing": 8, "torn": 8, "damaged": 8, "unreadable": 8, "link": 8}
FOLDERS = {"same": 84, "another": 8, "absent": 8}
COMMANDS = {
    "start": 24, "start names": 14, "once start": 14, "stop": 20, "stop names": 12,
    "once stop": 12, "down": 4,
}
KILLED = {"none": 70, "daemon": 15, "worker": 15}

# No command makes more steps in one process than about so many.
STEPS = {"daemon": 120, "worker": 40}

# What others do to a guest while a command is at work, by whether it has a domain then.
CHANGES = {
    "none": ("created", "restored", "image removed", "image moved", "configuration removed",
             "uuid changed"),
    "running": ("paused", "powered off", "destroyed", "replaced", "saved", "configuration removed"),
}

# Guests that come up without a word to say about it: where there are no others, exit 0 is due.
CALM = {
    "none": ("never", "ran", "cut", "ours", "ours twice", "older beside", "older restoring",
             "used up", "used copy", "outlived", "xl", "part", "part beside"),
    "running": tuple(UP),
}


@dataclasses.dataclass
class Guest:
    """One case."""
    case: int
    name: str
    domain: str
    image: str
    config: str
    has_uuid: bool      # in its configuration
    seen: bool          # its disk, by the daemon
    named: bool         # in a command that names guests
    change: str = "none"    # while the command is at work
    double: "Guest | None" = None   # another one, of the same UUID; at least one of the two runs

    @property
    def plan(self):
        if self.domain == "restored paused":
            return HELD_BACK[self.image]
        return (DOWN if self.domain == "none" else UP | UP_UNSEEN)[self.image]

    @property
    def runs_unseen(self):
        return self.domain != "none" and self.image in UP_UNSEEN

    @property
    def uuid(self):
        return f"0a000000-0000-4000-8000-{self.case:012}"

    def __str__(self):
        return (f"domain: {self.domain}; image: {self.image}; configuration: {self.config}"
                f"{', with a uuid' if self.has_uuid else ''}; disk: "
                f"{'seen' if self.seen else 'not seen'}; {'named' if self.named else 'not named'}; "
                f"meanwhile: {self.change}{'; UUID of ' + self.double.name if self.double else ''}")


@dataclasses.dataclass
class Host:
    """What its guests share."""
    number: int
    ledger: str
    folder: str
    command: str
    killed: str
    step: int
    calm: bool
    again: bool         # the other command follows, for all
    meanwhile: bool     # at that step the daemon waits, and others do what they do
    guests: list

    @property
    def goal(self):
        return "start" if "start" in self.command else "stop"

    @property
    def names(self):
        return "names" in self.command

    def __str__(self):
        killed = f", {self.killed} killed at step {self.step}" if self.killed != "none" else \
            f", others at work at step {self.step}" if self.meanwhile else ""
        again = ", and the other command" if self.again else ""
        return f"ledger: {self.ledger}; SAVE: {self.folder}; {self.command}{killed}{again}"


def _pick(random_, weights):
    return random_.choices(list(weights), list(weights.values()))[0]


def _draw_guest(seed, case, calm):
    r = random.Random(f"{seed} guest {case}")
    domain = r.choice(list(CALM)) if calm else _pick(r, DOMAINS)
    images = CALM[domain] if calm else HELD_BACK if domain == "restored paused" else \
        DOWN if domain == "none" else UP | UP_UNSEEN if domain in LEFT_UNSEEN else UP
    guest = Guest(case, f"g{case}", domain, r.choice(list(images)),
                  "there" if calm else _pick(r, CONFIGS),
                  has_uuid=r.random() < 0.5, seen=r.random() < 0.5, named=r.random() < 0.5)
    if guest.config == "uuid added":
        guest.has_uuid = False
    if guest.config == "uuid changed":
        guest.has_uuid = True
    return guest


def _draw_change(seed, guest, host):
    r = random.Random(f"{seed} change {guest.case}")
    kinds = () if guest.runs_unseen else CHANGES.get(guest.domain, ())
    if guest.config != "there":
        kinds = [kind for kind in kinds if kind in ("image removed", "image moved", "paused",
                                                    "powered off", "destroyed")]
    if host.names:
        # A name that nothing stands for any more would have the whole command refused.
        kinds = [kind for kind in kinds if guest.config == "there" and "removed" not in kind and
                 "moved" not in kind]
    if kinds and r.random() < 0.5:
        guest.change = r.choice(list(kinds))


def _draw_doubles(r, guests):
    """A domain that somebody cloned, uuid= and all, without a configuration here."""
    running = [guest for guest in guests
               if guest.domain == "running" and guest.config == "there" and not guest.runs_unseen]
    for first, second in zip(running[::2], running[1::2]):
        if r.random() < 0.3:
            first.double, second.double = second, first
            first.change = second.change = "none"
            second.config = "missing"
    _draw_clones(r, guests)


def _draw_clones(r, guests):
    """The same, and the guest that it is a clone of does not run."""
    off = [guest for guest in guests if guest.domain == "none" and guest.config == "there" and guest.has_uuid]
    clones = [guest for guest in guests
              if guest.domain == "running" and not guest.double and not guest.runs_unseen]
    for first, second in zip(off, clones):
        if r.random() < 0.3:
            first.double, second.double = second, first
            first.change = second.change = "none"
            second.config = "missing"


def draw(seed, number, only=None):
    """The host of this number, with all of its guests or with the one of this case."""
    r = random.Random(f"{seed} host {number}")
    host = Host(number, _pick(r, LEDGERS), _pick(r, FOLDERS), _pick(r, COMMANDS), _pick(r, KILLED),
                0, r.random() < 0.15, r.random() < 0.3, False, [])
    if host.calm:
        host.ledger, host.folder, host.killed = "whole", "same", "none"
    if host.command == "down":
        host.killed, host.again = "none", False
    host.step = r.randint(1, STEPS[host.killed]) if host.killed != "none" else 0
    if host.killed == "none" and host.command != "down" and not host.calm:
        host.meanwhile, host.step = r.random() < 0.4, r.randint(1, STEPS["daemon"])
    cases = range(number * GUESTS, (number + 1) * GUESTS)
    host.guests = [_draw_guest(seed, case, host.calm) for case in cases
                   if only is None or case == only]
    if host.meanwhile:
        for guest in host.guests:
            _draw_change(seed, guest, host)
    if not host.calm:
        _draw_doubles(r, host.guests)
    return host
