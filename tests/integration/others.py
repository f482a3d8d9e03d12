# SPDX-License-Identifier: GPL-2.0-or-later
"""What others do to the guests of a stage (stage.py) while a command is at work."""

import dataclasses
import os
import signal

import oracle
from fakehost import stopped, wait_until
from stage import XL_UUID


class Others:
    """They act once, while the daemon stands still at a step."""

    def __init__(self, stage):
        self.stage, self.host = stage, stage.host
        self.note = self.host.root / "step"

    def trap(self, killer, step):
        """The environment of a daemon that stands still at this step."""
        return {"LD_PRELOAD": str(killer), "KILL_IN": "xendomainsd-fake", "KILL_AT": str(step),
                "KILL_WITH": "stop", "KILL_NOTE": str(self.note)}

    def act(self, is_over, do):
        """Calls do() while the daemon stands still; not at all if the command is over before."""
        wait_until(lambda: is_over() or self.note.exists() and self.note.read_text().endswith("\n"),
                   "a daemon that stands still, or the end of the command")
        if self._is_disarmed():
            return
        pid = int(self.note.read_text())
        wait_until(lambda: stopped(pid), "the daemon to stand still")
        try:
            do()
        finally:
            os.kill(pid, signal.SIGCONT)

    def _is_disarmed(self):
        """The command came to its end before the step, and nobody will stand still any more."""
        try:
            self.note.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def change(self, guest, images):
        """Does what is drawn; false if it cannot be done."""
        live = [i for i in images if i.kind == oracle.LIVE and i.memory and not i.link]
        if guest.change in ("restored", "image removed", "image moved") and not live:
            return False
        if guest.change == "saved" and not self.host.save.is_dir():
            return False
        if guest.change in ("created", "restored", "replaced"):
            self._run(guest, live)
        elif guest.change in ("paused", "powered off"):
            with self.host.world() as world:
                self.stage.domain(world, guest)["state"] = {"paused": "paused"}.get(guest.change, "poweroff")
        elif guest.change == "destroyed":
            self.stage.remove(guest)
        elif guest.change == "saved":
            self.stage.write_image(guest, self.host.save / f"{guest.name}-by-xl")
            self.stage.remove(guest)
        elif guest.change.startswith("image"):
            path = self.host.save / live[0].file
            if guest.change == "image removed":
                path.unlink()
            else:
                path.rename(self.stage.kept / f"{guest.name}-away")
        else:
            guest.config = {"configuration removed": "missing"}.get(guest.change, guest.change)
            self.stage.change_configuration(guest)
        return True

    def _run(self, guest, live):
        """xl create, or xl restore, which leaves the image where it is."""
        memory = live[0].memory if guest.change == "restored" else None
        uuid = guest.uuid if guest.has_uuid else XL_UUID.format(guest.case)
        if guest.change == "replaced":
            self.stage.remove(guest)
        elif memory:
            uuid = self.stage.uuids.get(guest.name, uuid)
        self.stage.run_as_xl(guest, uuid, memory)


def facts_after(facts, guest, domains, disk, images):
    """What the oracle is told of a guest that others have changed; and what was so before."""
    # How an image looks that the daemon has not seen being written, or used.
    unseen = guest.change in ("created", "restored", "replaced", "saved")
    state = "none" if not domains else {"poweroff": "kept"}.get(domains[0]["state"], domains[0]["state"])
    return dataclasses.replace(
        facts, before=facts, domain=state, disk=disk, images=images, config=guest.config,
        unseen=facts.unseen or unseen,
        memory=(domains[0]["boot"], domains[0].get("life", 0)) if domains else None)
