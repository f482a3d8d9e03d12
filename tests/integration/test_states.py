#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""States x commands: hosts drawn by number (hosts.py), and judged by docs/recovery.md (oracle.py).

CASES says how many, SEED which. --seed N --case K does one of them again, alone, and --host H one host
with all of its guests; the log is on stderr then."""

import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import traceback

import hosts
import memory
import oracle
from fakehost import CLIENT, KILLER, FakeHost, wait_until
from fakelogind import HostWithLogind
from others import Others, facts_after
from stage import Stage

CASES = int(os.environ.get("CASES", "300"))
SEED = int(os.environ.get("SEED", "1"))

# How many hosts at a time.
JOBS = 3

# A save or shutdown that comes to nothing is given up after so many seconds.
PATIENCE = 5

REASON = "user.xendomainsd.reason"


def kind_of(name):
    if name.endswith(".part"):
        return oracle.PART
    return oracle.ASIDE if ".stale-" in name else oracle.LIVE


def has_reason(path):
    try:
        return bool(os.getxattr(path, REASON))
    except OSError:
        return False


def look_at_image(path):
    """None if a worker has given it another name meanwhile."""
    try:
        st = path.lstat()
        link = path.is_symlink()
        data = path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return None
    try:
        found = memory.read(data)
    except ValueError:
        found = None
    sound = found is not None and (link or st.st_uid == 0 and not st.st_mode & 0o022)
    return oracle.Image(path.name, st.st_ino, found, kind_of(path.name),
                        path.name.endswith(".restoring"), sound, link, has_reason(path))


class Run:
    """One host: set up, commanded, and judged."""

    def __init__(self, host, drawn):
        self.host, self.drawn = host, drawn
        self.stage = Stage(host, drawn)
        self.goal, self.names = drawn.goal, None
        self.later = False                  # the second command is at work
        self.first, self.since = {}, {}     # before the command, and when others had changed a guest

    # What is so.

    def _look(self):
        """The domains, the lives and the images of each guest, by its name."""
        with self.host.world() as world:
            self.domains, self.lives = world["domains"], world.get("lives", [])
            self.disks = world.get("disks", {})
        self.files, self.elsewhere = (
            [*filter(None, map(look_at_image, sorted(folder.iterdir())))] if folder.is_dir() else []
            for folder in (self.host.save, self.stage.others))

    def _disk(self, guest):
        return str(self.host.root / f"disk-{guest.name}")

    def _domains_of(self, guest):
        return [d for d in self.domains
                if d["config"].get("fake", {}).get("disk") == self._disk(guest)]

    def _images_of(self, guest, files=None):
        mine = (i for i in files or self.files if i.file.split("-")[0].split(".")[0] == guest.name)
        return tuple(dataclasses.replace(i, sound=False) if (i.inode, i.memory) == self.stage.harmed.get(
            guest.name) else i for i in mine)

    def _facts(self, guest):
        domains = self._domains_of(guest)
        plan = guest.plan
        # What others did to it before a daemon looked, that looks at its domain, or has.
        known = guest.runs_unseen or guest.image.endswith(", kept")
        word = "none" if not plan else "life" if known else "saved" if plan[-1] in "BD" else \
            "xl" if plan[-1] == "d" else "life"
        return oracle.Facts(
            goal=self.drawn.goal, asked=self._is_asked(guest), domain=guest.domain,
            memory=(domains[0]["boot"], domains[0]["life"]) if domains else None,
            disk=self.disks.get(self._disk(guest), 0), disk_seen=guest.seen, images=self._images_of(guest),
            word=word, unseen="unseen" in guest.image and not known,
            ledger=self.drawn.ledger, folder=self.drawn.folder, config=guest.config, has_uuid=guest.has_uuid,
            killed=self.drawn.killed != "none", doubled=guest.double is not None,
            cloned="runs" if guest.double and guest.domain == "none" else "")

    def _facts_later(self, guest, facts, all_seen):
        """Behind a command that did what it should."""
        domains, seen = self._domains_of(guest), all_seen[guest.case]
        saved = any(all_seen[g.case].outcome == "saved" for g in (guest, guest.double) if g)
        word = {"saved": "saved", "off": "life", "restored": "life", "cold": "life", "old": "life",
                "resumed": "life"}.get(seen.outcome, facts.word)
        if word == "saved" and any(i.file == f"{guest.name}-by-xl" for i in seen.images):
            word = "xl"
        return dataclasses.replace(
            facts, goal=self.goal, asked=True, word=word, killed=False, before=None,
            # What was built or restored and never ran is let run, so that it can shut down.
            # Of what others save, the daemon has seen that it was suspended, and then gone; of what is
            # kept, that it has run.
            seen=(facts.before or facts).domain in ("running", "suspended, saver", "kept") or
            seen.outcome == "off", found=(facts.before or facts).domain == "suspended, saver",
            doubled=guest.double is not None and saved, saved_since=seen.outcome == "saved",
            cloned="" if not guest.double or domains else
            "runs" if self._domains_of(guest.double) else "ran" if facts.cloned else "",
            domain="none" if not domains else facts.domain if seen.outcome == "left" else "running",
            memory=(domains[0]["boot"], domains[0].get("life", 0)) if domains else None,
            disk=self.disks.get(self._disk(guest), 0), images=self._images_of(guest),
            unseen=facts.unseen and seen.outcome == "down")

    # What is done.

    def _trap(self):
        if self.drawn.killed == "none":
            return {}
        program = "xendomainsd-fake" if self.drawn.killed == "daemon" else "worker"
        trap = {"LD_PRELOAD": str(KILLER), "KILL_IN": program, "KILL_AT": str(self.drawn.step)}
        return trap | ({"KILL_VERB": "operate"} if program == "worker" else {})

    def _name(self, guest):
        """The name that a command may use; None if none is known, for that would be refused."""
        if guest.domain != "none":
            return guest.name
        if self.drawn.goal == "stop":
            return None
        if guest.config in ("missing", "broken"):
            images = self._images_of(guest)
            known = any(i.kind == oracle.LIVE and i.sound for i in images)
            return guest.name if known else None
        return f"{guest.name}-renamed" if guest.config == "renamed" else guest.name

    def _is_asked(self, guest):
        return not self.drawn.names or guest.named and self._name(guest) is not None

    def _words(self):
        if not self.drawn.names or self.names is None:
            return [self.goal]
        # Without a name it would be for all.
        return [self.goal, *(self.names or ("nobody",))]

    def _command(self, **environment):
        """Once; the exit status, or None where there is none to be had."""
        if self.drawn.command.startswith("once"):
            return self.host.once(self.goal, **environment)
        if not self.host.daemon:
            self.host.start_daemon(**environment)
        if self.drawn.command == "down":
            return self._go_down()
        done = subprocess.run([CLIENT, "--socket", self.host.socket, *self._words()], text=True,
                              capture_output=True, timeout=120)
        print(done.stderr, file=sys.stderr)
        return done.returncode

    def _go_down(self):
        if any(guest.domain == "running" for guest in self.drawn.guests):
            self.host.wait_locked()
        self.host.tell("prepare reboot")
        self.host.wait_locked(False)
        return None

    def _be_quiet(self):
        """A daemon puts in order what was left behind."""
        if self.host.daemon and self.host.daemon.poll() is not None:
            self.host.daemon = None
        if self.drawn.killed != "none":
            if self.host.daemon:
                self.host.stop_daemon(check=False)
            self.host.start_daemon()
            self.host.ctl("status")
        wait_until(lambda: not self.host.operations(), "order")

    def run(self):
        """The breaches, and what has become of each guest: (guest, outcome, breaches)."""
        self.stage.set_up()
        self._look()
        facts = {guest.case: self._facts(guest) for guest in self.drawn.guests}
        self.names = [self._name(guest) for guest in self.drawn.guests if facts[guest.case].asked]
        self.stage.begin_saves()
        seen = self._observe(facts, lambda: self._do(facts))
        found = {guest.case: oracle.breaches(facts[guest.case], seen[guest.case])
                 for guest in self.drawn.guests}
        if self.drawn.again:
            self._run_again(facts, seen, found)
        return [(guest, seen[guest.case].outcome, found[guest.case]) for guest in self.drawn.guests]

    def _run_again(self, facts, seen, found):
        """The other command, for whom the first was right."""
        self.goal, self.names = ("stop" if self.goal == "start" else "start"), None
        self.later = True
        facts = {guest.case: self._facts_later(guest, facts[guest.case], seen)
                 for guest in self.drawn.guests}
        seen = self._observe(facts, self._command)
        for guest in self.drawn.guests:
            if not found[guest.case]:
                found[guest.case] = [f"then, at the {self.goal}: {breach}" for breach in
                                     oracle.breaches(facts[guest.case], seen[guest.case])]

    def _do(self, facts):
        if self.drawn.meanwhile:
            status = self._command_beside_others(facts)
            self.stage.join()
            return status
        environment = self._trap()
        status = self._command(**environment)
        self._be_quiet()
        if environment:
            if self.drawn.command.startswith("once"):
                self.host.stop_daemon()
            status = self._command()
        self.stage.join()
        return status

    def _command_beside_others(self, facts):
        others = Others(self.stage)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            command = pool.submit(self._command, **others.trap(KILLER, self.drawn.step))
            others.act(command.done, lambda: self._let_change(others, facts))
            return command.result()

    def _let_change(self, others, facts):
        """Others change the guests that nobody has touched yet."""
        self._look()
        busy = {name.split("-")[0] for name in self.host.operations()}
        for guest in self.drawn.guests:
            untouched = facts[guest.case].asked and guest.name not in busy and \
                self._domains_of(guest) == self.first[guest.case] and \
                self._images_of(guest) == facts[guest.case].images
            if not untouched or guest.change == "none" or not others.change(guest, self._images_of(guest)):
                guest.change = "none"
        self._look()
        for guest in self.drawn.guests:
            if guest.change != "none":
                domains = self._domains_of(guest)
                facts[guest.case] = facts_after(facts[guest.case], guest, domains,
                                                self.disks.get(self._disk(guest), 0), self._images_of(guest))
                self.since[guest.case] = domains, len(self.lives), len(self.host.history())

    def _observe(self, facts, command):
        """What a command makes of the guests, by case."""
        self.first = {guest.case: self._domains_of(guest) for guest in self.drawn.guests}
        lives, lines = len(self.lives), len(self.host.history())
        self.since = {}
        status = command()
        wait_until(lambda: not self.host.operations(), "order")
        self._look()
        reasons = self._reasons() if self.host.daemon else None
        return {guest.case: self._seen(
            guest, facts[guest.case], *self.since.get(guest.case, (self.first[guest.case], lives, lines)),
            reasons, status) for guest in self.drawn.guests}

    def _reasons(self):
        done = subprocess.run([CLIENT, "--socket", self.host.socket, "--json", "status"],
                              capture_output=True, timeout=60)
        said = json.loads(done.stdout or "{}")
        reasons = collections.defaultdict(str)
        for g in said.get("guests", ()):
            for key in g["name"], os.path.basename(g.get("configuration") or ""):
                name = key.split("-")[0].split(".")[0]
                reasons[name] = reasons[name] or g.get("reason", "")
        return reasons

    # What has come of it.

    def _seen(self, guest, facts, first, lives, lines, reasons, status):
        domains = self._domains_of(guest)
        begun = tuple(oracle.Life(n, x["boot"], x["from"], x["over"])
                      for n, x in enumerate(self.lives, 1)
                      if n > lives and x["disk"] == self._disk(guest))
        outcome = self._outcome(guest, facts, first, domains, lines)
        # What others save elsewhere is not lost. No daemon sees it, and the next command means none of it.
        files = self.files + (self.elsewhere if not self.later or outcome == "saved" else [])
        return oracle.Seen(
            outcome, begun, self._images_of(guest, files),
            (domains[0]["boot"], domains[0].get("life", 0)) if domains else None,
            None if reasons is None or self.drawn.command == "down" else
            reasons[guest.name] or guest.double and reasons[guest.double.name] or "", status)

    def _outcome(self, guest, facts, before, domains, lines):
        if len(domains) > max(len(before), 1):
            return "twice"
        if before and domains and domains[0]["domid"] == before[0]["domid"]:
            same = domains[0]["state"] == before[0]["state"]
            return "left" if same else "resumed" if domains[0]["state"] == "running" else \
                domains[0]["state"]
        if domains:
            if domains[0]["state"] != "running":
                return "half"
            life = next(x for x in self.lives if x["domid"] == domains[0]["domid"])
            return "cold" if not life["from"] else "restored" if life["from"] == life["over"] else "old"
        if not before:
            return "down"
        return self._end(guest, facts, before[0], lines)

    def _end(self, guest, facts, domain, lines):
        """How a domain has gone."""
        before = {(i.inode, i.memory) for i in facts.images}
        if any(i.kind == oracle.LIVE and i.memory and i.memory[0] == domain["boot"] and
               (i.inode, i.memory) not in before
               for i in self._images_of(guest, self.files + self.elsewhere)):
            return "saved"
        off = any(line[1:3] == [guest.name, "poweroff"] for line in self.host.history()[lines:])
        return "off" if off else "gone"


def host_for(drawn):
    return (HostWithLogind if drawn.command == "down" else FakeHost)(STOP_MAXWAIT=PATIENCE)


def run_host(seed, number, only=None, keep_log=False):
    """The breaches of one host: (guest, breach), and how many of which kind were run."""
    drawn = hosts.draw(seed, number, only)
    counts = collections.Counter()
    found = []
    try:
        with host_for(drawn) as host, contextlib.redirect_stdout(sys.stderr):
            for guest, outcome, breaches in Run(host, drawn).run():
                counts.update([f"domain {guest.domain}", f"image {guest.image}",
                               f"configuration {guest.config}", f"outcome {outcome}",
                               f"meanwhile {guest.change}"])
                counts.update(["UUID of another"] if guest.double else [])
                found += [(guest.case, str(guest), breach) for breach in breaches]
            if keep_log:
                print(host.log.read_text() if host.log.exists() else "")
    except Exception:
        found.append((drawn.guests[0].case, "the host itself", traceback.format_exc()))
    counts.update({f"{what} {kind}": len(drawn.guests) for what, kind in (
        ("ledger", drawn.ledger), ("SAVE", drawn.folder), ("command", drawn.command),
        ("killed", drawn.killed))})
    return str(drawn), found, counts


def tell(seed, drawn, breach):
    case, guest, words = breach
    print(f"--seed {seed} --case {case} (--host {case // hosts.GUESTS})\n    {drawn}\n    {guest}\n    {words}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", type=int, help="this guest only")
    parser.add_argument("--host", type=int, help="all guests of this host")
    parser.add_argument("--cases", type=int, default=CASES)
    options = parser.parse_args()
    counts, breaches, ran = collections.Counter(), 0, 0
    if options.case is not None:
        jobs = [(options.seed, options.case // hosts.GUESTS, options.case, True)]
    elif options.host is not None:
        jobs = [(options.seed, options.host, None, True)]
    else:
        jobs = [(options.seed, n) for n in range(-(-options.cases // hosts.GUESTS))]
    with concurrent.futures.ProcessPoolExecutor(JOBS) as pool:
        futures = [pool.submit(run_host, *job) for job in jobs]
        for drawn, found, kinds in (future.result() for future in futures):
            counts.update(kinds)
            ran += sum(n for kind, n in kinds.items() if kind.startswith("ledger "))
            breaches += len({case for case, _, _ in found})
            for breach in found:
                tell(options.seed, drawn, breach)
    for kind, number in sorted(counts.items()):
        print(f"{number:6} {kind}")
    print(f"Ran {ran} tests in {len(jobs)} hosts, failures={breaches}")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
