# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stop does besides saving and asking, and what others do meanwhile."""

from xenrig import Host, bare_hvm, pv, pvh, scenario, wait_until
from xenrig.xendomains import ctl, expect_states, images, journal, outcome, stages, states, status


@scenario("keys of SysRq reach the kernel before a guest is saved, and it goes on as if nothing",
          tier="ci", minutes=1.7)
def sysrq(host: Host) -> None:
    host.config(XENDOMAINS_SYSRQ="s 9", XENDOMAINS_USLEEP=300000)
    host.auto(pv("p1"), pvh("h1"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "h1")}
    ctl(host, "stop")
    for name in before:
        said = host.console(name)
        assert "sysrq: Emergency Sync" in said and "sysrq: Changing Loglevel" in said, said
    assert set(states(host).values()) == {"saved"}
    ctl(host, "start")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("a paused guest is let run, saved, and goes on", tier="ci", minutes=0.8)
def paused(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.sh("xl pause p1")
    expect_states(host, p1="paused")
    assert status(host)["p1"]["flags"] == "--p---"
    ctl(host, "stop")
    ctl(host, "start")
    host.wait_count("p1", before.n + 2, boot=before.boot)


@scenario("a guest that xl is saving is waited for, and saved once")
def saved_by_xl(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    host.create(pv("big", memory=512))
    before = host.wait_count("big", 2)
    host.sh("xl save big /root/big >/dev/null 2>&1 & "
            "until [ \"$(stat -c %s /root/big 2>/dev/null || echo 0)\" -gt 30000000 ]; do sleep 0.05; done",
            timeout=300)
    ctl(host, "stop")
    assert not host.domains() and images(host) == ["p1"]
    host.verify_image("/root/big")
    host.sh("xl restore /root/big", timeout=300)
    host.wait_count("big", before.n + 2, boot=before.boot)


@scenario("a guest that xl is building is left alone until it runs, and then saved")
def built_by_xl(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    host.wait_count("p1")
    slow = host.cfg(pv("slow", kernel="vmlinuz"))
    host.sh(f"xl create {slow} >/root/create.log 2>&1 & "
            "until xl list slow >/dev/null 2>&1; do sleep 0.1; done", timeout=300)
    ctl(host, "stop")
    assert not host.domains()
    assert set(images(host)) <= {"p1", "slow"} and "p1" in images(host)
    assert "slow" in host.sh("cat /root/create.log").out
    ends = [entry for entry in journal(host, XEN_DOMAIN="slow") if entry.get("XEN_RESULT") == "ok"]
    assert ends, host.journal("-t", "xendomainsd")


@scenario("a guest that says that it cannot react is given up at once, and destroyed if configured")
def cannot_react(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=120)
    host.put("/etc/xen/xendomains.conf", "[Domain doomed*]\nForcedDestroy=yes\n")
    host.auto(pv("p1", off="never"), pv("doomed-1", off="never"))
    ctl(host, "start")
    for name in ("p1", "doomed-1"):
        host.wait_count(name)
        host.sh(f"xenstore-write /local/domain/{host.domid(name)}/control/feature-poweroff 0")
    ctl(host, "stop", expect=1, timeout=60)
    assert stages(host, "p1", "STAGE_FAILED") == ["shutdown", "shutdown-all"]
    assert stages(host, "doomed-1")[-1] == "destroy"
    expect_states(host, p1="running", **{"doomed-1": "stopped"})
    host.expect_counting("p1")


@scenario("a guest that has taken the request and hangs is told to have taken it")
def hanging(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=20, XENDOMAINS_SHUTDOWN_ALL="")
    host.auto(pv("hangs", off=600))
    ctl(host, "start")
    host.wait_count("hangs")
    assert " 20 s" in outcome(host, "stop", expect=1)["hangs"]["reason"]
    expect_states(host, hangs="running")


@scenario("a guest that knows nothing of Xen is shut down by its power button")
def button(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=240)
    host.auto(bare_hvm("v1"))
    ctl(host, "start")
    host.wait_count("v1", 2, timeout=900)
    ctl(host, "stop")
    assert not host.domains()
    assert "asked to power off" in host.console("v1")


@scenario("a driver domain comes up before, and goes behind, the guests that may use it")
def driver_domain(host: Host) -> None:
    host.auto(pv("a-user"), pv("z-driver", "driver_domain = 1"))
    ctl(host, "start")
    host.wait_count("a-user")
    host.wait_count("z-driver")
    ctl(host, "stop")
    assert images(host) == ["a-user", "z-driver"]
    ctl(host, "start")

    def began(stage: str, name: str) -> int:
        [entry] = journal(host, XEN_DOMAIN=name, XEN_STAGE=stage, XEN_RESULT="running")
        return int(entry["__REALTIME_TIMESTAMP"])

    def ended(stage: str, name: str) -> int:
        return int(journal(host, XEN_DOMAIN=name, XEN_STAGE=stage, XEN_RESULT="ok")[0]
                   ["__REALTIME_TIMESTAMP"])

    assert ended("create", "z-driver") <= began("create", "a-user")
    assert ended("save", "a-user") <= began("save", "z-driver")
    assert ended("restore", "z-driver") <= began("restore", "a-user")


@scenario("a stop in the middle of a guest's boot gets through")
def while_booting(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=120)
    host.auto(pv("p1"), pvh("h1"))
    ctl(host, "start")
    ctl(host, "stop")
    assert not host.domains()
    wait_until(lambda: set(states(host).values()) == {"stopped"}, "the guests to be told stopped")


@scenario("a stop that takes longer than the limit of its unit is not cut off")
def limit_of_the_unit(host: Host) -> None:
    host.sh("mkdir -p /run/systemd/system/xendomains.service.d")
    host.put("/run/systemd/system/xendomains.service.d/limit.conf",
             "[Service]\nTimeoutStopSec=10s\n")
    host.sh("systemctl daemon-reload")
    try:
        host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=60)
        host.auto(pv("slow", off=30))
        host.sh("systemctl start xendomains.service", timeout=300)
        host.wait_count("slow")
        stop = host.sh("systemctl stop xendomains.service", timeout=300)
        assert stop.elapsed > 25, stop
        assert not host.domains()
        assert host.sh("systemctl show -P Result xendomains.service").out.strip() == "success"
    finally:
        host.sh("rm -r /run/systemd/system/xendomains.service.d; systemctl daemon-reload")


# It blocks once the queue of messages is full.
FILL_THE_JOURNAL = """
perl -e 'use Socket; socket(S, PF_UNIX, SOCK_DGRAM, 0);
         $SIG{ALRM} = sub { exit 14 }; alarm 15;
         send(S, "MESSAGE=rig\\n", 0, sockaddr_un("/run/systemd/journal/socket")) while 1'
"""


@scenario("a journald that hangs keeps no guest from being saved, and none down")
def journald_hangs(host: Host) -> None:
    host.auto(pv("p1"), pvh("h1"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "h1")}
    host.sh("pkill -STOP -x systemd-journal")
    filled = host.sh(FILL_THE_JOURNAL, check=False)
    assert filled.code == 14, filled
    ctl(host, "stop", timeout=120)
    assert not host.domains() and sorted(images(host)) == ["h1", "p1"]
    ctl(host, "start", timeout=120)
    host.sh("pkill -CONT -x systemd-journal")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("a full /run keeps no guest from being saved")
def run_full(host: Host) -> None:
    host.auto(pv("p1"), pvh("h1"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "h1")}
    host.sh("dd if=/dev/zero of=/run/full bs=4k 2>/dev/null; test $(df --output=avail /run | tail -1) = 0")
    ctl(host, "stop")
    assert not host.domains() and sorted(images(host)) == ["h1", "p1"]
    ctl(host, "start")
    host.sh("rm /run/full")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("a guest that comes up in a stop of all is stopped with the others")
def arrives(host: Host) -> None:
    host.auto(pv("p1", off=60))
    ctl(host, "start")
    host.wait_count("p1", 2)
    # It is shut down, which takes its time.
    host.sh(f"xenstore-write /local/domain/{host.domid('p1')}/data/cant_suspend_reason test")
    host.sh("{ xendomainsctl stop --all; echo $? >/root/stop.code; } >/root/stop.log 2>&1 &")
    wait_until(lambda: journal(host, XEN_DOMAIN="p1", XEN_STAGE="shutdown"), "the request", 60)
    host.create(pv("late"))
    wait_until(lambda: host.sh("cat /root/stop.code", check=False).out.strip() == "0",
               "the end of the stop", 300, every=1)
    # A kernel that is not far enough to be suspended is shut down.
    assert not host.domains() and stages(host, "late")[-1] in ("save", "shutdown")
