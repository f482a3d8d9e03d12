# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated computer a host runs on."""

import fcntl
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from . import cache
from .debian import RELEASES, Release
from .image import HOST_MAC, Image
from .link import Link
from .monitor import Monitor
from .remote import wait_until

# More hosts than this at a time, and their clocks would go too slow for any deadline.
SLOTS = 2

# What Xen is told of dom0's memory. With nothing, dom0 has all there is, and guests take from that.
DOM0_MEMORY = "dom0_mem=1536M,max:1536M"

# Tells those who look for a running host which release it is, and where its ssh port.
NOTE = "host"


class Slot:
    """The right to run one host, and the folder with its overlay, logs and ssh socket.

    The right is a lock that QEMU shares: it lasts as long as QEMU does, whatever becomes of us.
    """

    def __init__(self, folder: Path, lock: IO) -> None:
        self.folder = folder
        self.lock = lock

    @classmethod
    def take(cls) -> "Slot":
        """Take a free slot, waiting for one if need be, behind those who waited before."""
        with cache.locked(_queue()):
            return cls._take()

    @classmethod
    def take_two(cls) -> tuple["Slot", "Slot"]:
        """Take two, before a host is booted in either: nobody else can come in between."""
        with cache.locked(_queue()):
            return cls._take(), cls._take()

    @classmethod
    def _take(cls) -> "Slot":
        waiting = False
        while True:
            for folder in folders():
                folder.mkdir(parents=True, exist_ok=True)
                if lock := _try_lock(folder):
                    slot = cls(folder, lock)
                    slot._empty()
                    return slot
            if not waiting:
                print("all slots are taken, waiting for one", file=sys.stderr)
                waiting = True
            time.sleep(1)

    def release(self) -> None:
        self._empty()
        self.lock.close()

    def _empty(self) -> None:
        for entry in self.folder.iterdir():
            if entry.name != "lock":
                entry.unlink()


@dataclass(frozen=True)
class Running:
    """A host somebody has booted, as seen from outside."""

    slot: int
    folder: Path
    release: Release
    port: int


def running() -> Iterator[Running]:
    """The hosts that run now. What a slot's folder says holds while its lock is held."""
    for number, folder in enumerate(folders()):
        note = folder / NOTE
        if note.exists() and not _try_lock(folder):
            release, port = note.read_text().split()
            yield Running(number, folder, RELEASES[int(release)], int(port))


def folders() -> Iterator[Path]:
    return (cache.root() / "slot" / str(number) for number in range(SLOTS))


class Kept(NamedTuple):
    """A machine as it was at one instant, and what it had printed by then."""

    disk: Path
    memory: Path
    serial: Path


class Machine:
    """QEMU with Xen as its kernel: processors, memory, a disk, and a card behind a port of ours.

    Everything is emulated. Only this processor model is known to carry both the Xen dom0 kernel
    and, through its emulated SVM, PVH and HVM guests. With a second processor QEMU now and then
    mistakes the hypervisor's registers for a guest's: one PVH guest in five ends by a triple fault
    as its kernel measures its clock. With one, of 40 none did.
    """

    def __init__(self, image: Image, slot: Slot, overlay: Path, memory: str = "4G",
                 disk_cache: str = "unsafe", link: Link | None = None,
                 processors: int = 1, xen: str = DOM0_MEMORY) -> None:
        self.image = image
        self.slot = slot
        self.overlay = overlay
        self.memory = memory
        self.disk_cache = disk_cache
        self.link = link
        self.processors = processors
        self.xen = xen
        self.port = _free_port()
        self.serial = slot.folder / "serial.log"
        self.monitor = slot.folder / "monitor"
        self.kept = Kept(*(slot.folder / f"kept.{part}" for part in Kept._fields))
        self.process: subprocess.Popen | None = None
        (slot.folder / NOTE).write_text(f"{image.release.number} {self.port}")
        if not overlay.exists():
            _create_overlay(overlay, image.disk, "raw")

    @property
    def is_on(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def power_on(self, arguments: str = "") -> None:
        """Switch on, with more arguments for dom0's kernel, for this boot."""
        self._run(self._command(arguments))

    def keep(self) -> None:
        """Keep memory and disk as they are now, once, and end; go_back() goes on from there."""
        with Monitor(self.monitor) as monitor:
            monitor.save(self.kept.memory)
            monitor.quit()
        self.process.wait()
        self.overlay.rename(self.kept.disk)
        shutil.copy(self.serial, self.kept.serial)

    def go_back(self) -> None:
        """Go on from what was kept, as often as one likes, whatever has become of the host."""
        self.cut_power()
        self.overlay.unlink(missing_ok=True)
        _create_overlay(self.overlay, self.kept.disk, "qcow2")
        shutil.copy(self.kept.serial, self.serial)
        self._run([*self._command(), "-incoming", f"exec:cat {shlex.quote(str(self.kept.memory))}"])
        wait_until(self._goes_on, "the machine to be loaded", every=0.1)

    def cut_power(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def wait_off(self, timeout: float) -> None:
        """Wait until the host has ended itself, by power-off or reboot."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"the host is still on after {timeout:g} s") from late

    def last_words(self) -> str:
        """The end of what QEMU and the host printed."""
        logs = [self.slot.folder / "qemu.log", self.serial]
        lines = [line for log in logs if log.exists()
                 for line in log.read_text(errors="replace").splitlines()]
        return "\n".join(lines[-20:])

    def _goes_on(self) -> bool:
        try:
            with Monitor(self.monitor) as monitor:
                loaded = monitor.is_loaded()
                if loaded:
                    monitor.go_on()
                return loaded
        except OSError as problem:
            if not self.is_on:
                raise RuntimeError(f"the machine cannot be loaded:\n{self.last_words()}") from problem
            return False

    def _run(self, command: list[str]) -> None:
        with open(self.slot.folder / "qemu.log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.image.folder, pass_fds=[self.slot.lock.fileno()])

    def _command(self, arguments: str = "") -> list[str]:
        return [
            "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi",
            "-cpu", "qemu64,+svm,+npt", "-smp", f"{self.processors}", "-m", self.memory,
            "-nodefaults", "-display", "none", "-no-reboot",
            "-chardev", f"file,id=serial,path={self.serial},append=on", "-serial", "chardev:serial",
            "-kernel", self.image.hypervisor.name,
            "-append", f"{self.xen} dom0_max_vcpus={self.processors} console=com1 com1=115200,8n1",
            "-initrd", f"{self.image.kernel.name} root=/dev/vda rw console=hvc0 {arguments},"
                       f"{self.image.initrd.name}",
            "-drive", f"file={self.overlay},if=virtio,cache={self.disk_cache}",
            "-netdev", f"user,id=ssh,hostfwd=tcp:127.0.0.1:{self.port}-:22",
            "-device", f"virtio-net-pci,netdev=ssh,mac={HOST_MAC}",
            "-qmp", f"unix:{self.monitor},server=on,wait=off",
            *(self.link.options() if self.link else []),
        ]


def _create_overlay(overlay: Path, base: Path, kind: str) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", base, overlay],
                   check=True)


def _queue() -> Path:
    return cache.root() / "slot" / "queue.lock"


def _try_lock(folder: Path) -> IO | None:
    lock = open(folder / "lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
