#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast guests are saved and restored, beside what the disk does: docs/measurements.md.

Each round writes and reads by dd, past the page cache, and by the worker's pump, in turns. pump-bench.c stands
in for a worker and for libxl, so that neither Xen nor root is needed."""

import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB, GIB = 1 << 20, 1 << 30
PIECE = 16 * MIB
PROGRAM = "tests/bench/pump-bench"


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="DIRECTORY", type=pathlib.Path, help="where the images go")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of a guest's memory (1024)")
    parser.add_argument("--zeros", type=int, default=0, metavar="PERCENT", help="of the memory is zeros (0)")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many (3)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    if options.size < 4 or options.size % 4 or options.rounds < 1:
        parser.error("--size must be a multiple of 4, and --rounds 1 at least")
    if not 0 <= options.zeros <= 100:
        parser.error("--zeros must be 0 to 100")
    if not (options.build / PROGRAM).exists():
        parser.error(f"there is no {options.build / PROGRAM}: build it, or name the build with --build")
    return options


@contextlib.contextmanager
def memory_of(size, zeros):
    """A file in memory that does not compress, but for its zeros."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        if shutil.disk_usage("/dev/shm").free < size:
            sys.exit(f"/dev/shm has no room for {size >> 20} MiB")
        for at in range(0, size, PIECE):
            piece = min(PIECE, size - at)
            file.write(os.urandom(piece - piece * zeros // 100).ljust(piece, b"\0"))
        file.flush()
        yield file.name


class Bench:
    def __init__(self, options, memory, folder):
        self.memory, self.folder, self.size = memory, folder, options.size * MIB
        self.program = options.build / PROGRAM
        self.commands = {"dd write": self.dd_write, "save": self.save,
                         "dd read": self.dd_read, "restore": self.restore}

    @staticmethod
    def dd(*arguments):
        return ["dd", "bs=4M", "status=none", *arguments]

    def dd_write(self, number):
        return self.dd(f"if={self.memory}", f"of={self.folder}/dd-{number}", "oflag=direct", "conv=fsync")

    def dd_read(self, number):
        return self.dd(f"if={self.folder}/dd-{number}", "of=/dev/null", "iflag=direct")

    def save(self, number):
        return [self.program, "save", f"{self.folder}/image-{number}", self.memory]

    def restore(self, number):
        return [self.program, "restore", f"{self.folder}/image-{number}"]

    def run(self, work, beside):
        """MiB/s of all together, and CPU seconds for a GiB: those of dd, or of the pump's threads."""
        if work in ("dd write", "save"):
            for path in self.folder.glob("dd-*" if work == "dd write" else "image-*"):
                path.unlink()
        before, began = os.times(), time.monotonic()
        running = [subprocess.Popen(self.commands[work](number), stdout=subprocess.PIPE, text=True)
                   for number in range(beside)]
        said = [process.communicate()[0] for process in running]
        seconds, after = time.monotonic() - began, os.times()
        if any(process.returncode for process in running):
            sys.exit(f"{work} failed")
        if work in ("save", "restore"):
            used = sum(float(line.split()[1]) for line in said)
        else:
            used = after.children_user - before.children_user + after.children_system - before.children_system
        total = beside * self.size
        return total / MIB / seconds, used / (total / GIB)


def tell(beside, results):
    for work, other in (("save", "dd write"), ("restore", "dd read")):
        speed, cpu = (statistics.median(column) for column in zip(*results[work]))
        disk, disk_cpu = (statistics.median(column) for column in zip(*results[other]))
        ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in zip(results[work], results[other]))
        print(f"{beside} x {work:<8} {speed:7.0f} MiB/s   {other:<8} {disk:7.0f} MiB/s   ratio {ratio:4.2f}   "
              f"CPU {cpu:.2f} s/GiB, dd {disk_cpu:.2f}", flush=True)


def main():
    options = parse()
    with memory_of(options.size * MIB, options.zeros) as memory, \
            tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(options, memory, pathlib.Path(folder))
        for beside in (1, 4):
            results = {work: [] for work in bench.commands}
            for _ in range(options.rounds):
                for work, found in results.items():
                    found.append(bench.run(work, beside))
            tell(beside, results)


if __name__ == "__main__":
    main()
