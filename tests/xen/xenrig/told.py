# SPDX-License-Identifier: GPL-2.0-or-later
"""Does to a host what a document tells to do, word by word."""

import re
import subprocess
from pathlib import Path

from . import cache, project
from .host import Host

# What needs a compiler: it is done in a chroot of the host's release.
OF_THE_BUILD = ("sh tests/deps.sh ", "meson ", "ninja ")

# As from an archive: no git, and nothing that was built.
COPY = """
set -e
source=$1 copy=$2
mkdir -p "$copy"
find "$copy" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
tar -c -C "$source" --exclude-vcs --exclude='./build*' . | tar -x -C "$copy"
"""


def commands(document: str, heading: str) -> list[str]:
    """The commands of a chapter, in order; comments are left out."""
    page = (project.SOURCE / document).read_text()
    chapter = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line[4:] for line in chapter.splitlines() if re.match("    [a-z]", line)]
    if not lines:
        raise LookupError(f"{document}: no commands under '{heading}'")
    return [re.sub(r"\s+# .*", "", line) for line in lines]


def dialogue(document: str) -> list[tuple[str, list[str]]]:
    """The commands after a "$", in order, each with the lines that it is said to print."""
    lines = [line[4:] for line in (project.SOURCE / document).read_text().splitlines()
             if line.startswith("    ")]
    told = []
    for line in lines:
        if line.startswith("$ "):
            told.append((line[2:], []))
        else:
            told[-1][1].append(line)
    return told


# What is different each time, with the blanks that keep its column: also whether a guest had the CPU, and
# the version of Xen.
_CHANGING = re.compile(r" *([rbpscd-]{6}(?= )|\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?\b"
                       r"|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
                       r"|\b\d+(\.\d+)? ([smhd]|min|KiB|MiB|GiB)\b"
                       r"|\b\d+\.\d+\.\d+(-\w+)?(?!\S)|\b\d+\b)")


def masked(lines: list[str]) -> list[str]:
    """The lines without numbers, times and UUIDs, to be compared."""
    return [_CHANGING.sub(" #", line).strip() for line in lines]


class Follower:
    """Gives a host the commands, and stands in for the compiler that it has not."""

    def __init__(self, host: Host) -> None:
        self.host = host
        release = host.machine.image.release
        self.chroot = project.chroot(release, project.packages_of("build"))
        name = f"{release.name}-told-{cache.digest(str(project.SOURCE))}"
        self.folder = cache.root() / "build" / name
        self.tree = self.folder / "tree"
        self.tree.mkdir(parents=True, exist_ok=True)
        subprocess.run(["sh", "-c", COPY, "sh", project.SOURCE, self.folder / "source"], check=True)

    def follow(self, command: str, timeout: float = 900) -> str:
        """Do it, fail unless it ends with 0, and return what it said on the host."""
        if not command.startswith(OF_THE_BUILD):
            return self.host.sh(command, timeout=timeout).out
        before = self._installed()
        self._build(command)
        gone = before - self._installed()
        if command.startswith("meson install"):
            project.unpack(self.host, self.tree)
        elif gone:
            self.host.sh("xargs -d '\\n' rm", stdin="".join(f"/{path}\n" for path in gone).encode())
        return ""

    def _build(self, command: str) -> None:
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        script = f"cd /mnt/build/source && DESTDIR=/mnt/build/tree && export DESTDIR && {command}"
        with cache.locked(self.folder.with_suffix(".lock")):
            cache.quietly(project.in_chroot(self.chroot, self.folder, "sh", "-c", script), log)

    def _installed(self) -> set[Path]:
        return {path.relative_to(self.tree) for path in self.tree.rglob("*") if not path.is_dir()}
