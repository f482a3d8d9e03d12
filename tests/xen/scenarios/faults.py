# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host can suffer besides a killed process: a disk that fails, XenStore that hangs or dies, a
clock that jumps, a guest that floods XenStore. No guest pays for it."""

import time

from xenrig import Host, pv, scenario, wait_until
from xenrig.image_disk import BROKEN, HEALTHY, disk_becomes, mount_again, saving_to_disk
from xenrig.xendomains import SAVE, ctl, expect_states, images, journal, logged, states

NO_SHUTDOWN = {"XENDOMAINS_SHUTDOWN": "", "XENDOMAINS_SHUTDOWN_ALL": ""}

PID = "systemctl show --value --property=MainPID xendomainsd.service"

FLOODED = 20


@scenario("a disk that fails costs no guest its memory, neither under a save nor under a restore")
def disk_fails(host: Host) -> None:
    with saving_to_disk(host):
        host.config(**NO_SHUTDOWN)
        host.auto(pv("p1"), pv("p2"))
        ctl(host, "start")
        before = {name: host.wait_count(name, 2) for name in ("p1", "p2")}
        disk_becomes(host, BROKEN)
        said = ctl(host, "stop", expect=1)
        assert "Input/output error" in said, said
        for name, count in before.items():
            host.expect_counting(name, boot=count.boot)
        disk_becomes(host, HEALTHY)
        mount_again(host)
        ctl(host, "stop")
        mount_again(host)
        disk_becomes(host, BROKEN)
        said = ctl(host, "start", expect=1)
        assert "Input/output error" in said, said
        assert not host.domains(), "a guest was started beside an image that cannot be read"
        disk_becomes(host, HEALTHY)
        mount_again(host)
        ctl(host, "start")
        for name, count in before.items():
            host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("libxl's helper is killed in the middle of a save: the guest runs on, and is saved later")
def helper_killed(host: Host) -> None:
    host.config(**NO_SHUTDOWN)
    host.auto(pv("p1", memory=512))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.sh("xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    host.sh(f'until [ "$(stat -c %s {SAVE}/p1.part 2>/dev/null || echo 0)" -gt 30000000 ]; do'
            " sleep 0.05; done; pkill -KILL -f libxl-save-helper")
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    host.expect_counting("p1", boot=before.boot)
    assert images(host) == []
    ctl(host, "stop")
    ctl(host, "start")
    host.wait_count("p1", before.n + 2, boot=before.boot)


@scenario("the clock jumps by a year and back in the middle of a stop and of a start")
def clock_jumps(host: Host) -> None:
    jump = "date -s '+1 year'; sleep 1; date -s '-1 year'"
    host.auto(pv("p1", memory=256), pv("p2"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "p2")}
    host.sh(f"xendomainsctl stop & sleep 1; {jump}; wait $!", timeout=600)
    expect_states(host, p1="saved", p2="saved")
    host.sh(f"xendomainsctl start & sleep 1; {jump}; wait $!", timeout=600)
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("XenStore hangs for minutes: no guest is touched, and all goes on once it answers again")
def xenstore_hangs(host: Host) -> None:
    host.auto(pv("p1"), pv("p2"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "p2")}
    host.sh("pkill -STOP xenstored")
    try:
        said = host.sh("xendomainsctl stop", check=False, timeout=900)
        assert said.code == 4, said
        assert "XenStore" in host.sh("systemctl show -P StatusText xendomainsd", check=False).out
    finally:
        host.sh("pkill -CONT xenstored")
    # What was asked of the daemon in vain it may do now.
    ctl(host, "stop")
    expect_states(host, p1="saved", p2="saved")
    ctl(host, "start")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("XenStore dies: it is said, nothing is tried, and the host can be powered off")
def xenstore_dies(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.sh("pkill -KILL xenstored")
    wait_until(lambda: logged(host, "XENSTORE_LOST"), "the news", 60)
    said = host.sh("xendomainsctl stop", check=False, timeout=300)
    assert said.code != 0 and "XenStore" in said.out + said.err, said
    host.expect_counting("p1", boot=before.boot)
    host.poweroff(timeout=600)


def use_of(host: Host) -> tuple[float, int]:
    """Seconds of CPU that the daemon has used, and its memory in KiB."""
    pid = host.sh(PID).out.strip()
    cpu = host.sh(f"cut -d' ' -f14,15 /proc/{pid}/stat").out.split()
    rss = host.sh(f"awk '/^VmRSS/ {{ print $2 }}' /proc/{pid}/status").out
    return sum(map(int, cpu)) / 100, int(rss)


@scenario("a guest that floods XenStore with nonsense slows nobody down, and can be got rid of")
def flood(host: Host) -> None:
    # Its flood covers every request to shut down.
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=20)
    host.put("/etc/xen/xendomains.conf", "[Domain flood]\nForcedDestroy=yes\n")
    host.sh("systemctl restart xendomainsd.service")
    host.auto(pv("flood", flood="yes"), pv("p1"))
    ctl(host, "start")
    host.wait_count("flood", 5)
    before = host.wait_count("p1", 2)
    cpu, memory = use_of(host)
    time.sleep(FLOODED)
    cpu_then, memory_then = use_of(host)
    print(f"a guest floods XenStore for {FLOODED} s: the daemon uses {cpu_then - cpu:.1f} s of CPU, "
          f"and has {memory_then} KiB after {memory} KiB")
    assert cpu_then - cpu < FLOODED / 2 and memory_then < memory + 4096
    ctl(host, "stop", "p1")
    ctl(host, "start", "p1")
    host.wait_reboot("p1", before.boot)
    # A guest's words are nobody's but its own.
    assert not [line for line in journal(host) if "passwd" in line["MESSAGE"]]
    ctl(host, "stop")
    assert not host.domains()
