# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests of a tier, one step after another, and counts what passed and what failed."""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]

RIG = ROOT / "tests/xen/rig"

TIERS = ("quick", "ci", "full")

# How many hosts a machine has room for at a time.
RIGS = 2

# Many tests wait most of their time: with as many as there are processors, those would rest for most of it.
TESTS = 2 * len(os.sched_getaffinity(0))

# How much of a log is shown when a step fails.
TAIL = 100

# How often a step says how far it is, and in how many characters.
SAY_EVERY_SEC = 30
LINE_MAX = 90


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed


def say(line):
    print(line, flush=True)


def last_line(log):
    with log.open("rb") as text:
        text.seek(max(log.stat().st_size - 4096, 0))
        lines = text.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def run(command, log, **environment):
    """Runs a command with its output in a file, and says how far it is. True if it went well."""
    with log.open("ab") as out:
        out.write(f"$ {' '.join(map(str, command))}\n".encode())
        out.flush()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT,
                                   stdin=subprocess.DEVNULL, env=os.environ | environment)
        while True:
            try:
                return process.wait(SAY_EVERY_SEC) == 0
            except subprocess.TimeoutExpired:
                say(f"    {time.strftime('%H:%M')} {last_line(log)[:LINE_MAX]}")


def count_junit(path):
    """What meson says of its tests; those inside a program of Python's are counted one by one."""
    count = Count()
    for case in ElementTree.parse(path).iter("testcase"):
        out = "".join(case.itertext())
        ran = re.search(r"^Ran (\d+) tests? in", out, re.MULTILINE)
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", out)) if ran else 0
        if case.find("skipped") is not None:
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            count.add(Count(max(int(ran.group(1)) - bad, 0) if ran else 0, max(bad, 1)))
        else:
            count.add(Count(int(ran.group(1)) if ran else 1))
    return count


class Build:
    """The project built in one way, and its tests; those of another Debian are in a chroot."""

    def __init__(self, name, *options, suites=(), but=(), debian=None, setup=None,
                 **environment):
        self.name, self.options, self.environment = name, options, environment
        self.suites, self.but, self.setup = suites, but, setup
        self.folder = ROOT / f"build-{name}"
        # The words before each command, and the places that it knows.
        self.within = [RIG, "chroot", f"--debian={debian}", self.folder] if debian else []
        self.source, self.build = ("/mnt/source", "/mnt/build") if debian else (ROOT, self.folder)

    def __call__(self, log):
        if not (self.folder / "build.ninja").exists() and not run(
                [*self.within, "meson", "setup", self.build, self.source, "-Dwerror=true",
                 *self.options], log, **self.environment):
            return Count(0, 1)
        if not run([*self.within, "meson", "compile", "-C", self.build], log):
            return Count(0, 1)
        if self.suites is None:
            return Count(1)
        words = [*(f"--suite={suite}" for suite in self.suites),
                 *(f"--no-suite={suite}" for suite in self.but)]
        if self.setup:
            words += ["--setup", self.setup]
        junit = self.folder / "meson-logs" / (f"testlog-{self.setup}.junit.xml" if self.setup
                                              else "testlog.junit.xml")
        junit.unlink(missing_ok=True)
        fine = run([*self.within, "meson", "test", "-C", self.build, "--no-rebuild", "--print-errorlogs",
                    f"--num-processes={TESTS}", *words], log, **self.environment)
        count = count_junit(junit) if junit.exists() else Count()
        # Whatever the numbers say, a run that failed has failed.
        if not fine and count.failed == 0:
            count.failed = 1
        return count


def count_unittest(log, fine):
    """What a program of Python's says of its tests; if it failed, one of them counts."""
    said = re.search(r"^Ran (\d+) tests? in", log.read_text(errors="replace"), re.MULTILINE)
    ran = int(said.group(1)) if said else 0
    return Count(ran if fine else max(ran - 1, 0), int(not fine or ran == 0))


class Together:
    """Steps that run at one time, each with a log of its own."""

    def __init__(self, *steps):
        self.steps = steps

    def __call__(self, log):
        logs = [log.with_suffix(f".{n}.log") for n in range(1, len(self.steps) + 1)]
        for part in logs:
            part.unlink(missing_ok=True)
        with concurrent.futures.ThreadPoolExecutor(len(logs)) as pool:
            counts = list(pool.map(lambda step, part: step(part), self.steps, logs))
        # The end of the log is what is shown: what failed comes last.
        order = sorted(zip(counts, logs), key=lambda one: one[0].failed > 0)
        log.write_bytes(b"".join(part.read_bytes() for _, part in order))
        return Count(sum(c.passed for c in counts), sum(c.failed for c in counts))


class Package:
    """The Debian package of a release, built and installed in a chroot."""

    def __init__(self, debian):
        self.debian = debian

    def __call__(self, log):
        fine = run([RIG, "chroot", f"--debian={self.debian}", "--packages=package", "--scratch",
                    ROOT / f"build-package-{self.debian}", "python3",
                    "/mnt/source/tests/package/check.py"], log)
        return count_unittest(log, fine)


class ReleaseUpgrade:
    """The upgrade from Debian 12 to 13 with the package on it, in a chroot."""

    def __call__(self, log):
        folder = ROOT / "build-release"
        fine = run([RIG, "chroot", "--debian=13", "--packages=package", folder, "sh",
                    "/mnt/source/tests/package.sh", "/mnt/build"], log)
        fine = fine and run([RIG, "chroot", "--packages=package", "--scratch", folder, "python3",
                             "/mnt/source/tests/package/release.py",
                             f"/mnt/source/{folder.name}"], log)
        return count_unittest(log, fine)


class Rpm:
    """The spec for Fedora and openSUSE, as far as rpmbuild on Debian goes."""

    def __call__(self, log):
        fine = run([sys.executable, ROOT / "tests/package/rpm.py"], log, PYTHONDONTWRITEBYTECODE="1")
        return count_unittest(log, fine)


class RigShare:
    """One share of the scenarios, on real Xen hosts in QEMU, one after another."""

    def __init__(self, number, words):
        self.words = [*words, f"--share={number}/{RIGS}"]

    def __call__(self, log):
        fine = run([RIG, "run", *self.words], log)
        said = re.findall(r"^(\d+) passed, (\d+) failed", log.read_text(errors="replace"),
                          re.MULTILINE)
        count = Count(*map(int, said[-1])) if said else Count()
        if not fine and count.failed == 0:
            count.failed = 1
        return count


def scenarios(*words):
    """Scenarios on real Xen hosts in QEMU, as many at a time as there is room for."""
    return Together(*(RigShare(number, words) for number in range(1, RIGS + 1)))


class Drawn:
    """So many cases that a test draws by number."""

    def __init__(self, test, cases):
        self.test, self.cases = test, cases

    def __call__(self, log):
        fine = run([sys.executable, ROOT / f"tests/integration/test_{self.test}.py", f"--cases={self.cases}"],
                   log, BUILD=str(ROOT / "build-gcc"))
        said = re.search(r"^Ran (\d+) tests.*, failures=(\d+)$", log.read_text(errors="replace"),
                         re.MULTILINE)
        if not said:
            return Count(0, 1)
        ran, failed = map(int, said.groups())
        return Count(ran - failed, failed or int(not fine))


SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:verify_asan_link_order=0",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1", "CK_FORK": "no"}

WITHOUT_LINT = ("unit", "contract", "fuzz", "integration")


def sanitized(**which):
    return Build("sanitizers", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                 "-Dbuildtype=debug", **which, **SANITIZERS)


PACKAGES = Together(Package(12), Package(13))

STEPS = (
    ("quick", "units, contracts, faults, fuzz corpora and lint, gcc", Build("gcc")),
    ("quick", "the same with address and undefined behaviour sanitizers, without the sweeps",
     sanitized(suites=WITHOUT_LINT, but=("sweep",))),
    ("quick", "a build with clang", Build("clang", suites=None, CC="clang")),
    ("ci", "units, contracts, fuzz corpora and integration in a chroot of Debian 13, without the sweeps",
     Build("debian-13", suites=WITHOUT_LINT, but=("sweep",), debian=13)),
    ("ci", "the packages of Debian 12 and 13, each in a chroot", PACKAGES),
    ("ci", "states x commands", Drawn("states", 2000)),
    ("ci", "scenarios on real Xen hosts, Debian 12", scenarios("--tier=ci")),
)

FULL = (
    ("the sweeps with address and undefined behaviour sanitizers", sanitized(suites=("sweep",))),
    ("units, contracts, fuzz corpora and integration in a chroot of Debian 13",
     Build("debian-13", suites=WITHOUT_LINT, debian=13)),
    ("the packages of Debian 12 and 13, each in a chroot", PACKAGES),
    ("the upgrade from Debian 12 to 13 with the package, in a chroot", ReleaseUpgrade()),
    ("the RPM package, built on Debian", Rpm()),
    ("every state that a power cut can leave on the disk",
     Build("gcc", suites=("crash",), CRASH_STATES="all")),
    ("states x commands", Drawn("states", 100000)),
    ("changes to files, one after another", Drawn("changes", 20000)),
    ("every scenario on real Xen hosts, Debian 12", scenarios("--tier=full")),
    ("every scenario on real Xen hosts, Debian 13", scenarios("--tier=full", "--debian=13")),
)


def choose(tier):
    if tier == "full":
        yield from ((what, step) for t, what, step in STEPS if t == "quick")
        yield from FULL
    else:
        yield from ((what, step) for t, what, step in STEPS if TIERS.index(t) <= TIERS.index(tier))


def show_tail(log):
    for line in log.read_text(errors="replace").splitlines()[-TAIL:]:
        say(f"    {line}")


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--tier", choices=TIERS, default="ci")
    options = parser.parse_args()
    total = Count()
    logs = ROOT / "build-logs"
    logs.mkdir(exist_ok=True)
    steps = list(choose(options.tier))
    failed = []
    for number, (what, step) in enumerate(steps, 1):
        log = logs / f"{options.tier}-{number}.log"
        log.unlink(missing_ok=True)
        say(f"[{number}/{len(steps)}] {what} ({log.relative_to(ROOT)})")
        begin = time.monotonic()
        count = step(log)
        total.add(count)
        say(f"{what}: {count.passed} passed, {count.failed} failed"
            f" ({time.monotonic() - begin:.0f} s)")
        if count.failed:
            failed.append((what, log))
    # At the end, where whoever reads the end only sees it.
    for what, log in failed:
        say(f"failed: {what} ({log.relative_to(ROOT)})")
        show_tail(log)
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
