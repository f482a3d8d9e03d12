# SPDX-License-Identifier: GPL-2.0-or-later
"""Saves that a daemon finds under way when it begins: they were begun by the one before."""

from xenrig import Count, Guest, Host, pv, scenario
from xenrig.image_disk import GO_ON, STAND_STILL, saving_to_disk, writing_slowly
from xenrig.xendomains import SAVE, ctl, expect_states, images, logged, stages

# Less than the saves here take; and they are what is waited for, not a shutdown.
PATIENCE = 15
SETTINGS = {"XENDOMAINS_SHUTDOWN": "", "XENDOMAINS_SHUTDOWN_ALL": ""}

RESTART = "systemctl restart xendomainsd.service"
STOP = "xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid"
SAVING = f"until [ $(cat {SAVE}/*.part 2>/dev/null | wc -c) -gt 4000000 ]; do sleep 0.1; done"
ENDED = "tail --pid=$(cat /tmp/stop.pid) -f /dev/null"


def begin(host: Host, *guests: Guest) -> dict[str, Count]:
    host.config(**SETTINGS)
    host.auto(*guests)
    ctl(host, "start")
    counts = {guest.name: host.wait_count(guest.name, 2) for guest in guests}
    # A start takes longer on a busy machine.
    host.put("/etc/xen/xendomains.conf", f"[Host]\nProgressTimeout={PATIENCE}\n")
    ctl(host, "reload")
    return counts


def expect_saved(host: Host, before: dict[str, Count]) -> None:
    host.sh(ENDED, timeout=900)
    for name in before:
        assert stages(host, name, "STAGE_FAILED") == [], host.sh("cat /tmp/stop.log").out
        assert not logged(host, "GUEST_FAILED", domain=name), host.sh("cat /tmp/stop.log").out
    expect_states(host, **{name: "saved" for name in before})
    assert sorted(images(host)) == sorted([*before, "lost+found"])
    host.put("/etc/xen/xendomains.conf", "")
    ctl(host, "reload")
    ctl(host, "start")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("a save that outlives its daemon, and ProgressTimeout under the next one, is finished", minutes=4)
def slow_save(host: Host) -> None:
    with saving_to_disk(host):
        before = begin(host, pv("p1", memory=256))
        with writing_slowly(host, "1M"):
            host.sh(STOP)
            host.sh(f"{SAVING}; {RESTART}", timeout=300)
            # It is the time of the next daemon that counts.
            host.sh(f"sleep {2 * PATIENCE}; pgrep -f 'xendomains-worker operate'", timeout=300)
        expect_saved(host, before)


@scenario("a disk that stands still for a while under two saves costs neither guest its image", minutes=4)
def standing_still(host: Host) -> None:
    with saving_to_disk(host):
        before = begin(host, pv("p1", memory=128), pv("p2", memory=128))
        with writing_slowly(host, "2M"):
            host.sh(STOP)
            host.sh(f"{SAVING}; {STAND_STILL}; {RESTART};"
                    f" sleep {PATIENCE - 5}; {GO_ON}", timeout=300)
        expect_saved(host, before)


@scenario("a disk that stands still for longer than ProgressTimeout: the saves are given up, and made again", minutes=4)
def given_up(host: Host) -> None:
    with saving_to_disk(host):
        before = begin(host, pv("p1", memory=128), pv("p2", memory=128))
        with writing_slowly(host, "2M"):
            host.sh(STOP)
            host.sh(f"{SAVING}; {STAND_STILL}; {RESTART};"
                    f" sleep {3 * PATIENCE}; {GO_ON}", timeout=300)
        expect_saved(host, before)
        for name in before:
            assert logged(host, "WORKER_KILLED", domain=name), host.journal("-t", "xendomainsd")
