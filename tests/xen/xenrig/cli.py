# SPDX-License-Identifier: GPL-2.0-or-later
"""The verbs of the rig."""

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import cache, image, machine, project, scenarios
from .bench import bench as measure
from .cuts import cut_many
from .debian import RELEASES, Release
from .host import Host
from .remote import Remote
from .runner import Runner


def main() -> int:
    # A rig that is told to end gives back what it holds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = _parser().parse_args()
    try:
        return options.verb(options)
    except (cache.BuildFailed, LookupError) as problem:
        print(f"rig: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rig", description="Tests on a real Xen host.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    release = argparse.ArgumentParser(add_help=False)
    release.add_argument("--debian", type=int, choices=RELEASES, default=12,
                         help="the release of the host (default: %(default)s)")
    slot = argparse.ArgumentParser(add_help=False)
    slot.add_argument("--slot", type=int, choices=range(machine.SLOTS),
                      help="which host, if more than one runs")

    def verb(function, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added = verbs.add_parser(function.__name__, parents=parents, help=function.__doc__,
                                 description=function.__doc__)
        added.set_defaults(verb=function)
        return added

    verb(build, release)

    booting = verb(boot, release)
    booting.add_argument("--overlay", type=Path,
                         help="the host's disk, kept and used again (default: a new one)")

    verb(install, slot)

    verb(shell, slot).add_argument("command", nargs="*", help="instead of a login")

    inside = verb(chroot, release)
    inside.add_argument("--packages", action="append", metavar="GROUP",
                        help="of tests/deps.sh, beside those of the build (default: test)")
    inside.add_argument("--scratch", action="store_true",
                        help="the chroot and FOLDER may be changed, and are as before afterwards")
    inside.add_argument("folder", type=Path, metavar="FOLDER", help="what /mnt/build is there")
    inside.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND",
                        help="with its words (default: a shell)")

    running = verb(run, release)
    running.add_argument("patterns", nargs="*", metavar="PATTERN",
                         help="FILE or FILE.NAME, with * and ?")
    running.add_argument("--tier", choices=scenarios.TIERS, default="full")
    running.add_argument("--share", type=_share, metavar="N/M", default=(1, 1),
                         help="only the Nth of M parts, which take about as long")
    running.add_argument("--list", action="store_true", help="only say which would run")
    running.add_argument("--log", type=Path, help="also write what is said to this file")
    running.add_argument("--out", type=Path, help="where failures are explained")

    measuring = verb(bench, release)
    measuring.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    measuring.add_argument("--log", type=Path, help="also write what is said to this file")

    cutting = verb(cuts, release)
    cutting.add_argument("--rounds", type=int, default=6, help="(default: %(default)s)")
    cutting.add_argument("--seed", type=int, default=random.randrange(1 << 32),
                         help="of the moments (default: another each time)")
    cutting.add_argument("--log", type=Path, help="also write what is said to this file")
    cutting.add_argument("--out", type=Path, help="where a failure is explained")

    verb(clean).add_argument("--all", action="store_true", help="remove what is in use, too")
    return parser


def _share(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"'{text}' is not N/M, with N from 1 to M")
    return int(number), int(of)


def build(options: argparse.Namespace) -> int:
    """build the image of a host, unless there is one made from the same inputs"""
    started = time.monotonic()
    made = image.build(RELEASES[options.debian])
    print(f"{made.folder} ({time.monotonic() - started:.0f} s)")
    return 0


def boot(options: argparse.Namespace) -> int:
    """boot a clean host, and stay until it is off"""
    overlay = options.overlay and options.overlay.absolute()
    if overlay and overlay.exists():
        made = image.behind(overlay)
    else:
        made = image.build(RELEASES[options.debian])
    host = Host(made, overlay=overlay)
    try:
        host.boot()
        print(f"{made.release.name} is up: 'rig shell', or\n{shlex.join(host.ssh)}", flush=True)
        host.machine.process.wait()
    finally:
        host.close()
    return 0


def install(options: argparse.Namespace) -> int:
    """build the project, and install it on a running host"""
    running = _running_host(options.slot)
    tree = project.build(running.release)
    project.install(_remote(running), tree)
    return 0


def shell(options: argparse.Namespace) -> int:
    """log in to a running host, or run a command on it"""
    ssh = _remote(_running_host(options.slot)).ssh
    return subprocess.run([*ssh, *options.command]).returncode


def chroot(options: argparse.Namespace) -> int:
    """run a command in a chroot of a release, where the sources are /mnt/source, and builds and tests run"""
    release = RELEASES[options.debian]
    root = project.chroot(release, project.packages_of("build", *(options.packages or ["test"])))
    options.folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(project.in_chroot(root, options.folder.absolute(),
                                            *(options.command or ["sh"]),
                                            scratch=options.scratch)).returncode


def run(options: argparse.Namespace) -> int:
    """run scenarios, and bring back what explains those that fail"""
    chosen = scenarios.share(scenarios.find(options.tier, options.patterns, options.debian),
                             *options.share)
    if not chosen:
        raise LookupError("no such scenario")
    if options.list:
        for found in chosen:
            print(f"{found.tier:4}  {found.name}: {found.title}")
        return 0
    with _said_to(options.log) as say:
        return 0 if _run(chosen, options, say) else 1


def cuts(options: argparse.Namespace) -> int:
    """cut a host's power at random moments of starts and stops, and say what became of its guests"""
    with _said_to(options.log) as say:
        @scenarios.scenario(f"{options.rounds} power cuts, seed {options.seed}")
        def many(host: Host) -> None:
            cut_many(host, options.rounds, options.seed, say)

        return 0 if _run([many], options, say) else 1


def bench(options: argparse.Namespace) -> int:
    """measure the same work done by Xen's script, by us, and by plain xl"""
    release = RELEASES[options.debian]
    made = image.build(release)
    tree = project.build(release)
    with _said_to(options.log) as say:
        say(_heading(release))
        # Nobody else's host may run beside this one.
        slot, other = machine.Slot.take_two()
        # What runs side by side has a second processor to win by.
        host = Host(made, slot=slot, processors=2)
        try:
            host.boot()
            project.install(host, tree)
            return 0 if measure(host, options.rounds, say) else 1
        finally:
            host.close()
            other.release()


def clean(options: argparse.Namespace) -> int:
    """remove from the cache what no build of today would use, and the explained failures"""
    if list(machine.running()):
        raise LookupError("a host is running")
    names = set() if options.all else {folder.name for release in RELEASES.values()
                                       for folder in (image.folder_of(release),
                                                      *project.chroot_folders(release))}
    for kind in ("image", "chroot"):
        for path in (cache.root() / kind).glob("*"):
            if path.name.partition(".")[0] not in names:
                cache.remove(path)
    for kind in ("out", *(["build", "slot"] if options.all else [])):
        cache.remove(cache.root() / kind)
    return 0


def _run(chosen: list[scenarios.Scenario], options: argparse.Namespace,
         say: Callable[[str], None]) -> bool:
    release = RELEASES[options.debian]
    made = image.build(release)
    tree = project.build(release) if any(found.kind.build for found in chosen) else None
    say(_heading(release))
    runner = Runner(made, lambda host: project.install(host, tree),
                    options.out or cache.root() / "out", say)
    return runner.run(chosen)


def _running_host(slot: int | None) -> machine.Running:
    found = [host for host in machine.running() if slot in (None, host.slot)]
    if len(found) != 1:
        raise LookupError("more than one host runs; choose one with --slot" if found
                          else "no such host is running")
    return found[0]


def _remote(running: machine.Running) -> Remote:
    return Remote(running.folder, running.port, image.ssh_key())


def _heading(release: Release) -> str:
    # The checkout may belong to another user. Without git, or in an archive, there is no commit.
    described = subprocess.run(["sh", "-c", 'git -c safe.directory="$1" -C "$1" describe --always --dirty',
                                "sh", project.SOURCE], capture_output=True, text=True)
    commit = described.stdout.strip() or "no commit"
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {commit}  {release.name}, Xen {release.xen}"


@contextmanager
def _said_to(log: Path | None) -> Iterator[Callable[[str], None]]:
    """A function that says a line here, and in the log if there is one."""
    with open(log or os.devnull, "w") as copy:
        def say(line: str) -> None:
            for stream in (sys.stdout, copy):
                print(line, file=stream, flush=True)

        yield say
