# SPDX-License-Identifier: GPL-2.0-or-later
"""The day of the change, and the way back, as docs/migrating.md tells them."""

import subprocess

from xenrig import Host, project, pv, scenario
from xenrig.xendomains import expect_states, images, status

UNITS = "xendomainsd.socket xendomainsd.service xendomains.service xendomains-shutdown.service"


def install(host: Host) -> None:
    """What `meson install` does with units in a folder that no package has."""
    tree = project.build(host.machine.image.release)
    archive = subprocess.run(["tar", "-c", "-C", tree, "--owner=0", "--group=0", "."],
                             stdout=subprocess.PIPE, check=True).stdout
    host.put("/root/installed.tar", archive)
    host.sh("tar -x -C / --no-overwrite-dir --keep-directory-symlink -f /root/installed.tar"
            " --transform 's,^./usr/lib/systemd/system,./usr/local/lib/systemd/system,'")


def uninstall(host: Host) -> None:
    host.sh("tar -t -f /root/installed.tar | grep -v '/$'"
            " | sed 's,^.,,;s,^/usr/lib/systemd/system,/usr/local/lib/systemd/system,'"
            " | xargs -d '\\n' rm -f; systemctl daemon-reload")


@scenario("the old script's guests are taken over while they run, and go back to it",
          build=False)
def there_and_back(host: Host) -> None:
    host.auto(pv("p1"))
    host.sh("systemctl restart xendomains.service", timeout=300)
    before = host.wait_count("p1", 3)

    install(host)
    host.sh("systemctl daemon-reload")
    host.sh(f"systemctl enable --now {UNITS}", timeout=300)
    host.expect_counting("p1", boot=before.boot)
    assert status(host)["p1"]["manager"] == "xl"
    host.reboot()
    host.wait_count("p1", before.n + 3, boot=before.boot)
    assert status(host)["p1"]["manager"] == "xendomainsd"

    host.sh("systemctl stop xendomains.service", timeout=300)
    expect_states(host, p1="saved")
    host.sh(f"systemctl disable --now {UNITS}", check=False)
    uninstall(host)
    host.sh("systemctl start xendomains.service", timeout=300)
    host.wait_count("p1", before.n + 6, boot=before.boot)
    assert images(host) == []
    assert "xendomainsctl" not in host.sh("systemctl cat xendomains.service").out
    host.reboot()
    host.wait_count("p1", before.n + 9, boot=before.boot)


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
        assert "timed out" not in host.journal("--unit=xendomains.service")
    finally:
        host.sh("rm -r /run/systemd/system/xendomains.service.d; systemctl daemon-reload")
