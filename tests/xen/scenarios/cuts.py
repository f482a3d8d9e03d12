# SPDX-License-Identifier: GPL-2.0-or-later
"""The power is cut while guests are saved, and while they are restored ('rig cuts' does more)."""

import random

from xenrig import Host, scenario
from xenrig.cuts import RESTORE, SAVING, Cuts


@scenario("after a power cut no guest is lost, runs twice, or has memory older than its disk",
          tier="ci", fresh=True)
def two(host: Host) -> None:
    seed = random.randrange(1 << 32)
    cuts = Cuts(host, seed, print)
    print(f"the seed is {seed}")
    for phase in (SAVING, RESTORE):
        cuts.cut(phase)
