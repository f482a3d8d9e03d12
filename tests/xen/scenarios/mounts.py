# SPDX-License-Identifier: GPL-2.0-or-later
"""Images on a file system of their own: mounted before the guests start, unmounted after them."""

import json

from xenrig import Host, pv, scenario, wait_until
from xenrig.host import DEFAULTS, Count
from xenrig.xendomains import MESSAGE_IDS, expect_states

SAVE = "/srv/xen"

GUEST_DONE = MESSAGE_IDS["GUEST_DONE"]
# Of systemd.
UNIT_STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"

UNITS = "xendomainsd.service xendomains-guests.service xendomains-shutdown.service"

SLOW_DISK = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sleep 20
"""

SLOW = "/root/save.ext4 /srv/xen ext4 loop,nofail,x-systemd.requires=slow-disk.service 0 0"
AUTOMOUNT = SLOW.replace("nofail", "nofail,x-systemd.automount")
MISSING = "/dev/disk/by-label/none /srv/xen ext4 nofail,x-systemd.device-timeout=5s 0 0"

# The directory below the mount point is there, too, and empty.
PREPARE = f"""
set -e
systemctl stop srv-xen.automount srv-xen.mount 2>/dev/null || true
mkdir -p {SAVE}
rm -rf {SAVE}/* /root/save.ext4
truncate -s 1G /root/save.ext4
mkfs.ext4 -q /root/save.ext4
sed -i '\\,{SAVE},d' /etc/fstab
"""

ARM = """
systemctl daemon-reload
systemctl start srv-xen.mount || true
systemctl kill --signal=HUP systemd-logind.service
systemctl unmask xendomainsd.socket xendomainsd.service
systemctl start xendomainsd.service xendomains-shutdown.service
systemctl start xendomains.service
"""

MASKED = "/etc/systemd/system-generators/xendomains-generator"


def begin(host: Host, fstab: str) -> Count:
    """Starts a guest on a host that saves to a file system with this line in fstab(5)."""
    host.sh(PREPARE)
    host.put("/etc/systemd/system/slow-disk.service", SLOW_DISK)
    host.sh("cat >>/etc/fstab", stdin=f"{fstab}\n".encode())
    host.config(XENDOMAINS_SAVE=SAVE)
    host.auto(pv("p1"))
    host.sh(ARM, timeout=900)
    return host.wait_count("p1", 2)


def when(host: Host, *match: str) -> list[int]:
    """When messages of the boot that ended were written."""
    out = host.sh("journalctl --boot=-1 --no-pager --output=json " + " ".join(match)).out
    return [int(json.loads(line)["__MONOTONIC_TIMESTAMP"]) for line in out.splitlines()]


def unmounting(host: Host) -> int:
    return when(host, f"MESSAGE_ID={UNIT_STOPPING}", "UNIT=srv-xen.mount")[-1]


def expect_saved_before_unmounted(host: Host) -> None:
    saved = when(host, f"MESSAGE_ID={GUEST_DONE}", "XEN_OPERATION=stop", "XEN_DOMAIN=p1")[-1]
    assert saved < unmounting(host), (saved, unmounting(host))


def expect_restored(host: Host, before: Count) -> None:
    """The guest goes on, and systemd has nothing to say against our drop-ins."""
    host.wait_count("p1", before.n + 2, boot=before.boot)
    assert host.journal("-t", "xendomains-generator", "--output=cat") in ("", "-- No entries --\n")
    said = host.journal("_PID=1", "--output=cat")
    for word in ("ordering cycle", "dependency job", "50-mounts.conf"):
        assert word not in said, word
    # Parents that are no mounts of their own are no failures.
    assert host.sh("systemctl is-failed srv.mount srv-xen.mount", check=False).out.split() == [
        "inactive", "active"]


def goes_down(host: Host, fstab: str, command: str) -> None:
    before = begin(host, fstab)
    host.leave(command, 600)
    host.boot()
    expect_saved_before_unmounted(host)
    expect_restored(host, before)


@scenario("a nofail mount that comes late, Ctrl-Alt-Del: it is waited for, and unmounted last",
          tier="ci", minutes=3.3)
def ctrl_alt_del(host: Host) -> None:
    goes_down(host, SLOW, "kill -INT 1")


@scenario("a nofail mount that comes late, reboot with logind")
def reboot(host: Host) -> None:
    goes_down(host, SLOW, "systemctl reboot")


@scenario("a nofail mount that comes late, reboot with no bus")
def without_bus(host: Host) -> None:
    goes_down(host, SLOW, "systemctl stop dbus.socket dbus.service; systemctl reboot")


@scenario("an automount, Ctrl-Alt-Del; and a reload of systemd does not touch it")
def automount(host: Host) -> None:
    before = begin(host, AUTOMOUNT)
    host.leave("kill -INT 1", 600)
    host.boot()
    expect_saved_before_unmounted(host)
    expect_restored(host, before)
    host.sh("systemctl stop xendomainsd.socket xendomainsd.service srv-xen.mount; "
            "systemctl daemon-reload", timeout=60)
    assert host.sh("systemctl is-active srv-xen.automount srv-xen.mount", check=False
                   ).out.split() == ["active", "inactive"]


@scenario("a mount that fails keeps none of our units from starting")
def missing(host: Host) -> None:
    begin(host, MISSING)
    host.reboot()
    assert host.sh(f"systemctl is-active srv-xen.mount {UNITS}", check=False).out.split() == [
        "inactive", "active", "active", "active"]
    expect_states(host, p1="running")


@scenario("a line that is refused is told at once, and the other directories count")
def refused(host: Host) -> None:
    host.config(XENDOMAINS_SAVE=SAVE, XENDOMAINS_STOP_MAXWAIT="3OO")
    host.sh("systemctl daemon-reload")
    wait_until(lambda: f"{DEFAULTS}:2: " in host.journal("-t", "xendomains-generator"),
               "the generator's warning")
    for unit in UNITS.split():
        assert "srv-xen.mount" in host.sh(f"systemctl show -P After {unit}").out


@scenario("without the generator the file system is unmounted before the guest is saved")
def without_us(host: Host) -> None:
    host.sh(f"mkdir -p $(dirname {MASKED}); ln -sf /dev/null {MASKED}")
    try:
        begin(host, SLOW)
        host.sh(f"mountpoint {SAVE}")
        host.leave("kill -INT 1", 600)
        host.boot()
    finally:
        host.sh(f"rm {MASKED}; systemctl daemon-reload")
    last_word = when(host, "XEN_OPERATION=stop", "XEN_DOMAIN=p1")[-1]
    assert unmounting(host) < last_word, (unmounting(host), last_word)
