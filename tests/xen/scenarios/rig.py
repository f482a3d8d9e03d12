# SPDX-License-Identifier: GPL-2.0-or-later
"""The rig itself, on hosts as Debian ships them: guests do what other scenarios rely on."""

import time
from collections.abc import Callable

from xenrig import Guest, Host, hvm, pv, pvh, scenario, wait_until

IMAGE = "/root/image"

PRESERVE = 'on_crash = "preserve"'


def boots(host: Host, *guests: Guest) -> None:
    host.create(*guests)
    for guest in guests:
        host.expect_counting(guest.name)
        key = f"/local/domain/{host.domid(guest.name)}/data/ready"
        wait_until(lambda: host.xenstore(key) == "1", f"{guest.name} to be ready")


@scenario("PV and PVH guests boot, count, and write that they are ready", tier="ci", build=False)
def boots_pv_and_pvh(host: Host) -> None:
    boots(host, pv("p1"), pvh("h1"))


@scenario("PV and PVH guests boot from the compressed kernel too", build=False)
def boots_compressed(host: Host) -> None:
    boots(host, pv("p1", kernel="vmlinuz"), pvh("h1", kernel="vmlinuz"))


@scenario("HVM guests boot, count, and write that they are ready", build=False)
def boots_hvm(host: Host) -> None:
    boots(host, hvm("v1"))


@scenario("ready=N puts off the XenStore key", build=False)
def ready(host: Host) -> None:
    host.create(pv("p1", ready=10))
    key = f"/local/domain/{host.domid('p1')}/data/ready"
    assert host.wait_count("p1").n < 10 and host.xenstore(key) is None
    wait_until(lambda: host.xenstore(key) == "1", "p1 to be ready")
    assert host.count("p1").n >= 10


def save_and_restore(host: Host, guest: Guest) -> None:
    host.create(guest)
    before = host.wait_count(guest.name, 3)
    host.sh(f"xl save {guest.name} {IMAGE}")
    assert not host.domains()
    host.verify_image(IMAGE)
    host.sh(f"xl restore {IMAGE}")
    host.wait_count(guest.name, before.n + 3, boot=before.boot)


@scenario("a PV guest counts on after save and restore", build=False)
def restore_pv(host: Host) -> None:
    save_and_restore(host, pv("p1"))


@scenario("a PVH guest counts on after save and restore", build=False)
def restore_pvh(host: Host) -> None:
    save_and_restore(host, pvh("h1"))


@scenario("an HVM guest counts on after save and restore", build=False)
def restore_hvm(host: Host) -> None:
    save_and_restore(host, hvm("v1"))


def asked_to_power_off(host: Host, kind: Callable[..., Guest]) -> None:
    host.create(kind("now"), kind("later", off=20), kind("never", off="never"),
                kind("crash", PRESERVE, off="crash"), kind("reboot", off="reboot"))
    before = {name: host.wait_count(name) for name in host.domains()}
    for name in before:
        host.sh(f"xl shutdown {name}")
    host.wait_gone("now")
    assert host.expect_counting("later").boot == before["later"].boot
    wait_until(lambda: "c" in host.domains()["crash"], "the guest to have crashed")
    host.wait_reboot("reboot", before["reboot"].boot)
    host.wait_gone("later")
    assert host.expect_counting("never").boot == before["never"].boot


@scenario("PV guests power off as off=... says", build=False)
def off_pv(host: Host) -> None:
    asked_to_power_off(host, pv)


@scenario("PVH guests power off as off=... says", build=False)
def off_pvh(host: Host) -> None:
    asked_to_power_off(host, pvh)


def left_to_themselves(host: Host, kind: Callable[..., Guest]) -> None:
    host.create(kind("poweroff", self="poweroff@10"), kind("halt", self="halt@10"),
                kind("crash", PRESERVE, self="crash@10"), kind("reboot", self="reboot@10"))
    before = host.wait_count("reboot")
    host.wait_reboot("reboot", before.boot)
    wait_until(lambda: "c" in host.domains()["crash"], "the guest to have crashed")
    host.wait_gone("poweroff", "halt")


@scenario("PV guests end by themselves as self=... says", build=False)
def self_pv(host: Host) -> None:
    left_to_themselves(host, pv)


@scenario("PVH guests end by themselves as self=... says", build=False)
def self_pvh(host: Host) -> None:
    left_to_themselves(host, pvh)


@scenario("HVM guests end as off=... and self=... say", build=False)
def ends_hvm(host: Host) -> None:
    host.create(hvm("later", off=5), hvm("crash", PRESERVE, self="crash@10"))
    host.wait_count("later")
    host.sh("xl shutdown later")
    host.wait_gone("later")
    wait_until(lambda: "c" in host.domains()["crash"], "the guest to have crashed", 300)


@scenario("disk=count keeps the count on the guest's disk", build=False)
def disk(host: Host) -> None:
    host.sh("truncate --size=1M /root/disk && losetup /dev/loop0 /root/disk")
    host.create(pv("p1", 'disk = ["phy:/dev/loop0,xvda,w"]', disk="count"))
    count = host.wait_count("p1", 3)
    wait_until(lambda: host.get("/root/disk").startswith(f"count {count.boot}".encode()),
               "the count to be on the disk")


@scenario("a host that reboots, or loses its power, comes back with its files", build=False)
def comes_back(host: Host) -> None:
    host.put("/root/told", "once")
    host.auto(pv("p1"))
    host.reboot()
    assert host.get("/root/told") == b"once"
    boot = host.expect_counting("p1").boot

    host.sh("echo twice >/root/told && sync /root/told")
    host.cut_power()
    assert host.get("/root/told") == b"twice\n"
    host.wait_reboot("p1", boot)
    assert "p1" in host.domains()


@scenario("a host goes back to when it was kept, as often as one likes, and knows the time",
          build=False)
def goes_back(host: Host) -> None:
    for _ in range(2):
        assert host.sh("ls /root/told", check=False).code != 0 and not host.domains()
        assert abs(float(host.sh("date +%s").out) - time.time()) < 60
        host.sh("echo once >/root/told && sync /root/told")
        boots(host, pv("p1"), pvh("h1"))
        host.go_back()
