# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache directory: things that are dear to build are kept until their inputs change."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class BuildFailed(Exception):
    """A step of a build failed; the message ends with what it printed last."""


def root() -> Path:
    path = Path(os.environ.get("XENDOMAINS_RIG_CACHE", "/var/cache/xendomains-rig"))
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the kernel drops it should we be killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest(*inputs: object) -> str:
    """A short name for what something is made of; a file or folder stands for its content."""
    total = hashlib.sha256()
    for item in inputs:
        if isinstance(item, Path) and item.is_dir():
            item = [(entry.name, entry.read_bytes()) for entry in sorted(item.iterdir())]
        elif isinstance(item, Path):
            item = item.read_bytes()
        total.update(repr(item).encode() + b"\0")
    return total.hexdigest()[:12]


def kept(path: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder `path`, built first if it does not exist.

    Its name carries the digest of its inputs, so that it never has to change. It is built
    under another name and renamed when complete: a build that is killed leaves nothing
    that could be taken for a good one.
    """
    with locked(path.with_name(path.name + ".lock")):
        if not path.exists():
            part = path.with_name(path.name + ".part")
            remove(part)
            part.mkdir(parents=True)
            build(part)
            part.rename(path)
    return path


def remove(path: Path) -> None:
    """Remove a tree, but never what somebody has mounted below it."""
    subprocess.run(["rm", "-rf", "--one-file-system", path], check=True)


def quietly(command: list, log: Path, **options) -> None:
    """Run a command whose output matters only if it fails."""
    with open(log, "ab") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                              **options)
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
        words = " ".join(str(word) for word in command)
        raise BuildFailed(f"{tail}\n{words}: exit code {done.returncode} (all of it: {log})")
