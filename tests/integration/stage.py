# SPDX-License-Identifier: GPL-2.0-or-later
"""Brings a host into the state that hosts.py has drawn: by starts, stops, and what people do to files."""

import json
import os
import shutil
import threading
import time

import memory
from fakehost import FakeHost, wait_until

# A guest without uuid= in its configuration gets another one each time that xl creates it.
XL_UUID = "0c000000-0000-4000-8000-{:012}"
OTHER_UUID = "0b000000-0000-4000-8000-{:012}"

# How long somebody's save takes that the daemon meets, in seconds.
SAVER = 0.4

# What is left of a domain that others ran while no daemon looked, by the number of its case.
ENDS = "crash", "poweroff", "suspended"

# So much older a checkpoint looks, in seconds, where there are only disks to tell its age.
AGE = 120

# The file that each image lies in once the stage is set, as far as it is not the guest's name.
FILES = {"older beside": "{}-old", "older restoring": "{}.restoring", "used restoring": "{}.restoring",
         "used copy": "{}-old", "part": "{}.part", "part beside": "{}.part", "copy": "{}-copy",
         "moved": "{}-moved", "restoring": "{}.restoring"}


class Stage:
    """One host, and what was done to it."""

    def __init__(self, host, drawn):
        self.host, self.drawn = host, drawn
        self.kept = host.root / "kept"
        self.others = host.root / "others"
        self.kept.mkdir()
        self.others.mkdir()
        self.savers, self.uuids = [], {}
        self.harmed = {}  # images that look whole: inode and memory, by guest

    def set_up(self):
        for guest in self.drawn.guests:
            self._configure(guest)
        if any(guest.plan for guest in self.drawn.guests):
            self._live()
        for guest in self.drawn.guests:
            self._leave_domain(guest)
            self._leave_image(guest)
            self.change_configuration(guest)
        for guest in self.drawn.guests:
            self._leave_double(guest)
        self._change_ledger()
        self._change_folder()

    def join(self):
        for saver in self.savers:
            saver.join()

    # Lives.

    def _live(self):
        """The times of hosts.py's plans, with a daemon that looks."""
        self.host.start_daemon()
        for letter in "ABCD":
            self._sequence("start" if letter in "AC" else "stop", letter)
            if letter == "B":
                self._keep_images()
            for guest in self._with(letter.lower()):
                self._do_as_others(guest, letter)
        self._power_off(self._with("O"))
        self.host.stop_daemon()
        self._end_unseen([guest for guest in self.drawn.guests if guest.image.endswith(", kept")])

    def _with(self, letter):
        return [guest for guest in self.drawn.guests if letter in guest.plan]

    def _sequence(self, goal, letter):
        names = [guest.name for guest in self._with(letter)]
        if names:
            self.host.ctl(goal, *names, check=0)
        self.uuids |= {name: d["uuid"] for name, d in self.host.domains().items()}

    def _keep_images(self):
        for guest in self._with("B"):
            image = self.host.save / guest.name
            if "m" in guest.plan or guest.domain == "restored paused":
                shutil.move(image, self.kept)
            else:
                shutil.copy2(image, self.kept)

    def _power_off(self, guests):
        with self.host.world() as world:
            for guest in guests:
                self.domain(world, guest)["state"] = "poweroff"
            # xl's own monitor removes what xl has started.
            world["domains"] = [d for d in world["domains"]
                                if d["state"] != "poweroff" or d.get("mark")]
        wait_until(lambda: not {guest.name for guest in guests} & set(self.host.domains()),
                   "guests to power off")

    def _end_unseen(self, guests):
        """Others run them, and they end; a daemon sees their domains, and these are removed."""
        for guest in guests:
            self._run_again(guest, restores=guest.image.startswith("used"))
            self._leave_as(guest, ENDS[guest.case % len(ENDS)])
        if guests:
            self.host.start_daemon()
            self.host.ctl("status")
            self.host.stop_daemon()
        for guest in guests:
            self.remove(guest)

    # What others do.

    def _do_as_others(self, guest, letter):
        if letter == "B":
            self._checkpoint(guest)
        elif letter == "C":
            self._run_again(guest, restores="used" in guest.image)
            wait_until(lambda: self.host.states()[guest.name] == "running", "a daemon to see it")
        else:
            self._save_as_xl(guest)

    def _run_again(self, guest, restores, runs=True):
        """By xl, from the image that was kept or from the configuration."""
        image = memory.read((self.kept / guest.name).read_bytes()) if restores else None
        known = guest.has_uuid or image
        self.run_as_xl(guest, self.uuids[guest.name] if known else XL_UUID.format(guest.case), image, runs)

    def run_as_xl(self, guest, uuid, image=None, runs=True):
        """xl create, or xl restore of this memory: boot and life."""
        boot, life = image or (f"{guest.name}-by-xl", 0)
        with self.host.world() as world:
            world["last_domid"] = world.get("last_domid", 0) + 1
            config = self._config(guest)
            config["c_info"]["uuid"] = uuid
            domain = {"domid": world["last_domid"], "uuid": uuid, "name": guest.name,
                      "state": "paused", "boot": boot, "life": life, "config": config}
            world["domains"].append(domain)
            if runs:
                self._begin_life(world, domain)

    def _begin_life(self, world, domain):
        """As fake.c does."""
        disk = domain["config"]["fake"]["disk"]
        lives, disks = world.setdefault("lives", []), world.setdefault("disks", {})
        lives.append({"name": domain["name"], "boot": domain["boot"], "disk": disk,
                      "domid": domain["domid"], "from": domain["life"], "over": disks.get(disk, 0)})
        disks[disk] = domain["life"] = len(lives)
        domain["state"] = "running"
        with open(disk, "r+b") as file:
            file.write(len(lives).to_bytes(8, "little"))

    def _suspend(self, guest):
        with self.host.world() as world:
            self.domain(world, guest)["state"] = "suspended"
        if self.host.daemon:
            wait_until(lambda: self.host.status()[guest.name].get("state") != "running",
                       "a daemon to see it")

    def write_image(self, guest, path):
        domain = self.host.domains()[guest.name]
        text = f"{domain['boot']}\n{domain['life']}"
        path.write_bytes(memory.make_xls(domain["config"], text))
        path.chmod(0o644)

    def _checkpoint(self, guest):
        """xl save -c"""
        self._suspend(guest)
        image = self.host.save / guest.name
        self.write_image(guest, image)
        if self.drawn.ledger != "whole":
            # Disks tell only what was written more than a minute later.
            os.utime(image, (time.time() - AGE, time.time() - AGE))
        with self.host.world() as world:
            self._begin_life(world, self.domain(world, guest))
        wait_until(lambda: self.host.states()[guest.name] == "running", "a daemon to see it")

    def _save_as_xl(self, guest):
        """xl save"""
        self._suspend(guest)
        self.write_image(guest, self.host.save / guest.name)
        self.remove(guest)

    def domain(self, world, guest):
        return next(d for d in world["domains"] if d["name"] == guest.name)

    def remove(self, guest):
        with self.host.world() as world:
            world["domains"] = [d for d in world["domains"] if d["name"] != guest.name]

    # The state that the command meets; no daemon looks any more.

    def _leave_domain(self, guest):
        if "X" in guest.plan or guest.domain == "built":
            self.remove(guest)
        if guest.image in ("outlived unseen", "used unseen"):
            self._run_again(guest, restores=guest.image == "used unseen")
            if guest.domain == "none":
                self.remove(guest)
        if guest.image == "xl unseen":
            self._save_as_xl(guest)
        if guest.domain == "built":
            self._run_again(guest, restores=False, runs=False)
        if guest.domain == "restored paused":
            self._run_again(guest, restores=True, runs=False)
        states = {"paused": "paused", "suspended": "suspended", "suspended, saver": "suspended",
                  "dying": "dying", "kept": ENDS[guest.case % 2] if guest.runs_unseen else "crash"}
        if guest.domain in states:
            self._leave_as(guest, states[guest.domain])
        if guest.domain == "suspended, saver":
            self._begin_save(guest)

    def _leave_as(self, guest, state):
        with self.host.world() as world:
            self.domain(world, guest)["state"] = state

    def _leave_double(self, guest):
        if not guest.double or guest.config != "missing":
            return
        with self.host.world() as world:
            domain = self.domain(world, guest)
            domain["uuid"] = guest.double.uuid if guest.double.domain == "none" else \
                self.domain(world, guest.double)["uuid"]
            domain["config"]["c_info"]["uuid"] = domain["uuid"]

    def _begin_save(self, guest):
        before = self.host.domains()[guest.name]

        def save():
            time.sleep(SAVER)
            if self.host.domains().get(guest.name) == before:
                folder = self.host.save if self.host.save.is_dir() else self.others
                self.write_image(guest, folder / f"{guest.name}-by-xl")
                self.remove(guest)

        self.savers.append(threading.Thread(target=save))

    def begin_saves(self):
        for saver in self.savers:
            saver.start()

    def _leave_image(self, guest):
        image, kept = self.host.save / guest.name, self.kept / guest.name
        file = self.host.save / FILES.get(guest.image, "{}").format(guest.name)
        if guest.image == "removed":
            image.unlink()
        elif guest.image in ("moved", "restoring"):
            image.rename(file)
        elif guest.image in ("copy", "part beside"):
            shutil.copy2(image, file)
        elif guest.image == "older alone":
            image.unlink()
            shutil.move(kept, file)
        elif guest.image in ("outlived by xl", "used by xl") or guest.image.endswith((" unseen", ", kept")):
            pass
        elif guest.image.startswith(("older", "used", "outlived", "part", "twin")):
            shutil.move(kept, file)
        self._harm(guest, image)

    def _harm(self, guest, image):
        kind = guest.image.removeprefix("used ")
        if kind in ("link", "dangling"):
            target = self.kept / f"{guest.name}-linked"
            shutil.move(image, target)
            image.symlink_to(target if kind == "link" else "/nonexistent/image")
        elif kind in ("damaged", "damaged head"):
            with image.open("r+b") as file:
                begin = memory.stream_begin(image.read_bytes())
                file.seek(begin + 2000 if kind == "damaged" else 60)
                file.write(b"\xff" * 8)
            self.harmed[guest.name] = (image.stat().st_ino, memory.read(image.read_bytes()))
        elif kind == "short":
            os.truncate(image, image.stat().st_size - 100)
        elif kind == "owner":
            os.chown(image, 65534, 65534)
        elif kind == "mode":
            image.chmod(0o666)

    def _change_ledger(self):
        path = next((p for name in ("ledger", "journal") if (p := self.host.state / name).exists()),
                    None)
        kind = self.drawn.ledger
        if kind == "whole" or not path:
            return
        data = path.read_bytes()
        if kind == "torn":
            os.truncate(path, max(len(data) - 7, 0))
        elif kind == "damaged":
            middle = len(data) // 2
            path.write_bytes(data[:middle] + b"\xff\xff\xff" + data[middle + 3:])
        elif kind == "link":
            path.rename(self.kept / "ledger")
            path.symlink_to(self.kept / "ledger")
        else:
            path.unlink()
            if kind == "unreadable":
                path.mkdir()

    def _change_folder(self):
        if self.drawn.folder == "same":
            return
        self.host.save.rename(self.host.root / "elsewhere")
        if self.drawn.folder == "another":
            self.host.save.mkdir()

    # Configurations.

    def _disk(self, guest):
        return self.host.root / f"disk-{guest.name}"

    def _config(self, guest):
        disk = {"pdev_path": str(self._disk(guest)), "vdev": "xvda", "readwrite": 1}
        if not guest.seen:
            disk["script"] = "block-elsewhere"
        return {"c_info": {"name": guest.name}, "b_info": {"max_memkb": 1024}, "disks": [disk],
                "on_crash": "preserve", "fake": {"disk": str(self._disk(guest)), "pages": 1}}

    def _write_config(self, guest, config, file=None):
        (self.host.auto / f"{file or guest.name}.cfg").write_text(json.dumps(config))

    def _configure(self, guest):
        self._disk(guest).write_bytes(bytes(4096))
        config = self._config(guest)
        if guest.has_uuid:
            config["c_info"]["uuid"] = guest.uuid
        self._write_config(guest, config)

    def change_configuration(self, guest):
        path = self.host.auto / f"{guest.name}.cfg"
        config = json.loads(path.read_text())
        if guest.config == "missing":
            path.unlink()
        elif guest.config == "broken":
            path.write_text("memory 512\n")
        elif guest.config.startswith("uuid"):
            config["c_info"]["uuid"] = OTHER_UUID.format(guest.case)
            self._write_config(guest, config)
        elif guest.config == "renamed":
            config["c_info"]["name"] = f"{guest.name}-renamed"
            self._write_config(guest, config)
        elif guest.config == "duplicate":
            self._write_config(guest, config, f"{guest.name}-too")
