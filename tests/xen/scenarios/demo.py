# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration, on a real host: what tests/demo/show.sh shows on the simulated one."""

from xenrig import Host, pv, pvh, scenario
from xenrig.xendomains import SAVE


def show(host: Host, command: str) -> None:
    print(f"\n$ {command}", flush=True)
    done = host.sh(command, check=False, timeout=900)
    print(f"{done.out}{done.err}(exit status {done.code})", flush=True)


def say(text: str) -> None:
    print(f"\n# {text}", flush=True)


@scenario("the main job is shown on a real host")
def shown(host: Host) -> None:
    host.config(XENDOMAINS_STOP_MAXWAIT=30)
    host.auto(pv("web"), pvh("db"), pv("mail"), pv("legacy", memory=256, off="never"))
    host.put("/etc/xen/auto/typo.cfg", 'name = "typo"\nmemory 96\n')
    host.sh(f"mkdir -p {SAVE} && mount -t tmpfs -o size=400m tmpfs {SAVE}")
    host.sh("systemctl start xendomainsd.socket")
    say("Four guests are configured, and one configuration has a mistake in it.")
    show(host, "xendomainsctl status")
    show(host, "xendomainsctl start")
    for name in ("web", "db", "mail", "legacy"):
        host.wait_count(name)
    host.create(pv("by-hand"))
    count = host.wait_count("web", 3)
    say("They run; a fifth one was started with xl.")
    show(host, "xendomainsctl status")
    show(host, "xendomainsctl plan stop")
    say("The stop. There is no room to save one guest, and that one ignores a shutdown, too.")
    show(host, "xendomainsctl stop")
    show(host, "xendomainsctl status")
    show(host, f"ls -l {SAVE}")
    say("The start: what was saved goes on where it was.")
    show(host, "xendomainsctl start")
    after = host.wait_count("web", count.n + 2, boot=count.boot)
    say(f"'web' had counted to {count.n} before the stop, and counts on: {after.n}, same boot.")
    show(host, "journalctl -t xendomainsd --no-pager -o cat XEN_DOMAIN=legacy")
