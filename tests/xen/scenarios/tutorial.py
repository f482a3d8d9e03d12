# SPDX-License-Identifier: GPL-2.0-or-later
"""What a newcomer types first, with the commands of docs/tutorial.md."""

from xenrig import Host, pv, scenario
from xenrig.told import dialogue, masked


@scenario("tutorial.md: each command says what the page shows", minutes=2)
def five_minutes(host: Host) -> None:
    host.auto(pv("web"), pv("db"))
    # As README tells to do.
    host.sh("systemctl start xendomainsd.socket; systemctl kill --signal=HUP systemd-logind.service")
    different = []
    for command, shown in dialogue("docs/tutorial.md"):
        said = host.sh(f"{{ {command}; }} 2>&1 || true", timeout=300).out.splitlines()
        if masked(said) != masked(shown):
            different.append("\n".join([f"$ {command}", *said]))
    assert not different, "\n".join(different)
