# SPDX-License-Identifier: GPL-2.0-or-later
"""Trouble with one guest costs no other guest anything, and is said plainly."""

import struct

from xenrig import Host, pv, pvh, scenario, wait_until
from xenrig.xendomains import SAVE, ctl, expect_states, images, logged, outcome, stages, states


@scenario("a broken configuration and a missing kernel fail, and the others start",
          tier="ci", minutes=0.7)
def configurations(host: Host) -> None:
    host.auto(pv("p1"), pv("nokernel", 'kernel = "/boot/nothing"'))
    host.put("/etc/xen/auto/typo.cfg", 'name = "typo"\nmemory 96\n')
    said = ctl(host, "start", expect=1)
    assert "typo.cfg" in said and "/boot/nothing" in said, said
    expect_states(host, p1="running", nokernel="failed", **{"typo.cfg": "failed"})
    host.expect_counting("p1")
    ctl(host, "status", expect=1)
    assert host.sh("systemctl start xendomains.service", check=False).code != 0


@scenario("a configuration, or the folder of them, that cannot be read any more costs no guest its "
          "save, and a start says so")
def unreadable_auto(host: Host) -> None:
    host.config(XENDOMAINS_AUTO_ONLY="true", XENDOMAINS_SHUTDOWN_ALL="")
    host.auto(pv("p1"))
    host.create(pv("p2"))
    ctl(host, "start")
    ctl(host, "restart")
    before = host.wait_count("p1", 2)
    host.put("/etc/xen/auto/p1.cfg", 'name = "p1"\nmemory 96\n')
    ctl(host, "stop")
    assert images(host) == ["p1"] and list(host.domains()) == ["p2"], host.domains()

    host.sh("mv /etc/xen/auto /etc/xen/kept && ln -s auto /etc/xen/auto")
    said = ctl(host, "start", expect=1)
    assert "/etc/xen/auto" in said, said
    host.wait_count("p1", before.n + 1, boot=before.boot)
    ctl(host, "stop")
    assert images(host) == ["p1", "p2"] and not host.domains(), host.domains()


@scenario("a guest that ignores shutdown is said to run on, and the others are stopped")
def deaf(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=20)
    host.auto(pv("deaf", off="never"), pv("p1"))
    ctl(host, "start")
    host.wait_count("deaf")
    host.wait_count("p1")
    assert " 20 s" in outcome(host, "stop", expect=1)["deaf"]["reason"]
    expect_states(host, deaf="running", p1="stopped")
    host.expect_counting("deaf")


@scenario("a guest that crashes at power-off is cleaned up")
def crashes(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=60)
    host.auto(pv("p1", off="crash"), pvh("h1", off="crash"))
    ctl(host, "start")
    host.wait_count("p1")
    host.wait_count("h1")
    ctl(host, "stop")
    assert not host.domains()


@scenario("a guest that crashes in the middle of a save ends in a clear state")
def crashes_in_save(host: Host) -> None:
    host.auto(pv("p1", self="crash@6"), pv("p2"))
    ctl(host, "start")
    host.wait_count("p2")
    wait_until(lambda: states(host)["p1"] != "running", "the crash", 300)
    ctl(host, "stop")
    assert states(host)["p2"] == "saved" and "p1" not in host.domains()


@scenario("an image cut short is kept, and its guest not started afresh beside it",
          tier="ci", minutes=1.3)
def cut_short(host: Host) -> None:
    host.auto(pv("p1"), pv("p2"))
    ctl(host, "start")
    before = host.wait_count("p2", 2)
    host.wait_count("p1")
    ctl(host, "stop")
    host.sh(f"truncate --size=-100 {SAVE}/p1")
    ctl(host, "start", expect=1)
    expect_states(host, p1="failed", p2="running")
    assert images(host) == ["p1"]
    host.wait_count("p2", before.n + 2, boot=before.boot)


@scenario("a damaged image is found by its checksum, and the guest does not run from it")
def damaged(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    host.wait_count("p1")
    ctl(host, "stop")
    host.sh(f"printf x | dd of={SAVE}/p1 bs=1 seek=50000000 conv=notrunc")
    assert outcome(host, "start", expect=1)["p1"]["reason"]
    assert not host.domains() and images(host) == ["p1"]
    # libxl itself would crash at this one.
    host.sh(f"at=$(grep -abo LibxlFmt {SAVE}/p1 | head -n 1 | cut -d: -f1)"
            f" && printf x | dd of={SAVE}/p1 bs=1 seek=$at conv=notrunc")
    assert outcome(host, "start", expect=1)["p1"]["reason"]
    assert not logged(host, "WORKER_LOST")
    assert not host.domains() and images(host) == ["p1"]


@scenario("a full disk is found before a guest is suspended, and the guest is shut down",
          tier="ci", minutes=1.1)
def full_disk(host: Host) -> None:
    host.sh(f"mkdir -p {SAVE} && mount -t tmpfs -o size=150m tmpfs {SAVE}")
    try:
        host.auto(pv("big", memory=256), pv("small"))
        ctl(host, "start")
        before = host.wait_count("small", 2)
        host.wait_count("big")
        assert " MiB" in outcome(host, "stop")["big"]["reason"]
        assert stages(host, "big")[-1] == "shutdown"
        expect_states(host, big="stopped", small="saved")
        ctl(host, "start", "small")
        host.wait_count("small", before.n + 2, boot=before.boot)
    finally:
        host.sh(f"umount {SAVE}")


@scenario("a save that takes too long is given up, and the guest runs on")
def too_slow(host: Host) -> None:
    host.config(XENDOMAINS_STOP_MAXWAIT=1, XENDOMAINS_SHUTDOWN="", XENDOMAINS_SHUTDOWN_ALL="")
    host.auto(pv("p1", memory=512))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    ctl(host, "stop", expect=1)
    assert stages(host, "p1", "STAGE_FAILED") == ["save"]
    host.expect_counting("p1", boot=before.boot)
    assert images(host) == []


@scenario("a guest that is too big is refused before it is built")
def too_big(host: Host) -> None:
    host.auto(pv("big", memory=100000), pv("p1"))
    assert " MiB" in outcome(host, "start", expect=1)["big"]["reason"]
    expect_states(host, big="failed", p1="running")


@scenario("a mistake in the settings is refused with file and line; the old ones stay")
def mistake(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    host.wait_count("p1")
    host.put("/etc/default/xendomains", "\nXENDOMAINS_SAVE=$(date)\n")
    assert "/etc/default/xendomains:2:" in ctl(host, "reload", expect=1)
    assert host.sh("systemctl reload xendomains.service", check=False).code != 0
    ctl(host, "stop")
    assert images(host) == ["p1"]


@scenario("with a mistake at start the daemon runs, says so, and starts nothing")
def mistake_at_start(host: Host) -> None:
    host.auto(pv("p1"))
    host.put("/etc/default/xendomains", "XENDOMAINS_STOP_MAXWAIT=soon\n")
    host.sh("systemctl stop xendomainsd.service; rm -f /var/lib/xendomains/settings; "
            "systemctl start xendomainsd.service")
    assert "/etc/default/xendomains:1:" in ctl(host, "start", expect=1)
    assert not host.domains()
    host.put("/etc/default/xendomains", "")
    ctl(host, "reload")
    ctl(host, "start")


@scenario("memory for a guest is taken from dom0 where xl would do so")
def autoballoon(host: Host) -> None:
    free = int(host.sh("xl info free_memory").out)
    host.sh("sed -i '/autoballoon/d' /etc/xen/xl.conf; echo 'autoballoon=\"on\"' >>/etc/xen/xl.conf")
    host.auto(pv("big", memory=free + 64))
    ctl(host, "start")
    host.wait_count("big", timeout=600)


@scenario("a file system on which each file can be read by all gets no image of a guest")
def fat(host: Host) -> None:
    # A FAT16 of 250 MB, in clusters of 4 KiB: its first sector, and the start of its table.
    boot = struct.pack("<3x8sHBHBHHBHHHLL", b"", 512, 8, 1, 1, 512, 0, 0xf8, 256, 32, 64, 0, 512000)
    head = boot.ljust(510, b"\0") + b"\x55\xaa" + b"\xf8\xff\xff\xff"
    host.sh(f"cat >/root/fat && truncate --size=262144000 /root/fat && mkdir -p {SAVE} && "
            f"mount -t vfat -o loop /root/fat {SAVE}", stdin=head)
    try:
        host.auto(pv("p1"))
        ctl(host, "start")
        host.wait_count("p1")
        ctl(host, "stop")
        assert stages(host, "p1", "STAGE_FAILED") == ["save"] and stages(host, "p1")[-1] == "shutdown"
        expect_states(host, p1="stopped")
        assert images(host) == []
    finally:
        host.sh(f"umount {SAVE}")
