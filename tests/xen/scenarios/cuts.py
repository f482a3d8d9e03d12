# SPDX-License-Identifier: GPL-2.0-or-later
"""The power is cut while guests are saved ('rig cuts' does that, and more, many times)."""

import random

from xenrig import Host, scenario
from xenrig.cuts import SAVING, Cuts


@scenario("after a power cut in a save no guest is lost, runs twice, or has memory older than its disk",
          tier="ci", minutes=7)
def save(host: Host) -> None:
    seed = random.randrange(1 << 32)
    cuts = Cuts(host, seed, print)
    print(f"the seed is {seed}")
    cuts.cut(SAVING)
