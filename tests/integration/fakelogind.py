# SPDX-License-Identifier: GPL-2.0-or-later
"""What a daemon hears of the end of its host: a bus, a logind (tests/fake) and systemd's ears."""

import os
import socket
import subprocess
import threading

from fakehost import BUILD, CLIENT, LIMIT, FakeHost, wait_until

LOGIND = BUILD / "tests/fake/logind-fake"

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""


class Systemd:
    """What PID 1 is told by the daemon, and the descriptors that it keeps for it."""

    def __init__(self, path):
        self.path = path
        self.said, self.stored = [], {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 65536, 8)
            words = dict(line.partition("=")[::2] for line in data.decode().splitlines())
            if words.get("FDSTORE") == "1":
                self.stored.setdefault(words["FDNAME"], []).extend(fds)
            if words.get("FDSTOREREMOVE") == "1":
                for fd in self.stored.pop(words["FDNAME"], []):
                    os.close(fd)
            self.said.append(words)

    def forget(self):
        """Closes the descriptors, as PID 1 does when the unit has stopped."""
        for name in list(self.stored):
            for fd in self.stored.pop(name):
                os.close(fd)

    def statuses(self):
        return [words["STATUS"] for words in self.said if "STATUS" in words]

    def status(self):
        return self.statuses()[-1] if self.statuses() else ""


class HostWithLogind(FakeHost):
    """A fake host whose daemon finds a bus, a logind, and systemd's notification socket."""

    def __init__(self, **variables):
        super().__init__(**variables)
        self.locks = self.root / "locks"
        self.locks.mkdir()
        self.systemd = Systemd(self.root / "notify")
        self.bus = self.logind = None
        self.start_bus()
        self.start_logind()

    def __exit__(self, kind, *rest):
        self.kill_logind()
        self.kill_bus()
        super().__exit__(kind, *rest)

    def environment(self, **more):
        return super().environment(NOTIFY_SOCKET=str(self.systemd.path), **more)

    def start_daemon(self, **environment):
        """Starts it as after a stop of its unit: restart_daemon() is for one that has crashed."""
        self.systemd.forget()
        super().start_daemon(**environment)

    def start_bus(self):
        config = self.root / "bus.conf"
        config.write_text(BUS_CONFIG.format(path=self.root / "bus"))
        self.bus = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork",
                                     "--nopidfile", "--print-address"], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        self.bus.stdout.readline()

    def kill_bus(self):
        self._kill("bus")

    def start_logind(self, *commands):
        log = self.world_dir / "log"
        self.logind = subprocess.Popen([LOGIND, self.locks, log, *commands],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                       env=self.environment())
        assert self.logind.stdout.readline() == "ready\n"

    def kill_logind(self):
        self._kill("logind")

    def _kill(self, name):
        process = getattr(self, name)
        if process:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        setattr(self, name, None)

    def tell(self, command):
        """Has logind do something; returns when it is done."""
        self.logind.stdin.write(command + "\n")
        self.logind.stdin.flush()
        assert self.logind.stdout.readline() == "done\n"

    def is_locked(self):
        return any(self.locks.iterdir())

    def wait_locked(self, locked=True):
        wait_until(lambda: self.is_locked() == locked, f"the lock to be held: {locked}")

    def wait_named(self, name):
        """For a change of the state of the host, "OLD -> NEW", which is logged for debugging."""
        wait_until(lambda: f"host: {name}\n" in self.log.read_text(), name)

    def unit_ctl(self, *words, check=0, **environment):
        """Runs the client as xendomains-guests.service does."""
        done = subprocess.run([CLIENT, "--socket", self.socket, "--unit=xendomains-guests.service",
                               *words], text=True, capture_output=True, timeout=LIMIT,
                              env=self.environment(**environment))
        assert done.returncode == check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def restart_daemon(self):
        """As systemd does after a crash: with the descriptors that it keeps."""
        (name, [fd]), = self.systemd.stored.items()
        closing = "" if fd == 3 else f"{fd}<&-"
        # The descriptor has to be the third one, and the process has to be meant.
        command = ["bash", "-c", f'exec 3<&{fd} {closing}; LISTEN_PID=$$ exec "$@"', "bash",
                   *self.command("--verbose")]
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                command, stderr=log, stdin=subprocess.DEVNULL, pass_fds=[fd],
                env=self.environment(LISTEN_FDS="1", LISTEN_FDNAMES=name))
        wait_until(self._answers, "the daemon to listen")
