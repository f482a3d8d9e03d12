# SPDX-License-Identifier: GPL-2.0-or-later
"""A root shell on a host."""

import io
import shlex
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

OPTIONS = {
    "User": "root",
    "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": "/dev/null",
    "LogLevel": "ERROR",
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "8",
    # A handshake takes an emulated processor half a second: all commands share one.
    "ControlMaster": "auto",
    "ControlPersist": "yes",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    command: str
    code: int
    out: str
    err: str
    elapsed: float

    def __str__(self) -> str:
        text = f"$ {self.command}\n{self.out}{self.err}"
        return f"{text.rstrip()}\n[exit code {self.code}, {self.elapsed:.1f} s]\n"


class CommandFailed(AssertionError):
    """A command did not end as it should."""


def wait_until(predicate: Callable[[], T], what: str, timeout: float = 60,
               every: float = 0.5) -> T:
    """Wait until the predicate holds, and return what it returned."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(every)
    return value


class Remote:
    """Runs commands on a host over ssh and keeps a transcript of them."""

    def __init__(self, folder: Path, port: int, key: Path) -> None:
        self.transcript = io.StringIO()
        options = OPTIONS | {"Port": str(port), "IdentityFile": str(key),
                             "ControlPath": str(folder / "ssh")}
        self.ssh = ["ssh", *(f"-o{name}={value}" for name, value in options.items()), "127.0.0.1"]

    def sh(self, command: str, check: bool = True, timeout: float = 120,
           stdin: bytes = b"") -> Result:
        """Run a shell command on the host."""
        started = time.monotonic()
        done = self._ssh(command, timeout, stdin)
        result = Result(command, done.returncode, done.stdout.decode(errors="replace"),
                        done.stderr.decode(errors="replace"), time.monotonic() - started)
        self.note(str(result))
        if check and result.code != 0:
            raise CommandFailed(str(result))
        return result

    def put(self, path: str, content: str | bytes) -> None:
        """Write a file on the host."""
        data = content.encode() if isinstance(content, str) else content
        self.sh(f"cat >{shlex.quote(path)}", stdin=data)

    def get(self, path: str) -> bytes:
        """Read a file of the host."""
        return self.output(f"cat {shlex.quote(path)}")

    def output(self, command: str, timeout: float = 120) -> bytes:
        """Run a command for what it prints, which may be anything."""
        done = self._ssh(command, timeout)
        self.note(f"$ {command}\n[exit code {done.returncode}, {len(done.stdout)} bytes]\n")
        if done.returncode != 0:
            raise CommandFailed(f"{command}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def answers(self) -> bool:
        """Whether the host takes commands."""
        try:
            return self._ssh("true", timeout=30).returncode == 0
        except CommandFailed:
            return False

    def note(self, text: str) -> None:
        """Add to the transcript."""
        self.transcript.write(f"{time.strftime('%H:%M:%S')} {text}")

    def disconnect(self) -> None:
        """Drop the shared connection, which would not notice soon that the host is gone."""
        subprocess.run([*self.ssh, "-O", "exit"], capture_output=True)

    def _ssh(self, command: str, timeout: float, stdin: bytes = b"") -> subprocess.CompletedProcess:
        try:
            return subprocess.run([*self.ssh, command], input=stdin, capture_output=True,
                                  timeout=timeout)
        except subprocess.TimeoutExpired as late:
            self.note(f"$ {command}\n[no end after {timeout:g} s]\n")
            raise CommandFailed(f"{command}: no end after {timeout:g} s") from late
