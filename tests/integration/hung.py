# SPDX-License-Identifier: GPL-2.0-or-later
"""A file system whose server does not answer: who touches it sleeps, and not even SIGKILL ends that."""

import contextlib
import ctypes
import os
import signal
import struct
import threading
import unittest

from fakehost import wait_until

LIBC = ctypes.CDLL(None, use_errno=True)
MNT_FORCE, MNT_DETACH = 1, 2
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
CLONE_NEWNS = 1 << 17

# Of the protocol in linux/fuse.h.
INIT = 26
INIT_ANSWER = struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 16, 16, 4096, 1, 0, 0, 0)


class HungFolder:
    """Mounted on a folder; use it as a context, behind which whoever waits is let go. waiting: their
    numbers."""

    def __init__(self, path):
        self.path = path
        self.waiting = set()

    def __enter__(self):
        self.path.mkdir(exist_ok=True)
        self.server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.server},rootmode=40000,user_id=0,group_id=0"
        if LIBC.mount(b"hung", os.fsencode(self.path), b"fuse.hung", 0, options.encode()) < 0:
            os.close(self.server)
            raise OSError(ctypes.get_errno(), "a FUSE file system cannot be mounted")
        threading.Thread(target=self._take_requests, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.let_go()

    def let_go(self):
        """Whoever waits for it gets an error."""
        LIBC.umount2(os.fsencode(self.path), MNT_FORCE | MNT_DETACH)

    def _take_requests(self):
        """What was taken, and is not answered, cannot be taken back."""
        with contextlib.suppress(OSError):
            while True:
                request = os.read(self.server, 1 << 20)
                _, what, number, _, _, _, process = struct.unpack_from("<IIQQIII", request)
                self.waiting.add(process)
                if what == INIT:
                    head = struct.pack("<IiQ", 16 + len(INIT_ANSWER), 0, number)
                    os.write(self.server, head + INIT_ANSWER)
        os.close(self.server)


def have_own_mounts():
    """What others mount meanwhile is not seen by this process, nor by those that it starts."""
    if LIBC.unshare(CLONE_NEWNS) < 0 or LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) < 0:
        raise unittest.SkipTest("needs mounts of its own: " + os.strerror(ctypes.get_errno()))


def can_hang():
    """Whether such a file system can be mounted here."""
    return os.geteuid() == 0 and os.path.exists("/dev/fuse")


def hang_daemon(host, folder):
    """The daemon waits for its settings, and the next one has others."""
    host.native.unlink(missing_ok=True)
    host.native.symlink_to(folder.path / "native")
    host.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: host.daemon.pid in folder.waiting, "the daemon to hang")
    host.native = host.root / "other.conf"
