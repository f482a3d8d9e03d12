# SPDX-License-Identifier: GPL-2.0-or-later
"""Domains that another tool has left in a condition of its own, at a start and at a stop."""

import time

from xenrig import Host, pv, scenario
from xenrig.xendomains import SAVE, ctl, images, states, wait_state

# Far less than XENDOMAINS_STOP_MAXWAIT, which is 300 s.
AT_ONCE = 200


@scenario("a guest that was restored and left paused is saved at once, with its memory", tier="ci")
def restored_paused(host: Host) -> None:
    host.sh("systemctl start xendomainsd.service")
    host.create(pv("g"))
    before = host.wait_count("g", 2)
    host.sh("xl save g /root/g && xl restore -p /root/g", timeout=300)
    wait_state(host, "g", "paused")
    begin = time.monotonic()
    ctl(host, "stop")
    assert time.monotonic() - begin < AT_ONCE
    assert not host.domains() and images(host) == ["g"]
    host.sh(f"xl restore {SAVE}/g", timeout=300)
    host.wait_count("g", before.n + 1, boot=before.boot)


@scenario("a guest that xl has suspended is saved by a stop, and resumed by a start", since=13)
def suspended(host: Host) -> None:
    host.auto(pv("g"))
    ctl(host, "start")
    before = host.wait_count("g", 2)
    host.sh("xl suspend g")
    ctl(host, "start")
    assert states(host) == {"g": "running"}
    host.wait_count("g", before.n + 1, boot=before.boot)
    host.sh("xl suspend g")
    begin = time.monotonic()
    ctl(host, "stop")
    assert time.monotonic() - begin < AT_ONCE
    assert not host.domains() and images(host) == ["g"]
    ctl(host, "start")
    host.wait_count("g", before.n + 2, boot=before.boot)


@scenario("a guest that xl has not given leave to run is neither run nor saved")
def arriving(host: Host) -> None:
    host.sh("systemctl start xendomainsd.service")
    host.create(pv("g"))
    before = host.wait_count("g", 2)
    host.sh("xl save g /root/g && xl restore -p /root/g && xl rename g g--incoming", timeout=300)
    wait_state(host, "g", "paused")
    ctl(host, "stop", expect=1)
    assert host.sh("xl list g--incoming | awk 'END { print $5, $6 }'").out.strip() == "--p--- 0.0"
    assert not images(host)
    host.sh("xl rename g--incoming g && xl unpause g")
    host.wait_count("g", before.n + 1, boot=before.boot)


@scenario("a guest that xl may have migrated is neither resumed nor saved", since=13)
def away(host: Host) -> None:
    host.auto(pv("g"))
    ctl(host, "start")
    before = host.wait_count("g", 2)
    host.sh("xl suspend g && xl rename g g--migratedaway")
    wait_state(host, "g", "failed")
    for word in ("stop", "start"):
        ctl(host, word, expect=1)
        assert host.sh("xl list g--migratedaway | awk 'END { print $5 }'").out.strip() == "---ss-"
    assert not images(host)
    host.sh("xl rename g--migratedaway g")
    ctl(host, "start")
    host.wait_count("g", before.n + 1, boot=before.boot)


@scenario("a guest whose xl save was killed is resumed and saved by a stop")
def saver_killed(host: Host) -> None:
    host.auto(pv("g", memory=256))
    ctl(host, "start")
    before = host.wait_count("g", 2)
    host.sh("(xl save g /root/g & echo $! > /root/pid); "
            "until xl list g | grep -q -- '-ss'; do :; done; "
            "kill -9 $(cat /root/pid) $(pgrep -f [l]ibxl-save-helper)", timeout=120)
    ctl(host, "stop")
    assert not host.domains() and images(host) == ["g"]
    ctl(host, "start")
    host.wait_count("g", before.n + 1, boot=before.boot)
