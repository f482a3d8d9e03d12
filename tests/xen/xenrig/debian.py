# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian releases a host can run, and how one is installed into a folder."""

import platform
from dataclasses import dataclass
from pathlib import Path

from . import cache


@dataclass(frozen=True)
class Release:
    """One Debian release and what differs from the others on a Xen host."""

    number: int
    codename: str
    xen: str
    libevent: str

    @property
    def name(self) -> str:
        return f"debian-{self.number}"

    @property
    def host_packages(self) -> tuple[str, ...]:
        """A Xen host that can run guests, be looked into, and run our build."""
        return (
            "systemd", "systemd-sysv", "dbus", "udev", "kmod", "iproute2", "linux-image-amd64",
            f"xen-hypervisor-{self.xen}-amd64", f"xen-utils-{self.xen}", "xen-utils-common",
            "xenstore-utils", "qemu-system-xen", "busybox-static", "openssh-server",
            "python3-minimal", "strace", "dmsetup", "e2fsprogs", "util-linux", "procps", "psmisc",
            self.libevent, "libjson-c5", "libinih1", "libxxhash0", "libzstd1",
            "libsystemd0",
            "libsubunit0",  # the contract tests are linked with it
        )

    @property
    def build_packages(self) -> tuple[str, ...]:
        """What compiles the project."""
        return (
            "gcc", "libc6-dev", "meson", "pkg-config", "libxen-dev", "libevent-dev",
            "libsystemd-dev", "libjson-c-dev", "libinih-dev", "libxxhash-dev", "libzstd-dev", "check",
            "scdoc",
        )

    @property
    def is_native(self) -> bool:
        """Whether this machine runs the release itself."""
        system = platform.freedesktop_os_release()
        return (system["ID"], system.get("VERSION_ID")) == ("debian", str(self.number))


RELEASES = {
    12: Release(12, "bookworm", "4.17", "libevent-core-2.1-7"),
    13: Release(13, "trixie", "4.20", "libevent-core-2.1-7t64"),
}


def install(release: Release, packages: tuple[str, ...], tree: Path, log: Path,
            overlay: Path | None = None) -> None:
    """Install packages, and no more than they need, into an empty folder.

    The files below `overlay` are there before the packages are, whose installation they steer.
    """
    cache.quietly(["mmdebstrap", "--variant=minbase", "--mode=root", f"--include={','.join(packages)}",
                   '--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io",
                   *(f"--dpkgopt=path-exclude=/usr/share/{docs}/*" for docs in ("doc", "man", "locale")),
                   *([f"--essential-hook=sync-in {overlay} /"] if overlay else []),
                   release.codename, tree], log)
