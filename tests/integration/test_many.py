#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with very many guests: no limit of ours stands in their way. MANY=12000 says how many."""

import json
import os
import unittest

from fakehost import FakeHost

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
        self.host.ctl("start", names[-1], check=0, timeout=LIMIT)
        self.assertEqual(list(self.host.domains()), names[-1:])


if __name__ == "__main__":
    unittest.main()
