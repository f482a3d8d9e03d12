# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and stop of all guests, as administrators use them."""

from xenrig import Host, hvm, pv, pvh, scenario, wait_until
from xenrig.xendomains import (REACHABLE, SAVE, ctl, expect_states, images, journal, logged,
                               states, status, wait_state)


@scenario("guests go on where they were after a stop, a reboot of the host, and a start")
def reboot(host: Host) -> None:
    guests = [pv("p1"), pv("p2"), pv("p3"), pv("p4", off=20), pvh("h1"), pvh("h2")]
    names = [guest.name for guest in guests] + ["byhand"]
    host.auto(*guests)
    host.sh("systemctl start xendomains.service", timeout=900)
    host.create(pv("byhand"))
    before = {name: host.wait_count(name, 3) for name in names}
    assert status(host)["p1"]["manager"] == "xendomainsd"
    assert status(host)["byhand"]["manager"] == "xl"
    ctl(host, "status")

    host.sh("systemctl stop xendomains.service", timeout=900)
    assert not host.domains()
    assert set(states(host).values()) == {"saved"}
    assert host.sh(f"stat -c %a {SAVE}/*").out.split() == ["600"] * len(names)
    stages = journal(host, XEN_DOMAIN="p1", XEN_STAGE="save", XEN_RESULT="ok")
    assert stages and int(stages[0]["XEN_ELAPSED_USEC"]) > 0 and stages[0]["MESSAGE_ID"]

    host.reboot()
    # The unit starts them at boot; a second start finds nothing to do.
    ctl(host, "start")
    for name in names:
        host.wait_count(name, before[name].n + 3, boot=before[name].boot)
    assert sorted(host.domains()) == sorted(names)
    assert images(host) == []
    assert host.sh("pgrep -c '^xl$'", check=False).out.strip() == "0"


@scenario("a stop of guests that cannot be saved shuts them down, and waits until they are gone",
          tier="ci", minutes=2.2)
def shutdown(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=120)
    host.auto(pv("now"), pv("later", off=15), pvh("h1"))
    host.sh("systemctl start xendomains.service", timeout=900)
    for name in ("now", "later", "h1"):
        host.wait_count(name)
    host.sh("systemctl stop xendomains.service", timeout=900)
    assert not host.domains()
    expect_states(host, now="stopped", later="stopped", h1="stopped")


@scenario("a start while one is under way, and one behind it, start nothing twice")
def twice(host: Host) -> None:
    host.auto(pv("p1"), pvh("h1"))
    host.sh(f"{REACHABLE}; xendomainsctl start & xendomainsctl start && wait $!", timeout=900)
    ctl(host, "start")
    assert sorted(host.domains()) == ["h1", "p1"]
    assert len(journal(host, XEN_STAGE="create", XEN_RESULT="running")) == 2


@scenario("named guests only, with the guest in its image in between")
def named(host: Host) -> None:
    host.auto(pv("p1"), pv("p2"))
    ctl(host, "start", "p1")
    before = host.wait_count("p1", 2)
    expect_states(host, p1="running", p2="stopped")
    ctl(host, "restart", "p1")
    host.wait_count("p1", before.n + 2, boot=before.boot)
    ctl(host, "stop", "p1")
    expect_states(host, p1="saved", p2="stopped")
    ctl(host, "start", "nobody", expect=1)


@scenario("what others do to domains is noticed at once", tier="ci", minutes=0.5)
def behind_our_back(host: Host) -> None:
    host.sh("systemctl start xendomainsd.service")
    host.create(pv("byhand"))
    wait_until(lambda: logged(host, "DOMAIN_APPEARED", domain="byhand"), "the guest", 20)
    host.sh("xl rename byhand other")
    wait_until(lambda: logged(host, "DOMAIN_RENAMED", domain="other"), "its name", 20)
    host.sh("xl pause other")
    expect_states(host, other="paused")
    host.sh("xl destroy other")
    wait_until(lambda: logged(host, "DOMAIN_GONE", domain="other"), "its end", 20)


@scenario("our guests end as on_poweroff, on_reboot and on_crash say", tier="ci", minutes=2)
def ends(host: Host) -> None:
    host.auto(pv("off", self="poweroff@5"), pv("reboot", self="reboot@8"),
              pv("kept", 'on_crash = "preserve"', self="crash@5"),
              pvh("crash", 'on_crash = "destroy"', self="crash@5"))
    ctl(host, "start")
    before = host.wait_count("reboot")
    uuid = status(host)["reboot"]["uuid"]
    host.wait_gone("off", "crash", timeout=300)
    host.wait_reboot("reboot", before.boot)
    assert status(host)["reboot"]["uuid"] == uuid
    assert status(host)["reboot"]["manager"] == "xendomainsd"
    wait_state(host, "kept", "crashed")
    assert states(host)["off"] == "stopped"


@scenario("a guest that reboots for ever is held, and started again when somebody wants it")
def restart_loop(host: Host) -> None:
    host.put("/etc/xen/xendomains.conf", "[Host]\nRestartLimit=1\n")
    host.auto(pv("loop", self="reboot@1"))
    host.sh("systemctl restart xendomainsd.service")
    ctl(host, "start")
    wait_state(host, "loop", "failed", timeout=600)
    assert "loop" not in host.domains()
    assert "xendomainsctl start loop" in status(host)["loop"]["reason"]
    ctl(host, "start", "loop")
    assert "loop" in host.domains()


@scenario("a guest with a disk is saved with it, and refused once the disk was written")
def disk(host: Host) -> None:
    host.sh("truncate --size=1M /root/disk")
    host.auto(pv("p1", 'disk = ["file:/root/disk,xvda,w"]', disk="count"))
    ctl(host, "start")
    before = host.wait_count("p1", 3)
    ctl(host, "stop")
    ctl(host, "start")
    host.wait_count("p1", before.n + 3, boot=before.boot)
    ctl(host, "stop")
    host.sh("echo oops >/root/disk")
    ctl(host, "start", expect=1)
    assert "/root/disk" in status(host)["p1"]["reason"]
    assert images(host) == ["p1"]


@scenario("a guest with a block device is saved with it, and held once the device was written")
def block_device(host: Host) -> None:
    host.sh("truncate --size=16M /root/disk")
    device = host.sh("losetup --find --show /root/disk").out.strip()
    try:
        host.auto(pv("p1", f'disk = ["phy:{device},xvda,w"]', disk="count"))
        ctl(host, "start")
        before = host.wait_count("p1", 3)
        ctl(host, "stop")
        ctl(host, "image", "verify", "p1")
        ctl(host, "start")
        host.wait_count("p1", before.n + 3, boot=before.boot)
        ctl(host, "stop")
        host.sh(f"mkfs.ext4 -q -F {device}")
        ctl(host, "start", expect=1)
        assert device in status(host)["p1"]["reason"]
        ctl(host, "image", "delete", "p1")
        ctl(host, "start")
        host.wait_reboot("p1", before.boot)
        ctl(host, "stop")
    finally:
        host.sh(f"losetup --detach {device}", check=False)


@scenario("an HVM guest is started, saved, restored and shut down with its device model")
def device_model(host: Host) -> None:
    host.auto(hvm("v1"))
    ctl(host, "start")
    before = host.wait_count("v1", 2, timeout=600)
    # Dom0 has one as well, for disks.
    its_own = f"pgrep -cf '[-]xen-domid {host.domid('v1')} '"
    host.sh("systemctl restart xendomainsd.service")
    assert host.sh(its_own).out.strip() == "1"
    ctl(host, "stop")
    assert host.sh(its_own, check=False).out.strip() == "0"
    ctl(host, "start")
    host.wait_count("v1", before.n + 2, boot=before.boot, timeout=600)
    host.config(XENDOMAINS_SAVE="")
    ctl(host, "reload")
    ctl(host, "stop")
    assert not host.domains()


@scenario("--once starts and stops without a daemon, and takes over from one that hangs")
def once(host: Host) -> None:
    host.auto(pv("p1"))
    host.sh("systemctl stop xendomainsd.socket xendomainsd.service")
    host.sh("xendomainsd --once start", timeout=600)
    before = host.wait_count("p1", 2)
    host.sh("xendomainsd --once stop", timeout=600)
    assert images(host) == ["p1"]
    host.sh("systemctl start xendomainsd.socket xendomainsd.service")
    ctl(host, "start")
    host.sh("systemctl kill --signal=STOP xendomainsd.service")
    host.sh("xendomainsctl --or-once stop", timeout=600)
    assert images(host) == ["p1"] and not host.domains()
    host.sh("systemctl reset-failed; systemctl restart xendomainsd.service", check=False)
    ctl(host, "start")
    host.wait_count("p1", before.n + 2, boot=before.boot)
