# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios: what they are, and how they are found."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from .debian import RELEASES
from .machine import DOM0_MEMORY

FOLDER = Path(__file__).parent.parent / "scenarios"

TIERS = ("ci", "full")

# How long a host takes to boot, about.
BOOT_MINUTES = 1.5


@dataclass(frozen=True)
class Scenario:
    """A story about a host that ends well, or raises."""

    title: str
    tier: str
    fresh: bool
    build: bool
    hosts: int
    since: int
    xen: str
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


def scenario(title: str, *, tier: str = "full", fresh: bool = False, build: bool = True,
             hosts: int = 1, since: int = 0,
             xen: str = DOM0_MEMORY, minutes: float = 1) -> Callable[[Callable[..., None]], Scenario]:
    """Make a function a scenario.

    The scenarios of a file share one boot of a host, in order, and find it clean each time;
    a `fresh` one wants a boot of its own. Without `build`, the host is as Debian ships it. With
    two `hosts`, the story is told the second one too: it is as Debian ships it, and either
    reaches the other by ssh, under the names "host" and "peer". Debian releases before `since`
    have nothing to tell it of. `xen` is for Xen's command line; the hosts of a file are booted anew
    where it changes. `minutes` is about how long it takes, for share().
    """
    if tier not in TIERS:
        raise ValueError(f"{title}: no such tier: {tier}")
    return lambda story: Scenario(title, tier, fresh, build, hosts, since, xen,
                                  minutes, story)


def find(tier: str, patterns: list[str], release: int = max(RELEASES)) -> list[Scenario]:
    """The scenarios of a tier, which includes those before it, in the order of their files."""
    tiers = TIERS[:TIERS.index(tier) + 1]
    return [found for path in sorted(FOLDER.glob("*.py")) for found in _load(path)
            if found.tier in tiers and found.since <= release and found.matches(patterns)]


def share(scenarios: list[Scenario], number: int, of: int) -> list[Scenario]:
    """The `number`th of so many shares that take about as long; a file is in just one of them."""
    costs = {found.file: BOOT_MINUTES for found in scenarios}
    for found in scenarios:
        costs[found.file] += found.minutes + (BOOT_MINUTES if found.fresh else 0)
    loads, files = [0.0] * of, [[] for _ in range(of)]
    for file in sorted(costs, key=lambda file: (-costs[file], file)):
        least = loads.index(min(loads))
        loads[least] += costs[file]
        files[least].append(file)
    return [found for found in scenarios if found.file in files[number - 1]]


def _load(path: Path) -> list[Scenario]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [value for value in vars(module).values() if isinstance(value, Scenario)]
