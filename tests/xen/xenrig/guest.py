# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests, as scenarios describe them."""

from dataclasses import dataclass

RIG = "/var/lib/rig"

CFG = """\
name = "{name}"
type = "{kind}"
kernel = "{rig}/{kernel}"
ramdisk = "{rig}/guest.cpio.gz"
cmdline = "{cmdline}"
memory = {memory}
"""

# Xen's own device model for this guest, without screen and serial port.
HVM_LINES = ('vnc = 0', 'nographic = 1', 'serial = "null"', 'vga = "none"')


@dataclass(frozen=True)
class Guest:
    """A guest that counts on its console, and what else its behaviour words say."""

    name: str
    kind: str
    memory: int
    kernel: str
    lines: tuple[str, ...]
    words: dict[str, object]

    def cfg(self) -> str:
        """The guest as a configuration file for xl."""
        words = " ".join(f"{word}={value}" for word, value in self.words.items())
        text = CFG.format(name=self.name, kind=self.kind, rig=RIG, kernel=self.kernel,
                          cmdline=f"console=hvc0 quiet {words}".strip(), memory=self.memory)
        return text + "".join(f"{line}\n" for line in self.lines)


def pv(name: str, *lines: str, memory: int = 96, kernel: str = "vmlinux", **words) -> Guest:
    """A paravirtualised guest: `lines` are added to its cfg, `words` to its command line."""
    return Guest(name, "pv", memory, kernel, lines, words)


def pvh(name: str, *lines: str, memory: int = 128, kernel: str = "vmlinux", **words) -> Guest:
    """A guest with hardware virtualisation and no device model."""
    return Guest(name, "pvh", memory, kernel, lines, words)


def bare_hvm(name: str, *lines: str, memory: int = 160, **words) -> Guest:
    """A guest that does not know that it runs on Xen: a serial console, and a power button."""
    serial = f'serial = "file:/var/log/xen/console/guest-{name}.log"'
    return hvm(name, serial, *lines, memory=memory, console="ttyS0", tty="ttyS0", xen_nopv=1,
               button="yes", **words)


def hvm(name: str, *lines: str, memory: int = 160, **words) -> Guest:
    """A guest with a device model, which can boot nothing but a compressed kernel.

    Of its own accord that kernel does not tell Xen of a panic, but resets the machine. On an emulated host that is
    busy its timer can seem to be broken, and it would panic.
    """
    return Guest(name, "hvm", memory, "vmlinuz", HVM_LINES + lines,
                 {"xen_legacy_crash": 1, "no_timer_check": 1} | words)
