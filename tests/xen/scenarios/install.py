# SPDX-License-Identifier: GPL-2.0-or-later
"""Installing, upgrading and removing while guests run, with the commands of README and migrating.md."""

from xenrig import Guest, Host, pv, pvh, scenario
from xenrig.told import Follower, commands
from xenrig.xendomains import expect_states, images, status

INSTALL = commands("README.md", "Install it on a Xen host")
UPGRADE = commands("docs/migrating.md", "Upgrade")
REMOVE = commands("docs/migrating.md", "Removal, and the way back to the script")

ENABLE = "systemctl enable xendomains-guests.service"

# Debian 12 has no unit, and Debian 13 has one.
FILES = "find /etc /usr -xdev ! -type d -printf '%p %l %T@\\n' | grep -v '^/etc/xen/auto' | sort"
OF_PACKAGES = ("sha256sum /etc/init.d/xendomains /etc/default/xendomains; "
               "cat /usr/lib/systemd/system/xendomains.service 2>/dev/null | sha256sum")

# A frame buffer is a process in dom0.
DEVICE_MODEL = 'vfb = ["vnc=1"]'

UNITS = ("xendomainsd.socket", "xendomainsd.service", "xendomains-guests.service",
         "xendomains-shutdown.service")


class Guests:
    """Guests that the packaged script has started, and what they must not lose."""

    def __init__(self, host: Host, *guests: Guest) -> None:
        self.host = host
        host.auto(*guests)
        host.sh("systemctl restart xendomains.service", timeout=600)
        self.counts = {guest.name: host.wait_count(guest.name, 2) for guest in guests}
        self.alive = self._alive()

    def expect_untouched(self, after: str) -> None:
        """Fail unless each is the same domain as before, with the same device model."""
        alive = self._alive()
        assert alive == self.alive, f"{after}: {alive}, not {self.alive}"

    def expect_on(self) -> None:
        """Fail unless each counts on where it was."""
        for name, count in self.counts.items():
            self.counts[name] = self.host.wait_count(name, count.n + 1, boot=count.boot)

    def expect_restored(self) -> None:
        """Fail unless each counts on where it was saved."""
        self.expect_on()
        assert images(self.host) == []
        self.alive = self._alive()

    def _alive(self) -> str:
        return self.host.sh("xl list | awk '{ print $1, $2 }'; pgrep -f '[x]en-domid [1-9]'",
                            check=False).out


def follow(host: Host, guests: Guests, told: list[str]) -> None:
    """Do what is told; each command ends with 0, and no guest notices."""
    follower = Follower(host)
    for command in told:
        follower.follow(command)
        guests.expect_untouched(command)
    guests.expect_on()


def state_of(host: Host, unit: str) -> str:
    return host.sh(f"systemctl is-active {unit}", check=False).out.strip()


def name_in_charge(host: Host) -> str:
    return host.sh("systemctl show --property=Id --value xendomains.service").out.strip()


def expect_ours(host: Host) -> None:
    assert name_in_charge(host) == "xendomains-guests.service"
    for unit in UNITS:
        assert state_of(host, unit) == "active", unit
        assert host.sh(f"systemctl is-enabled {unit}").out.strip() in ("enabled", "alias"), unit


def expect_the_scripts(host: Host) -> None:
    assert name_in_charge(host) == "xendomains.service"
    assert state_of(host, "xendomains.service") == "active"
    assert "/etc/init.d/xendomains stop" in host.sh(
        "systemctl show --property=ExecStop xendomains.service").out
    for unit in UNITS:
        assert state_of(host, unit) == "inactive", unit


@scenario("README: it takes over from the script, is upgraded, and saves and restores the guests",
          build=False, minutes=6)
def taken_over(host: Host) -> None:
    packaged = host.sh(OF_PACKAGES).out
    guests = Guests(host, pv("p1"), pvh("h1"), pv("f1", DEVICE_MODEL))
    follow(host, guests, INSTALL)
    expect_ours(host)
    assert {guest["manager"] for guest in status(host).values()} == {"xl"}
    assert host.sh(OF_PACKAGES).out == packaged

    follow(host, guests, UPGRADE)
    expect_ours(host)

    host.sh("systemctl stop xendomains.service", timeout=600)
    expect_states(host, p1="saved", h1="saved", f1="saved")
    host.sh("systemctl start xendomains.service", timeout=600)
    guests.expect_restored()
    host.reboot()
    guests.expect_restored()
    expect_ours(host)


@scenario("README: a reboot in the middle of it loses no guest",
          build=False, minutes=8)
def in_between(host: Host) -> None:
    guests = Guests(host, pv("p1"), pvh("h1"))
    here = INSTALL.index(ENABLE)
    follow(host, guests, INSTALL[:here])
    host.reboot()
    guests.expect_restored()
    assert name_in_charge(host) == "xendomains.service"

    follow(host, guests, [ENABLE])
    host.sh("systemctl stop xendomainsd.socket xendomainsd.service")
    host.leave("systemctl start --job-mode=replace-irreversibly --no-block reboot.target")
    host.boot()
    guests.expect_restored()
    expect_ours(host)


@scenario("migrating.md: the script takes over again, and nothing of ours is left",
          build=False, minutes=6)
def given_back(host: Host) -> None:
    files = host.sh(FILES).out
    guests = Guests(host, pv("p1"), pvh("h1"), pv("f1", DEVICE_MODEL))
    follow(host, guests, INSTALL)
    follow(host, guests, REMOVE)
    expect_the_scripts(host)
    assert host.sh(FILES).out == files

    host.reboot()
    guests.expect_restored()
    expect_the_scripts(host)


@scenario("migrating.md: guests that were ours go on under the script, which saves and restores them",
          build=False, minutes=6)
def ours_given_back(host: Host) -> None:
    guests = Guests(host, pv("p1"), pv("f1", DEVICE_MODEL))
    follow(host, guests, INSTALL)
    host.sh("systemctl restart xendomains.service", timeout=600)
    guests.expect_restored()
    assert {guest["manager"] for guest in status(host).values()} == {"xendomainsd"}
    follow(host, guests, REMOVE)
    expect_the_scripts(host)
    host.sh("systemctl restart xendomains.service", timeout=600)
    guests.expect_restored()
