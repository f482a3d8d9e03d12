#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""all.py DIRECTORY [BUILD]: each benchmark that needs no Xen, one after the other. Images go to the directory."""

import argparse
import pathlib
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent


def commands(folder, build, small):
    """The arguments of each, as docs/measurements.md has their figures. small: they only come to their end."""
    throughput = ["throughput.py", folder, f"--build={build}", f"--rounds={1 if small else 5}"]
    size = "--size=16" if small else "--size=1024"
    yield [*throughput, size]
    if not small:
        yield [*throughput, "--size=4096"]
    yield [*throughput, size, "--zeros=75"]
    yield [*throughput, size, "--compress"]
    yield ["scale.py", build, *(["--sizes=10"] if small else [])]
    for places in 8, 4:
        yield ["makespan.py", build, f"--places={places}", *(["--hosts=4"] if small else [])]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", metavar="DIRECTORY", type=pathlib.Path, help="on the disk of the images")
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=BENCH.parents[1] / "build")
    parser.add_argument("--small", action="store_true", help="to see that they run: the figures mean nothing")
    options = parser.parse_args()
    for program, *words in commands(options.folder, options.build.resolve(), options.small):
        print("\n#", program, *words, flush=True)
        if subprocess.run([sys.executable, BENCH / program, *words]).returncode:
            sys.exit(f"{program} failed")


if __name__ == "__main__":
    main()
