#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever a daemon answers, the client ends well, and prints nothing that acts on a terminal."""

import json
import subprocess
import threading
import unittest

from beside import at_once
from fakehost import CLIENT, LIMIT, FakeHost
from test_access import MANAGER
from test_watch import Watch


class Odd(unittest.TestCase):
    """In the place of the daemon is a test."""

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        self.listener = self.enterContext(self.host.listen())

    def answer(self, *replies):
        connection = self.enterContext(self.listener.accept()[0])
        connection.recv(65536)
        connection.sendall(b"".join(json.dumps(reply).encode() + b"\0" for reply in replies))

    def ask(self, replies, *words, **environment):
        """The exit status of the client, and what it prints."""
        answering = threading.Thread(target=self.answer, args=replies)
        answering.start()
        done = subprocess.run([CLIENT, "--socket", self.host.socket, *words], text=True, capture_output=True,
                              timeout=LIMIT, env=self.host.environment(**environment))
        answering.join()
        return done.returncode, done.stdout + done.stderr

    def test_a_watched_guest_that_is_none(self):
        with Watch(self.host, 50) as watch:
            self.answer({"parameters": {"guests": [3, None, "x", {"name": "web", "state": "running"}]}, "continues": True})
            watch.wait_for("web")

    def test_a_story_of_no_guest(self):
        for guest in 3, None, []:
            self.assertIn(self.ask([{"parameters": {"guests": [guest]}}], "status", "web")[0], (0, 3))

    def test_images_that_are_none(self):
        status, said = self.ask([{"parameters": {"images": [None, 3]}}], "image", "verify", "web")
        self.assertNotIn("memory", said)

    def test_an_event_without_a_name(self):
        replies = [{"parameters": {"event": {"result": "running"}}, "continues": True}, {"parameters": {"outcome": []}}]
        self.assertEqual(self.ask(replies, "start", NOTIFY_SOCKET=str(self.host.root / "notify"))[0], 0)

    def test_a_refusal_that_names_no_line_has_its_reason(self):
        error = {"error": f"{MANAGER}.ConfigurationRefused", "parameters": {"reason": "No reading", "settings": {}}}
        self.assertEqual(self.ask([error], "status")[1], "No reading\n")

    def test_an_error_acts_on_no_terminal(self):
        self.assertEqual(self.ask([{"error": "x\x1b[2J"}], "status")[1], "x?[2J\n")

    def test_a_reason_does_not_turn_the_direction(self):
        replies = [{"error": "x", "parameters": {"reason": "web\u202egpj"}}]
        self.assertEqual(self.ask(replies, "status")[1], "web???gpj\n")

    def test_what_cannot_be_written_is_no_success(self):
        words = [["--version"], ["--help"], ["help"], ["cancel"], ["reload"], ["check"], ["status"]]
        expected = [1, 1, 1, 1, 1, 3, 1]
        answers = {"cancel": {"cancelled": 1}, "reload": {"warnings": ["x"]}}
        guests = {"guests": [{"name": "web", "state": "running"}], "warnings": []}
        for word, status in zip(words, expected):
            if word[0] in ("cancel", "reload", "check", "status"):
                reply = {"parameters": answers.get(word[0], guests)}
                answering = threading.Thread(target=self.answer, args=[reply])
                answering.start()
                self.addCleanup(answering.join)
            with open("/dev/full", "wb") as full:
                done = subprocess.run([CLIENT, "--socket", self.host.socket, *word], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=LIMIT)
            self.assertEqual((done.returncode, done.stderr), (status, "Failed to write to standard output\n"), word)


load_tests = at_once(4)


if __name__ == "__main__":
    unittest.main()
