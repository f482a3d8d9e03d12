# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios: what they are, and how they are found."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from .debian import RELEASES
from .machine import DOM0_MEMORY

FOLDER = Path(__file__).parent.parent / "scenarios"

TIERS = ("ci", "full")

# How long a host takes to boot, and to have the build installed, about.
BOOT_MINUTES = 2.5


class Kind(NamedTuple):
    """Which hosts a scenario begins with."""

    xen: str
    build: bool
    hosts: int


@dataclass(frozen=True)
class Scenario:
    """A story about a host that ends well, or raises."""

    title: str
    tier: str
    kind: Kind
    since: int
    minutes: float
    story: Callable[..., None]

    @property
    def file(self) -> str:
        return self.story.__module__

    @property
    def name(self) -> str:
        return f"{self.file}.{self.story.__name__}"

    def matches(self, patterns: list[str]) -> bool:
        """Whether it, or its file, is one of those asked for."""
        return not patterns or any(fnmatch(text, pattern) for pattern in patterns
                                   for text in (self.file, self.name))


def scenario(title: str, *, tier: str = "full", build: bool = True,
             hosts: int = 1, since: int = 0,
             xen: str = DOM0_MEMORY, minutes: float = 1) -> Callable[[Callable[..., None]], Scenario]:
    """Make a function a scenario.

    A host is booted once for the scenarios that want the same kind, and is back at that instant
    before each of them. Without `build`, it is as Debian ships it. With two `hosts`, the story is
    told the second one too: it is as Debian ships it, and either reaches the other by ssh, under
    the names "host" and "peer". `xen` is for Xen's command line. Debian releases before `since`
    have nothing to tell it of. `minutes` is about how long it takes, for share().
    """
    if tier not in TIERS:
        raise ValueError(f"{title}: no such tier: {tier}")
    return lambda story: Scenario(title, tier, Kind(xen, build, hosts), since, minutes, story)


def find(tier: str, patterns: list[str], release: int = max(RELEASES)) -> list[Scenario]:
    """The scenarios of a tier, which includes those before it, in the order of their files."""
    tiers = TIERS[:TIERS.index(tier) + 1]
    return [found for path in sorted(FOLDER.glob("*.py")) for found in _load(path)
            if found.tier in tiers and found.since <= release and found.matches(patterns)]


def share(scenarios: list[Scenario], number: int, of: int) -> list[Scenario]:
    """The `number`th of so many shares that take about as long, with those of a kind in a row."""
    loads, shares = [0.0] * of, [[] for _ in range(of)]
    for found in sorted(scenarios, key=lambda found: (-found.minutes, found.name)):
        grown = [load + _cost(found, dealt) for load, dealt in zip(loads, shares)]
        least = grown.index(min(grown))
        loads[least] = grown[least]
        shares[least].append(found)
    return sorted(shares[number - 1], key=lambda found: (found.kind, scenarios.index(found)))


def _cost(scenario: Scenario, dealt: list[Scenario]) -> float:
    """What a scenario adds to a share that has these."""
    boots = all(scenario.kind != other.kind for other in dealt)
    return scenario.minutes + (BOOT_MINUTES if boots else 0)


def _load(path: Path) -> list[Scenario]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [value for value in vars(module).values() if isinstance(value, Scenario)]
