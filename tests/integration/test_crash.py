# SPDX-License-Identifier: GPL-2.0-or-later
"""A power cut at each point of each sequence: in every state that the disk can be in then, recovery and
a start keep to docs/recovery.md.

What can be on the disk: crashstates.py. What may become of the guest: crashoracle.py. Without
CRASH_STATES=all only those states are tried in which the data of each file got to the disk in order.
"""

import collections
import json
import os
import pathlib
import shutil
import unittest

from crashoracle import Image, Oracle, Outcome, Past, Wrong, is_image
from crashstates import STATES_MAX, Disk, Tree, after_all, cuts, read_record
from fakehost import BUILD, FakeHost, wait_until
from memory import MAGIC
from test_migrate import Pair

RECORDER = BUILD / "tests/fake/librecord.so"

THOROUGH = os.environ.get("CRASH_STATES") == "all"

# Of a thing that goes wrong so many states are described.
SHOWN = 2

# More records than a ledger of one guest may hold before it is written anew.
MANY = 1500


class Recording:
    """A sequence on a host, up to the power cut; then the host as each state of the disk has it."""

    def __init__(self, host, with_disk):
        self.host = host
        self.roots = [host.save, host.state]
        self.boot = host.root / "boot"
        self.disk = host.root / "disk" if with_disk else None
        self._write_guest()
        self.boots = 1
        self._new_boot(self.boots)

    def _write_guest(self):
        path = self.host.guest("web", off_ms=20)
        if self.disk:
            self.disk.write_text("new")
            config = json.loads(path.read_text())
            config["disks"] = [{"pdev_path": str(self.disk), "vdev": "xvda", "readwrite": 1}]
            path.write_text(json.dumps(config))

    def _new_boot(self, number):
        self.boot.write_text(f"00000000-0000-4000-8000-{number:012}\n")

    def _environment(self, **more):
        return {"LD_PRELOAD": str(RECORDER), "RECORD_BOOT": str(self.boot)} | more

    def prepare(self, goals):
        """What is done before, and is on the disk for certain."""
        image = self.host.save / "web"
        for goal in goals.split():
            if goal == "reboot":
                self._clear_run()
                with self.host.world() as world:
                    world["domains"].clear()
            elif goal == "copy":
                copy = image.read_bytes()
            elif goal == "paste":
                image.write_bytes(copy)
                image.chmod(0o600)
            elif self.host.once(goal, **self._environment()) != 0:
                raise AssertionError(self.host.log.read_text())
            if isinstance(self.host, Pair):
                self.host.wait_for_peers()

    def _clear_run(self):
        """The host boots."""
        shutil.rmtree(self.host.run)
        self.host.run.mkdir()
        self.boots += 1
        self._new_boot(self.boots)

    def record(self, goals):
        self.base = Tree.look(self.roots)
        log = self.host.root / "record"
        events = [self.host.world_dir / "log", self.host.root / "peers/other.log"]
        self.past = [line for path in events if path.exists()
                     for line in path.read_text().splitlines()]
        if self.disk:
            self.disk_time = self.disk.stat().st_mtime_ns
        for goal in goals.split():
            status = self.host.once(goal, **self._environment(
                RECORD_LOG=str(log), RECORD_FILES=":".join(map(str, self.roots)),
                RECORD_EVENTS=":".join(map(str, events))))
            assert status == 0, self.host.log.read_text()
        if isinstance(self.host, Pair):
            self.host.wait_for_peers()
        self.calls = read_record(log)
        # Nothing changed the folders that was not recorded.
        assert after_all(self.base, self.roots, self.calls) == Tree.look(self.roots), \
            "a call is missing in the record"

    def events_before(self, made):
        return self.past + [line for call in self.calls[:made] if call.name == "event"
                            for line in call.data.decode().splitlines()]

    def told(self, tree, made):
        """Whether the state directory has a record, as a whole, that was made since the guest, or its
        new domain, last stood still."""
        calls = self.calls[:made]
        still = max((number for number, call in enumerate(calls) if call.name == "event" and
                     call.data.split()[2:3] in ([b"paused"], [b"suspended"])), default=0)
        records = [call.data.strip() for call in calls[still:]
                   if call.name == "write" and call.path.startswith(str(self.host.state))]
        before = b"".join(file.data for file in self.base.below(self.host.state).values())
        now = b"".join(file.data for file in tree.below(self.host.state).values())
        return any(record in now and record not in before for record in records)

    def image(self):
        """That which the guest's memory is in before the sequence, or behind it."""
        for tree in (after_all(self.base, self.roots, self.calls), self.base):
            for name, file in tree.below(self.host.save).items():
                if is_image(name) and file.data.startswith(MAGIC):
                    return Image(file.data)
        return None

    def cases(self):
        """By what the start finds: the pasts that it can have, with the number of calls made."""
        found = collections.defaultdict(dict)
        for made, tree in cuts(self.base, self.roots, self.calls, THOROUGH):
            past = self.events_before(made)
            # A guest that has run may have written to its disk, or not yet.
            ran = self.disk and len(past) > len(self.past) and any(
                " running " in line for line in past[len(self.past):])
            for written in (False, True) if ran else (False,):
                found[tree, written].setdefault(tuple(past), made)
        return found

    def _cut_power(self):
        self._clear_run()
        shutil.rmtree(self.host.world_dir)
        self.host.world_dir.mkdir()

    def _start(self):
        """The exit status, and which boots begin to run."""
        before = len(self.host.history())
        status = self.host.once("start", **self._environment())
        return status, [line[3] for line in self.host.history()[before:]
                        if line[2:3] == ["running"]]

    def meet(self, tree, written):
        """The next boot, and two starts; then one more boot, all of a sudden."""
        host = self.host
        host.log.unlink()
        self._cut_power()
        tree.put(self.roots)
        if self.disk:
            self.disk.write_text("old" if written else "new")
            os.utime(self.disk, ns=(self.disk_time + written * 10**9,) * 2)
        starts = [self._start(), self._start()]
        domains = [domain["state"] for domain in host.domains().values()]
        images = Tree.look([host.save]).below(host.save)
        self._cut_power()
        starts.append(self._start())
        return Outcome([status for status, _ in starts], [runs for _, runs in starts], domains,
                       images)


def describe(recording, tree, written, made):
    """A state, for people."""
    final = after_all(recording.base, recording.roots, recording.calls)
    lines = [f"    cut behind call {made} of {len(recording.calls)}"
             + (", disk written" if written else "")]
    for call in recording.calls[max(made - 3, 0):made]:
        what = call.data.decode().strip() if call.name == "event" else \
            f"{call.path} {call.other} {call.offset} {len(call.data)}"
        lines.append(f"      {call.name} {what}")
    for root in recording.roots:
        if str(root) not in tree.nodes:
            lines.append(f"      {root} is not there")
        for name, file in sorted(tree.below(root).items()):
            same = final.nodes.get(f"{root}/{name}") == file
            lines.append(f"      {root.name}/{name}: {len(file.data)} bytes"
                         + (", as at the end" if same else ""))
    return "\n".join(lines).replace(str(recording.host.root), "")


class Crash(unittest.TestCase):
    def explore(self, before, goals, mode=None, with_disk=False, first=None, change=None, restores=True,
                **variables):
        with Pair(mode) if mode else FakeHost(**variables) as host:
            recording = Recording(host, with_disk)
            if first:
                first(host)
            recording.prepare(before)
            if change:
                change(host)
            recording.record(goals)
            oracle = Oracle(recording.image(), mode is not None, restores)
            cases = recording.cases()
            # None is left out.
            self.assertLess(len(cases), STATES_MAX)
            became, wrong = collections.Counter(), collections.defaultdict(list)
            for (tree, written), pasts in cases.items():
                outcome = recording.meet(tree, written)
                for past, made in pasts.items():
                    try:
                        became[self.judge(recording, oracle, past, tree, made, outcome)] += 1
                    except Wrong as error:
                        wrong[str(error)].append(describe(recording, tree, written, made))
        self.tell(recording, cases, became, wrong)

    @staticmethod
    def judge(recording, oracle, past, tree, made, outcome):
        save = recording.host.save
        files = tree.below(save) if str(save) in tree.nodes else None
        return oracle.judge(Past.of(past), files, recording.told(tree, made), outcome)

    def tell(self, recording, cases, became, wrong):
        name = self.id().split(".")[-1].removeprefix("test_")
        counts = ", ".join(f"{n} {what}" for what, n in sorted(became.items()))
        print(f"{name}: {len(recording.calls)} calls, {len(cases)} states, "
              f"{sum(map(len, cases.values()))} with what had happened: {counts}"
              + (f"; {sum(map(len, wrong.values()))} wrong" if wrong else ""), flush=True)
        if wrong:
            raise self.failureException("\n".join(
                f"{what}: {len(states)} states, such as\n" + "\n".join(states[:SHOWN])
                for what, states in wrong.items()))

    # Create.

    def test_create_on_a_new_host(self):
        self.explore("", "start")

    def test_create_after_a_shutdown(self):
        self.explore("start stop reboot", "start", SAVE="")

    def test_create_that_puts_an_image_aside(self):
        self.explore("start stop reboot", "start", restores=False,
                     change=lambda host: host.configure(RESTORE="false"))

    # Save.

    def test_save(self):
        self.explore("start", "stop")

    def test_save_with_a_disk(self):
        self.explore("start", "stop", with_disk=True)

    def test_save_into_a_new_folder(self):
        self.explore("start", "stop", change=lambda host: host.save.rmdir())

    @staticmethod
    def compress(host):
        host.native.write_text("[Host]\nImageCompression=zstd\n")

    def test_save_with_compression(self):
        self.explore("start", "stop", change=self.compress)

    def test_save_after_a_restore(self):
        self.explore("start stop reboot start", "stop")

    def test_save_where_something_else_has_the_name(self):
        self.explore("start", "stop",
                     change=lambda host: (host.save / "web").write_bytes(b"none of ours"))

    def test_create_and_save_on_a_new_host(self):
        self.explore("", "start stop", change=lambda host: (host.save.rmdir(), host.state.rmdir()))

    # Shut down.

    def test_shutdown(self):
        self.explore("start", "stop", SAVE="")

    # Restore.

    def test_restore(self):
        self.explore("start stop reboot", "start")

    def test_restore_of_a_compressed_image(self):
        self.explore("start stop reboot", "start", first=self.compress)

    def test_restore_with_a_disk(self):
        self.explore("start stop reboot", "start", with_disk=True)

    def test_second_restore(self):
        self.explore("start stop reboot start stop reboot", "start")

    def test_restore_without_a_ledger(self):
        self.explore("start stop reboot", "start", change=lambda host: self.ledger(host).unlink())

    # Migrate out.

    def test_migrate(self):
        self.explore("start", "stop", mode="ok")

    def test_migrate_to_a_host_that_gives_it_back_and_save(self):
        self.explore("start", "stop", mode="fails")

    def test_migrate_from_a_new_host(self):
        self.explore("", "start stop", mode="ok")

    # The ledger is written anew.

    @staticmethod
    def ledger(host):
        return next(path for name in ("ledger", "journal") if (path := host.state / name).exists())

    def blow_up(self, host):
        """Its first record, which says what it says, many times."""
        path = self.ledger(host)
        lines = path.read_bytes().splitlines(keepends=True)
        first = next(line for line in lines if line.strip())
        path.write_bytes(first * MANY + b"".join(lines))

    def tear(self, host):
        path = self.ledger(host)
        torn = path.read_bytes().splitlines()[-1][:20]
        with path.open("ab") as file:
            file.write(torn)

    def test_compaction_and_restore(self):
        self.explore("start stop reboot", "start", change=self.blow_up)

    def test_compaction_when_the_guest_is_away(self):
        self.explore("start stop reboot", "start", mode="ok", change=self.blow_up)

    def test_compaction_beside_an_image_that_is_used_up(self):
        self.explore("start stop copy reboot start reboot paste", "start", change=self.blow_up)

    def test_torn_ledger_and_restore(self):
        self.explore("start stop reboot", "start", change=self.tear)


class Dump(unittest.TestCase):
    def test_core_dump_in_a_new_folder_is_on_the_disk_when_the_domain_goes(self):
        with FakeHost() as host:
            above = host.root / "above"
            above.mkdir()
            host.native.write_text(f"[Host]\nDumpFolder={above}/dumps\n")
            host.guest("web", on={"crash": "coredump_destroy"}, ends={"reason": "crash", "after_ms": 20})
            disk = Disk(Tree.look([above]), [above])
            log, boot = host.root / "record", host.root / "boot"
            boot.write_text(f"00000000-0000-4000-8000-{1:012}\n")
            host.start_daemon(LD_PRELOAD=str(RECORDER), RECORD_BOOT=str(boot), RECORD_LOG=str(log),
                              RECORD_FILES=str(above), RECORD_EVENTS="")
            host.ctl("start", check=0)
            wait_until(lambda: host.history() and not host.domains(), "the domain to go")
            for call in read_record(log):
                disk.make(call)
            for tree in disk.states():
                self.assertEqual(len(tree.below(above / "dumps")), 1)


if __name__ == "__main__":
    unittest.main()
