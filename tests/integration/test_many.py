#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with very many guests: no limit of ours stands in their way. MANY=12000 says how many."""

import json
import os
import pathlib
import unittest

from fakehost import NOT_POSSIBLE, FakeHost

MANY = int(os.environ.get("MANY", 2000))

LIMIT = 600


class Many(unittest.TestCase):

    def setUp(self):
        self.host = self.enterContext(FakeHost())

    def json(self, *words):
        return json.loads(self.host.ctl("--json", *words, timeout=LIMIT))

    def write_configurations(self):
        """Guests whose files have names as long as those of hosts in a domain."""
        names = [f"{i:06}.guests-of-one-customer.example.org" for i in range(MANY)]
        for name in names:
            self.host.guest(name)
        return names

    def test_each_survey_has_all_configurations(self):
        names = self.write_configurations()
        self.host.start_daemon()
        # The second one is told of each file that need not be parsed again.
        for _ in range(2):
            steps = self.json("plan", "start")["steps"]
            self.assertEqual([step["name"] for step in steps if step["stages"] == ["create"]], names)
        named = self.host.call("Plan", goal="start", guests=names[:10000])["parameters"]["steps"]
        self.assertEqual(len(named), min(MANY, 10000))
        self.assertEqual(self.host.call("Plan", goal="start", guests=names[:1] * 10001)["error"], NOT_POSSIBLE)
        self.host.ctl("start", names[-1], check=0, timeout=LIMIT)
        self.assertEqual(list(self.host.domains()), names[-1:])

    def seconds(self):
        """How long the daemon has computed."""
        fields = pathlib.Path(f"/proc/{self.host.daemon.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_a_call_of_many_names_does_not_keep_the_daemon_from_others(self):
        host = self.host.root / "host.json"
        uuids = [f"00112233-4455-6677-8899-{i:012x}" for i in range(MANY)]
        host.write_text(json.dumps({"guests": [
            {"name": f"guest{i}", "uuid": uuid, "config": f"/auto/{i:06}", "running": True}
            for i, uuid in enumerate(uuids)]}))
        self.host.start_daemon("--backend", f"sim:{host}")
        before = self.seconds()
        for names in uuids[:10000], uuids[-1:] * 10000:
            told = len(set(names))
            self.assertEqual(len(self.host.call("Status", guests=names)["parameters"]["guests"]), told)
            self.assertEqual(len(self.host.call("Plan", goal="stop", guests=names)["parameters"]["steps"]), told)
        # All names compared with all guests took eight.
        self.assertLess(self.seconds() - before, 3)

    def test_status_tells_of_all_guests_however_long_that_is(self):
        host = self.host.root / "host.json"
        reason = "x" * ((20 << 20) // MANY)
        host.write_text(json.dumps({"guests": [
            {"name": f"guest{i}", "config": f"/auto/{i:06}", "config_error": reason} for i in range(MANY)]}))
        self.host.start_daemon("--backend", f"sim:{host}")
        text = self.host.ctl("--json", "status", timeout=LIMIT)
        self.assertGreater(len(text), 16 << 20)
        self.assertEqual(sum(g["state"] == "failed" for g in json.loads(text)["guests"]), MANY)


if __name__ == "__main__":
    unittest.main()
