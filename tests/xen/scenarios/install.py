# SPDX-License-Identifier: GPL-2.0-or-later
"""Installing, upgrading and removing while guests run, with the commands of README and migrating.md."""

from xenrig import Host, pv, pvh, scenario
from xenrig.taking import (DEVICE_MODEL, FILES, Guests, expect_ours,
                           expect_stopped_and_restored, expect_the_scripts, name_in_charge)
from xenrig.told import Follower, commands
from xenrig.xendomains import status

INSTALL = commands("README.md", "Install it on a Xen host")
UPGRADE = commands("docs/migrating.md", "Upgrade")
REMOVE = commands("docs/migrating.md", "Removal, and the way back to the script")

ENABLE = "systemctl enable xendomains-guests.service"

OF_PACKAGES = ("sha256sum /etc/init.d/xendomains /etc/default/xendomains; "
               "cat /usr/lib/systemd/system/xendomains.service 2>/dev/null | sha256sum")


def follow(host: Host, guests: Guests, told: list[str]) -> None:
    """Do what is told; each command ends with 0, and no guest notices."""
    follower = Follower(host)
    for command in told:
        follower.follow(command)
        guests.expect_untouched(command)
    guests.expect_on()


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

    expect_stopped_and_restored(host, guests)


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
