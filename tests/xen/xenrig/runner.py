# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs scenarios, and keeps what tells why one failed."""

import io
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from . import evidence
from .host import Host
from .image import Image
from .scenarios import Scenario

Say = Callable[[str], None]


class Runner:
    """Takes scenarios one by one to a host, the same one for as long as it will do."""

    def __init__(self, image: Image, install: Callable[[Host], None], out: Path, say: Say) -> None:
        self.image = image
        self.install = install
        self.out = out
        self.say = say
        self.host: Host | None = None
        self.file = ""
        self.installed = False

    def run(self, scenarios: list[Scenario]) -> bool:
        """Run them all, and return whether all is well."""
        failed = 0
        try:
            for scenario in scenarios:
                failed += not self._run_one(scenario)
        finally:
            self._drop_host()
        self.say(f"{len(scenarios) - failed} passed, {failed} failed")
        return failed == 0

    def _run_one(self, scenario: Scenario) -> bool:
        started = time.monotonic()
        try:
            host = self._host_for(scenario)
            started = time.monotonic()
            scenario.story(host)
            verdict = "ok"
        except Exception:
            verdict = "FAIL"
            reason = traceback.format_exc()
        self.say(f"{verdict:4} {time.monotonic() - started:6.1f} s  {scenario.name}: {scenario.title}")
        if verdict == "FAIL":
            self._tell_why(scenario, reason)
        return verdict == "ok"

    def _tell_why(self, scenario: Scenario, reason: str) -> None:
        folder = self.out / f"{time.strftime('%Y%m%d-%H%M%S')}-{scenario.name}"
        folder.mkdir(parents=True)
        (folder / "traceback.txt").write_text(reason)
        if self.host:
            evidence.collect(self.host, folder)
        self._drop_host()
        self.say(f"{reason.rstrip()}\nmore in {folder}")

    def _host_for(self, scenario: Scenario) -> Host:
        """A host that is clean: the one of the scenario before, or one newly booted."""
        usable = self.host and self.file == scenario.file and not scenario.fresh
        if usable and (scenario.build or not self.installed):
            self.host.transcript = io.StringIO()
            self.host.clean()
        else:
            self._drop_host()
            self._boot_host()
            self.file = scenario.file
        if scenario.build and not self.installed:
            self.install(self.host)
            self.installed = True
        return self.host

    def _boot_host(self) -> None:
        started = time.monotonic()
        self.host = Host(self.image)
        self.host.boot()
        self.say(f"     {time.monotonic() - started:6.1f} s  (a host boots)")

    def _drop_host(self) -> None:
        """End the host, whose end tells nothing any more."""
        if self.host:
            self.host.close()
        self.host = None
        self.installed = False
