# SPDX-License-Identifier: GPL-2.0-or-later
"""What xl's monitor process does for a guest of xl, done for ours."""

from xenrig import Host, hvm, pv, pvh, scenario, wait_until
from xenrig.xendomains import ctl, images, logged, stages, states, status, wait_state

DUMPS = "/var/lib/xen/dump"
KILL_DAEMON = "systemctl kill --signal=KILL --kill-who=main xendomainsd.service"

ONCE = "[Host]\nRestartLimit=1\n"



def begin(host: Host, *guests, native: str = ONCE) -> None:
    host.sh(f"rm -rf {DUMPS}")
    host.put("/etc/xen/xendomains.conf", native)
    host.sh("systemctl restart xendomainsd.service")
    host.auto(*guests)
    ctl(host, "start")


def expect_dump(host: Host, name: str) -> None:
    mode, size = host.sh(f"stat -c '%a %s' {DUMPS}/{name}").out.split()
    assert mode == "600" and int(size) > 50 << 20, (mode, size)
    assert host.get(f"{DUMPS}/{name}")[:4] == b"\x7fELF"


@scenario("rename-restart keeps the dead domain, and the guest runs again as itself",
          tier="ci", minutes=2.5)
def rename(host: Host) -> None:
    begin(host, pv("p1", 'on_crash = "rename-restart"', self="crash@15"),
          pvh("h1", 'on_crash = "rename-restart"', self="crash@15"))
    before = {name: (host.wait_count(name), status(host)[name]) for name in ("p1", "h1")}
    for name, (count, guest) in before.items():
        host.wait_reboot(name, count.boot)
        after = status(host)
        assert after[name]["uuid"] == guest["uuid"]
        assert after[name]["manager"] == "xendomainsd"
        [kept] = [g for n, g in after.items() if n.startswith(f"{name}-")]
        assert (kept["domid"], kept["state"]) == (guest["domid"], "crashed"), kept
        assert kept["manager"] == "xendomainsd" and kept["uuid"] != guest["uuid"]
    # They crash once more, and that is enough: what is kept stays, also behind a stop.
    for name in before:
        wait_state(host, name, "failed", timeout=600)
    host.sh("systemctl restart xendomainsd.service")
    ctl(host, "stop")
    assert sorted(name[:3] for name in host.domains()) == ["h1-", "p1-"]


@scenario("a core dump is written before the guest is destroyed or started again")
def coredump(host: Host) -> None:
    # PV: of a PVH guest Xen's library asks for each page of 4 GiB, here for half an hour.
    begin(host, pv("p1", 'on_watchdog = "coredump-restart"', self="watchdog@15"),
          pv("p2", 'on_crash = "coredump-destroy"', off="crash"))
    before = host.wait_count("p1")
    host.wait_count("p2")
    host.sh("xl shutdown p2")
    host.wait_gone("p2", timeout=600)
    expect_dump(host, "p2")
    host.wait_reboot("p1", before.boot, timeout=600)
    expect_dump(host, "p1")
    assert logged(host, "GUEST_ENDED", domain="p1", result="watchdog")
    assert host.sh(f"ls {DUMPS}").out.split() == ["p1", "p2"]


@scenario("soft-reset of a guest that Xen has none for is a restart")
def no_soft_reset(host: Host) -> None:
    begin(host, pv("p1", 'on_crash = "soft-reset"', off="crash"),
          pvh("h1", 'on_crash = "soft-reset"', off="crash"))
    before = {name: (host.wait_count(name), host.domid(name)) for name in ("p1", "h1")}
    for name, (count, domid) in before.items():
        host.sh(f"xl shutdown {name}")
        host.wait_reboot(name, count.boot)
        # A soft reset would have kept the domain.
        assert host.domid(name) != domid


@scenario("what xl config-update leaves counts from the next restart on", tier="ci")
def config_update(host: Host) -> None:
    begin(host, pv("p1"), native="[Host]\nRestartLimit=5\n")
    before, guest = host.wait_count("p1", 2), status(host)["p1"]
    path = host.cfg(pv("p1", memory=112))
    host.sh(f"xl config-update p1 {path}")
    host.sh("xl reboot p1")
    after = host.wait_reboot("p1", before.boot)
    now = status(host)["p1"]
    assert now["uuid"] == guest["uuid"] and now["manager"] == "xendomainsd"
    assert now["memory_kib"] > guest["memory_kib"] + (12 << 10), (guest, now)
    # Once only: the next restart has the configuration that the guest has now.
    host.sh("xl reboot p1")
    host.wait_reboot("p1", after.boot)
    assert status(host)["p1"]["memory_kib"] == now["memory_kib"]


def pending(host: Host, name: str) -> int | None:
    return status(host).get(name, {}).get("restart_in_usec")


@scenario("a guest that keeps dying is started again after pauses, also by the next daemon")
def pauses(host: Host) -> None:
    begin(host, pv("p1", 'on_crash = "restart"', self="crash@1"),
          native="[Host]\nRestartLimit=20\n")
    wait_until(lambda: (pending(host, "p1") or 0) > 3_000_000, "a pause of some seconds", 600)
    crashed = host.domid("p1")
    host.sh(KILL_DAEMON)
    assert pending(host, "p1") and status(host)["p1"]["reason"]
    assert host.domid("p1") == crashed
    wait_until(lambda: "p1" in host.domains() and host.domid("p1") != crashed, "the restart", 120)
    wait_until(lambda: (pending(host, "p1") or 0) > 5_000_000, "the next pause", 300)
    ctl(host, "stop")
    assert not host.domains() and images(host) == []
    assert states(host)["p1"] == "stopped"


@scenario("an HVM guest ejects its disk, and goes on behind a soft reset")
def device_model(host: Host) -> None:
    host.sh("truncate --size=1M /root/cd")
    # Its kernel does not come up behind the reset: nothing is to wait long for it.
    host.config(XENDOMAINS_STOP_MAXWAIT=20)
    begin(host, hvm("v1", 'disk = ["/root/cd,raw,hdc,cdrom"]', 'on_soft_reset = "soft-reset"',
                    eject="5632@5", self="kexec@40"))
    domid = host.domid("v1")
    params = f"/local/domain/0/backend/qdisk/{domid}/5632/params"
    assert "/root/cd" in host.xenstore(params)
    host.wait_count("v1", 2, timeout=600)
    wait_until(lambda: logged(host, "GUEST_EJECTS", domain="v1"), "the wish", 120)
    wait_until(lambda: "/root/cd" not in (host.xenstore(params) or ""), "an empty disk", 60)
    wait_until(lambda: not host.xenstore(f"/local/domain/{domid}/device/vbd/5632/eject"),
               "the answer", 60)
    wait_until(lambda: "soft-reset" in stages(host, "v1"), "the soft reset", 300)
    assert host.domid("v1") == domid
    guest = status(host)["v1"]
    assert (guest["state"], guest["manager"]) == ("running", "xendomainsd"), guest
    ctl(host, "stop", expect=1)
