# SPDX-License-Identifier: GPL-2.0-or-later
"""What may become of a guest after a power cut: from docs/recovery.md and disks.md, not from the code."""

import dataclasses

from memory import stream_begin

# Where an image describes the disks, just in front of its stream. That may be missing, or torn.
STAMP_SIZE = 2048


class Image:
    """An image as it is when all of it is on the disk."""

    def __init__(self, data):
        self.stream = stream_begin(data)
        self.data = data

    def is_whole_in(self, data):
        stamp = self.stream - STAMP_SIZE
        return data[:stamp] == self.data[:stamp] and data[self.stream:] == self.data[self.stream:]


@dataclasses.dataclass
class Past:
    """What the world had seen of the guest when the power failed."""
    boot: str = ""          # its memory
    state: str = "none"     # none, running, suspended, gone (after it was suspended), ended
    domid: str = ""
    building: bool = False  # a domain is there that has not run yet
    away: bool = False      # another host runs it

    @classmethod
    def of(cls, lines):
        past = cls()
        for line in lines:
            past._take(line.split())
        return past

    def _take(self, words):
        if not words[0].isdigit():
            self.away = {"running": True, "gone": False}.get(words[1], self.away)
        elif words[1:] == ["gone"]:
            if words[0] == self.domid:
                self.state = "gone" if self.state == "suspended" else "ended"
            else:
                self.building = False
        elif words[2:3] == ["paused"]:
            self.building = True
        elif words[2:3] == ["running"]:
            self.building = False
            self.domid, self.state, self.boot = words[0], "running", words[3]
        elif words[2:3] in (["suspended"], ["poweroff"]):
            self.state = {"suspended": "suspended", "poweroff": "ended"}[words[2]]


@dataclasses.dataclass
class Outcome:
    """What came of two starts; and of a third, behind another power cut."""
    statuses: list  # of the programs
    runs: list      # for each start: the boots that began to run
    domains: list   # their states after two of them
    images: dict    # files in the folder of the images, then


class Wrong(Exception):
    """What docs/recovery.md excludes has happened."""


def is_image(name):
    return not name.endswith(".part") and ".stale-" not in name


class Oracle:
    """image: what the sequence reads or writes, if it does; migrates: it involves another host;
    restores: a start is to use images."""

    def __init__(self, image, migrates, restores):
        self.image, self.migrates, self.restores = image, migrates, restores

    def _whole(self, files):
        return self.image is not None and any(
            self.image.is_whole_in(file.data) for name, file in files.items()
            if not name.endswith(".part"))

    def judge(self, past, files, told, outcome):
        """In a word, what became of the guest. files: in the folder of the images at the cut, None
        if it is not there; told: a record of the sequence is there, made since the guest stood
        still."""
        there, files = files is not None, files or {}
        self._check_always(outcome)
        ran = outcome.runs[0]
        if past.boot and past.boot in outcome.runs[2]:
            raise Wrong("its memory comes back at the next boot but one")
        if bool(ran) > bool(outcome.runs[2]) and not any(map(is_image, outcome.images)):
            raise Wrong("it is down at the next boot but one")
        if past.away:
            return self._judge_away(ran + outcome.runs[2])
        if past.boot and past.boot in ran:
            return self._judge_restored(past, files)
        if ran:
            return self._judge_cold(past, files, told, outcome)
        # It may have left, or its image may be in a folder that is not mounted.
        return self._judge_down(past, files, told and (self.migrates or not there), outcome)

    @staticmethod
    def _check_always(outcome):
        if any(status not in (0, 1) for status in outcome.statuses):
            raise Wrong(f"a program ended with {outcome.statuses}")
        if len(outcome.domains) > 1 or any(len(run) > 1 for run in outcome.runs):
            raise Wrong("it runs twice")
        if any(state != "running" for state in outcome.domains):
            raise Wrong(f"it is left {outcome.domains}")
        if outcome.runs[1]:
            raise Wrong("the second start did something else than the first")

    @staticmethod
    def _judge_away(ran):
        if ran:
            raise Wrong("it runs here and on the other host")
        return "away"

    def _judge_restored(self, past, files):
        if past.state == "running":
            raise Wrong("its memory is restored although it ran on")
        if not self._whole(files):
            raise Wrong("it is restored from an image that is not whole")
        return "restored"

    def _judge_cold(self, past, files, told, outcome):
        whole = self._whole(files)
        if whole and not self._whole(outcome.images):
            raise Wrong("its image is deleted though it was not restored")
        if past.state in ("running", "none", "ended") or (whole and not self.restores):
            return "created"
        # A life was noted as begun: then the guest counts as having run.
        if whole and past.building and told:
            return "created, image put aside"
        if whole:
            raise Wrong("it is created beside the image that holds its memory")
        if past.state == "gone":
            raise Wrong("its memory is lost: the domain was destroyed before the image was safe")
        if any(map(is_image, files)):
            raise Wrong("it is created beside an image that is damaged")
        return "created"

    def _judge_down(self, past, files, excused, outcome):
        if past.state == "gone" and not self._whole(files):
            raise Wrong("its memory is lost: the domain was destroyed before the image was safe")
        if outcome.statuses[0] == 0:
            raise Wrong("it is down, and that is no failure")
        if not any(map(is_image, files)) and not excused:
            raise Wrong("it is held without an image")
        return "held"
