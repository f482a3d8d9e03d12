# SPDX-License-Identifier: GPL-2.0-or-later
"""Taking over from the packaged script, and giving back to it, while guests run."""

from .guest import Guest
from .host import Host
from .xendomains import expect_states, images

FILES = "find /etc /usr -xdev ! -type d -printf '%p %l %T@\\n' | grep -v '^/etc/xen/auto' | sort"

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


def expect_stopped_and_restored(host: Host, guests: Guests) -> None:
    """Fail unless our unit saves and restores all guests, and a reboot does."""
    host.sh("systemctl stop xendomains.service", timeout=600)
    expect_states(host, **dict.fromkeys(guests.counts, "saved"))
    host.sh("systemctl start xendomains.service", timeout=600)
    guests.expect_restored()
    host.reboot()
    guests.expect_restored()
    expect_ours(host)
