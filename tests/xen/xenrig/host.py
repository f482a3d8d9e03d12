# SPDX-License-Identifier: GPL-2.0-or-later
"""A Xen host under test."""

import re
import shlex
import time
from pathlib import Path
from typing import NamedTuple

from .guest import Guest
from .image import Image, ssh_key
from .link import Link
from .machine import DOM0_MEMORY, Machine, Slot
from .remote import Remote, wait_until

XENSTORE_ANSWERS = "timeout 60 xenstore-read /local/domain/0/name"

# On a machine that has more to do than this.
BOOT_TIMEOUT = 600
SETTLE_TIMEOUT = 300
POWEROFF_TIMEOUT = 300

AUTO = "/etc/xen/auto"
SAVE = "/var/lib/xen/save"
CONSOLE = "/var/log/xen/console/guest-{name}.log"
DEFAULTS = "/etc/default/xendomains"
PRISTINE = "/var/lib/rig/etc"

# A host without guests, with the configuration it had when the build was installed. What would
# start guests again goes first; the manager is asked to stop when there is nothing left to stop;
# what of ours runs even then is killed.
CLEAN = f"""
rm -f {AUTO}/*
destroy_all() {{ xl list | awk 'NR > 1 && $(NF-4) > 0 {{ print $(NF-4) }}' | xargs -r -n1 xl destroy; }}
destroy_all
timeout 60 systemctl stop xendomains.service
for unit in xendomainsd.socket xendomainsd.service; do
    timeout 60 systemctl stop $unit
    systemctl kill --signal=KILL $unit
done
destroy_all
systemctl reset-failed
rm -rf {SAVE}/* /root/cfg/* /var/lib/xendomains /run/xendomains {CONSOLE.format(name="*")} /etc/xen
cp -a {PRISTINE}/xen /etc
cp -a {PRISTINE}/xendomains {DEFAULTS}
"""


class Count(NamedTuple):
    """What a guest said last: which boot of it this is, and how many seconds it has counted."""

    boot: str
    n: int


class Host(Remote):
    """A host and its guests. It is off at first; give it back with close()."""

    def __init__(self, image: Image, memory: str = "4G", overlay: Path | None = None,
                 disk_cache: str = "unsafe", slot: Slot | None = None,
                 link: Link | None = None, processors: int = 1, xen: str = DOM0_MEMORY) -> None:
        self.slot = slot or Slot.take()
        self.link = link
        self.cleaned = 0
        self.machine = Machine(image, self.slot, overlay or self.slot.folder / "overlay.qcow2",
                               memory, disk_cache, link, processors, xen)
        super().__init__(self.slot.folder, self.machine.port, ssh_key())

    def close(self) -> None:
        """End the host as it is."""
        self.disconnect()
        self.machine.cut_power()
        self.slot.release()

    def boot(self, timeout: float = BOOT_TIMEOUT, arguments: str = "") -> None:
        """Switch on, and wait until systemd has done all there is to do at boot.

        The arguments are for dom0's kernel, this time. oxenstored ends now and then as
        it starts, for want of /proc/xen/xsd_port; such a host is of no use, and is booted again.
        """
        self._boot_once(timeout, arguments)
        if self.sh(XENSTORE_ANSWERS, check=False, timeout=90).code != 0:
            self.note("(no XenStore: power cut)\n")
            self.machine.cut_power()
            self.disconnect()
            self._boot_once(timeout, arguments)
            self.sh(XENSTORE_ANSWERS, timeout=90)
        if self.link:
            self.sh(self.link.script(), stdin=ssh_key().read_bytes())

    def poweroff(self, timeout: float = POWEROFF_TIMEOUT) -> None:
        """Power off in good order."""
        self.leave("systemctl poweroff", timeout)

    def reboot(self, timeout: float = POWEROFF_TIMEOUT) -> None:
        """Reboot in good order; the time-out is for the way down."""
        self.leave("systemctl reboot", timeout)
        self.boot()

    def cut_power(self) -> None:
        """Take the power away, and switch on again.

        Lost is what the host never handed to its disk, and what the disk (the overlay) has
        taken but not mapped: QEMU does that at a flush, whatever the cache mode is.
        """
        self.note("(power cut)\n")
        self.machine.cut_power()
        self.disconnect()
        self.boot()

    def keep(self) -> None:
        """Keep the host as it is now, and end; all that it has written is on its disk."""
        self.sh("sync")
        self.disconnect()
        self.machine.keep()

    def go_back(self) -> None:
        """Go on from what was kept, whatever has become of the host since then."""
        self.disconnect()
        self.machine.go_back()
        self.go_on()

    def go_on(self) -> None:
        """Wait until a machine that has gone back answers, and tell it what time it is.

        For the host no time has passed; only its wall clock hears that some has.
        """
        wait_until(self._answers, "the host to go on", BOOT_TIMEOUT)
        self.sh(f"date --set=@{time.time():.3f}")
        self.cleaned = int(self.sh("date +%s").out)

    def clean(self) -> None:
        """Rid the host of guests and images, in the same boot, for the next piece of work."""
        self.sh(CLEAN, timeout=300)
        wait_until(lambda: not self.domains(), "all guests to be gone")
        self.cleaned = int(self.sh("date +%s").out)

    def cfg(self, guest: Guest) -> str:
        """Write a guest's configuration where nothing starts it, and return its path."""
        path = f"/root/cfg/{guest.name}.cfg"
        self.put(path, guest.cfg())
        return path

    def auto(self, *guests: Guest) -> None:
        """Write guests' configurations where the start of the host finds them."""
        for guest in guests:
            self.put(f"{AUTO}/{guest.name}.cfg", guest.cfg())

    def create(self, *guests: Guest) -> None:
        """Start guests with xl."""
        for guest in guests:
            self.sh(f"xl create {shlex.quote(self.cfg(guest))}")

    def config(self, **variables: object) -> None:
        """Write the configuration of xendomains; what is not named is not set."""
        self.put(DEFAULTS, "".join(f"{name}={shlex.quote(str(value))}\n"
                                   for name, value in variables.items()))

    def domains(self) -> dict[str, str]:
        """The guests that exist, each with the letters `xl list` has for its state."""
        lines = self.sh("xl list").out.splitlines()[1:]
        rows = [line.rsplit(maxsplit=5) for line in lines]
        return {name.strip(): state.replace("-", "")
                for name, domid, _, _, state, _ in rows if domid != "0"}

    def domid(self, name: str) -> int:
        return int(self.sh(f"xl domid {shlex.quote(name)}").out)

    def xenstore(self, path: str) -> str | None:
        """The value of a XenStore key, or None if there is none."""
        read = self.sh(f"xenstore-read {shlex.quote(path)}", check=False)
        return read.out.rstrip("\n") if read.code == 0 else None

    def verify_image(self, path: str) -> None:
        """Fail unless Xen's own checker takes a saved guest."""
        xen = f"/usr/lib/xen-{self.machine.image.release.xen}"
        self.sh(f"PYTHONPATH={xen}/lib/python {xen}/bin/verify-stream-v2 --format=xl "
                f"--in={shlex.quote(path)}")

    def journal(self, *args: str) -> str:
        """What journalctl says of this boot, and this scenario."""
        return self.sh(shlex.join(["journalctl", "--boot", f"--since=@{self.cleaned}",
                                   "--no-pager", *args])).out

    def console(self, name: str, lines: int = 1000) -> str:
        """The last lines of a guest's console."""
        log = shlex.quote(CONSOLE.format(name=name))
        return self.sh(f"tail -n {lines} {log}", check=False).out.replace("\r", "")

    def count(self, name: str) -> Count | None:
        """A guest's count of seconds, or None before its first."""
        said = re.findall(r"^count (\w+) (\d+)$", self.console(name, lines=20), re.MULTILINE)
        return Count(said[-1][0], int(said[-1][1])) if said else None

    def wait_count(self, name: str, n: int = 1, boot: str | None = None,
                   timeout: float = 300) -> Count:
        """Wait until a guest has counted to n; fail if that is another boot than `boot`."""
        def reached() -> Count | None:
            count = self.count(name)
            if count and boot and count.boot != boot:
                raise AssertionError(f"{name} runs, but booted afresh: {count}, not {boot}")
            return count if count and count.n >= n else None

        return wait_until(reached, f"{name} to count to {n}", timeout, every=1)

    def wait_reboot(self, name: str, boot: str, timeout: float = 300) -> Count:
        """Wait until a guest counts in another boot than `boot`."""
        def another() -> Count | None:
            count = self.count(name)
            return count if count and count.boot != boot else None

        return wait_until(another, f"{name} to boot again", timeout, every=1)

    def expect_counting(self, name: str, boot: str | None = None) -> Count:
        """Fail unless a guest is alive: it counts on, and does not start over."""
        before = self.wait_count(name, boot=boot)
        return self.wait_count(name, before.n + 1, boot=before.boot)

    def wait_gone(self, *names: str, timeout: float = 120) -> None:
        """Wait until none of the guests exists any more."""
        wait_until(lambda: not self.domains().keys() & set(names), f"{names} to be gone", timeout)

    def leave(self, command: str, timeout: float = POWEROFF_TIMEOUT) -> None:
        """Give a command by which the host goes down, and wait until it has."""
        self.sh(command, check=False)
        self.machine.wait_off(timeout)
        self.disconnect()

    def _boot_once(self, timeout: float, arguments: str) -> None:
        self.note("(power on)\n")
        if not self.machine.is_on:
            self.machine.power_on(arguments)
        wait_until(self._answers, "the host to answer", timeout, every=1)
        # Without XenStore our unit is tried again for longer than that.
        self.sh(f"timeout {SETTLE_TIMEOUT} systemctl is-system-running --wait", check=False,
                timeout=timeout)

    def _answers(self) -> bool:
        if not self.machine.is_on:
            raise RuntimeError(f"the host ended at boot:\n{self.machine.last_words()}")
        return self.answers()
