#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""makespan.py [BUILD] [--hosts=N] [--places=N] [--seed=N]: how long the stop and the start of many guests take."""

import argparse
import heapq
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Few large guests among many small ones.
MEMORIES_MIB = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768]
WEIGHTS = [4, 6, 8, 8, 6, 4, 2, 1]

# What a guest is saved and restored with, where each has a disk of its own; and a second is for the remaining work.
RATE_MIB_S = 200
OVERHEAD_S = 1

# Of the disk that all share where time is short. Nothing has been measured yet, and the daemon expects that.
SHARED_MIB_S = 50
DEADLINE_S = 300
# A shutdown counts as a minute, which a host keeps at its end for guests that are not saved.
LAST_MINUTE_S = 60
GUESTS_SHORT_OF_TIME = 50

# Disks that all saves, or restores, share: MiB/s of all and of one, and what each further one costs.
DISKS = {
    "150 MiB/s, each further one costs 10 %": {"mib_s": 150, "loss_percent": 10},
    "150 MiB/s, each further one costs 3 %": {"mib_s": 150, "loss_percent": 3},
    "150 MiB/s": {"mib_s": 150},
    "500 MiB/s, one alone 400": {"mib_s": 500, "stream_mib_s": 400},
    "500 MiB/s, one alone 400, each further one costs 5 %": {"mib_s": 500, "stream_mib_s": 400, "loss_percent": 5},
    "2000 MiB/s, one alone 1000": {"mib_s": 2000, "stream_mib_s": 1000},
    "2000 MiB/s, one alone 250": {"mib_s": 2000, "stream_mib_s": 250},
    "2000 MiB/s, one alone 60": {"mib_s": 2000, "stream_mib_s": 60},
}
# Until a disk is known, the daemon saves as many at one time as it may.
STOPS_TO_KNOW_A_DISK = 3
# A disk that was so fast as long as others left it alone.
FAST_DISK = {"mib_s": 2000, "stream_mib_s": 1000}

DONE = re.compile(r"^(\S+): (?:stop|start) done in (.+)$", re.MULTILINE)
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
SAVED = re.compile(r"^(\S+): save done", re.MULTILINE)


def draw(dice, guests):
    return {f"guest{i:02}": dice.choices(MEMORIES_MIB, WEIGHTS)[0] for i in range(guests)}


def seconds(mib):
    return OVERHEAD_S + mib / RATE_MIB_S


def read_duration(text):
    """The seconds in "1 min 32 s"; the daemon rounds to a second from a minute on."""
    words = text.split()
    return sum(float(number) * UNITS[unit] for number, unit in zip(words[::2], words[1::2], strict=True))


def bound(memories, places):
    """No order takes less."""
    times = [seconds(mib) for mib in memories.values()]
    return max(max(times), sum(times) / places)


def as_named(memories, places):
    """List scheduling in the order of names: the next one goes where a place comes free first."""
    free = [0.0] * places
    for name in sorted(memories):
        heapq.heappush(free, heapq.heappop(free) + seconds(memories[name]))
    return max(free)


def saved_as_named(memories, deadline):
    """One that does not fit is shut down, and the next one tried."""
    end, saved = 0.0, 0
    for name in sorted(memories):
        takes = OVERHEAD_S + memories[name] / SHARED_MIB_S
        if end + takes <= deadline:
            end, saved = end + takes, saved + 1
    return saved


def describe(name, mib, state, own_disk):
    way = {"ms": round(1000 * (seconds(mib) if own_disk else OVERHEAD_S))}
    return {"name": name, "config": f"/etc/xen/auto/{name}.cfg", "memory_mib": mib, state: True,
            "save": way, "restore": way}


def run(build, places, host, goal, *options, state=None):
    """What the daemon says when it has carried that out, on a clock that jumps from event to event. state: where it
    keeps what it has learned."""
    with tempfile.TemporaryDirectory(prefix="makespan-",
                                     dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        folder = pathlib.Path(name)
        (folder / "host.json").write_text(json.dumps({"speed": 0, **host}))
        (folder / "native").write_text(f"[Host]\nParallelOperations={places}\n")
        # Without a limit for one save, their number depends on nothing else.
        (folder / "variables").write_text("XENDOMAINS_SAVE=/var/lib/xen/save\nXENDOMAINS_STOP_MAXWAIT=0\n")
        done = subprocess.run(
            [build / "daemon/xendomainsd", "--backend", f"sim:{folder / 'host.json'}", "--config",
             folder / "variables", "--native", folder / "native", "--once", goal, *options],
            env={**os.environ, "RUNTIME_DIRECTORY": f"{name}/run", "STATE_DIRECTORY": str(state or folder / "state")},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{goal} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def measure(build, places, memories, goal, disk=None, state=None):
    """Seconds, from the begin to the end of the last guest. disk: that they share; without, each has its own."""
    guests = [describe(name, mib, "running" if goal == "stop" else "saved", own_disk=not disk)
              for name, mib in memories.items()]
    host = {"guests": guests, "disk": disk} if disk else {"guests": guests}
    ends = dict(DONE.findall(run(build, places, host, goal, state=state)))
    if ends.keys() != memories.keys():
        raise SystemExit(f"{goal}: {sorted(memories.keys() - ends.keys())} did not end well")
    return max(map(read_duration, ends.values()))


def tell(work, column, ratios):
    print(f"| {work} | {column} | {statistics.median(ratios):.3f} | {statistics.mean(ratios):.3f} | "
          f"{max(ratios):.3f} |", flush=True)


def tell_makespans(arguments, dice):
    hosts = [draw(dice, dice.randint(6, 50)) for _ in range(arguments.hosts)]
    bounds = [bound(host, arguments.places) for host in hosts]
    print(f"{len(hosts)} hosts, {arguments.places} at work at one time: makespan / lower bound\n")
    print("| work | order | median | mean | worst |\n|---|---|---:|---:|---:|")
    for work, goal in ("stop by save", "stop"), ("start by restore", "start"):
        tell(work, "as named", [as_named(host, arguments.places) / b for host, b in zip(hosts, bounds)])
        tell(work, "now", [measure(arguments.build, arguments.places, host, goal) / b
                           for host, b in zip(hosts, bounds)])


def tell_saved(arguments, dice):
    named, now, last = [], [], []
    for _ in range(arguments.hosts):
        memories = draw(dice, GUESTS_SHORT_OF_TIME)
        guests = [describe(name, mib, "running", own_disk=False) for name, mib in memories.items()]
        said = run(arguments.build, arguments.places, {"disk": {"mib_s": SHARED_MIB_S}, "guests": guests}, "stop",
                   "--limit", str(DEADLINE_S + LAST_MINUTE_S))
        saved = set(SAVED.findall(said))
        ends = [read_duration(end) for name, end in DONE.findall(said) if name in saved]
        named.append(saved_as_named(memories, DEADLINE_S))
        now.append(sum(end <= DEADLINE_S for end in ends))
        last.append(max(ends))
    print(f"\n{GUESTS_SHORT_OF_TIME} guests on a disk of {SHARED_MIB_S} MiB/s: saved within {DEADLINE_S} s\n")
    print("| choice | median | least | most |\n|---|---:|---:|---:|")
    for choice, counts in ("as named", named), ("now", now):
        print(f"| {choice} | {statistics.median(counts):g} | {min(counts)} | {max(counts)} |")
    print(f"\nThe last save was over after {max(last):.0f} s at most.")


def state_folder():
    return tempfile.TemporaryDirectory(prefix="makespan-state-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def head(goal, text):
    work = "Stop by save" if goal == "stop" else "Start by restore"
    print(f"\n{work} of {text}\n\n| disk | median | mean | best | worst |\n|---|---:|---:|---:|---:|")


def tell_disk(name, ratios):
    print(f"| {name} | {statistics.median(ratios):.3f} | {statistics.mean(ratios):.3f} | {min(ratios):.3f} | "
          f"{max(ratios):.3f} |", flush=True)


def tell_disks(arguments, dice, goal):
    """Stops tell of the disk, for the starts as well."""
    hosts = [draw(dice, dice.randint(1, 50)) for _ in range(arguments.hosts)]
    head(goal, f"{len(hosts)} hosts: on a known disk / with {arguments.places} guests at one time")
    for name, disk in DISKS.items():
        ratios = []
        with state_folder() as state:
            for number, host in enumerate(hosts):
                if goal == "stop" or number < STOPS_TO_KNOW_A_DISK:
                    stop = measure(arguments.build, arguments.places, host, "stop", disk, state)
                if number < STOPS_TO_KNOW_A_DISK:
                    continue
                now = stop if goal == "stop" else measure(arguments.build, arguments.places, host, goal, disk, state)
                ratios.append(now / measure(arguments.build, arguments.places, host, goal, disk))
        tell_disk(name, ratios)


def tell_slower(arguments, dice, goal):
    """Each is the first on a disk that has become one of these."""
    hosts = [draw(dice, dice.randint(1, 50)) for _ in range(arguments.hosts)]
    head(goal, f"{len(hosts)} hosts, on a disk that gave 2000 MiB/s in {STOPS_TO_KNOW_A_DISK} stops before")
    for name, disk in DISKS.items():
        ratios = []
        for host in hosts:
            with state_folder() as state:
                for _ in range(STOPS_TO_KNOW_A_DISK):
                    measure(arguments.build, arguments.places, host, "stop", FAST_DISK, state)
                now = measure(arguments.build, arguments.places, host, goal, disk, state)
                ratios.append(now / measure(arguments.build, arguments.places, host, goal, disk))
        tell_disk(name, ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--places", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    dice = random.Random(arguments.seed)
    tell_makespans(arguments, dice)
    tell_saved(arguments, dice)
    for goal in "stop", "start":
        tell_disks(arguments, dice, goal)
        tell_slower(arguments, dice, goal)


if __name__ == "__main__":
    main()
