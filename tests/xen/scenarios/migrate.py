# SPDX-License-Identifier: GPL-2.0-or-later
"""Migration to a second host, which is as Debian ships it."""

from xenrig import Count, Host, pv, pvh, scenario, wait_until
from xenrig.image import ssh_key
from xenrig.xendomains import ctl, expect_states, images, logged, outcome, stages, states, status

RECEIVER = "/root/receiver"

# Stands where xl's receiver is expected, and hands everything on to it, up to the sender's leave.
# Then it does as its argument says: "deliver" hands it on too, but no answer to it; "hold" keeps it,
# and everything open.
RELAY = """\
#!/usr/bin/python3
import os, subprocess, sys, threading, time
GO = b"domain is yours, you are cleared to unpause\\0"
xl = subprocess.Popen(["xl", "migrate-receive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
silent, answered = threading.Event(), threading.Event()
def answer():
    while more := os.read(xl.stdout.fileno(), 1 << 16):
        if silent.is_set():
            answered.set()
        else:
            os.write(1, more)
threading.Thread(target=answer, daemon=True).start()
tail = b""
while more := os.read(0, 1 << 16):
    tail = (tail + more)[-len(GO):]
    if tail == GO:
        open("/root/got", "w").close()
        if sys.argv[1] == "hold":
            time.sleep(600)
        silent.set()
        xl.stdin.write(more)
        xl.stdin.flush()
        answered.wait(120)
        os._exit(1)
    xl.stdin.write(more)
    xl.stdin.flush()
"""


def begin(host: Host, *guests, migrate: str = "peer", **variables) -> dict[str, Count]:
    """Start guests, with the other host to migrate to, and return how far they have counted."""
    host.config(XENDOMAINS_MIGRATE=migrate, **variables)
    host.auto(*guests)
    ctl(host, "start")
    return {guest.name: host.wait_count(guest.name, 3) for guest in guests}


def answers_within(host: Host, seconds: int) -> None:
    host.put("/etc/xen/xendomains.conf", f"[Host]\nMigrateAnswerTimeout={seconds}\n")


def expect_at(peer: Host, name: str, before: Count) -> None:
    """Fail unless the guest goes on there: its console has the name that it came by."""
    assert name in peer.domains(), peer.domains()
    peer.wait_count(f"{name}--incoming", before.n + 1, boot=before.boot)


def expect_stopped_by(host: Host, **expected: str) -> None:
    """Fail unless these stages were the last that succeeded."""
    last = {name: stages(host, name)[-1] for name in expected}
    assert last == expected, last


def expect_saved_instead(host: Host, peer: Host, name: str, before: Count, said: str,
                         *words: str) -> None:
    """The guest was not migrated, and nothing of it is left at the peer: it goes on here."""
    for word in words:
        assert word in said, said
    assert stages(host, name, "STAGE_FAILED")[-1] == "migrate" and stages(host, name)[-1] == "save"
    assert states(host)[name] == "saved", states(host)
    if peer.machine.is_on:
        wait_until(lambda: not any(d.startswith(name) for d in peer.domains()),
                   "the peer to have nothing of it")
    ctl(host, "start")
    host.wait_count(name, before.n + 1, boot=before.boot)


@scenario("a PVH guest is migrated to the host that it is on, by xl's own receiver; a PV guest is "
          "saved")
def itself(host: Host) -> None:
    host.sh("mkdir -p /root/.ssh && umask 077 && cat >/root/.ssh/id_ed25519",
            stdin=ssh_key().read_bytes())
    before = begin(host, pvh("h1"), pv("p1"),
                   migrate="-s 'ssh -oBatchMode=yes -oStrictHostKeyChecking=no' localhost")
    # Whether what arrives is still seen by this stop, which would stop it as well, is open.
    host.sh("xendomainsctl stop", check=False, timeout=900)
    expect_stopped_by(host, h1="migrate", p1="save")
    assert stages(host, "p1", "STAGE_FAILED") == ["migrate"]
    host.wait_count("h1--incoming", before["h1"].n + 1, boot=before["h1"].boot)
    # It came back the moment that it went.
    wait_until(lambda: "migrated_to" not in status(host).get("h1", {"migrated_to": 1}),
               "that to be noticed")
    expect_states(host, h1="running", p1="saved")


@scenario("PVH guests go on at the other host; PV guests cannot, and are saved", hosts=2)
def live(host: Host, peer: Host) -> None:
    before = begin(host, pvh("h1"), pvh("h2"), pv("p1"))
    ctl(host, "stop")
    expect_stopped_by(host, h1="migrate", h2="migrate", p1="save")
    assert stages(host, "p1", "STAGE_FAILED") == ["migrate"]
    assert not host.domains()
    expect_at(peer, "h1", before["h1"])
    expect_at(peer, "h2", before["h2"])
    expect_states(host, h1="stopped", h2="stopped", p1="saved")
    assert status(host)["h1"]["migrated_to"] == "peer"

    # Not a second time, not even after the host was restarted; its own guest is restored.
    assert outcome(host, "start")["h1"]["result"] == "skipped"
    host.wait_count("p1", before["p1"].n + 1, boot=before["p1"].boot)
    host.reboot()
    host.wait_count("p1", before["p1"].n + 1, boot=before["p1"].boot)
    assert set(host.domains()) == {"p1"}
    assert status(host)["h1"]["migrated_to"] == "peer"

    # Back again, with xl; and then it counts as a guest of this host.
    peer.sh("xl migrate h1 host", timeout=600)
    wait_until(lambda: "migrated_to" not in status(host).get("h1", {"migrated_to": 1}),
               "that to be noticed", 60)
    expect_states(host, h1="running", h2="stopped", p1="running")
    host.config()
    ctl(host, "reload")
    ctl(host, "stop")
    assert sorted(images(host)) == ["h1", "p1"]


@scenario("who names a guest gets it started here all the same", hosts=2)
def named(host: Host, peer: Host) -> None:
    before = begin(host, pvh("h1"))
    ctl(host, "stop")
    expect_at(peer, "h1", before["h1"])
    peer.sh("xl destroy h1")
    ctl(host, "start", "h1")
    host.wait_reboot("h1", before["h1"].boot)
    assert "migrated_to" not in status(host)["h1"]


@scenario("a host that refuses connections, or is off, leaves the guest to be saved", hosts=2)
def off(host: Host, peer: Host) -> None:
    before = begin(host, pvh("h1"), migrate="-s 'ssh -p 2222 -oBatchMode=yes' peer")
    said = ctl(host, "stop")
    expect_saved_instead(host, peer, "h1", before["h1"], said, "Connection refused")
    peer.machine.cut_power()
    host.config(XENDOMAINS_MIGRATE="peer")
    ctl(host, "reload")
    before = host.wait_count("h1")
    said = ctl(host, "stop")
    expect_saved_instead(host, peer, "h1", before, said)


@scenario("a host without memory for the guest leaves it to be saved", hosts=2)
def memory(host: Host, peer: Host) -> None:
    before = begin(host, pvh("h1", memory=256))
    free = int(peer.sh("xl info free_memory").out)
    peer.sh(f"xl create -p {peer.cfg(pvh('filler', memory=free - 150))}", timeout=300)
    said = ctl(host, "stop")
    expect_saved_instead(host, peer, "h1", before["h1"], said, "Failed to populate physmap")


@scenario("what a login prints there is in the way, and is quoted", hosts=2)
def banner(host: Host, peer: Host) -> None:
    peer.sh("cp /root/.bashrc /root/bashrc; sed -i '1i echo Welcome to the peer' /root/.bashrc")
    try:
        before = begin(host, pvh("h1"))
        said = ctl(host, "stop")
        expect_saved_instead(host, peer, "h1", before["h1"], said, "Welcome to the peer")
    finally:
        peer.sh("mv /root/bashrc /root/.bashrc")


@scenario("a host that loses its power in mid-transfer leaves the guest to be saved", hosts=2)
def cut(host: Host, peer: Host) -> None:
    answers_within(host, 40)
    before = begin(host, pvh("h1", memory=600))
    host.sh("xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    wait_until(lambda: "h1--incoming" in peer.domains(), "the guest to arrive", 120, every=0.5)
    peer.machine.cut_power()
    # It runs on meanwhile.
    assert states(host)["h1"] == "migrating"
    host.expect_counting("h1", boot=before["h1"].boot)
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    expect_saved_instead(host, peer, "h1", before["h1"], host.sh("cat /tmp/stop.log").out)


def undecided(host: Host, peer: Host, way: str) -> Count:
    peer.put(RECEIVER, RELAY)
    peer.sh(f"chmod +x {RECEIVER}; rm -f /root/got")
    host.put("/root/reach", f"#!/bin/sh\nexec ssh -oBatchMode=yes peer {RECEIVER} {way}\n")
    host.sh("chmod +x /root/reach")
    answers_within(host, 40)
    return begin(host, pvh("h1"), migrate="-s /root/reach peer")["h1"]


def expect_undecided(host: Host, said: str) -> None:
    assert logged(host, "GUEST_UNDECIDED", domain="h1")
    for word in ("peer", "xl destroy", "xendomainsctl start h1"):
        assert word in said, said
    assert stages(host, "h1", "STAGE_STARTED")[-1] == "migrate"
    assert set(host.domains()) == {"h1--migratedaway"} and not images(host)
    expect_states(host, h1="failed")
    for verb in ("start", "stop"):
        assert outcome(host, verb, expect=1)["h1"]["result"] == "failed"
    assert set(host.domains()) == {"h1--migratedaway"}


@scenario("a guest that xl has migrated is not started here again but by name", hosts=2)
def taken(host: Host, peer: Host) -> None:
    before = begin(host, pvh("h1"))["h1"]
    host.sh("xl migrate h1 peer", timeout=600)
    expect_at(peer, "h1", before)
    wait_until(lambda: status(host)["h1"].get("migrated_to") == "another host", "its departure", 60)
    ctl(host, "start")
    assert not host.domains()
    host.reboot()
    assert not host.domains()
    expect_states(host, h1="stopped")
    peer.sh("xl destroy h1")
    ctl(host, "start", "h1")
    expect_states(host, h1="running")


@scenario("a connection that breaks behind the leave: it runs there, and nobody resumes it here",
          hosts=2)
def delivered(host: Host, peer: Host) -> None:
    before = undecided(host, peer, "deliver")
    expect_undecided(host, ctl(host, "stop", expect=1))
    expect_at(peer, "h1", before)
    # Not even after the host was restarted, with which what was left here goes.
    host.reboot()
    assert not host.domains()
    expect_states(host, h1="failed")
    expect_at(peer, "h1", before)


@scenario("a host that loses its power behind the leave: who looks and says so gets the guest back",
          hosts=2)
def held(host: Host, peer: Host) -> None:
    before = undecided(host, peer, "hold")
    host.sh("xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    wait_until(lambda: peer.sh("test -e /root/got", check=False).code == 0, "the leave", 300)
    peer.machine.cut_power()
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    expect_undecided(host, host.sh("cat /tmp/stop.log").out)
    ctl(host, "start", "h1")
    host.wait_count("h1", before.n + 1, boot=before.boot)
    expect_states(host, h1="running")
