#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes to files, commands, ends and power cuts one after another (changes.py): whatever the order, no guest runs
twice, none loses its memory or gets an old one, and none is left behind in silence.

CASES says how many, SEED which. --seed N --case K does one of them again, alone, and shows it."""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import traceback

import changes
import memory
from changes import COMMANDS, UUIDS, Auto
from fakehost import FakeHost, wait_until

CASES = int(os.environ.get("CASES", "60"))
SEED = int(os.environ.get("SEED", "1"))

STEPS = (8, 16)

# How many hosts at a time.
JOBS = 3


@dataclasses.dataclass
class Owner:
    """By what the guest is known that has written a disk last."""
    name: str
    uuid: str
    files: set


def elsewhere(host):
    """Another directory that images can be saved to."""
    folder = host.root / "elsewhere"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


class Look:
    """The domains, lives, disks and images at one time."""

    def __init__(self, host):
        with host.world() as world:
            world = json.loads(json.dumps(world))
        self.domains, self.lives, self.disks = (world.get(key, empty) for key, empty in (
            ("domains", []), ("lives", []), ("disks", {})))
        self.images = []
        for path in [*host.save.iterdir(), *elsewhere(host).iterdir()]:
            found = memory.read(path.read_bytes()) if ".stale-" not in path.name else None
            if found:
                self.images.append((path.name, *found))

    def alive(self):
        return [d for d in self.domains if d["state"] in ("running", "paused", "suspended")]

    def newest(self, disk):
        """The images that hold the memory which fits to the disk."""
        return [file for file, _, life in self.images if life == self.disks.get(disk)]


def disk_of(domain):
    return domain["config"]["fake"]["disk"]


class Run:
    def __init__(self, host, dice):
        self.host, self.dice = host, dice
        self.auto = Auto(host, dice.choice(UUIDS[1:]))
        self.owners, self.strange = {}, set()
        self.saves_elsewhere = False
        self.story, self.breaches = [], []

    # Steps that are no change of a file.

    def kill(self):
        self.host.kill_daemon()
        self.host.start_daemon()
        return True

    def move_saves(self):
        self.saves_elsewhere = not self.saves_elsewhere
        self.host.configure(SAVE=elsewhere(self.host) if self.saves_elsewhere else self.host.save)
        self.host.ctl("reload", check=0)
        return True

    def cut_power(self):
        self.host.kill_daemon()
        with self.host.world() as world:
            world["domains"] = []
        self.host.start_daemon()
        return True

    def shut_down(self):
        """From within."""
        with self.host.world() as world:
            found = [d for d in world["domains"] if d["state"] == "running"]
            for domain in found:
                domain["state"] = "poweroff"
        wait_until(lambda: all(d["state"] != "poweroff" for d in Look(self.host).domains), "the ends")
        return bool(found)

    def _do(self, step):
        word, *rest = step
        if word in COMMANDS:
            done = subprocess.run(self.host.command_line(*step), text=True, capture_output=True, timeout=60)
            self.story.append(f"{step}: {done.returncode}\n{done.stdout}{done.stderr}")
            return done.returncode
        if not getattr(self if hasattr(self, word) else self.auto, word)(*rest):
            return None
        self.story.append(str(step))
        return 0

    def step(self, step):
        before = Look(self.host)
        status = self._do(step)
        wait_until(lambda: not self.host.operations(), "order")
        if status is not None:
            self._judge(step, status, before, Look(self.host))
        return status is not None

    # What must hold after each step.

    def _note_owner(self, life, now):
        """A guest that has no name, UUID or file of the one before is another one, for all that can be known."""
        files = {f for f, c in self.auto.files.items() if c.name == life["name"] and not c.broken}
        uuid = next((d["uuid"] for d in now.domains if d["domid"] == life["domid"]), None)
        owner, last = Owner(life["name"], uuid, files), self.owners.get(life["disk"])
        if last and last.name != owner.name and last.uuid != owner.uuid and not last.files & owner.files:
            self.strange.add(life["disk"])
        self.owners[life["disk"]] = owner

    def _is_anothers(self, image, life):
        """A file has the image's name that is not the one of this life."""
        return image != life["name"] and any(c.name == image for c in self.auto.files.values())

    def _judge(self, step, status, before, now):
        for life in now.lives[len(before.lives):]:
            if not life["from"]:
                self._note_owner(life, now)
            if life["disk"] not in self.strange:
                self._judge_life(step, life, before)
        disks = [disk_of(domain) for domain in now.alive()]
        for disk in set(disks) - self.strange:
            if disks.count(disk) > 1:
                self.breaches.append(f"runs twice on {disk}")
        if step[0] == "stop":
            self._judge_stop(step, status, before, now)

    def _judge_life(self, step, life, before):
        if life["from"] and life["from"] != life["over"]:
            self.breaches.append(f"an old memory was restored: {life}")
        if not life["from"] and "--cold" not in step:
            for image in before.newest(life["disk"]):
                if not self._is_anothers(image, life):
                    self.breaches.append(f"{life} was begun although its memory is in {image}")

    def _judge_stop(self, step, status, before, now):
        there = {d["domid"] for d in now.domains}
        boots = {boot for _, boot, _ in now.images}
        for domain in before.alive():
            if domain["domid"] not in there and domain["boot"] not in boots:
                self.breaches.append(f"{domain['name']} was not saved")
        for domain in now.alive():
            known = any(domain["name"] == c.name or domain["uuid"] == c.uuid for c in self.auto.files.values())
            if status == 0 and known and step[1:] in ((), (domain["name"],)):
                self.breaches.append(f"{domain['name']} was left running, and that was no failure")

    def finish(self):
        """The first file alone is there again: its guest runs, or an image is kept for a person to decide on."""
        self.auto.undo()
        self.shut_down()
        self.step(("start",))
        now = Look(self.host)
        if not now.alive() and not now.images:
            self.breaches.append(f"does not come up: {self.host.reasons()}")

    def run(self):
        self.step(("start",))
        left = self.dice.randint(*STEPS)
        while left > 0 and not self.breaches:
            left -= self.step(changes.draw_step(self.dice))
        if not self.breaches:
            self.finish()
        return self.breaches


def run_case(seed, case, keep_story=False):
    with contextlib.redirect_stdout(sys.stderr):
        try:
            with FakeHost() as host:
                host.start_daemon()
                run = Run(host, changes.dice_for(seed, case))
                breaches = run.run()
                story = run.story if breaches or keep_story else []
        except Exception:
            breaches, story = [traceback.format_exc()], []
    return case, breaches, story


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", type=int, help="this one only")
    parser.add_argument("--cases", type=int, default=CASES)
    options = parser.parse_args()
    cases = range(options.cases) if options.case is None else [options.case]
    failures = 0
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        futures = [pool.submit(run_case, options.seed, case, options.case is not None) for case in cases]
        for case, breaches, story in (future.result() for future in futures):
            failures += bool(breaches)
            if breaches or story:
                print(f"--seed {options.seed} --case {case}", *story, *breaches, sep="\n    ")
    print(f"Ran {len(cases)} tests, failures={failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
