# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk image of a Xen host."""

import gzip
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import bootfiles, cache, debian
from .debian import RELEASES, Release

DISK_SIZE = "6G"

# The network card with this address is the one QEMU's user network is behind.
HOST_MAC = "52:54:00:12:34:56"

# Hosts start fast, and do nothing of their own accord.
MASKED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "man-db.timer", "getty@tty1.service",
    "serial-getty@hvc0.service", "systemd-networkd-wait-online.service",
)

HOST_FILES = {
    "etc/hostname": "rig\n",
    "etc/hosts": "127.0.0.1 localhost rig\n",
    "etc/machine-id": "7269672d686f73742d69642d30303031\n",
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
    # Dom0 of Debian 13 sees the card once more, as a virtual one that leads nowhere.
    "etc/systemd/network/10-rig.network":
        f"[Match]\nMACAddress={HOST_MAC}\nDriver=virtio_net\n"
        "[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n",
    "etc/systemd/journald.conf.d/rig.conf":
        "[Journal]\nStorage=persistent\nSyncIntervalSec=1s\nRateLimitIntervalSec=0\n",
    "etc/ssh/sshd_config.d/rig.conf": "UseDNS no\nUsePAM no\nPrintMotd no\nMaxSessions 50\n",
}

# An initrd for this one machine is a tenth of the usual size, and read as much faster.
INITRAMFS_FILES = {
    "etc/initramfs-tools/conf.d/rig": "MODULES=list\n",
    "usr/share/initramfs-tools/modules.d/rig": "virtio_pci\nvirtio_blk\next4\n",
}


@dataclass(frozen=True)
class Image:
    """What QEMU boots a host from: files in one folder of the cache."""

    release: Release
    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.raw"

    @property
    def hypervisor(self) -> Path:
        return self.folder / "xen"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinux"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"


def ssh_key() -> Path:
    """The key that opens every host of this cache."""
    key = cache.root() / "ssh-key"
    with cache.locked(cache.root() / "ssh-key.lock"):
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rig", "-f", key],
                           check=True)
    return key


def folder_of(release: Release) -> Path:
    """Where the image made from the inputs of today is kept."""
    inputs = cache.digest(release.host_packages, bootfiles.GUEST_SOURCES, ssh_key(),
                          *(Path(module.__file__) for module in (bootfiles, debian)), Path(__file__))
    return cache.root() / "image" / f"{release.name}-{inputs}"


def build(release: Release) -> Image:
    """The image of a release; making it takes minutes, the first time."""
    folder = cache.kept(folder_of(release), lambda part: _build(release, part))
    return Image(release, folder)


def behind(overlay: Path) -> Image:
    """The image an overlay was made on, which may be an older one."""
    info = subprocess.run(["qemu-img", "info", "--output=json", overlay], check=True,
                          stdout=subprocess.PIPE).stdout
    folder = Path(json.loads(info)["backing-filename"]).parent
    number = folder.name.split("-")[1]
    return Image(RELEASES[int(number)], folder)


def _build(release: Release, folder: Path) -> None:
    log = folder.with_suffix(".log")
    log.unlink(missing_ok=True)
    tree = folder / "tree"
    early = folder / "early"

    _write(early, INITRAMFS_FILES)
    debian.install(release, release.host_packages, tree, log, overlay=early)
    _configure(tree, log)
    _add_guest(tree, log)
    _take_boot_files(release, tree, folder)
    cache.quietly(["mkfs.ext4", "-q", "-d", tree, "-E", "lazy_itable_init=0,lazy_journal_init=0",
                   folder / "disk.raw", DISK_SIZE], log)
    cache.remove(tree)
    cache.remove(early)


def _write(tree: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _configure(tree: Path, log: Path) -> None:
    _write(tree, HOST_FILES)
    for folder in ("etc/xen/auto", "var/lib/xen/save", "var/log/xen/console", "var/log/journal",
                   "root/cfg", "root/.ssh"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(ssh_key().with_suffix(".pub"), tree / "root/.ssh/authorized_keys")
    with open(tree / "etc/default/xen", "a") as defaults:
        defaults.write('XENCONSOLED_ARGS="--log=guest"\n')
    cache.quietly(["chroot", tree, "systemctl", "enable", "systemd-networkd.service"], log)
    cache.quietly(["chroot", tree, "systemctl", "mask", *MASKED_UNITS], log)


def _add_guest(tree: Path, log: Path) -> None:
    """Put what guests boot from, and what a clean host goes back to, where scenarios find it."""
    rig = tree / "var/lib/rig"
    rig.mkdir()
    kernel = tree / "vmlinuz"
    shutil.copy(kernel, rig / "vmlinuz")
    (rig / "vmlinux").write_bytes(bootfiles.uncompressed_kernel(kernel.read_bytes()))
    bootfiles.write_guest_initramfs(tree, rig / "guest.cpio.gz", log)
    shutil.copytree(tree / "etc/xen", rig / "etc/xen", symlinks=True)
    shutil.copy(tree / "etc/default/xendomains", rig / "etc")


def _take_boot_files(release: Release, tree: Path, folder: Path) -> None:
    shutil.copy(tree / "var/lib/rig/vmlinux", folder)
    shutil.copy(tree / "initrd.img", folder / "initrd")
    with gzip.open(tree / f"boot/xen-{release.xen}-amd64.gz") as compressed:
        (folder / "xen").write_bytes(compressed.read())
