# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of the daemon and of workers. Guests do not notice."""

from xenrig import Host, pv, pvh, scenario, wait_until
from xenrig.xendomains import SAVE, ctl, images, logged, stages, states, status

KILL_DAEMON = "systemctl kill --signal=KILL --kill-who=main xendomainsd.service"
KILL_WORKER = "pkill -KILL -f '^/usr/libexec/xendomains/xendomains-worker operate'"

# A save of this guest takes seconds; it is caught on the host, where no time goes by on the way.
BIG = 512
KILL_SAVING = f"""
until [ "$(stat -c %s {SAVE}/p1.part 2>/dev/null || echo 0)" -gt 30000000 ]; do sleep 0.05; done
{KILL_WORKER}
"""


def busy_with(host: Host, state: str) -> None:
    """Waits until a worker has a guest in hand; asks Xen, since the daemon may be dead."""
    wait_until(lambda: any(state in s for s in host.domains().values()), "a worker at work", 120)


@scenario("the daemon is killed with guests running, and in the middle of a stop")
def daemon(host: Host) -> None:
    host.auto(pv("p1"), pv("p2"), pvh("h1"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "p2", "h1")}
    host.sh(KILL_DAEMON)
    wait_until(lambda: set(states(host).values()) == {"running"}, "a new daemon", 60)
    for name, count in before.items():
        host.expect_counting(name, boot=count.boot)
    assert {guest["manager"] for guest in status(host).values()} == {"xendomainsd"}

    host.sh("xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    busy_with(host, "s")
    host.sh(KILL_DAEMON)
    # The client makes its call again, and the stop is finished.
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    assert not host.domains(), host.sh("cat /tmp/stop.log").out
    assert set(states(host).values()) == {"saved"}
    ctl(host, "start")
    for name, count in before.items():
        host.wait_count(name, count.n + 2, boot=count.boot)


@scenario("a worker is killed in the middle of a save: the guest runs on, and is shut down",
          tier="ci", minutes=1.3)
def worker_saving(host: Host) -> None:
    host.auto(pv("p1", memory=BIG))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.config(XENDOMAINS_SHUTDOWN="", XENDOMAINS_SHUTDOWN_ALL="")
    ctl(host, "reload")
    host.sh("xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    host.sh(KILL_SAVING)
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    assert logged(host, "WORKER_LOST", domain="p1", operation="save")
    assert stages(host, "p1", "STAGE_FAILED") == ["save"]
    host.expect_counting("p1", boot=before.boot)
    assert images(host) == []
    host.config()
    ctl(host, "reload")
    ctl(host, "stop")
    ctl(host, "start")
    host.wait_count("p1", before.n + 2, boot=before.boot)


# A guest that is paused here, behind the worker's back, cannot take the request to suspend.
PAUSE_FIRST = """
helper=$(ls /usr/lib/xen-*/bin/libxl-save-helper)
mv $helper $helper.real
cat >$helper <<EOF
#!/bin/sh
xl pause \\$(xl list | awk '\\$1 == "NAME" { print \\$2 }')
exec $helper.real "\\$@"
EOF
chmod 755 $helper
"""


@scenario("a worker is killed when it has asked its guest to suspend: it runs on",
          minutes=3)
def worker_asking(host: Host) -> None:
    host.auto(pv("p1"), pvh("h1"))
    ctl(host, "start")
    before = {name: host.wait_count(name, 2) for name in ("p1", "h1")}
    host.config(XENDOMAINS_SHUTDOWN="", XENDOMAINS_SHUTDOWN_ALL="")
    ctl(host, "reload")
    for name, count in before.items():
        asked = f"/libxl/{host.domid(name)}/xendomainsd-suspend"
        host.sh(PAUSE_FIRST.replace("NAME", name))
        host.sh(f"xendomainsctl stop {name} >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
        wait_until(lambda name=name: "p" in host.domains()[name], "the guest to be paused", 120)
        # Less than libxl waits for the guest, and enough for its helper to begin, on a busy machine too.
        host.sh(f"xenstore-exists {asked}; sleep 20; {KILL_WORKER}")
        host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
        assert stages(host, name, "STAGE_FAILED") == ["save"]
        host.sh("helper=$(ls /usr/lib/xen-*/bin/libxl-save-helper); mv $helper.real $helper")
        host.sh(f"xl unpause {name}")
        host.wait_count(name, count.n + 2, boot=count.boot)
        assert images(host) == []
        # Asked in XenStore, it is not asked any more. Asked by an event, it suspends now, and is resumed.
        wait_until(lambda node=asked: host.sh(f"xenstore-exists {node}", check=False).code != 0,
                   "no request to be left", 180)
        host.expect_counting(name)


@scenario("a worker is killed in the middle of a restore: the image is whole, and restored later",
          tier="ci", minutes=0.9)
def worker_restoring(host: Host) -> None:
    host.auto(pv("p1", memory=256))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    ctl(host, "stop")
    host.sh("xendomainsctl start >/tmp/start.log 2>&1 & echo $! >/tmp/start.pid")
    wait_until(lambda: "p1" in host.domains(), "the guest to be built", 120, every=0.2)
    host.sh(KILL_WORKER)
    host.sh("tail --pid=$(cat /tmp/start.pid) -f /dev/null", timeout=600)
    assert not host.domains() and images(host) == ["p1"]
    ctl(host, "start")
    host.wait_count("p1", before.n + 2, boot=before.boot)


@scenario("a worker is killed in the middle of a create: nothing is left, and the next one works")
def worker_creating(host: Host) -> None:
    host.auto(pv("p1", kernel="vmlinuz"))
    host.sh("systemctl start xendomainsd")
    host.sh("xendomainsctl start >/tmp/start.log 2>&1 & echo $! >/tmp/start.pid")
    wait_until(lambda: "p1" in host.domains(), "the guest to be built", 120, every=0.2)
    host.sh(KILL_WORKER)
    host.sh("tail --pid=$(cat /tmp/start.pid) -f /dev/null", timeout=600)
    assert not host.domains()
    ctl(host, "start")
    host.wait_count("p1")


@scenario("stop, restart and replacement of the daemon touch no guest")
def restarted(host: Host) -> None:
    host.auto(pv("p1"), pvh("h1"))
    ctl(host, "start")
    before = {name: host.wait_count(name) for name in ("p1", "h1")}
    host.sh("systemctl stop xendomainsd.socket xendomainsd.service")
    assert len(host.domains()) == 2
    host.sh("systemctl start xendomainsd.socket xendomainsd.service")
    host.sh("systemctl restart xendomainsd.service")
    host.sh("cp /usr/sbin/xendomainsd /usr/sbin/new && mv /usr/sbin/new /usr/sbin/xendomainsd")
    host.sh("systemctl restart xendomainsd.service")
    for name, count in before.items():
        host.expect_counting(name, boot=count.boot)
