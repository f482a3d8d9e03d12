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

import sample

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB, GIB = 1 << 20, 1 << 30
PIECE = 16 * MIB
PROGRAM = "tests/bench/pump-bench"

SAVES, RESTORES = ("dd write", "save", "pack"), ("dd read", "restore", "unpack")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="DIRECTORY", type=pathlib.Path, help="where the images go")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of a guest's memory (1024)")
    parser.add_argument("--zeros", type=int, default=0, metavar="PERCENT", help="of the memory is zeros (0)")
    parser.add_argument("--compress", action="store_true",
                        help="a sample of a guest's memory, as it is and compressed, in turns")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many (3)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    if options.size < 4 or options.size % 4 or options.rounds < 1:
        parser.error("--size must be a multiple of 4, and --rounds 1 at least")
    if options.compress and (options.zeros or options.size % 16):
        parser.error("--compress goes with a --size that is a multiple of 16, and not with --zeros")
    if not 0 <= options.zeros <= 100:
        parser.error("--zeros must be 0 to 100")
    if not (options.build / PROGRAM).exists():
        parser.error(f"there is no {options.build / PROGRAM}: build it, or name the build with --build")
    return options


@contextlib.contextmanager
def memory_of(options):
    """A file in memory that does not compress, but for its zeros; or the sample."""
    size = options.size * MIB
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        if shutil.disk_usage("/dev/shm").free < size:
            sys.exit(f"/dev/shm has no room for {size >> 20} MiB")
        # zstd sees no more than half a MiB at a time: it does not find that pieces are the same.
        same = sample.make_piece(1) if options.compress else None
        for at in range(0, size, PIECE):
            piece = min(PIECE, size - at)
            file.write(same or os.urandom(piece - piece * options.zeros // 100).ljust(piece, b"\0"))
        file.flush()
        yield file.name


class Bench:
    def __init__(self, options, memory, folder):
        self.memory, self.folder, self.size = memory, folder, options.size * MIB
        self.program = options.build / PROGRAM
        self.commands = {"dd write": self.dd_write, "save": self.save,
                         "dd read": self.dd_read, "restore": self.restore}
        if options.compress:
            self.commands |= {"pack": self.pack, "unpack": self.unpack}

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

    def pack(self, number):
        return [self.program, "pack", f"{self.folder}/packed-{number}", self.memory]

    def unpack(self, number):
        return [self.program, "unpack", f"{self.folder}/packed-{number}"]

    def run(self, work, beside):
        """MiB/s of all together, and CPU seconds for a GiB: those of dd, or of the pump's threads. Also the part
        of the memory's size that is in the file, for a save."""
        if work in SAVES:
            for path in self.folder.glob({"dd write": "dd-*", "save": "image-*", "pack": "packed-*"}[work]):
                path.unlink()
        before, began = os.times(), time.monotonic()
        running = [subprocess.Popen(self.commands[work](number), stdout=subprocess.PIPE, text=True)
                   for number in range(beside)]
        said = [process.communicate()[0] for process in running]
        seconds, after = time.monotonic() - began, os.times()
        if any(process.returncode for process in running):
            sys.exit(f"{work} failed")
        if work not in ("dd write", "dd read"):
            used = sum(float(line.split()[1]) for line in said)
        else:
            used = after.children_user - before.children_user + after.children_system - before.children_system
        total = beside * self.size
        stored = sum(float(line.split()[2]) for line in said) if work in ("save", "pack") else 0
        return total / MIB / seconds, used / (total / GIB), stored / (total / MIB)


def tell(beside, results, work, other):
    speed, cpu, stored = (statistics.median(column) for column in zip(*results[work]))
    than, than_cpu, _ = (statistics.median(column) for column in zip(*results[other]))
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in zip(results[work], results[other]))
    print(f"{beside} x {work:<8} {speed:7.0f} MiB/s   {other:<8} {than:7.0f} MiB/s   ratio {ratio:4.2f}   "
          f"CPU {cpu:.2f} s/GiB, {other} {than_cpu:.2f}"
          + (f"   {100 * stored:.0f} % on the disk" if stored else "")
          + ("   slower" if other in ("save", "restore") and ratio < 1 else ""), flush=True)


def main():
    options = parse()
    with memory_of(options) as memory, tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(options, memory, pathlib.Path(folder))
        for beside in (1, 4):
            results = {work: [] for work in bench.commands}
            for _ in range(options.rounds):
                for work, found in results.items():
                    found.append(bench.run(work, beside))
            for works in SAVES, RESTORES:
                tell(beside, results, works[1], works[0])
                if options.compress:
                    tell(beside, results, works[2], works[1])


if __name__ == "__main__":
    main()
