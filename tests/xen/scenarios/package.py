# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package: installed, upgraded and removed while guests run, as docs/install.md tells."""

from xenrig import Host, project, pv, pvh, scenario, wait_until
from xenrig.debian import RELEASES
from xenrig.taking import (DEVICE_MODEL, FILES, Guests, expect_ours,
                           expect_stopped_and_restored, expect_the_scripts, name_in_charge, state_of)
from xenrig.told import commands
from xenrig.xendomains import SAVE, ctl, expect_states, images, logged, status

INSTALL = commands("docs/install.md", "Install")
CHECK = commands("docs/install.md", "Check")
ROLL_BACK = commands("docs/install.md", "Roll back")
REMOVE = commands("docs/install.md", "Remove")

# Of xen-utils-VERSION.
TOOLS = "/usr/lib/xen-*/bin/libxl-save-helper /usr/lib/xen-*/bin/xl"

# As libvirtd.service of Debian, in what matters here.
OTHER_TOOLSTACK = """[Unit]
Conflicts=xendomains.service
[Service]
ExecStart=/bin/sleep infinity
"""


def version_of(host: Host, number: str) -> str:
    return f"{number}+deb{host.machine.image.release.number}u1"


def bring(host: Host, number: str = "0.1.0") -> None:
    """A package of this version where the documented build leaves it."""
    deb = project.package(host.machine.image.release, version_of(host, number))
    host.sh("mkdir -p build-package")
    host.put(f"build-package/{deb.name}", deb.read_bytes())
    host.sh(f"ln -sf {deb.name} build-package/xendomainsd.deb")


def follow(host: Host, guests: Guests, told: list[str]) -> None:
    for command in told:
        host.sh(command, timeout=600)
        guests.expect_untouched(command)
    guests.expect_on()


@scenario("install.md: the package takes over from the script, and saves and restores the guests",
          tier="ci", build=False, minutes=6)
def installed(host: Host) -> None:
    guests = Guests(host, pv("p1"), pvh("h1"), pv("f1", DEVICE_MODEL))
    bring(host)
    follow(host, guests, INSTALL + CHECK)
    expect_ours(host)
    assert {guest["manager"] for guest in status(host).values()} == {"xl"}

    expect_stopped_and_restored(host, guests)


@scenario("install.md: where no script was active, the package starts no guest",
          build=False, minutes=5)
def installed_alone(host: Host) -> None:
    host.sh("systemctl stop xendomains.service", timeout=600)
    host.auto(pv("p1"))
    bring(host)
    host.sh(INSTALL[0], timeout=600)
    assert not host.domains()
    expect_ours(host)
    ctl(host, "start")
    before = host.wait_count("p1", 2)
    host.reboot()
    host.wait_count("p1", before.n + 1, boot=before.boot)
    assert not images(host)


@scenario("install.md: upgrades in the middle of a save and of a restore, and a way back, touch no guest",
          build=False, minutes=6)
def upgraded(host: Host) -> None:
    guests = Guests(host, pv("p1"), pv("big", memory=512))
    bring(host)
    follow(host, guests, INSTALL)
    bring(host, "0.1.1")
    host.sh("xendomainsctl stop big >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    wait_until(lambda: f"{SAVE}/big.part" in host.sh(f"ls {SAVE}/*.part", check=False).out,
               "the save to begin", 120, every=0.2)
    host.sh(INSTALL[0], timeout=600)
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    wait_until(lambda: status(host)["big"]["state"] == "saved", "the save to be over", 120)
    expect_states(host, p1="running", big="saved")
    expect_ours(host)
    bring(host, "0.1.2")
    host.sh("xendomainsctl start big >/tmp/start.log 2>&1 & echo $! >/tmp/start.pid")
    wait_until(lambda: "big" in host.domains(), "the restore to begin", 120, every=0.2)
    host.sh(INSTALL[0], timeout=600)
    host.sh("tail --pid=$(cat /tmp/start.pid) -f /dev/null", timeout=600)
    wait_until(lambda: status(host)["big"]["state"] == "running", "the restore to be over", 120)
    guests.expect_restored()
    follow(host, guests, ROLL_BACK)
    assert version_of(host, "0.1.0") in host.sh("dpkg-query -W xendomainsd").out
    expect_ours(host)


@scenario("install.md: an upgrade in the middle of a migration: the guest goes on at the other host",
          build=False, hosts=2, minutes=6)
def upgraded_migrating(host: Host, peer: Host) -> None:
    guests = Guests(host, pvh("big", memory=512))
    bring(host)
    follow(host, guests, INSTALL)
    bring(host, "0.1.1")
    host.config(XENDOMAINS_MIGRATE="peer")
    ctl(host, "reload")
    before = host.wait_count("big", 2)
    host.sh("xendomainsctl stop >/tmp/stop.log 2>&1 & echo $! >/tmp/stop.pid")
    wait_until(lambda: "big--incoming" in peer.domains(), "the migration to begin", 120, every=0.2)
    host.sh(INSTALL[0], timeout=600)
    assert "big--incoming" in peer.domains(), "the migration was over too early"
    host.sh("tail --pid=$(cat /tmp/stop.pid) -f /dev/null", timeout=600)
    wait_until(lambda: "big" in peer.domains(), "the guest to arrive", 300)
    wait_until(lambda: status(host)["big"].get("migrated_to") == "peer", "that to be known", 60)
    assert not host.domains()
    peer.wait_count("big--incoming", before.n + 1, boot=before.boot)
    expect_ours(host)


@scenario("install.md: the package is removed, and the script saves and restores the guests",
          build=False, minutes=6)
def removed(host: Host) -> None:
    files = host.sh(FILES).out
    guests = Guests(host, pv("p1"), pvh("h1"), pv("f1", DEVICE_MODEL))
    bring(host)
    follow(host, guests, INSTALL + REMOVE)
    expect_the_scripts(host)
    assert host.sh("systemctl is-enabled xendomains.service", check=False).out.strip() != "disabled"
    follow(host, guests, INSTALL)
    expect_ours(host)
    follow(host, guests, REMOVE + ["apt-get purge -y xendomainsd"])
    expect_the_scripts(host)
    assert host.sh(FILES).out == files
    assert not host.sh("ls -d /var/lib/xendomains", check=False).out
    host.reboot()
    guests.expect_restored()
    expect_the_scripts(host)


@scenario("install.md: where our unit is not active, and the second line is, the script takes over all the same",
          build=False, minutes=4)
def removed_inactive(host: Host) -> None:
    guests = Guests(host, pv("p1"))
    bring(host)
    follow(host, guests, INSTALL)
    host.sh("systemctl stop xendomains.service", timeout=600)
    ctl(host, "start")
    guests.expect_restored()
    follow(host, guests, REMOVE)
    expect_the_scripts(host)


@scenario("install.md: a toolstack that may not run beside the script is not stopped",
          build=False, minutes=3)
def beside_another(host: Host) -> None:
    host.sh("systemctl stop xendomains.service")
    host.put("/etc/systemd/system/libvirtd.service", OTHER_TOOLSTACK)
    host.sh("systemctl daemon-reload && systemctl start libvirtd.service")
    bring(host)
    said = host.sh(INSTALL[0], timeout=600).out
    assert "libvirtd.service" in said, said
    assert state_of(host, "libvirtd.service") == "active"
    assert name_in_charge(host) == "xendomains-guests.service"
    for unit in ("xendomainsd.service", "xendomains-shutdown.service"):
        assert state_of(host, unit) == "active", unit


@scenario("install.md: an installation of Debian's libvirt stops our unit and no guest",
          build=False, minutes=12)
def beside_libvirt(host: Host) -> None:
    guests = Guests(host, pv("p1"), pv("f1", DEVICE_MODEL))
    bring(host)
    follow(host, guests, INSTALL)
    host.sh("mkdir libvirt")
    for deb in project.of_debian(host.machine.image.release, "libvirt-daemon-system", "libvirt-daemon-driver-xen"):
        host.put(f"libvirt/{deb.name}", deb.read_bytes())
    host.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ./libvirt/*.deb", timeout=1500)
    guests.expect_untouched("the installation of libvirt")
    guests.expect_on()
    wait_until(lambda: state_of(host, "xendomains-guests.service") == "inactive", "our unit to be stopped", 60)
    assert "libvirtd.service" in host.sh("journalctl --boot --grep='Not stopping guests'").out


@scenario("install.md: where another toolstack's start has stopped our unit, the script takes over at the removal",
          build=False, minutes=5)
def removed_after_another(host: Host) -> None:
    guests = Guests(host, pv("p1"), pv("f1", DEVICE_MODEL))
    bring(host)
    follow(host, guests, INSTALL)
    host.put("/etc/systemd/system/libvirtd.service", OTHER_TOOLSTACK)
    follow(host, guests, ["systemctl daemon-reload", "systemctl start libvirtd.service"])
    wait_until(lambda: state_of(host, "xendomains-guests.service") == "inactive", "our unit to be stopped", 60)
    follow(host, guests, ["systemctl stop libvirtd.service"] + REMOVE)
    expect_the_scripts(host)
    host.reboot()
    guests.expect_restored()
    expect_the_scripts(host)


@scenario("install.md: between the package of another release and the reboot, the daemon of before saves",
          build=False, minutes=6)
def another_release(host: Host) -> None:
    guests = Guests(host, pv("p1"), pvh("h1"))
    bring(host)
    follow(host, guests, INSTALL)
    daemon = host.sh("systemctl show --property=MainPID --value xendomainsd.service").out
    other = next(r for n, r in RELEASES.items() if n != host.machine.image.release.number)
    deb = project.package(other, "0.1.1+other")
    host.put(deb.name, deb.read_bytes())
    # What it depends on is not there: nothing that is new can run.
    follow(host, guests, [f"dpkg --force-depends --install {deb.name}"])
    assert host.sh("/usr/sbin/xendomainsd --version", check=False).code != 0
    assert host.sh("systemctl show --property=MainPID --value xendomainsd.service").out == daemon
    # A full-upgrade removes the programs of the Xen that runs, and libxl starts one of them to save.
    host.sh(f"for p in {TOOLS}; do mv $p $p.gone; done")
    host.reboot()
    assert images(host) == ["h1", "p1"]
    host.sh("for p in /usr/lib/xen-*/bin/*.gone; do mv $p ${p%.gone}; done")
    host.sh("dpkg --install build-package/xendomainsd.deb", timeout=600)
    host.sh("systemctl restart xendomains.service", timeout=600)
    guests.expect_restored()


@scenario("install.md: where another Xen runs, an upgrade leaves the daemon that fits it",
          build=False, minutes=3)
def another_xen(host: Host) -> None:
    bring(host)
    host.sh(INSTALL[0], timeout=600)
    daemon = host.sh("systemctl show --property=MainPID --value xendomainsd.service").out
    host.sh("echo 99 >/root/minor && mount --bind /root/minor /sys/hypervisor/version/minor")
    bring(host, "0.1.1")
    host.sh(INSTALL[0], timeout=600)
    assert host.sh("systemctl show --property=MainPID --value xendomainsd.service").out == daemon
    assert not logged(host, "OTHER_XEN")
    host.sh("systemctl restart xendomainsd.service")
    assert logged(host, "OTHER_XEN")
