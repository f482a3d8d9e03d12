# SPDX-License-Identifier: GPL-2.0-or-later
"""An administrator who copies, changes, renames and removes files of XENDOMAINS_AUTO between commands, drawn
by number."""

import dataclasses
import json
import random

UUID_A, UUID_B = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "ab")
NAMES, UUIDS = ("web", "db"), (UUID_A, UUID_B, None)
FILES = ("web.cfg", "web-old.cfg", "web2.cfg")

COMMANDS = ("start", "stop", "restart")


@dataclasses.dataclass
class File:
    """What a configuration says, and which disk is in it."""
    name: str
    uuid: str | None
    disk: int
    broken: bool = False

    def is_guest_of(self, other):
        return self.name == other.name or (self.uuid is not None and self.uuid == other.uuid)

    def change(self, change):
        for what, value in change:
            setattr(self, what, value)


class Auto:
    """The files, as they are written into the directory."""

    def __init__(self, host, uuid):
        self.host, self.uuid = host, uuid
        self.files = {}
        self.disks = 1
        self._begin()

    def _begin(self):
        self.files["web.cfg"] = File("web", self.uuid, 0)
        self.write("web.cfg")

    def disk(self, number):
        return str(self.host.root / f"disk-{number}")

    def write(self, file):
        c = self.files[file]
        c.broken = False
        config = {"c_info": {"name": c.name}, "b_info": {"max_memkb": 1024},
                  "fake": {"disk": self.disk(c.disk), "off_ms": 20}}
        if c.uuid:
            config["c_info"]["uuid"] = c.uuid
        (self.host.auto / file).write_text(json.dumps(config))

    def _give_disk(self, file):
        """A file that has become another guest than all others with its disk gets one of its own."""
        mine = self.files[file]
        others = [c for f, c in self.files.items() if f != file and c.disk == mine.disk]
        if others and not any(mine.is_guest_of(c) for c in others):
            mine.disk, self.disks = self.disks, self.disks + 1

    # Each is a step: false where it makes no sense.

    def copy(self, file, target, change):
        if file not in self.files or file == target:
            return False
        self.files[target] = dataclasses.replace(self.files[file])
        return self.edit(target, change)

    def edit(self, file, change):
        if file not in self.files:
            return False
        self.files[file].change(change)
        self._give_disk(file)
        self.write(file)
        return True

    def remove(self, file):
        if self.files.pop(file, None) is None:
            return False
        (self.host.auto / file).unlink()
        return True

    def rename(self, file, target):
        if file not in self.files or file == target:
            return False
        (self.host.auto / file).rename(self.host.auto / target)
        self.files[target] = self.files.pop(file)
        return True

    def break_(self, file):
        if file not in self.files:
            return False
        self.files[file].broken = True
        (self.host.auto / file).write_text("{")
        return True

    def mend(self, file):
        return self.edit(file, ())

    def undo(self):
        for file in list(self.files):
            self.remove(file)
        self._begin()


def draw_change(dice):
    name, uuid = ("name", dice.choice(NAMES)), ("uuid", dice.choice(UUIDS))
    return dice.choice(((), (name,), (uuid,), (name, uuid)))


def draw_step(dice):
    """Its word, and what it is for."""
    file, name = dice.choice(FILES), dice.choice(NAMES)
    steps = {("copy", file, dice.choice(FILES), draw_change(dice)): 30, ("edit", file, draw_change(dice)): 40,
             ("remove", file): 15, ("rename", file, dice.choice(FILES)): 15, ("break_", file): 7, ("mend", file): 10,
             ("kill",): 10, ("cut_power",): 7, ("shut_down",): 7, ("move_saves",): 5,
             ("start",): 50, ("stop",): 50, ("start", name): 15, ("stop", name): 15, ("start", "--cold", name): 6,
             ("restart", name): 7}
    return dice.choices(list(steps), steps.values())[0]


def dice_for(seed, case):
    return random.Random(f"{seed} {case}")
