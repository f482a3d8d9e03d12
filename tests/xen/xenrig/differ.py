# SPDX-License-Identifier: GPL-2.0-or-later
"""The same case for Xen's xendomains script and for us, and what each made of it.

Guests that run are restored from a stock of images, which is a tenth of the work of a boot, and
tells afterwards whether a guest went on or was started afresh: all that came from the stock count
in one boot.
"""

import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from .guest import Guest, pv
from .host import AUTO, CONSOLE, SAVE, Host
from .remote import wait_until

DOCUMENT = Path(__file__).parents[3] / "docs/migrating.md"

LOCK = "/var/lock/subsys/xendomains"
STOCK = "/var/lib/rig/stock"

# What nobody says is said here, as the newest sample of Xen has it: to the script, a variable that
# is not there is an empty one. A case takes one away with None. No limit, though: watching for it
# costs the script more, on an emulated processor, than what it watches.
VARIABLES = {
    "XENDOMAINS_SYSRQ": "",
    "XENDOMAINS_USLEEP": "100000",
    "XENDOMAINS_CREATE_USLEEP": "0",
    "XENDOMAINS_MIGRATE": "",
    "XENDOMAINS_SAVE": SAVE,
    "XENDOMAINS_SHUTDOWN": "--wait",
    "XENDOMAINS_SHUTDOWN_ALL": "--all --wait",
    "XENDOMAINS_RESTORE": "true",
    "XENDOMAINS_AUTO": AUTO,
    "XENDOMAINS_AUTO_ONLY": "false",
    "XENDOMAINS_STOP_MAXWAIT": "0",
}

# Longest time that a guest's next count is waited for; a boot is in it.
COUNT_LIMIT = 60

NO_END = "no end"


@dataclass(frozen=True)
class Case:
    """One line of the table.

    `script` and `ours` are what is expected of each side: the exit code and what became of each
    guest, as Outcome.text() has it; " or " stands between what may happen as well. Where they
    differ, `because` is the heading of docs/migrating.md that says so, else there is none.
    `others` are guests that are told of too, though they neither ran nor are in AUTO by themselves.
    """

    name: str
    what: str
    action: str
    script: str
    ours: str
    because: str = ""
    settings: dict[str, str | None] = field(default_factory=dict)
    auto: tuple[Guest, ...] = ()
    running: tuple[Guest, ...] = ()
    saved: tuple[Guest, ...] = ()
    others: tuple[str, ...] = ()
    prepare: Callable[[Host, "Side"], None] | None = None
    look: Callable[[Host, "Outcome"], str] | None = None
    restore: Callable[[Host], None] | None = None
    limit: float = 90


@dataclass
class Outcome:
    """What a side made of a case."""

    exit: int | str
    seconds: float
    said: str
    guests: dict[str, str]
    other: str = ""

    def text(self) -> str:
        words = [f"exit {self.exit}" if self.exit != NO_END else NO_END]
        words += [f"{name} {fate}" for name, fate in sorted(self.guests.items())]
        return ", ".join(words + ([self.other] if self.other else []))


class Side:
    """One of the two programs."""

    name = ""

    def command(self, host: Host, action: str) -> str:
        raise NotImplementedError

    def begin(self, host: Host) -> None:
        """After the case is set up, before its action."""

    def run(self, host: Host, action: str, limit: float) -> tuple[int | str, float, str]:
        """Exit code or NO_END, seconds, and what was said."""
        started = time.monotonic()
        done = host.sh(f"timeout --kill-after=2 {limit:g} {self.command(host, action)}"
                       " </dev/null >/tmp/said 2>&1; code=$?; cat /tmp/said; exit $code",
                       check=False, timeout=limit + 120)
        code = NO_END if done.code in (124, 137) else done.code
        return code, time.monotonic() - started, done.out


class Script(Side):
    name = "script"

    def command(self, host: Host, action: str) -> str:
        return f"/usr/lib/xen-{host.machine.image.release.xen}/bin/xendomains {action}"


class Ours(Side):
    name = "ours"

    def command(self, host: Host, action: str) -> str:
        return f"xendomainsctl {action}"

    def begin(self, host: Host) -> None:
        host.sh("systemctl start xendomainsd.socket")


SIDES = (Script(), Ours())


# Guests from the stock.

def _kind(guest: Guest) -> str:
    words = "-".join(f"{word}-{value}" for word, value in sorted(guest.words.items()))
    return f"{guest.memory}-{words or 'plain'}"


def _in_stock(host: Host, guest: Guest) -> str:
    """The image of a guest like this one that has booted and counts; made when first asked for."""
    kind = _kind(guest)
    path = f"{STOCK}/{kind}"
    if host.sh(f"test -e {path}", check=False).code != 0:
        host.sh(f"mkdir -p {STOCK}")
        maker = pv(f"stock-{kind}", memory=guest.memory, **guest.words)
        host.create(maker)
        host.sh(f"echo {host.wait_count(maker.name, 2).boot} >{path}.boot")
        host.sh(f"xl save {maker.name} {path}")
    return path


def go_on(host: Host, guest: Guest) -> None:
    """A guest that runs, and has for a while, made by xl."""
    host.sh(f"xl restore {shlex.quote(host.cfg(guest))} {_in_stock(host, guest)}")


def save(host: Host, guest: Guest) -> None:
    """The image of a guest, made by xl."""
    go_on(host, guest)
    name = shlex.quote(guest.name)
    host.sh(f"mkdir -p {SAVE} && xl save {name} {SAVE}/{name}")


# Before.

# The script's commands, where it had no end; and its lock file, which is elsewhere without the
# folder. Units of ours that are not at work are not stopped, which takes longer than the rest.
CLEAN_WITHOUT_US = f"""
killall -q -KILL xendomains xl
install -d {Path(LOCK).parent}
rm -rf {LOCK} {AUTO}/* {SAVE}/* /root/cfg/* {CONSOLE.format(name="*")}
pgrep -x xendomainsd && exit 1
xl list | awk 'NR > 1 && $(NF-4) > 0 {{ print $(NF-4) }}' | xargs -r -n1 xl destroy
exit 0
"""


def _clean(host: Host) -> None:
    if host.sh(CLEAN_WITHOUT_US, check=False).code != 0:
        host.clean()


def _configure(host: Host, case: Case) -> None:
    settings = VARIABLES | {f"XENDOMAINS_{name}": value for name, value in case.settings.items()}
    host.config(**{name: value for name, value in settings.items() if value is not None})
    host.auto(*case.auto)


def _set_up(host: Host, case: Case, side: Side) -> None:
    _clean(host)
    for guest in case.saved:
        save(host, guest)
    for guest in case.running:
        go_on(host, guest)
    _configure(host, case)
    if case.prepare:
        case.prepare(host, side)
    side.begin(host)


# After.

FACTS = f"""
cat {STOCK}/*.boot | sed 's/^/boot /'
for log in {CONSOLE.format(name="*")}; do
    [ -e "$log" ] || continue
    name=${{log##*/guest-}}
    echo "count ${{name%.log}} $(grep -a '^count' "$log" | tail -n 1 | tr -d '\\r')"
done
xl list | sed '1d;s/^/domain /'
ls -A {SAVE} | sed 's/^/image /'
"""


@dataclass
class Facts:
    counts: dict[str, tuple[str, int]]
    domains: dict[str, str]
    images: list[str]
    boots: set[str]


def _facts(host: Host) -> Facts:
    facts = Facts({}, {}, [], set())
    for line in host.sh(FACTS, check=False).out.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "count" and (said := re.fullmatch(r"(.*) count (\w+) (\d+)", rest)):
            facts.counts[said[1]] = (said[2], int(said[3]))
        elif kind == "domain":
            name, domid, _, _, state, _ = rest.rsplit(maxsplit=5)
            if domid != "0":
                facts.domains[name.strip()] = state.replace("-", "")
        elif kind == "boot":
            facts.boots.add(rest)
        elif kind == "image":
            facts.images.append(re.sub(r"\.stale-\d+$", ".stale", unquote(rest)))
    return facts


STATES = {"p": "paused", "s": "ended", "c": "crashed", "d": "dying", "sc": "crashed"}


def _fate(name: str, facts: Facts, now: Facts, boots: set[str]) -> str:
    """One word for a guest; empty while it does not count on."""
    state = now.domains.get(name)
    if state is None:
        return "saved" if name in now.images else "off"
    if set(state) & set("pscd"):
        return STATES.get(state, STATES.get(state[-1], state))
    boot, n = now.counts.get(name, ("", 0))
    if not boot:
        return ""
    if boot not in boots:
        return "afresh"
    return "on" if n > facts.counts.get(name, ("", 0))[1] else ""


def _fates(host: Host, case: Case) -> dict[str, str]:
    guests = {guest.name for guest in (*case.auto, *case.running, *case.saved)} | {*case.others}
    before = _facts(host)
    boots = before.boots
    now = before

    def seen() -> dict[str, str]:
        nonlocal now
        now = _facts(host)
        names = guests | set(now.domains)
        return {name: _fate(name, before, now, boots) for name in names}

    try:
        fates = wait_until(lambda: (f := seen()) if all(seen().values()) else None, "counts",
                           COUNT_LIMIT, every=1)
    except TimeoutError:
        fates = {name: fate or "silent" for name, fate in seen().items()}
    for image in now.images:
        guest = image.removesuffix(".stale")
        if image != guest or fates.get(guest) != "saved":
            known = fates.get(guest, "off")
            fates[guest] = f"{known} and {'put aside' if image != guest else 'saved'}"
    return fates


# The table.

def run_side(host: Host, case: Case, side: Side) -> Outcome:
    host.note(f"==== {case.name}: {side.name}\n")
    _set_up(host, case, side)
    try:
        code, seconds, said = side.run(host, case.action, case.limit)
        outcome = Outcome(code, seconds, said, _fates(host, case))
        if case.look:
            outcome.other = case.look(host, outcome)
    finally:
        if case.restore:
            case.restore(host)
    return outcome


def anchors() -> set[str]:
    """The headings of docs/migrating.md, as links to them have them."""
    headings = re.findall(r"^#+ (.*)$", DOCUMENT.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
            for heading in headings}


def check_table(cases: tuple[Case, ...]) -> None:
    """Fail unless what is expected to differ, and only that, is told in docs/migrating.md."""
    known = anchors()
    for case in cases:
        if (case.script != case.ours) != bool(case.because):
            raise AssertionError(f"{case.name}: a difference without a reason, or the reverse")
        if case.because and case.because not in known:
            raise AssertionError(f"{case.name}: no heading {case.because} in {DOCUMENT.name}")
    names = [case.name for case in cases]
    if len(names) != len(set(names)):
        raise AssertionError("two cases of one name")


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def compare(host: Host, cases: tuple[Case, ...]) -> None:
    """Run each case on both sides, print the table, and fail if it is not the expected one."""
    check_table(cases)
    wrong = []
    print(row("case", "action", "script", "s", "ours", "s", "difference"), flush=True)
    print(row(*["---"] * 7), flush=True)
    for case in cases:
        cells = []
        for side, expected in zip(SIDES, (case.script, case.ours)):
            outcome = run_side(host, case, side)
            cells += [outcome.text(), f"{outcome.seconds:.1f}"]
            if outcome.text() not in expected.split(" or "):
                wrong.append(f"{case.name}, {side.name}: {outcome.text()}\n"
                             f"    expected: {expected}\n    said: {outcome.said}")
        because = f"[{case.because}](#{case.because})" if case.because else "none"
        print(row(f"{case.name}: {case.what}", case.action, *cells, because), flush=True)
    _clean(host)
    if wrong:
        raise AssertionError("\n".join(wrong))
