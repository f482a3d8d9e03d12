# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's monitor, by its protocol QMP."""

import json
import shlex
import socket
import time
from pathlib import Path

# Far more than a disk takes: nothing is to be gained by sending memory slowly.
BANDWIDTH = 1 << 40


class Monitor:
    """A connection to the monitor of a running QEMU."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # the greeting
        self._ask("qmp_capabilities")

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.lines.close()
        self.socket.close()

    def save(self, path: Path) -> None:
        """Write the state of everything but the disk to a file, and let the machine stand still.

        It stands still from the beginning: QEMU loses track of some of what an emulated processor
        writes meanwhile, and the host that goes on from that crashes.
        """
        self._ask("stop")
        self._ask("migrate-set-parameters", **{"max-bandwidth": BANDWIDTH})
        self._ask("migrate", uri=f"exec:cat >{shlex.quote(str(path))}")
        while (status := self._ask("query-migrate").get("status")) != "completed":
            if status in ("failed", "cancelled"):
                raise RuntimeError(f"the state of the machine cannot be kept: {status}")
            time.sleep(0.1)

    def is_loaded(self) -> bool:
        """Whether a machine stands still where it did when it was saved."""
        return self._ask("query-status")["status"] == "paused"

    def go_on(self) -> None:
        """Let a machine run that stands still."""
        self._ask("cont")

    def quit(self) -> None:
        """End QEMU, which writes what it has to its disk first."""
        self._ask("quit")

    def _ask(self, command: str, **arguments: object) -> dict:
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError(f"{command}: QEMU has ended")
