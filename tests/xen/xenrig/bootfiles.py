# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel and initramfs a guest boots from."""

import lzma
import shutil
import struct
import subprocess
from pathlib import Path

from . import cache

GUEST_SOURCES = Path(__file__).parent.parent / "guest"

SETUP_SECTS = 0x1F1
PAYLOAD_OFFSET = 0x248
SECTOR = 512


def uncompressed_kernel(image: bytes) -> bytes:
    """The ELF kernel inside a bzImage, as the x86 boot protocol says where to find it.

    Decompressing it takes an emulated processor longer than all the rest of a guest's creation.
    """
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = (image[SETUP_SECTS] + 1) * SECTOR + offset
    payload = image[start:start + length]
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        # The four bytes after the stream are the kernel's own note of the size.
        return subprocess.run(["zstd", "-dc"], input=payload[:-4], stdout=subprocess.PIPE,
                              check=True).stdout
    return lzma.LZMADecompressor().decompress(payload)


def write_guest_initramfs(tree: Path, target: Path, log: Path) -> None:
    """Pack the guest of tests/xen/guest, with the busybox and some drivers of `tree`."""
    guest = tree / "guest"
    for folder in ("bin", "sbin", "lib", "etc", "proc", "sys", "dev"):
        (guest / folder).mkdir(parents=True)
    shutil.copy2(tree / "bin/busybox", guest / "bin")
    shutil.copy2(GUEST_SOURCES / "init", guest)
    for script in ("leave", "poweroff", "reboot"):
        shutil.copy2(GUEST_SOURCES / script, guest / "sbin")
    for program in ("xs-write", "kexec-idle"):
        cache.quietly(["gcc", "-Wall", "-Wextra", "-Os", "-s", "-static",
                       "-o", guest / "bin" / program, GUEST_SOURCES / f"{program}.c"], log)
    for module in ("block/xen-blkfront.ko", "watchdog/watchdog.ko", "watchdog/xen_wdt.ko",
                   "acpi/button.ko", "input/evdev.ko"):
        _copy_module(tree, f"kernel/drivers/{module}", guest / "lib")

    archive = subprocess.run(
        ["chroot", tree, "sh", "-c",
         "cd /guest && busybox find . | busybox cpio -o -H newc | busybox gzip -1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    target.write_bytes(archive)
    shutil.rmtree(guest)


def _copy_module(tree: Path, name: str, folder: Path) -> None:
    [module] = tree.glob(f"usr/lib/modules/*/{name}*")
    content = module.read_bytes()
    if module.suffix == ".xz":
        content = lzma.decompress(content)
    (folder / Path(name).name).write_bytes(content)
