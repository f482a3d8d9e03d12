# SPDX-License-Identifier: GPL-2.0-or-later
"""What is brought back from a host on which a scenario failed."""

import shutil
import subprocess
from pathlib import Path

from .host import SAVE, Host
from .remote import CommandFailed

COMMANDS = {
    "journal.txt": "journalctl --no-pager --output=short-precise",
    "units.txt": "systemctl list-units --all --no-pager; systemctl list-jobs --no-pager",
    "xl-list.txt": "xl list",
    "xl-dmesg.txt": "xl dmesg",
    "xenstore.txt": "xenstore-ls -fp",
    "processes.txt": "ps -eww -o pid,ppid,stat,etime,rss,cgroup,args",
    "save.txt": f"ls -laR {SAVE} /var/lib/xendomains /run/xendomains",
}


def collect(host: Host, folder: Path) -> None:
    """Copy all there is into a folder; what cannot be had says why in its place."""
    (folder / "transcript.txt").write_text(host.transcript.getvalue())
    for log in ("serial.log", "qemu.log"):
        shutil.copy(host.slot.folder / log, folder)
    if not (host.machine.is_on and host.answers()):
        return
    for name, command in COMMANDS.items():
        try:
            result = host.sh(command, check=False, timeout=60)
            (folder / name).write_text(result.out + result.err)
        except CommandFailed as failure:
            (folder / name).write_text(f"{failure}\n")
    # The consoles of the guests, and the logs of xl and of the device models.
    logs = host.output("tar -C /var/log -c xen || [ $? = 1 ]")  # 1: they grow meanwhile
    subprocess.run(["tar", "-x", "-C", folder], input=logs, check=True)
