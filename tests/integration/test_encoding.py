#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names that are not ASCII, or not even UTF-8, with a json-c as strict as that of Debian 13."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import unittest
from unittest import mock

from fakehost import BUILD, WORKER, FakeHostTest, wait_until
from test_access import MANAGER, ask

STRICT = BUILD / "tests/fake/libstrict.so"

# Of the last one's two halves json-c before 0.19 makes no character.
NAMES = ["büro", "日本", "box😀", "sign𝠀"]

BECOME = "import os, sys; os.dup2(int(sys.argv[1]), 4); os.execv(sys.argv[2], [sys.argv[2], 'survey'])"


def ask_raw(path, method, **parameters):
    """The bytes of a reply to a call that escapes nothing."""
    call = {"method": f"{MANAGER}.{method}", "parameters": parameters}
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(json.dumps(call, ensure_ascii=False).encode() + b"\0")
        reply = b""
        while not reply.endswith(b"\0"):
            reply += s.recv(65536) or b"\0"
        return reply


class Encoding(FakeHostTest):
    def setUp(self):
        # A sanitizer has to be loaded before anything else.
        if not os.environ.get("SANITIZED"):
            self.enterContext(mock.patch.dict(os.environ, LD_PRELOAD=str(STRICT)))
        super().setUp()
        self.host.guest("web")

    def guest(self, name, file=None, encoding="utf-8", folder=None, **behaviour):
        """A configuration in which nothing is escaped."""
        config = {"c_info": {"name": name}, "b_info": {"max_memkb": 1024}, "fake": behaviour}
        path = os.path.join(os.fsencode(folder or self.host.auto), file or f"{name}.cfg".encode(encoding))
        with open(path, "w", encoding=encoding) as out:
            json.dump(config, out, ensure_ascii=False)

    def warnings(self):
        return ask(self.host.socket, f"{MANAGER}.Status")["parameters"]["warnings"]

    def assert_ascii(self, what, data):
        self.assertTrue(data.isascii(), f"{what}: {data!r}")

    def test_guests_with_names_in_utf8_are_saved_and_restored(self):
        for name in NAMES:
            self.guest(name)
        self.host.ctl("start", check=0)
        boots = {name: self.host.boot(name) for name in NAMES}
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), dict.fromkeys([*NAMES, "web"], "saved"))
        self.host.kill_daemon()
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.assertEqual({name: self.host.boot(name) for name in NAMES}, boots)

    def test_guest_with_a_name_in_utf8_can_be_named(self):
        for name in NAMES:
            self.guest(name)
            self.host.ctl("start", name, check=0)
            self.assertEqual(self.host.states()[name], "running")
            reply = ask_raw(self.host.socket, "Status", guests=[name])
            [guest] = json.loads(reply[:-1])["parameters"]["guests"]
            self.assertEqual(guest["name"], name)
            self.host.ctl("stop", name, check=0)

    def test_files_that_are_not_utf8_cost_themselves_only(self):
        self.guest("büro")
        self.guest("büro2", encoding="latin-1")
        self.host.ctl("start", check=1)
        states, reasons = self.host.states(), self.host.reasons()
        self.assertEqual((states.pop("web"), states.pop("büro")), ("running", "running"))
        [[name, state]] = states.items()
        self.assertEqual(state, "failed")
        self.assertIn("b\\xfcro2.cfg", reasons[name])
        self.assertTrue(any("b\\xfcro2.cfg" in w for w in self.warnings()))

    def test_file_whose_name_only_is_not_utf8_is_a_guest_and_is_named(self):
        self.guest("buero", file=b"b\xfcro.cfg")
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "buero": "running"})
        self.assertTrue(any("b\\xfcro.cfg" in w for w in self.warnings()))
        self.host.ctl("stop", check=0)
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "buero": "running"})

    def test_other_files_with_such_names_are_no_trouble(self):
        for folder in (self.host.auto, self.host.save):
            for name in (b"b\xfc~", b".b\xfc", b"b\xfc.swp"):
                with open(os.path.join(os.fsencode(folder), name), "wb") as out:
                    out.write(b"\xff")
            os.mkdir(os.path.join(os.fsencode(folder), b"d\xfc"))
            os.symlink(b"nowhere\xfc", os.path.join(os.fsencode(folder), b"l\xfc"))
        self.host.ctl("start", check=0)
        self.assertEqual(self.host.domains()["web"]["state"], "running")

    def test_image_whose_file_is_not_utf8_holds_its_guest_and_no_other(self):
        self.host.guest("mail")
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        folder = os.fsencode(self.host.save)
        os.rename(os.path.join(folder, b"web"), os.path.join(folder, b"w\xfcb"))
        self.host.ctl("start", check=1)
        self.assertEqual(self.host.states(), {"web": "failed", "mail": "running"})
        self.assertIn("w\\xfcb", self.host.reasons()["web"])
        images = json.loads(self.host.ctl("--json", "image", "list", check=1))["images"]
        [image] = [i for i in images if i["name"] == "web"]
        self.assertEqual(image["file"], "w\\xfcb")
        self.assertIn("problem", image)

    def test_configuration_that_no_message_can_hold_costs_itself_only(self):
        self.guest("large", words=['"'] * 150000)
        self.host.ctl("start", check=1)
        states = self.host.states()
        self.assertEqual(states.pop("web"), "running")
        self.assertEqual(list(states.values()), ["failed"])

    def test_all_that_is_written_is_ascii(self):
        for name in NAMES:
            self.guest(name, create_ms=2000)
        start = self.host.ctl_in_background("start")
        wait_until(lambda: "box😀" in self.host.operations(), "an operation file")
        for path in (self.host.run / "operation").iterdir():
            with contextlib.suppress(FileNotFoundError):
                self.assert_ascii(path, path.read_bytes())
        for method in ("Status", "ListImages"):
            self.assert_ascii(method, ask_raw(self.host.socket, method))
        self.assert_ascii("Plan", ask_raw(self.host.socket, "Plan", goal="stop"))
        start.communicate()
        self.host.ctl("stop", check=0)
        for path in self.host.state.rglob("*"):
            if path.is_file():
                self.assert_ascii(path, path.read_bytes())
        self.assert_ascii("status", subprocess.run(
            self.host.command_line("--json", "status"), capture_output=True).stdout)

    def test_survey_is_ascii(self):
        self.guest("büro")
        self.guest("büro2", encoding="latin-1")
        ours, theirs = socket.socketpair()
        with ours, subprocess.Popen([sys.executable, "-c", BECOME, str(theirs.fileno()), WORKER],
                                    env=self.host.environment(), pass_fds=[theirs.fileno()]) as worker:
            theirs.close()
            request = {"autostart": str(self.host.auto), "save": str(self.host.save), "known": {}}
            ours.sendall(json.dumps(request).encode() + b"\0")
            said = b""
            while (chunk := ours.recv(65536)):
                said += chunk
        self.assertEqual(worker.returncode, 0)
        self.assert_ascii("survey", said)
        found = [json.loads(m).get("configuration", {}).get("path", "") for m in said.split(b"\0") if m]
        for name in ("büro.cfg", "b\\xfcro2.cfg", "web.cfg"):
            self.assertIn(str(self.host.auto / name), found)


if __name__ == "__main__":
    unittest.main()
