# SPDX-License-Identifier: GPL-2.0-or-later
"""How long the same work takes Xen's script, us, and plain xl, on the same guests in one boot.

The three take turns, so that a slow minute of the machine hurts none alone, and medians are
compared. Absolute times of an emulated host mean little; the ratios are what counts.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from .differ import LOCK, VARIABLES
from .guest import pv
from .host import AUTO, SAVE, Host
from .remote import wait_until

GUESTS = tuple(pv(f"p{n}", off=3) for n in range(1, 7))
NAMES = tuple(guest.name for guest in GUESTS)

# Longest time that one piece of work may take.
LIMIT = 900

CREATE, UP, SAVING, SYNCED, RESTORE, SHUTDOWN = WORKS = (
    "start by create", "start until all are up", "stop by save", "stop by save, and sync", "start by restore",
    "stop by shutdown")

# As the sample that comes with Xen has it.
SETTINGS = VARIABLES | {"XENDOMAINS_CREATE_USLEEP": "5000000", "XENDOMAINS_STOP_MAXWAIT": "300"}

# What people and monitors call most, with all guests running; a shell calls it so often in a row.
# A program that does nothing takes what any takes to begin on an emulated processor.
STATUS, LIST, NOTHING = "xendomainsctl status", "xl list", "/bin/true"
CALLS = 20
STATUS_GOAL = 1 / 3

# A start by create ends while guests boot, and they take the processors from those still to come: the
# sooner the first boots, the longer the start takes. So it is also measured until the last is up.
ALL_UP = ("until [ $(xenstore-ls -f /local/domain | grep -c /data/ready) = %d ]; do sleep 0.5; done"
          % len(GUESTS))

# Of the script to ours at least, and of ours to plain xl at most.
GOALS = {CREATE: (2, 1.15), UP: (1, 1.15), SAVING: (4, 1.25), SYNCED: (4, 1.25), RESTORE: (4, None), SHUTDOWN: (4, 1.15)}

# A stop ends for all of them when no domain is left: xl itself waits only until guests are down.
GONE = "until [ $(xl list | wc -l) = 2 ]; do :; done"

PSS = ("cat $(pgrep {pattern} | sed 's,.*,/proc/&/smaps_rollup,')"
       " | awk '/^Pss:/ {{ n += $2 }} END {{ print n }}'")


@dataclass(frozen=True)
class Runner:
    """One who does the work, with a command for each piece of it."""

    name: str
    commands: Callable[[Host], dict[str, str]]
    processes: str
    before: str = "true"


def _start_and_stop(program: str) -> dict[str, str]:
    return {CREATE: f"{program} start", SAVING: f"{program} stop",
            RESTORE: f"{program} start", SHUTDOWN: f"{program} stop"}


def _all_at_once(command: str) -> str:
    return f"for name in {' '.join(NAMES)}; do {command} & done; wait"


SCRIPT = Runner("script", lambda host: _start_and_stop(
    f"/usr/lib/xen-{host.machine.image.release.xen}/bin/xendomains"), "-x xl", f"rm -f {LOCK}")
OURS = Runner("xendomainsd", lambda host: _start_and_stop("xendomainsctl"), "^xendomains",
              "systemctl start xendomainsd.service")
XL = Runner("parallel xl", lambda host: {
    CREATE: _all_at_once(f"xl create -q {AUTO}/$name.cfg"),
    SAVING: _all_at_once(f"xl save $name {SAVE}/$name"),
    RESTORE: _all_at_once(f"xl restore {SAVE}/$name && rm {SAVE}/$name"),
    SHUTDOWN: "xl shutdown --all --wait"}, "-x xl")
RUNNERS = (SCRIPT, OURS, XL)


def bench(host: Host, rounds: int, say: Callable[[str], None]) -> bool:
    """Measure, say what came out, and return whether every goal was reached."""
    seconds = {(runner.name, work): [] for runner in RUNNERS for work in WORKS}
    memory = {runner.name: [] for runner in RUNNERS}
    calls = {STATUS: [], LIST: [], NOTHING: []}
    for number in range(1, rounds + 1):
        for runner in RUNNERS:
            _turn(host, runner, seconds, memory, calls)
            say(f"round {number}, {runner.name}: "
                + ", ".join(f"{work} {seconds[runner.name, work][-1]:.1f} s" for work in WORKS)
                + f", memory {memory[runner.name][-1]} KiB")
    reached = _table(seconds, memory, say)
    return _calls_table(calls, say) and reached


def _call(host: Host, command: str) -> float:
    return host.sh(f"for i in $(seq {CALLS}); do {command} >/root/out; done", timeout=LIMIT).elapsed / CALLS


def _turn(host: Host, runner: Runner, seconds: dict, memory: dict, calls: dict) -> None:
    host.clean()
    host.config(**SETTINGS)
    host.auto(*GUESTS)
    host.sh(f"mkdir -p {SAVE}; {runner.before}")
    commands = runner.commands(host)

    def work(what: str) -> None:
        end = f"; {GONE}" if what is SHUTDOWN else ""
        seconds[runner.name, what].append(host.sh(commands[what] + end, timeout=LIMIT).elapsed)

    work(CREATE)
    seconds[runner.name, UP].append(
        seconds[runner.name, CREATE][-1] + host.sh(ALL_UP, timeout=LIMIT).elapsed)
    boots = {name: host.wait_count(name, 2).boot for name in NAMES}
    memory[runner.name].append(int(host.sh(PSS.format(pattern=runner.processes)).out))
    work(SAVING)
    _expect_gone(host)
    # Ours are on the disk. What the others leave for it to do is measured, and not charged to the
    # next work; and behind the reboot that is usual here, images are there, whoever wrote them.
    seconds[runner.name, SYNCED].append(seconds[runner.name, SAVING][-1] + host.sh("sync", timeout=LIMIT).elapsed)
    host.sh("echo 3 >/proc/sys/vm/drop_caches")
    work(RESTORE)
    for name in NAMES:
        host.expect_counting(name, boot=boots[name])
    if runner is OURS:
        for command in calls:
            calls[command].append(_call(host, command))
    host.config(**SETTINGS | {"XENDOMAINS_SAVE": ""})
    if runner is OURS:
        host.sh("xendomainsctl reload")
    work(SHUTDOWN)
    _expect_gone(host)


def _expect_gone(host: Host) -> None:
    """The script and xl leave behind what is dying still; the next work must not wait for it."""
    wait_until(lambda: not host.domains(), "all guests to be gone")


def _table(seconds: dict, memory: dict, say: Callable[[str], None]) -> bool:
    median = {key: statistics.median(values) for key, values in seconds.items()}
    reached = True
    say("| work | script | xendomainsd | parallel xl | script / ours | goal | ours / xl | goal |")
    say("|---|---:|---:|---:|---:|---:|---:|---:|")
    for work in WORKS:
        script, ours, xl = (median[runner.name, work] for runner in RUNNERS)
        least, most = GOALS[work]
        reached &= script / ours >= least and (most is None or ours / xl <= most)
        say(f"| {work} | {script:.1f} s | {ours:.1f} s | {xl:.1f} s | {script / ours:.1f} | "
            f"{least} or more | {ours / xl:.2f} | {f'{most} or less' if most else '-'} |")
    say(f"memory with {len(NAMES)} guests (PSS): " + ", ".join(
        f"{runner.name} {statistics.median(memory[runner.name]) / 1024:.1f} MiB"
        for runner in RUNNERS))
    return reached


def _calls_table(calls: dict, say: Callable[[str], None]) -> bool:
    ours, xl, nothing = (statistics.median(calls[command]) for command in (STATUS, LIST, NOTHING))
    say(f"{STATUS} with {len(NAMES)} guests: {1000 * ours:.0f} ms, {LIST}: {1000 * xl:.0f} ms; "
        f"{ours / xl:.2f} of it, goal {STATUS_GOAL:.2f} or less")
    say(f"{NOTHING}: {1000 * nothing:.0f} ms; without so much in each: "
        f"{(ours - nothing) / (xl - nothing):.2f}")
    return ours / xl <= STATUS_GOAL
