# SPDX-License-Identifier: GPL-2.0-or-later
"""A host without Xen: the real daemon, workers and client, with libxl replaced (tests/fake)."""

import contextlib
import fcntl
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
DAEMON = BUILD / "tests/fake/xendomainsd-fake"
WORKER = BUILD / "tests/fake/xendomains-worker-fake"
CLIENT = BUILD / "client/xendomainsctl"
KILLER = BUILD / "tests/fake/libkill-at.so"
HOLDER = BUILD / "tests/fake/libheld-disk.so"
LATE_END = BUILD / "tests/fake/liblate-end.so"

LIMIT = 60

# Messages are told by these, never by their words: HOST_STAYS_UP is MSG_HOST_STAYS_UP there.
MESSAGE_IDS = dict(re.findall(
    r'#define MSG_(\w+)\s+"([0-9a-f]{32})"',
    (pathlib.Path(__file__).parents[2] / "daemon/util/msgid.h").read_text()))

MANAGER = "org.xendomains.Manager"
REFUSED = f"{MANAGER}.ConfigurationRefused"
NOT_POSSIBLE = f"{MANAGER}.NotPossible"

# A fault at each step of a sequence is what a plain build is tested with. Sanitizers, which make a run
# several times as slow, see the same code at some of the steps.
STRIDE = 4 if os.environ.get("SANITIZED") else 1


def unique(pairs):
    """An object of JSON, of which no member comes twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"a member comes twice: {pairs}")
    return members


def each_step(limit, stride=1):
    """The steps of a sequence at which a sweep has something happen."""
    return range(1, limit, max(stride, STRIDE))


def wait_until(predicate, what, limit=LIMIT):
    """Polls: for a condition that other processes bring about."""
    end = time.monotonic() + limit
    while not (value := predicate()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s in vain for {what}")
        time.sleep(0.01)
    return value


def runs(pid):
    """Whether a process runs: not once it has ended, however late its new parent hears of that."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def stopped(pid):
    """Whether a process has been stopped by a signal."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


class FakeHost:
    """Folders, a world, and at most one daemon. Use it as a context."""

    def __init__(self, **variables):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="xendomainsd-"))
        self.auto, self.save = self.root / "auto", self.root / "save"
        self.state, self.run = self.root / "state", self.root / "run"
        self.world_dir = self.root / "world"
        self.config, self.native = self.root / "xendomains", self.root / "xendomains.conf"
        self.socket = self.root / "socket"
        self.program = WORKER
        self.log = self.root / "log"
        self.entries = self.root / "entries"
        for folder in (self.auto, self.save, self.state, self.run, self.world_dir):
            folder.mkdir()
        self.configure(**variables)
        self.daemon = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop_daemon(check=kind is None)
        self._wait_for_workers()
        if kind is not None:
            print(self.log.read_text() if self.log.exists() else "(no log)")
        shutil.rmtree(self.root)

    def configure(self, **variables):
        """Writes the variables; AUTO and SAVE are ours unless given."""
        values = {"AUTO": self.auto, "SAVE": self.save, "CREATE_USLEEP": 0} | variables
        self.config.write_text("".join(f"XENDOMAINS_{k}='{v}'\n" for k, v in values.items()))

    def guest(self, name, folder=None, uuid=None, memory_kib=1024, on=None, **behaviour):
        """Writes a configuration, and returns its path."""
        config = {"c_info": {"name": name}, "b_info": {"max_memkb": memory_kib},
                  "fake": behaviour} | {f"on_{k}": v for k, v in (on or {}).items()}
        if uuid:
            config["c_info"]["uuid"] = uuid
        path = (folder or self.auto) / f"{name}.cfg"
        path.write_text(json.dumps(config))
        return path

    # Processes.

    def environment(self, **more):
        return os.environ | {"FAKE_WORLD": str(self.world_dir), "RUNTIME_DIRECTORY": str(self.run),
                             "STATE_DIRECTORY": str(self.state), "FAKE_JOURNAL": str(self.entries),
                             # Nothing here has to do with the host that the tests run on.
                             "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.root}/bus"} | more

    def command(self, *more):
        return [DAEMON, "--config", self.config, "--native", self.native, "--socket", self.socket,
                "--worker", self.program, *more]

    def start_daemon(self, *more, **environment):
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(self.command("--verbose", *more), stderr=log, stdin=subprocess.DEVNULL,
                                           env=self.environment(**environment))
        # With a trap set for it the daemon may well die before it listens.
        wait_until(lambda: self._answers() or self.daemon.poll() is not None,
                   "the daemon to listen")

    def _answers(self):
        return self.socket.exists() and subprocess.run(
            [CLIENT, "--socket", self.socket, "reload"], capture_output=True).returncode != 4

    def stop_daemon(self, check=True):
        if not self.daemon:
            return
        self.daemon.terminate()
        status = self.daemon.wait(LIMIT)
        self.daemon = None
        self.wait_for_helpers()
        assert not check or status == 0, f"the daemon ended with {status}"

    def kill_daemon(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None
        self.wait_for_helpers()

    def helpers(self):
        """Processes that a daemon has write to the disk. They outlive it."""
        found, command = [], b"\0".join(os.fsencode(word) for word in self.command())
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                pid = int(process.name)
                # Each has a session of its own, and what a test starts has not.
                if (process / "cmdline").read_bytes().startswith(command) and os.getsid(pid) == pid:
                    found.append(pid)
        return found

    def wait_for_helpers(self):
        wait_until(lambda: not self.helpers(), "the helpers to end")

    def freeze_daemon(self):
        """It stands still until SIGCONT, and not with the lock on the world, which workers need."""
        with self.world():
            self.daemon.send_signal(signal.SIGSTOP)
            wait_until(lambda: stopped(self.daemon.pid), "the daemon to stand still")

    def once(self, goal, *options, **environment):
        with self.log.open("ab") as log:
            status = subprocess.run(self.command("--once", goal, *options), stderr=log,
                                    env=self.environment(**environment), timeout=LIMIT).returncode
        self.wait_for_helpers()
        return status

    def once_in_background(self, goal):
        with self.log.open("ab") as log:
            return subprocess.Popen(self.command("--once", goal), stderr=log, env=self.environment())

    def listen(self):
        """In the place of the daemon is a test: a socket that accepts its clients, for the test to close."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.socket))
        listener.listen()
        listener.settimeout(LIMIT)
        return listener

    def second_daemon(self):
        return subprocess.run(self.command(), capture_output=True, env=self.environment(),
                              timeout=LIMIT).returncode

    def command_line(self, *words):
        return [CLIENT, "--socket", self.socket, *map(str, words)]

    def ctl(self, *words, check=None, timeout=LIMIT):
        """Runs the client, and returns what it printed; check: the exit status that is right."""
        done = subprocess.run(self.command_line(*words), text=True, capture_output=True,
                              timeout=timeout)
        if check is not None and done.returncode != check:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def cat(self, file):
        """The exit status of 'image cat', the image that it writes, and what it says."""
        done = subprocess.run(self.command_line("image", "cat", "--worker", self.program, file), capture_output=True,
                              timeout=LIMIT)
        return done.returncode, done.stdout, done.stderr.decode()

    def ctl_in_background(self, *words):
        return subprocess.Popen(self.command_line(*words), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def json(self, *words, check=None):
        """Runs the client with --json, and returns what the daemon answered."""
        return json.loads(self.ctl("--json", *words, check=check))

    def outcome(self, *words, check=None):
        """Runs the client, and returns the outcome of a sequence: an event for each guest, by name."""
        return {event["name"]: event for event in self.json(*words, check=check)["outcome"]}

    def plan(self, *words):
        """The steps of a plan, by name."""
        return {step["name"]: step for step in self.json("plan", *words)["steps"]}

    def call(self, method, **parameters):
        """One call of the interface, and its reply: without "error" if it has succeeded."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            s.connect(str(self.socket))
            s.sendall(json.dumps({"method": f"{MANAGER}.{method}", "parameters": parameters}).encode() + b"\0")
            text = b""
            while not text.endswith(b"\0"):
                text += s.recv(65536) or b"\0"
        return json.loads(text[:-1], object_pairs_hook=unique)

    def status(self):
        """The guests by name."""
        done = subprocess.run([CLIENT, "--socket", self.socket, "--json", "status"],
                              capture_output=True, timeout=LIMIT)
        return {g["name"]: g for g in json.loads(done.stdout)["guests"]}

    def states(self):
        return {name: g["state"] for name, g in self.status().items()}

    def reasons(self):
        return {name: g.get("reason", "") for name, g in self.status().items()}

    # The journal.

    def journal(self):
        """What the daemons of this host have logged, oldest first: the fields of each message."""
        data = self.entries.read_bytes() if self.entries.exists() else b""
        return [dict(field.decode(errors="surrogateescape").split("=", 1) for field in entry.split(b"\0"))
                for entry in data.split(b"\0\0")[:-1]]

    def logged(self, message, **fields):
        """The messages with this MESSAGE_ID= and these fields: domain="web" is XEN_DOMAIN=web."""
        wanted = {"MESSAGE_ID": MESSAGE_IDS[message]} | {f"XEN_{k.upper()}": v for k, v in fields.items()}
        return [entry for entry in self.journal() if wanted.items() <= entry.items()]

    def stages(self, name, message="STAGE_DONE"):
        """The stages of a guest that have succeeded, or begun or failed, in their order."""
        return [entry["XEN_STAGE"] for entry in self.logged(message, domain=name)]

    def peak(self, stage):
        """How many guests were in a stage at the most at one time."""
        ids = {MESSAGE_IDS["STAGE_STARTED"]: 1, MESSAGE_IDS["STAGE_DONE"]: -1, MESSAGE_IDS["STAGE_FAILED"]: -1}
        changes = [ids[entry["MESSAGE_ID"]] for entry in self.journal()
                   if entry.get("MESSAGE_ID") in ids and entry.get("XEN_STAGE") == stage]
        return max(itertools.accumulate(changes))

    def wait_logged(self, message, times=1, **fields):
        wait_until(lambda: len(self.logged(message, **fields)) >= times, f"{message} in the journal")

    # The world.

    @contextlib.contextmanager
    def world(self):
        """The domains, for looking at and changing."""
        with (self.world_dir / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path = self.world_dir / "world"
            world = json.loads(path.read_text()) if path.exists() else {"domains": []}
            before = json.dumps(world)
            yield world
            if json.dumps(world) != before:
                new = path.with_suffix(".new")
                new.write_text(json.dumps(world))
                new.rename(path)

    def domains(self):
        with self.world() as world:
            return {d["name"]: d for d in world["domains"]}

    def boot(self, name):
        """Tells a guest that was restored from one that was started afresh."""
        return self.domains()[name]["boot"]

    def xl_create(self, name, **behaviour):
        """A domain that somebody made without us."""
        with self.world() as world:
            world["last_domid"] = world.get("last_domid", 0) + 1
            uuid = f"00000000-0000-4000-8000-{world['last_domid']:012}"
            world["domains"].append({
                "domid": world["last_domid"], "uuid": uuid, "name": name, "state": "running",
                "boot": f"{name}-by-hand", "config": {"c_info": {"name": name, "uuid": uuid},
                                                      "b_info": {}, "fake": behaviour}})

    def history(self):
        """What happened to domains, a line each: domid, name, state, boot."""
        log = self.world_dir / "log"
        return [line.split() for line in log.read_text().splitlines()] if log.exists() else []

    def images(self):
        return sorted(path.name for path in self.save.iterdir())

    # Workers.

    def operations(self):
        """The operation files, by guest's name, with all messages in each."""
        found = {}
        folder = self.run / "operation"
        for path in folder.iterdir() if folder.exists() else ():
            with contextlib.suppress(FileNotFoundError):
                messages = [json.loads(m) for m in path.read_bytes().split(b"\0") if m]
                if messages:
                    found[messages[0]["request"]["name"]] = messages
        return found

    def worker(self, name):
        """The process that works on a guest, once there is one."""
        def find():
            for message in self.operations().get(name, ()):
                if "worker" in message:
                    return message["worker"]["pid"]
            return None
        return wait_until(find, f"a worker for {name}")

    def kill_worker(self, name):
        os.kill(self.worker(name), signal.SIGKILL)

    def _wait_for_workers(self):
        """Nothing of this host may live on when its folders go."""
        def alive():
            for messages in self.operations().values():
                if any(runs(m["worker"]["pid"]) for m in messages if "worker" in m):
                    return True
            return False
        wait_until(lambda: not alive(), "the workers to end")


class FakeHostTest(unittest.TestCase):
    """A host for each test, with a daemon that runs."""

    variables: dict = {}

    def setUp(self):
        self.host = self.enterContext(FakeHost(**self.variables))
        self.host.start_daemon()
