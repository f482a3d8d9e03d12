#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py [BUILD] [--sizes=N,...]: what the daemon costs on simulated hosts of more and more guests."""

import argparse
import json
import math
import os
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# So many work at one time: a quick host, where the ends of operations come in bursts.
PLACES = 100

SETTINGS = f"[Host]\nParallelOperations={PLACES}\nParallelCreates={PLACES}\n"

# Nothing is written there: that it is set switches saves on.
SAVE_DIRECTORY = "/var/lib/xen/save"

# What status exits with where no guest runs.
NOTHING_RUNS = 3

# From so many guests on no sequence is measured, only whether the daemon answers.
ONLY_ANSWERS = 100000

SPEED = 20

# When all guests of a host end at once, in simulated seconds after its beginning.
END = 120

# Of the CPU time of a sequence with 10,000 guests, as often as with 1,000.
SEQUENCE, TIMES = 0.6, 12

# What is to be reached, as the column prints it: at most so much with so many guests.
GOALS = {("start", 1000): SEQUENCE, ("save", 1000): SEQUENCE, ("restore", 1000): SEQUENCE,
         ("shutdown", 1000): SEQUENCE, ("start", 10000): TIMES * SEQUENCE, ("save", 10000): TIMES * SEQUENCE,
         ("restore", 10000): TIMES * SEQUENCE, ("shutdown", 10000): TIMES * SEQUENCE, ("deaths", 1000): 0.1,
         ("status", 1000): 8, ("status", 10000): 100, ("first answer", 1000): 100, ("memory", 1000): 8 * 1024,
         ("memory", 10000): 50 * 1024, ("wake-ups", 1000): 0}

# How long a daemon whose guests only run is watched, and before that, how long what is left to do may take.
REST, SETTLE = 10, 3

COLUMNS = ["guests", "first answer", "start", "save", "restore", "shutdown", "deaths", "status", "of it daemon",
           "memory", "wake-ups"]
UNITS = {"first answer": "ms", "start": "s", "save": "s", "restore": "s", "shutdown": "s", "deaths": "s",
         "status": "ms", "of it daemon": "ms", "memory": "KiB", "wake-ups": "in 10 s"}


def guest(number, **more):
    """Every second configuration gives its guest a UUID."""
    name = f"guest{number:05}"
    described = {"name": name, "config": f"/etc/xen/auto/{name}.cfg"}
    if number % 2:
        described["uuid"] = f"6e0c5d3a-0000-4000-8000-{number:012x}"
    return described | more


class Host:
    """A daemon on a simulated host, so many times as fast as the world. more: what each guest does besides."""

    def __init__(self, build, folder, size, speed=SPEED, **more):
        self.client = build / "client/xendomainsctl"
        self.folder = folder
        host = {"speed": speed, "guests": [guest(i, **more) for i in range(size)]}
        (folder / "host.json").write_text(json.dumps(host, separators=(",", ":")))
        (folder / "native").write_text(SETTINGS)
        self.configure(save=False)
        self.log = open(folder / "log", "w")
        directories = {"RUNTIME_DIRECTORY": str(folder / "run"), "STATE_DIRECTORY": str(folder / "state")}
        self.daemon = subprocess.Popen(
            [build / "daemon/xendomainsd", "--backend", f"sim:{folder / 'host.json'}", "--socket", folder / "socket",
             "--config", folder / "variables", "--native", folder / "native"],
            env={**os.environ, **directories}, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.terminate()
        self.daemon.wait()
        self.log.close()

    def configure(self, save):
        (self.folder / "variables").write_text(f"XENDOMAINS_SAVE={SAVE_DIRECTORY if save else ''}\n")

    def cpu(self):
        """Seconds that the daemon was on a CPU."""
        return int(pathlib.Path(f"/proc/{self.daemon.pid}/schedstat").read_text().split()[0]) / 1e9

    def memory(self):
        rollup = pathlib.Path(f"/proc/{self.daemon.pid}/smaps_rollup").read_text()
        return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])

    def wakings(self):
        """How often the daemon wakes while guests run, and nothing changes."""
        def count():
            status = pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text()
            return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

        time.sleep(SETTLE)
        before = count()
        time.sleep(REST)
        return count() - before

    def run(self, *command, expected=(0,)):
        """Runs the client. Seconds of CPU that it used itself."""
        with open(self.folder / "output", "w") as output:
            child = subprocess.Popen([self.client, "--socket", self.folder / "socket", *command],
                                     stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in expected:
            raise SystemExit(f"{' '.join(command)} failed: see {self.folder}\n" +
                             (self.folder / "output").read_text()[-2000:])
        return usage.ru_utime + usage.ru_stime

    def first_answer(self, began):
        while not (self.folder / "socket").exists():
            if self.daemon.poll() is not None:
                raise SystemExit("the daemon ended:\n" + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.001)
        self.run("status", expected=(0, NOTHING_RUNS))
        return time.monotonic() - began

    def costs(self, *command):
        before = self.cpu()
        self.run(*command)
        return self.cpu() - before

    def status(self, rounds=7):
        """Medians of CPU seconds of client and daemon together, and of the daemon alone."""
        both, daemon = [], []
        for _ in range(rounds):
            before = self.cpu()
            client = self.run("status")
            daemon.append(self.cpu() - before)
            both.append(client + daemon[-1])
        return sorted(both)[rounds // 2], sorted(daemon)[rounds // 2]


def new_folder():
    return tempfile.TemporaryDirectory(prefix="scale-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def measure_deaths(build, size):
    """All guests end at once, and their domains are removed."""
    with new_folder() as name:
        began = time.monotonic()
        with Host(build, pathlib.Path(name), size, running=True, ends={"after_ms": END * 1000, "reason": "poweroff"}) as host:
            host.first_answer(began)
            before = host.cpu()
            time.sleep(max(0, began + END / SPEED - time.monotonic()))
            while True:
                last = host.cpu()
                time.sleep(1)
                if host.cpu() == last:
                    break
            cost = last - before
            host.run("status", expected=(NOTHING_RUNS,))
            return cost


def measure_answers(build, size):
    """At its own speed: what is waited for in a message has its limits on that clock."""
    with new_folder() as name:
        began = time.monotonic()
        with Host(build, pathlib.Path(name), size, speed=1, running=True) as host:
            row = {"guests": size, "first answer": host.first_answer(began) * 1000}
            both, daemon = host.status()
            return row | {"status": both * 1000, "of it daemon": daemon * 1000, "memory": host.memory()}


def measure(build, size):
    with new_folder() as name:
        began = time.monotonic()
        with Host(build, pathlib.Path(name), size) as host:
            row = {"guests": size, "first answer": host.first_answer(began) * 1000}
            row["start"] = host.costs("start")
            both, daemon = host.status()
            row["status"], row["of it daemon"] = both * 1000, daemon * 1000
            row["wake-ups"] = host.wakings()
            host.configure(save=True)
            host.run("reload")
            row["save"] = host.costs("stop")
            row["restore"] = host.costs("start")
            host.configure(save=False)
            host.run("reload")
            row["shutdown"] = host.costs("stop")
            row["memory"] = host.memory()
    row["deaths"] = measure_deaths(build, size)
    return row


def text(column, value):
    if value is None:
        return "-"
    if column == "wake-ups":
        return f"{value} {UNITS[column]}"
    return str(value) if column == "guests" else f"{value:.{3 if UNITS[column] == 's' else 1}f} {UNITS[column]}"


def exponent(small, big, column):
    """Growth as a power of the number of guests: 1 is linear."""
    if not small.get(column) or not big.get(column):
        return "-"
    return f"n^{math.log(big[column] / small[column]) / math.log(big['guests'] / small['guests']):.2f}"


def print_goals(rows):
    """Each goal beside what was measured."""
    print("| figure | goal | measured | |\n|---|---:|---:|---|")
    for row in rows:
        for (column, guests), most in GOALS.items():
            if guests == row["guests"] and column in row:
                print(f"| {column}, {guests} guests | {text(column, most)} | {text(column, row[column])} | "
                      f"{'' if row[column] <= most else 'not '}reached |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--sizes", default="10,100,1000,10000")
    arguments = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---:|" * len(COLUMNS))
    rows = []
    for size in arguments.sizes.split(","):
        measured = measure_answers if int(size) >= ONLY_ANSWERS else measure
        rows.append(measured(arguments.build.resolve(), int(size)))
        print("| " + " | ".join(text(c, rows[-1].get(c)) for c in COLUMNS) + " |", flush=True)
    for small, big in zip(rows, rows[1:]):
        print(f"| growth to {big['guests']} | " +
              " | ".join(exponent(small, big, c) for c in COLUMNS[1:]) + " |")
    print_goals(rows)


if __name__ == "__main__":
    main()
