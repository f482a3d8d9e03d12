# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the project for a release, and installs it on a host."""

import re
import shutil
import subprocess
from pathlib import Path

from . import cache, debian
from .debian import Release
from .host import DEFAULTS, PRISTINE
from .remote import Remote

SOURCE = Path(__file__).parents[3]

COMPILE = """
set -e
source=$1 build=$2
[ -e "$build/objects/build.ninja" ] ||
    meson setup --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
        --buildtype=debugoptimized -Dinstall_tests=true "$build/objects" "$source"
meson compile -C "$build/objects"
rm -rf "$build/tree"
meson install -C "$build/objects" --no-rebuild --destdir "$build/tree"
"""

# The mounts are made in a namespace of their own, and end with it. The shell stays, to reap what is left
# to the first process of such a namespace.
IN_CHROOT = """
set -e
root=$1 source=$2 build=$3 scratch=$4
shift 4
if [ "$scratch" ]; then
    mount -t tmpfs tmpfs "$build"
    mkdir "$build/upper" "$build/work" "$build/root" "$build/build"
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$build/upper,workdir=$build/work" "$build/root"
    root=$build/root build=$build/build
fi
mkdir -p "$root/mnt/source" "$root/mnt/build"
mount --bind -o ro "$source" "$root/mnt/source"
mount --bind "$build" "$root/mnt/build"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
unset TMPDIR
chroot "$root" "$@" || exit $?
"""

DOWNLOAD = """
apt-get update -q &&
    apt-get install -qy --no-install-recommends --download-only -o APT::Sandbox::User=root \\
        -o Dir::Cache::archives=/mnt/build "$@"
"""

# Debian's own xendomains.service is active from boot on: unless it ends first, ours is active as soon
# as it gets this name, and starting it does nothing. With a build of ours there, it is ours, and left
# alone.
BEFORE_UNPACKING = """
[ -e /var/lib/rig/installed ] || systemctl stop xendomains.service
touch /var/lib/rig/installed
"""

UNPACK = "tar -x -C / --no-overwrite-dir --keep-directory-symlink"

# What Debian's packaging would do for us.
AFTER_UNPACKING = f"""
set -e
systemctl --no-reload preset {{units}}
systemctl daemon-reload
cp -a /etc/xen {DEFAULTS} {PRISTINE}
"""


def build(release: Release) -> Path:
    """Compile the project, and return the tree of files to install."""
    folder = cache.root() / "build" / f"{release.name}-{cache.digest(str(SOURCE))}"
    with cache.locked(folder.with_suffix(".lock")):
        folder.mkdir(exist_ok=True)
        log = folder / "log"
        log.unlink(missing_ok=True)
        if release.is_native:
            command = ["sh", "-c", COMPILE, "sh", SOURCE, folder]
        else:
            command = in_chroot(chroot(release, release.build_packages), folder,
                                "sh", "-c", COMPILE, "sh", "/mnt/source", "/mnt/build")
        cache.quietly(command, log)
    return folder / "tree"


def package(release: Release, version: str) -> Path:
    """The Debian package of the project, as a version that need not be its own."""
    folder = cache.root() / "build" / f"{release.name}-package-{cache.digest(str(SOURCE))}"
    folder.mkdir(parents=True, exist_ok=True)
    words = ("tests/package.sh", f"--version={version}")
    with cache.locked(folder.with_suffix(".lock")):
        cache.quietly(in_chroot(chroot(release, packages_of("build", "package")), folder, "sh", "-c",
                                'cd /mnt/source && sh "$@" /mnt/build', "sh", *words),
                      folder / "log")
    return folder / f"xendomainsd_{version}_amd64.deb"


def of_debian(release: Release, *names: str) -> list[Path]:
    """These packages of Debian, with those that they need and a host has not."""
    folder = cache.root() / "build" / f"{release.name}-{'-'.join(names)}"
    with cache.locked(folder.with_suffix(".lock")):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "partial").mkdir(parents=True)
        cache.quietly(in_chroot(chroot(release, release.host_packages), folder, "sh", "-c", DOWNLOAD,
                                "sh", *names), folder / "log")
    return sorted(folder.glob("*.deb"))


def install(host: Remote, tree: Path) -> None:
    """Put a built tree on a host, as a package would that does not start its services."""
    units = " ".join(sorted(path.name for path in tree.glob("**/systemd/system/*.*")
                            if path.is_file()))
    host.sh(BEFORE_UNPACKING)
    unpack(host, tree)
    host.sh(AFTER_UNPACKING.format(units=units))


def unpack(host: Remote, tree: Path) -> None:
    """Put a built tree on a host, and do no more."""
    archive = subprocess.run(["tar", "-c", "-C", tree, "--owner=0", "--group=0", "."],
                             stdout=subprocess.PIPE, check=True).stdout
    host.sh(UNPACK, stdin=archive)


def in_chroot(root: Path, build: Path, *command: str, scratch: bool = False) -> list:
    """A command in a chroot that has the sources in /mnt/source, and a folder in /mnt/build.

    With `scratch` it may change the chroot and the folder: both are as before when it ends."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child",
            "sh", "-c", IN_CHROOT, "sh", root, SOURCE, build, "1" if scratch else "", *command]


def packages_of(*groups: str) -> tuple[str, ...]:
    """What deps.sh installs, but for clang: every release compiles with gcc."""
    deps = (SOURCE / "tests/deps.sh").read_text()
    words = " ".join(re.search(rf'^{group}="([^"]*)"', deps, re.MULTILINE)[1] for group in groups)
    return tuple(word for word in words.split() if "clang" not in word)


def chroot_folder(release: Release, packages: tuple[str, ...]) -> Path:
    """Where the chroot of a release that has these packages is kept."""
    inputs = cache.digest(packages, Path(debian.__file__))
    return cache.root() / "chroot" / f"{release.name}-{inputs}"


def chroot_folders(release: Release) -> set[Path]:
    """The chroots of a release that are in use today."""
    return {chroot_folder(release, packages) for packages in
            (release.build_packages, release.host_packages, packages_of("build"), packages_of("build", "test"),
             packages_of("build", "package"))}


def chroot(release: Release, packages: tuple[str, ...]) -> Path:
    """A chroot of a release that has these packages; making it takes minutes, the first time."""
    def make(part: Path) -> None:
        debian.install(release, packages, part, part.with_suffix(".log"))

    return cache.kept(chroot_folder(release, packages), make)
