#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the client takes, refuses, and asks a person at a terminal."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import unittest

from fakehost import LIMIT, FakeHostTest, wait_until
from test_access import MANAGER, ask
from test_starve import STARVER


class Terminal:
    """The client at a terminal of its own."""

    def __init__(self, command, **more):
        self.master, slave = pty.openpty()
        options = {"stdin": slave, "stdout": slave, "stderr": slave} | more
        # In a session that the terminal is in charge of Ctrl-C is a signal.
        self.process = subprocess.Popen(
            command, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0), **options)
        os.close(slave)
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def read_until(self, text):
        end = time.monotonic() + LIMIT
        while text not in self.said:
            assert select.select([self.master], [], [], max(0, end - time.monotonic()))[0], self.said
            self.said += os.read(self.master, 4096).decode(errors="replace")

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        """Its exit status."""
        # At the end of a terminal's other side Linux says EIO.
        with contextlib.suppress(OSError):
            while (data := os.read(self.master, 4096)):
                self.said += data.decode()
        return self.process.wait(LIMIT)


class Words(FakeHostTest):
    def setUp(self):
        super().setUp()
        self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", check=0)

    def assert_untouched(self):
        self.assertEqual(self.host.states(), {"web": "running", "db": "running"})
        self.assertEqual([line[2] for line in self.host.history()].count("running"), 2)

    def test_empty_argument_is_refused(self):
        for words in (["start"], ["stop"], ["restart"], ["status"], ["plan", "stop"], ["reload"],
                      ["image", "verify"], ["start", "--cold"], ["stop", "web"]):
            self.host.ctl(*words, "", check=2)
        self.assert_untouched()

    def test_deadline_is_refused_where_it_has_no_use(self):
        for words in (["start"], ["stop"], ["stop", "web"], ["restart"], ["status"], ["reload"],
                      ["image", "list"], ["help"], ["plan", "start"]):
            self.host.ctl("--deadline=60", *words, check=2)
            self.host.ctl("--no-deadline", *words, check=2)
        self.assert_untouched()
        self.host.ctl("--deadline=60", "plan", "stop", check=0)
        self.host.ctl("--deadline=60", "--no-deadline", "plan", "stop", check=2)

    def test_names_are_refused_where_there_are_none(self):
        for words in (["start"], ["stop", "web"], ["plan", "stop"], ["reload"], ["help"], ["--json", "status"],
                      ["image", "verify", "web"], ["image", "delete", "web"]):
            self.host.ctl("--names", *words, check=2)
        self.assert_untouched()

    def test_names_stand_on_a_line_each_as_they_are(self):
        names = {"web", "db", " two  words ", "it's \"$x\"", "büro 日本", "a" * 100}
        for name in (names - {"web", "db"}) | {"a\nb", "a\x1b[m", "a\u0085b"}:
            self.host.xl_create(name)
        self.host.ctl("reload", check=0)
        wait_until(lambda: len(self.host.status()) == len(names) + 3, "the domains to be seen")
        self.assertEqual(sorted(self.host.ctl("--names", "status", check=0).split("\n")), ["", *sorted(names)])
        self.assertEqual(self.host.ctl("status", "--names", "web", check=0), "web\n")
        self.host.ctl("stop", "web", " two  words ", check=0)
        files = [image["file"] for image in self.host.json("image", "list")["images"]]
        self.assertEqual(len(files), 2)
        self.assertEqual(self.host.ctl("image", "list", "--names", check=0).splitlines(), files)


class Story(FakeHostTest):
    """What is told of a guest that is named alone."""

    def setUp(self):
        super().setUp()
        self.host.guest("db")
        self.path = self.host.guest("web", on={"crash": "preserve", "reboot": "restart"})
        config = json.loads(self.path.read_text())
        config["disks"] = [{"pdev_path": "/dev/vg0/web", "vdev": "xvda", "readwrite": 1},
                           {"pdev_path": "/srv/cd.iso", "vdev": "xvdb", "readwrite": 0}, {"vdev": "xvdc", "is_cdrom": 1}]
        self.path.write_text(json.dumps(config))
        self.host.native.write_text("[Host]\nImageCompression=zstd\n[Domain w*]\nForcedDestroy=yes\nImageChanged=afresh\n")
        self.host.ctl("reload", check=0)

    def guest(self, *names):
        return {g["name"]: g for g in self.host.json("status", *names)["guests"]}

    def test_it_has_disks_and_policy(self):
        web = self.guest("web")["web"]
        self.assertEqual(web["disks"], [{"device": "xvda", "path": "/dev/vg0/web", "writable": True},
                                        {"device": "xvdb", "path": "/srv/cd.iso", "writable": False},
                                        {"device": "xvdc", "writable": False}])
        policy = {"on_poweroff": "destroy", "on_reboot": "restart", "on_watchdog": "destroy", "on_crash": "preserve",
                  "on_soft_reset": "destroy", "image_changed": "afresh", "image_unknown": "hold",
                  "image_compression": "zstd", "forced_destroy": True}
        self.assertEqual(web["policy"], policy)
        for uuid in (web["uuid"], web["uuid"].upper()):
            self.assertEqual(self.guest(uuid)["web"]["policy"], policy)
        db = self.guest("db")["db"]
        self.assertEqual((db["disks"], db["policy"]["image_changed"], db["policy"]["forced_destroy"]), ([], "hold", False))
        said = self.host.ctl("status", "web")
        for line in ("disk:          xvda /dev/vg0/web", "disk:          xvdb /srv/cd.iso, read-only",
                     "disk:          xvdc (empty), read-only",
                     "when it ends:  on_poweroff=destroy, on_reboot=restart, on_watchdog=destroy, on_crash=preserve, "
                     "on_soft_reset=destroy",
                     "settings:      ImageChanged=afresh, ImageUnknown=hold, ImageCompression=zstd, ForcedDestroy=yes"):
            self.assertIn(line, said.splitlines())

    def test_no_password_of_a_disk_is_told(self):
        config = json.loads(self.path.read_text())
        config["disks"] = [{"pdev_path": f"{path}PASSWORD", "vdev": f"xvd{i}", "readwrite": 1}
                           for i, path in enumerate(("iqn=iqn.x:y,user=bob,password=", "rbd:p/w:id=a:key=", "json:"))]
        self.path.write_text(json.dumps(config))
        self.host.ctl("reload", check=0)
        disks = self.guest("web")["web"]["disks"]
        self.assertEqual(disks, [{"device": f"xvd{i}", "hidden": True, "writable": True} for i in range(3)])
        said = self.host.ctl("status", "web", check=3)
        self.assertIn("disk:          xvd0 (path not shown)", said.splitlines())
        self.assertNotIn("PASSWORD", said + self.host.ctl("--json", "status", "web", check=3))

    def test_a_domain_has_the_policy_that_it_was_created_with(self):
        self.host.ctl("start", check=0)
        config = json.loads(self.path.read_text()) | {"on_crash": "destroy"}
        self.path.write_text(json.dumps(config))
        self.assertEqual(self.guest("web")["web"]["policy"]["on_crash"], "preserve")
        self.host.xl_create("by-hand")
        self.host.ctl("reload", check=0)
        by_hand = wait_until(lambda: self.guest("by-hand").get("by-hand"), "the domain to be seen")
        self.assertNotIn("disks", by_hand)
        self.assertEqual(set(by_hand["policy"]), {"image_changed", "image_unknown", "image_compression", "forced_destroy"})

    def test_many_guests_have_neither(self):
        for names in ([], ["web", "db"]):
            for guest in self.guest(*names).values():
                self.assertFalse({"disks", "policy"} & set(guest))


class Mistakes(FakeHostTest):
    """What is mistyped is named in one line, with what may have been meant."""

    def setUp(self):
        super().setUp()
        self.host.guest("webserver")
        self.host.guest("db")
        self.host.ctl("start", check=0)

    def assert_meant(self, meant, status, *words):
        done = subprocess.run(self.host.command_line(*words), capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(done.returncode, status, words)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        (self.assertIn if meant else self.assertNotIn)(f'"{meant}"' if meant else "?", done.stderr)

    def test_command_is_named(self):
        self.assert_meant("status", 2, "statsu")
        self.assert_meant("status", 2, "stat")
        self.assert_meant(None, 2, "frobnicate")
        self.assert_meant("stop", 2, "plan", "sotp")

    def test_option_is_named(self):
        self.assert_meant("--json", 2, "--jsno", "status")
        self.assert_meant("--state", 2, "--staet=failed", "status")
        self.assert_meant(None, 2, "--json=3", "status")
        self.assert_meant(None, 2, "-x", "status")
        self.assert_meant(None, 2, "--deadline=soon", "plan", "stop")

    def test_option_that_begins_as_several_do_is_named_with_all_of_them(self):
        names = re.findall(r"(?m)^ +(?:-., )?--([\w-]+)", self.host.ctl("--help", check=0))
        self.assertGreater(len(names), 15)
        for word in {name[:n] for name in names for n in range(1, len(name))} - set(names):
            meant = {name for name in names if name.startswith(word)}
            # With a value that none takes, one that is meant is named as well.
            done = subprocess.run(self.host.command_line(f"--{word}=", "help"), capture_output=True, text=True,
                                  timeout=LIMIT)
            if len(meant) > 1:
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), word)
                self.assertEqual(set(re.findall(r"(?<!\")--([\w-]+)", done.stderr)), meant, done.stderr)
            elif done.returncode:
                self.assertNotIn("nknown", done.stderr)
        self.assertIn("--cold or --columns", self.host.ctl("--col=name", "status", check=2))

    def test_option_that_is_cut_short_is_understood(self):
        self.host.ctl("--colu=name", "status", check=0)
        self.assertIn("--json takes no value", self.host.ctl("--js=3", "status", check=2))
        self.assertIn("--state takes a value", self.host.ctl("status", "--stat", check=2))

    def test_value_is_named(self):
        self.assert_meant("failed", 2, "--state=fialed", "status")
        self.assert_meant("failed", 2, "--state=saved,fialed", "status")
        self.assert_meant("memory", 2, "--sort=memmory", "status")
        self.assert_meant("since", 2, "--columns=name,sinec", "status")

    def test_guest_is_named(self):
        self.assert_meant("webserver", 1, "status", "websever")
        self.assert_meant("webserver", 1, "status", "db", "webservre")
        self.assert_meant(None, 1, "status", "mail")
        self.assert_meant(None, 1, "status", "m*")

    def test_guest_of_a_sequence_is_named_once(self):
        for words in (["start"], ["stop"], ["restart"], ["start", "--cold"], ["plan", "start"], ["plan", "stop"]):
            for name, meant in (("websever", "webserver"), ("bd", "db"), ("mail", None)):
                said = self.host.ctl(*words, name).splitlines()
                [line] = [line for line in said if name in line]
                (self.assertIn if meant else self.assertNotIn)(f'"{meant}"' if meant else "?", line)
                self.assertNotIn("journalctl", "".join(said))

    def test_options_of_status_go_with_nothing_else(self):
        for option in ("--state=failed", "--sort=name", "--columns=name", "--wide", "--watch"):
            for words in (["start"], ["plan", "stop"], ["image", "list"], ["help"]):
                self.host.ctl(option, *words, check=2)
        for words in (["--columns=name", "--wide"], ["--wide", "--json"], ["--watch", "--names"]):
            self.host.ctl(*words, "status", check=2)


class Choice(FakeHostTest):
    """Guests that status is to show."""

    def setUp(self):
        super().setUp()
        for name in ("web1", "web2", "db", "web*"):
            self.host.guest(name)
        self.host.ctl("start", "web1", "web2", "web*", check=0)

    def named(self, *words, check=None):
        return self.host.ctl("--names", "status", *words, check=check).splitlines()

    def test_guests_are_chosen_by_pattern_domid_and_state(self):
        self.assertEqual(sorted(self.named("web?")), ["web*", "web1", "web2"])
        self.assertEqual(sorted(self.named("web[12]", "d*")), ["db", "web1", "web2"])
        self.assertEqual(self.named("web*"), ["web*"])
        domid = self.host.status()["web2"]["domid"]
        self.assertEqual(self.named(str(domid)), ["web2"])
        self.host.guest(str(domid))
        self.assertEqual(self.named(str(domid)), [str(domid)])
        self.assertEqual(self.named("--state=stopped", "d*"), ["db"])
        self.assertEqual(self.named("--sort=name", "web?"), ["web*", "web1", "web2"])
        told = self.host.json("status", "--state=stopped", "--sort=name")["guests"]
        self.assertEqual([guest["name"] for guest in told], sorted((str(domid), "db")))

    def test_states_that_are_not_shown_count(self):
        self.assertEqual(self.named("--state=running", check=1), self.named("--state=running"))
        self.assertEqual(self.named("--state=failed", check=1), [])
        self.assertEqual(self.named("--state=failed", "web?", check=0), [])

    def test_the_only_guest_that_is_shown_is_not_called_the_only_one(self):
        for words in (["web1*"], ["--state=running", "web1", "db"]):
            self.assertNotIn("only guest", self.host.ctl("status", *words), words)

    def test_one_guest_tells_its_whole_story(self):
        told = dict(line.split(":", 1) for line in self.host.ctl("status", "web1", check=0).splitlines())
        self.assertEqual(told["state"].strip(), "running")
        self.assertEqual(told["configuration"].strip(), str(self.host.auto / "web1.cfg"))


class Question(FakeHostTest):
    """All guests are stopped or restarted: is that meant?"""

    def setUp(self):
        super().setUp()
        for name in ("web", "db", "mail"):
            self.host.guest(name)
        self.host.ctl("start", "web", "db", check=0)

    def terminal(self, *words, **more):
        return self.enterContext(Terminal(self.host.command_line(*words), **more))

    def running(self):
        return {name for name, state in self.host.states().items() if state == "running"}

    def assert_asks(self, answer, status, running, *words):
        with Terminal(self.host.command_line(*words)) as terminal:
            terminal.read_until("[y/N]")
            # mail does not run.
            self.assertRegex(terminal.said, r"\b2\b")
            self.assertEqual("start 1 that" in terminal.said, "restart" in words)
            terminal.type(answer)
            self.assertEqual(terminal.finish(), status)
        self.assertEqual(self.running(), running)
        return terminal.said

    def test_any_answer_but_yes_leaves_all_guests_alone(self):
        for command in ("stop", "restart"):
            for answer in ("\n", "n\n", "no\n", "yep\n", "\x04"):
                self.assert_asks(answer, 1, {"web", "db"}, command)
        self.assertEqual(self.host.images(), [])

    def test_yes_stops_them(self):
        self.assert_asks("y\n", 0, set(), "stop")
        self.assertEqual(self.host.images(), ["db", "web"])

    def test_yes_restarts_them(self):
        boots = {name: self.host.boot(name) for name in ("web", "db")}
        said = self.assert_asks("Yes\n", 0, {"web", "db", "mail"}, "restart")
        self.assertIn("2 restarted, 1 started", said)
        self.assertEqual({name: self.host.boot(name) for name in boots}, boots)

    def test_question_tells_a_number_and_nothing_of_guests_that_stay(self):
        self.host.xl_create("theirs")
        with self.host.world() as world:
            world["domains"][-1]["libvirt"] = True
        wait_until(lambda: self.host.status()["theirs"].get("manager") == "libvirt", "libvirt's guest")
        self.assertIn("Stop 2 guests? [y/N]", self.assert_asks("n\n", 1, {"web", "db", "theirs"}, "stop"))
        self.host.ctl("stop", "web", check=0)
        with Terminal(self.host.command_line("stop")) as terminal:
            terminal.read_until("Stop 1 guest? [y/N]")

    def test_option_answers(self):
        for words in (["stop", "--all"], ["stop", "--yes"], ["--all", "restart"], ["restart", "--yes"]):
            self.host.ctl("start", check=0)
            terminal = self.terminal(*words)
            self.assertEqual(terminal.finish(), 0)
            self.assertNotIn("[y/N]", terminal.said)
            self.assertEqual(bool(self.running()), "restart" in words)

    def test_named_guests_are_meant(self):
        terminal = self.terminal("stop", "web")
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn("[y/N]", terminal.said)
        self.assertEqual(self.running(), {"db"})

    def test_start_is_not_asked_about(self):
        terminal = self.terminal("start")
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn("[y/N]", terminal.said)

    def test_nothing_is_asked_where_nothing_would_be_stopped(self):
        self.host.ctl("stop", check=0)
        terminal = self.terminal("stop")
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn("[y/N]", terminal.said)

    def test_without_a_terminal_it_is_done(self):
        for streams in ({"stdin": subprocess.DEVNULL}, {"stderr": subprocess.DEVNULL}):
            self.host.ctl("start", check=0)
            terminal = self.terminal("stop", **streams)
            self.assertEqual(terminal.finish(), 0)
            self.assertNotIn("[y/N]", terminal.said)
            self.assertEqual(self.running(), set())

    def test_a_unit_is_not_asked(self):
        terminal = self.terminal("--unit=xendomains-guests.service", "stop", env=self.host.environment())
        self.assertEqual(terminal.finish(), 0)
        self.assertEqual(self.running(), set())

    def test_without_a_daemon_nothing_is_asked(self):
        self.host.kill_daemon()
        terminal = self.terminal("stop")
        self.assertEqual(terminal.finish(), 4)
        self.assertNotIn("[y/N]", terminal.said)

    def test_options_are_refused_where_nothing_is_asked(self):
        for words in (["--yes", "start"], ["--all", "start"], ["--all", "status"], ["--yes", "reload"],
                      ["--all", "stop", "web"], ["--all", "restart", "web"]):
            self.host.ctl(*words, check=2)
        self.host.ctl("--yes", "stop", "web", check=0)
        self.assertEqual(self.running(), {"db"})


class Ends(FakeHostTest):
    """What the last lines say has become of guests, and what status says later."""

    def last(self, *words, check):
        said = self.host.ctl(*words, check=check)
        [line] = re.findall(r"(?m)^\d.*$", said)
        return line, said

    def test_guests_of_a_restart_are_counted_as_what_happened_to_them(self):
        self.host.guest("web")
        self.host.guest("db")
        self.host.ctl("start", "web", check=0)
        self.assertEqual(self.last("restart", "web", "db", check=0)[0], "1 restarted, 1 started")
        self.host.ctl("stop", "db", check=0)
        self.assertEqual(self.last("restart", "db", check=0)[0], "1 started")
        self.host.ctl("stop", "db", check=0)
        self.host.configure(RESTORE="false")
        self.host.ctl("reload", check=0)
        (self.host.auto / "db.cfg").unlink()
        self.assertEqual(self.last("restart", check=0)[0], "1 restarted, 1 left alone")

    def test_restart_that_was_cancelled_tells_what_it_left_down(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.ctl("reload", check=0)
        for name in ("db", "mail", "web"):
            self.host.guest(name, restore_ms=2000)
        self.host.ctl("start", check=0)
        client = self.host.ctl_in_background("restart", "--all")
        self.host.wait_logged("STAGE_STARTED", stage="restore")
        self.assertIn("starts no other guest. Run 'xendomainsctl status'", self.host.ctl("cancel", check=0))
        said = client.communicate(timeout=LIMIT)[0]
        self.assertEqual(client.returncode, 1)
        self.assertEqual(said.splitlines()[-1], "1 restarted, 2 stopped")

    def test_guest_that_could_not_be_restarted_has_failed_and_no_more(self):
        self.host.configure(STOP_MAXWAIT=1, SHUTDOWN="", SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.guest("web", save_ms=60000)
        self.host.ctl("start", check=0)
        self.assertEqual(self.last("restart", "web", check=1)[0], "1 failed")
        self.assertIn("stop failed: ", self.host.reasons()["web"])

    def test_failure_of_a_stop_is_told_once_and_as_that(self):
        self.host.configure(STOP_MAXWAIT=1, SHUTDOWN_ALL="")
        self.host.ctl("reload", check=0)
        self.host.guest("web", deaf=True, off_ms=600000)
        self.host.ctl("start", check=0)
        line, said = self.last("stop", "web", check=1)
        [why] = re.findall(r"(?m)^web: stop failed: save: (.+); shutdown: .+$", said)
        self.assertEqual((line, said.count(why)), ("1 failed", 1), said)
        self.assertIn(f"web: stop failed: save: {why}; shutdown: ", self.host.ctl("status", check=0))


    def test_the_same_command_is_advised_only_where_something_was_tried(self):
        self.host.guest("bad", create_error="no luck")
        self.host.guest("held")
        self.host.ctl("start", "held", check=0)
        self.host.ctl("stop", "held", check=0)
        os.truncate(self.host.save / "held", 100)
        for names in (["bad"], ["bad", "held"]):
            self.assertIn("same command", self.host.ctl("start", *names, check=1))
        said = self.host.ctl("start", "held", check=1)
        self.assertNotIn("same command", said)
        self.assertIn("journalctl XEN_DOMAIN=held", said)


class Unreached(FakeHostTest):
    """What is said where no answer comes."""

    def test_units_are_not_advised_for_a_socket_of_ones_own(self):
        self.host.stop_daemon()
        nowhere = self.host.root / "nowhere"
        for socket in self.host.socket, nowhere, self.host.root:
            done = subprocess.run([*self.host.command_line()[:2], socket, "status"], capture_output=True, text=True,
                                  timeout=LIMIT)
            self.assertEqual(done.returncode, 4)
            self.assertIn(str(socket), done.stderr)
            self.assertNotIn("systemctl", done.stderr)

    @unittest.skipIf(os.environ.get("SANITIZED"), "the sanitizers have an allocator of their own")
    def test_lack_of_memory_is_not_taken_for_a_daemon_that_is_away(self):
        lacks = 0
        for at in range(1, 30):
            done = subprocess.run(self.host.command_line("reload"), capture_output=True, text=True, timeout=LIMIT,
                                  env=os.environ | {"LD_PRELOAD": str(STARVER), "STARVE_IN": "xendomainsctl",
                                                    "STARVE_AT": str(at)})
            self.assertIn(done.returncode, (0, 1), done.stderr)
            lacks += done.returncode
        self.assertGreater(lacks, 0)


class Waits(FakeHostTest):
    """Guests that are to be started or stopped, and whose turn has not come."""

    def waiting(self):
        """The guests that wait, and for what."""
        return wait_until(lambda: {name: g["waits_for"] for name, g in self.host.status().items() if "waits_for" in g},
                          "a guest that waits")

    def test_one_that_waits_for_a_place_says_so_and_is_not_down(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.ctl("reload", check=0)
        for name in ("web", "db"):
            self.host.guest(name, create_ms=2000)
        self.host.ctl("start", "--no-wait", check=0)
        [(name, what)] = self.waiting().items()
        self.assertIn("ParallelOperations", what)
        self.assertIn(f"waits for {what}", self.host.ctl("status", name))
        self.assertEqual(self.host.ctl("status", "--names", "--state=waiting"), f"{name}\n")
        self.assertEqual(self.host.ctl("status", "--names", "--state=down"), "")
        self.assertIn(f"{name} (waits)", self.host.ctl("check", check=1))
        wait_until(lambda: set(self.host.states().values()) == {"running"}, "the start")
        self.assertNotIn("waits_for", str(self.host.status()))

    def test_start_is_not_advised_for_one_that_waits(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.ctl("reload", check=0)
        for name in ("web", "db"):
            self.host.guest(name, restore_ms=2000)
        self.host.ctl("start", check=0)
        self.host.ctl("stop", "--all", check=0)
        self.assertIn("actions", self.host.status()["web"])
        self.host.ctl("start", "--no-wait", check=0)
        [name] = self.waiting()
        self.assertNotIn("actions", self.host.status()[name])

    def test_one_that_waits_for_another_or_for_a_tool_names_it(self):
        self.host.configure(SAVE="", STOP_MAXWAIT=60)
        self.host.ctl("reload", check=0)
        self.host.guest("web", off_ms=60000)
        self.host.guest("mail")
        driver = self.host.guest("driver")
        config = json.loads(driver.read_text())
        config["c_info"]["driver_domain"] = "True"
        driver.write_text(json.dumps(config))
        self.host.ctl("start", check=0)
        with self.host.world() as world:
            for domain in world["domains"]:
                if domain["name"] == "mail":
                    domain |= {"state": "suspended", "saver": True}
        self.host.ctl("stop", "--all", "--no-wait", check=0)
        waiting = self.waiting()
        self.assertIn("saves", waiting["mail"])
        self.assertIn(waiting["driver"], ("mail", "web"))
        self.host.ctl("cancel", check=0)


class Libvirt(FakeHostTest):
    """A guest of libvirt beside one of ours."""

    def setUp(self):
        super().setUp()
        self.host.guest("web")
        self.host.ctl("start", check=0)
        self.host.xl_create("theirs")
        with self.host.world() as world:
            world["domains"][-1]["libvirt"] = True
        wait_until(lambda: self.host.status()["theirs"].get("manager") == "libvirt", "libvirt's guest")

    def test_it_is_left_alone_where_all_are_stopped(self):
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.states(), {"web": "saved", "theirs": "running"})

    def test_it_is_refused_where_it_is_named(self):
        self.assertIn("--force", self.host.ctl("stop", "web", "theirs", check=1))
        self.assertEqual(self.host.states(), {"web": "saved", "theirs": "running"})
        for words in (["stop", "theirs"], ["stop", "web", "theirs"]):
            self.assertNotIn("same command", self.host.ctl(*words, check=1))
        self.host.ctl("restart", "theirs", check=1)
        self.assertEqual(self.host.domains()["theirs"]["boot"], "theirs-by-hand")
        self.assertEqual(self.host.images(), ["web"])

    def test_it_is_stopped_by_force(self):
        self.host.ctl("stop", "--force", "theirs", check=0)
        self.assertEqual(self.host.states(), {"web": "running", "theirs": "saved"})

    def test_force_is_for_named_guests(self):
        for words in (["stop"], ["restart"], ["start", "theirs"], ["status", "theirs"], ["plan", "stop"]):
            self.host.ctl("--force", *words, check=2)
        reply = ask(self.host.socket, f"{MANAGER}.Stop", force=True)
        self.assertEqual(reply["error"], "org.varlink.service.InvalidParameter")
        self.assertEqual(self.host.states(), {"web": "running", "theirs": "running"})


class Interrupt(FakeHostTest):
    def interrupted(self, begun, *words):
        """What the client said at Ctrl-C, which is typed when a guest is in this state."""
        with Terminal(self.host.command_line(*words)) as terminal:
            wait_until(lambda: self.host.states()["web"] == begun, begun)
            terminal.type("\x03")
            self.assertEqual(terminal.finish(), -signal.SIGINT)
            return terminal.said

    def wait_for(self, state):
        wait_until(lambda: self.host.states()["web"] == state, state)

    def test_daemon_goes_on_and_the_client_says_so(self):
        self.host.guest("web", create_ms=1000, save_ms=1000)
        said = self.interrupted("starting", "start")
        self.assertIn("xendomainsctl status", said)
        self.wait_for("running")
        said = self.interrupted("saving", "stop", "web")
        self.assertIn("xendomainsctl status", said)
        self.wait_for("saved")

    def test_restart_goes_on_without_its_client(self):
        self.host.guest("web", save_ms=1000)
        self.host.ctl("start", check=0)
        said = self.interrupted("saving", "restart", "web")
        self.assertIn("xendomainsctl cancel", said)
        self.host.wait_logged("STAGE_DONE", domain="web", stage="restore")

    def test_restart_goes_on_when_its_terminal_is_gone(self):
        self.host.guest("web", save_ms=1000)
        self.host.ctl("start", check=0)
        client = self.host.ctl_in_background("restart", "web")
        self.wait_for("saving")
        client.send_signal(signal.SIGHUP)
        client.wait()
        client.stdout.close()
        self.wait_for("running")

    def test_cancel_lets_what_has_begun_end_and_begins_nothing(self):
        self.host.native.write_text("[Host]\nParallelOperations=1\n")
        self.host.ctl("reload", check=0)
        self.host.guest("db", save_ms=1000)
        self.host.guest("web", save_ms=1000)
        self.host.ctl("start", check=0)
        client = self.host.ctl_in_background("restart", "--all")
        wait_until(lambda: "saving" in self.host.states().values(), "a save")
        said = json.loads(self.host.ctl("--json", "cancel", check=0))
        self.assertEqual((said["cancelled"], said["sequences"]), (1, [{"goal": "restart"}]))
        [left] = said["left"]
        self.assertEqual((left["stage"], left["goes_on"]), ("save", True))
        self.assertEqual(client.wait(), 1)
        client.stdout.close()
        states = self.host.states()
        self.assertEqual(sorted(states.values()), ["running", "saved"])
        self.assertEqual(states[left["name"]], "saved")
        self.assertEqual(json.loads(self.host.ctl("--json", "cancel", check=0)),
                         {"cancelled": 0, "sequences": [], "left": []})
        self.assertEqual(self.host.ctl("cancel", check=0), "Nothing to cancel: no start, stop or restart is under way\n")
        self.host.ctl("cancel", "web", check=2)

    def test_cancel_tells_what_goes_on_and_what_to_type(self):
        for name in ("db", "web"):
            self.host.guest(name, save_ms=3000)
        self.host.ctl("start", check=0)
        clients = [self.host.ctl_in_background("restart", "db"), self.host.ctl_in_background("stop", "web")]
        wait_until(lambda: list(self.host.states().values()) == ["saving"] * 2, "both saves")
        said = self.host.ctl("cancel", check=0)
        for client in clients:
            client.communicate(timeout=LIMIT)
        self.assertEqual(sorted(said.splitlines()[:2]), ["Cancelled: restart of db", "Cancelled: stop of web"])
        self.assertRegex(said, r"\nGoes on to its end: (db \(save\), web \(save\)|web \(save\), db \(save\))\n")
        self.assertNotIn("Not waited for", said)
        self.assertIn("'xendomainsctl status'", said)
        self.assertIn("'xendomainsctl start db'", said)

    def test_cancel_ends_the_wait_for_a_guest_that_does_not_answer(self):
        self.host.configure(SAVE="", STOP_MAXWAIT="")
        self.host.ctl("reload", check=0)
        self.host.guest("web", off_ms=600000)
        self.host.ctl("start", check=0)
        client = self.host.ctl_in_background("stop", "web")
        self.host.wait_logged("STAGE_STARTED", domain="web", stage="shutdown")
        said = self.host.ctl("cancel", check=0)
        self.assertIn("Cancelled: stop of web\nNot waited for: web (shutdown). ", said)
        self.assertNotIn("Goes on", said)
        self.assertNotIn("xendomainsctl start", said)
        self.assertEqual(client.wait(), 1)
        client.stdout.close()
        self.assertEqual(self.host.states(), {"web": "running"})

    def test_nothing_is_claimed_while_nothing_was_begun(self):
        self.host.guest("web")
        self.host.ctl("start", check=0)
        with Terminal(self.host.command_line("stop")) as terminal:
            terminal.read_until("[y/N]")
            terminal.type("\x03")
            self.assertEqual(terminal.finish(), -signal.SIGINT)
            self.assertNotIn("xendomainsctl status", terminal.said)
        self.assertEqual(self.host.states(), {"web": "running"})


if __name__ == "__main__":
    unittest.main()
