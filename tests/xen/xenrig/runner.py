# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios, and keeps what tells why one failed."""

import io
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from . import evidence, link
from .host import Host
from .image import Image
from .machine import Slot
from .scenarios import Kind, Scenario

Say = Callable[[str], None]

# What Xen says when a guest's kernel cannot even report its own end. Ours never get there of
# themselves, but now and then do, as they boot, in nested emulation.
TRIPLE_FAULT = "Triple fault"


class Runner:
    """Takes scenarios one by one to a host, which goes back to what it was before each of them.

    A host that a scenario failed on is not used again.
    """

    def __init__(self, image: Image, install: Callable[[Host], None], out: Path, say: Say) -> None:
        self.image = image
        self.install = install
        self.out = out
        self.say = say
        self.hosts: list[Host] = []
        self.kind: Kind | None = None

    def run(self, scenarios: list[Scenario]) -> bool:
        """Run them all, and return whether all is well."""
        failed = 0
        try:
            for scenario in scenarios:
                failed += not self._run_one(scenario)
        finally:
            self._drop_hosts()
        self.say(f"{len(scenarios) - failed} passed, {failed} failed")
        return failed == 0

    def _run_one(self, scenario: Scenario, again: bool = False) -> bool:
        started = time.monotonic()
        try:
            self._boot_hosts(scenario.kind)
            started = time.monotonic()
            self._go_back()
            scenario.story(*self.hosts)
            verdict = "ok"
        except Exception:
            verdict = "FAIL"
            reason = traceback.format_exc()
        self.say(f"{verdict:4} {time.monotonic() - started:6.1f} s  {scenario.name}: {scenario.title}")
        if verdict == "ok":
            return True
        excused = not again and any(map(_has_bad_processor, self.hosts))
        self._tell_why(scenario, reason)
        if excused:
            self.say("once more: the emulated processor of a guest has failed (triple fault)")
            return self._run_one(scenario, again=True)
        return False

    def _tell_why(self, scenario: Scenario, reason: str) -> None:
        folder = self.out / f"{time.strftime('%Y%m%d-%H%M%S')}-{scenario.name}"
        folder.mkdir(parents=True)
        (folder / "traceback.txt").write_text(reason)
        for name, host in zip(link.NAMES, self.hosts):
            place = folder if name == "host" else folder / name
            place.mkdir(exist_ok=True)
            evidence.collect(host, place)
        self._drop_hosts()
        self.say(f"{reason.rstrip()}\nmore in {folder}")

    def _boot_hosts(self, kind: Kind) -> None:
        """Have hosts of this kind that can go back to their boot: those there are, or new ones."""
        if self.kind == kind:
            return
        self._drop_hosts()
        started = time.monotonic()
        if kind.hosts == 1:
            self.hosts = [Host(self.image, xen=kind.xen)]
        else:
            slots = Slot.take_two()
            started = time.monotonic()
            self.hosts = [Host(self.image, slot=slot, link=end, xen=kind.xen)
                          for slot, end in zip(slots, link.pair())]
        # All are switched on before any is waited for.
        for host in self.hosts:
            host.machine.power_on()
        for host in self.hosts:
            host.boot()
        if kind.build:
            self.install(self.hosts[0])
        for host in self.hosts:
            host.keep()
        self.kind = kind
        self.say(f"     {time.monotonic() - started:6.1f} s  "
                 f"({'a host boots' if kind.hosts == 1 else 'two hosts boot'})")

    def _go_back(self) -> None:
        for host in self.hosts:
            host.transcript = io.StringIO()
            host.disconnect()
            host.machine.go_back()
        for host in self.hosts:
            host.go_on()

    def _drop_hosts(self) -> None:
        """End the hosts, whose end tells nothing any more."""
        for host in self.hosts:
            host.close()
        self.hosts = []
        self.kind = None


def _has_bad_processor(host: Host) -> bool:
    if not (host.machine.is_on and host.answers()):
        return False
    return TRIPLE_FAULT in host.sh("xl dmesg", check=False).out
