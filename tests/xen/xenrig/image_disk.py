# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk for images alone, which can be made to fail, to stand still, or to be slow."""

from collections.abc import Iterator
from contextlib import contextmanager

from .host import Host
from .xendomains import SAVE

SECTORS = 600 * 2048
HEALTHY = f"0 {SECTORS} linear $(losetup -n -O NAME -j /root/bad) 0"
BROKEN = f"0 {SECTORS} error"

STAND_STILL = "dmsetup suspend --noflush --nolockfs bad"
GO_ON = "dmsetup resume bad"


def disk_becomes(host: Host, table: str) -> None:
    host.sh(f'{STAND_STILL}; echo "{table}" | dmsetup load bad; {GO_ON}')


@contextmanager
def saving_to_disk(host: Host) -> Iterator[None]:
    """The folder of the images is on it."""
    host.sh(f"truncate --size=600M /root/bad && losetup --find /root/bad && mkdir -p {SAVE}"
            f' && echo "{HEALTHY}" | dmsetup create bad'
            f" && mkfs.ext4 -q /dev/mapper/bad && mount /dev/mapper/bad {SAVE}")
    try:
        yield
    finally:
        disk_becomes(host, HEALTHY)
        host.sh(f"umount {SAVE}; dmsetup remove bad; losetup -d $(losetup -n -O NAME -j /root/bad)"
                "; rm /root/bad", check=False)


@contextmanager
def writing_slowly(host: Host, rate: str) -> Iterator[None]:
    """What the daemon and its workers write there: so many bytes a second, with a unit."""
    unit = "systemctl set-property --runtime xendomainsd.service"
    host.sh(f"{unit} 'IOWriteBandwidthMax=/dev/mapper/bad {rate}'")
    try:
        yield
    finally:
        host.sh(f"{unit} IOWriteBandwidthMax=")


def mount_again(host: Host) -> None:
    """A file system that has met with errors takes nothing any more."""
    host.sh(f"umount {SAVE} && mount /dev/mapper/bad {SAVE}")
