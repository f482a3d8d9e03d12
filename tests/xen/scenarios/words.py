# SPDX-License-Identifier: GPL-2.0-or-later
"""What status says of a guest that is not as wanted, and what it says to type: it is typed."""

import json
import re

from xenrig import Host, pv, scenario, wait_until
from xenrig.xendomains import ctl, guests, states, status, wait_state

# The host waits for nobody here.
SETTINGS = {"XENDOMAINS_STOP_MAXWAIT": 60}


def wait_missing(host: Host, name: str, state: str, dated: bool = True) -> dict:
    """Such a guest is told by status and by check, with a reason, and its date where that is known."""
    wait_state(host, name, state)
    wait_until(lambda: not dated or "reason_usec" in status(host)[name], "the date", 60)
    guest = status(host)[name]
    assert guest["reason"], guest
    assert name in ctl(host, "--names", "status", "--state=down", expect=1).split()
    assert host.sh("xendomainsctl check", check=False).code in (1, 2)
    return guest


def type_advice(host: Host, guest: dict) -> None:
    """The action, or what the reason says to run where that depends on more than we know."""
    for command in guest.get("actions") or re.findall("'([^']+)'", guest["reason"]):
        host.sh(command, timeout=600)


@scenario("a guest that xl paused is missing, and runs again by what status says to type", minutes=1)
def paused(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1"), pv("other"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.sh("xl pause p1")
    type_advice(host, wait_missing(host, "p1", "paused", dated=False))
    wait_state(host, "p1", "running")
    host.wait_count("p1", before.n + 1, boot=before.boot)
    ctl(host, "status")


@scenario("a guest that xl destroyed is missing, with when and how, and is started by what its reason says", minutes=1)
def taken_away(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1"), pv("other"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.sh("xl destroy p1")
    guest = wait_missing(host, "p1", "stopped")
    # It may run elsewhere: the reason tells what to do if it does not.
    assert "actions" not in guest
    assert "xendomainsctl start p1" in guest["reason"]
    ctl(host, "start", "p1")
    host.wait_reboot("p1", before.boot)


@scenario("a guest whose crash was preserved tells why it is down, and goes and comes by what is typed", minutes=1.5)
def crashed(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1", 'on_crash = "preserve"', self="crash@15"), pv("other"))
    ctl(host, "start")
    wait_state(host, "p1", "crashed")
    guest = wait_missing(host, "p1", "crashed")
    domid = host.domid("p1")
    type_advice(host, guest)
    wait_until(lambda: states(host)["p1"] in ("running", "crashed") and host.domid("p1") != domid,
               "another domain", 120)


@scenario("XenStore is lost: status says so first and fails, and check is critical", minutes=1.5)
def xenstore_lost(host: Host) -> None:
    host.auto(pv("p1"))
    ctl(host, "start")
    host.wait_count("p1", 2)
    host.sh("setsid script -qfc 'TERM=xterm xendomainsctl status --watch' /tmp/watched >/dev/null 2>&1 </dev/null &")
    wait_until(lambda: "p1" in host.sh("cat /tmp/watched").out, "the picture", 60)
    host.sh("pkill -KILL xenstored")
    # It does not wait for the next look, which comes after a minute at most.
    wait_until(lambda: "XenStore" in host.sh("cat /tmp/watched").out, "the news", 30)
    assert "XenStore" in ctl(host, "status", expect=1).splitlines()[0]
    assert ctl(host, "check", expect=2).startswith("XENDOMAINS CRITICAL")
    assert "actions" not in status(host)["p1"]
    host.poweroff(timeout=600)


@scenario("a copy of a configuration is named, and its guest is saved and restored beside it", minutes=1.5)
def copied(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1"), pv("other"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.sh("cp /etc/xen/auto/p1.cfg /etc/xen/auto/p1-old.cfg")
    wait_until(lambda: sum(g["name"] == "p1" for g in guests(host)) == 2, "the copy", 60)
    for goal in ("start", "stop", "start"):
        ctl(host, goal, expect=0 if goal == "stop" else 1)
        for guest in guests(host):
            assert guest["name"] != "p1" or "p1-old.cfg" in guest["reason"], guest
    after = host.wait_count("p1", before.n + 1, boot=before.boot)
    host.sh("rm /etc/xen/auto/p1-old.cfg")
    ctl(host, "start")
    host.wait_count("p1", after.n + 1, boot=before.boot)
    assert states(host) == {"p1": "running", "other": "running"}


@scenario("a guest that shut down by itself says so with its date, and starts by what is typed", minutes=1.5)
def by_itself(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1", self="poweroff@15"), pv("other"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.wait_gone("p1")
    guest = wait_missing(host, "p1", "stopped")
    assert guest["reason_usec"] == guest["since_usec"], guest
    type_advice(host, guest)
    host.wait_reboot("p1", before.boot)
    # Of what we stop nothing of the kind is said.
    host.config(XENDOMAINS_SAVE="", **SETTINGS)
    ctl(host, "reload")
    ctl(host, "stop", "other")
    assert "reason" not in status(host)["other"]


@scenario("a guest that obeys after its stop had given it up has not failed, for the next daemon either", minutes=2)
def late(host: Host) -> None:
    host.config(XENDOMAINS_SAVE="", XENDOMAINS_STOP_MAXWAIT=8)
    host.auto(pv("p1", off=30), pv("other"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    ctl(host, "stop", "p1", expect=1)
    failure = status(host)["p1"]["reason"]
    assert states(host)["p1"] == "running"
    host.wait_gone("p1")
    guest = wait_missing(host, "p1", "stopped")
    assert failure in guest["reason"], guest
    host.sh("systemctl kill --signal=KILL xendomainsd.service")
    assert wait_missing(host, "p1", "stopped")["reason"] == guest["reason"]
    type_advice(host, guest)
    host.wait_reboot("p1", before.boot)
    assert "reason" not in status(host)["p1"]


@scenario("a directory of images that others can write is told while guests run, and once it is mended they are saved",
          minutes=1.5)
def open_directory(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)

    def stages() -> list[str]:
        [step] = json.loads(ctl(host, "--json", "plan", "stop"))["steps"]
        return step["stages"]

    assert stages()[0] == "save"
    host.sh("chmod 777 /var/lib/xen/save")
    assert "save" not in stages()
    assert any("/var/lib/xen/save" in note for note in json.loads(ctl(host, "--json", "status"))["warnings"])
    host.sh("chmod 755 /var/lib/xen/save")
    ctl(host, "stop")
    ctl(host, "start")
    host.wait_count("p1", before.n + 1, boot=before.boot)


@scenario("a guest that is renamed, and started without its memory, goes on wherever images are saved", minutes=2)
def renamed(host: Host) -> None:
    host.config(**SETTINGS)
    host.auto(pv("p1"))
    ctl(host, "start")
    host.wait_count("p1", 2)
    ctl(host, "stop")
    host.sh("sed -i s/p1/p2/ /etc/xen/auto/p1.cfg")
    ctl(host, "start", expect=1)
    ctl(host, "start", "--cold", "p2")
    before = host.wait_count("p2", 2)
    host.sh("mkdir -m 700 /var/lib/xen/elsewhere")
    for folder in ("elsewhere", "save"):
        host.config(XENDOMAINS_SAVE=f"/var/lib/xen/{folder}", **SETTINGS)
        ctl(host, "reload")
        ctl(host, "stop")
        ctl(host, "start")
        before = host.wait_count("p2", before.n + 1, boot=before.boot)
        assert states(host) == {"p2": "running"}


@scenario("a guest that is restored while its file cannot be read is saved with the others", minutes=1.5)
def broken(host: Host) -> None:
    host.config(XENDOMAINS_AUTO_ONLY="true", **SETTINGS)
    host.auto(pv("p1"), pv("other"))
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    ctl(host, "stop")
    host.sh("cp /etc/xen/auto/p1.cfg /root/; echo 'name = ' >> /etc/xen/auto/p1.cfg")
    ctl(host, "start", expect=1)
    before = host.wait_count("p1", before.n + 1, boot=before.boot)
    ctl(host, "stop")
    host.sh("cp /root/p1.cfg /etc/xen/auto/")
    ctl(host, "start")
    host.wait_count("p1", before.n + 1, boot=before.boot)
