# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 of daemon and workers, at each of their steps. No guest is lost, none runs twice."""

import contextlib
import os
import subprocess
import unittest

from fakehost import KILLER, NOT_POSSIBLE, FakeHost, each_step, wait_until

# An operation makes fewer steps than this; a sweep that reaches it does not end.
STEPS_MAX = 200


def trap(program, step, verb=None):
    """The environment in which a program is killed at its Nth step."""
    trapped = {"LD_PRELOAD": str(KILLER), "KILL_IN": program, "KILL_AT": str(step)}
    return trapped | ({"KILL_VERB": verb} if verb else {})


def lives(host):
    """How often the guest began to run from each of its boots."""
    runs = {}
    for line in host.history():
        if line[-2] == "running":
            runs.setdefault(line[-1], []).append(line[0])
    return runs


def check_one_life(test, host, name, boot):
    """The guest is either a domain or an image, never both and never neither, and its own."""
    domains = host.domains()
    images = [image for image in host.images() if not image.endswith(".part")]
    if name in domains:
        test.assertEqual(domains[name]["state"], "running", host.history())
        test.assertEqual(domains[name]["boot"], boot, "it was started afresh")
        test.assertEqual(images, [], "an image beside the running guest")
    else:
        test.assertEqual(images, [name], f"the guest is lost: {host.history()}")


class KilledWorker(unittest.TestCase):
    """The worker dies at step N; another one, which is not trapped, puts things in order."""

    def sweep(self, prepare, act, check, verb="operate"):
        """Kills at step 1, 2, ... until the operation gets through. Returns how many there were."""
        for step in each_step(STEPS_MAX):
            with self.subTest(step=step), FakeHost() as host:
                remembered = prepare(host)
                host.start_daemon(**trap("worker", step, verb))
                act(host)
                wait_until(lambda: not host.operations(), "order")
                died = host.logged("WORKER_LOST")
                check(host, remembered)
                host.stop_daemon()
                if not died:
                    return step - 1
        raise AssertionError("the operation never got through")

    def running_guest(self, host):
        host.guest("web")
        assert host.once("start") == 0
        return host.boot("web")

    def saved_guest(self, host):
        boot = self.running_guest(host)
        assert host.once("stop") == 0
        return boot

    def test_save_loses_no_guest(self):
        def save(host):
            host.configure(SHUTDOWN="", SHUTDOWN_ALL="")
            host.ctl("reload", check=0)
            host.ctl("stop", "web")

        steps = self.sweep(self.running_guest, save,
                           lambda host, boot: check_one_life(self, host, "web", boot))
        self.assertGreater(steps, 10)

    def test_restore_loses_no_guest_and_restores_none_twice(self):
        def check(host, boot):
            check_one_life(self, host, "web", boot)
            for domids in lives(host).values():
                self.assertLessEqual(len(set(domids)), 2, "restored twice")
            if not host.domains():
                host.stop_daemon()
                self.assertEqual(host.once("start"), 0)
                self.assertEqual(host.boot("web"), boot)

        steps = self.sweep(self.saved_guest, lambda host: host.ctl("start"), check)
        self.assertGreater(steps, 10)

    def test_restore_whose_guest_cannot_be_unpaused_keeps_its_image(self):
        def let_go(host, yes):
            with host.world() as world:
                world["unpause_fails"] = not yes

        def prepare(host):
            boot = self.saved_guest(host)
            let_go(host, False)
            return boot

        def check(host, boot):
            self.assertEqual((host.domains(), host.images()), ({}, ["web"]))
            let_go(host, True)
            host.stop_daemon()
            self.assertEqual(host.once("start"), 0)
            self.assertEqual(host.boot("web"), boot)

        self.assertGreater(self.sweep(prepare, lambda host: host.ctl("start", check=1), check), 10)

    def test_create_leaves_a_whole_guest_or_none(self):
        def check(host, _):
            self.assertIn([d["state"] for d in host.domains().values()], ([], ["running"]))
            if not host.domains():
                host.stop_daemon()
                self.assertEqual(host.once("start"), 0)

        steps = self.sweep(lambda host: host.guest("web"), lambda host: host.ctl("start"), check)
        self.assertGreater(steps, 5)

    def test_restart_brings_the_guest_back(self):
        def prepare(host):
            host.guest("web", on={"reboot": "restart"})
            assert host.once("start") == 0
            return host.boot("web")

        def reboot(host):
            with host.world() as world:
                world["domains"][0]["state"] = "reboot"
            wait_until(lambda: host.domains().get("web", {}).get("state") == "running",
                       "the guest to be back")

        def check(host, boot):
            self.assertEqual(len(host.domains()), 1)
            self.assertNotEqual(host.boot("web"), boot)

        self.assertGreater(self.sweep(prepare, reboot, check), 5)

    def test_destroy_is_done_all_the_same(self):
        def prepare(host):
            self.running_guest(host)

        def power_off(host):
            with host.world() as world:
                world["domains"][0]["state"] = "poweroff"
            wait_until(lambda: not host.domains(), "the domain to go")

        self.assertGreater(self.sweep(prepare, power_off, lambda *_: None), 2)

    def test_survey_that_dies_fails_the_start_and_nothing_else(self):
        with FakeHost() as host:
            host.guest("web")
            host.start_daemon(**trap("worker", 1, "survey"))
            self.assertEqual(host.call("Start")["error"], NOT_POSSIBLE)
            host.stop_daemon()
            host.start_daemon()
            host.ctl("start", check=0)

    def test_killed_in_mid_save_the_guest_runs_on_and_is_shut_down(self):
        with FakeHost() as host:
            host.guest("web", save_ms=60000, off_ms=50)
            host.start_daemon()
            host.ctl("start", check=0)
            boot = host.boot("web")
            stop = host.ctl_in_background("stop")
            wait_until(lambda: host.domains()["web"]["state"] == "suspended", "the save")
            host.kill_worker("web")
            stop.communicate()
            self.assertEqual(len(host.logged("WORKER_LOST", domain="web", operation="save")), 1)
            self.assertEqual(host.stages("web", "STAGE_FAILED"), ["save"])
            self.assertEqual(host.stages("web")[-1], "shutdown")
            self.assertIn(["1", "web", "running", boot],
                          host.history()[2:], "it was not resumed")
            self.assertEqual(host.images(), [])


class KilledDaemon(unittest.TestCase):
    """The daemon dies; its workers finish, and the next daemon knows how it ended."""

    def test_guests_run_on(self):
        with FakeHost() as host:
            host.guest("web")
            host.start_daemon()
            host.ctl("start", check=0)
            before = host.history()
            host.kill_daemon()
            host.start_daemon()
            self.assertEqual(host.states(), {"web": "running"})
            self.assertEqual(host.status()["web"]["manager"], "xendomainsd")
            self.assertEqual(host.history(), before)

    def test_in_mid_save_the_worker_finishes_and_the_stop_can_be_finished(self):
        with FakeHost() as host:
            for name in ("a", "b", "c"):
                host.guest(name, save_ms=4000)
            host.native.write_text("[Host]\nParallelOperations=2\n")
            host.start_daemon()
            host.ctl("start", check=0)
            stop = host.ctl_in_background("stop")
            host.worker("a")
            host.worker("b")
            host.kill_daemon()
            host.start_daemon()
            # The client makes its call again, by itself, and c has its turn as soon as b is saved.
            self.assertEqual(host.states()["a"], "saving")
            said, _ = stop.communicate()
            self.assertEqual(stop.returncode, 0, said)
            self.assertEqual(host.images(), ["a", "b", "c"])
            self.assertEqual(sum("suspended" in line for line in host.history()), 3)

    def test_worker_that_ended_meanwhile_is_not_forgotten(self):
        with FakeHost() as host:
            host.guest("web", deaf=True)
            host.configure(SHUTDOWN="", SHUTDOWN_ALL="")
            host.start_daemon()
            host.ctl("start", check=0)
            with host.world() as world:
                world["domains"][0]["config"]["fake"] = {"save_ms": 300}
            stop = host.ctl_in_background("stop", "web")
            host.worker("web")
            host.kill_daemon()
            stop.kill()
            stop.communicate()
            wait_until(lambda: host.images() == ["web"] and not host.domains(), "the save to end")
            host.start_daemon()
            wait_until(lambda: not host.operations(), "the result to be taken")
            self.assertEqual(host.states(), {"web": "saved"})

    def test_worker_that_was_killed_too_is_recovered(self):
        with FakeHost() as host:
            host.guest("web", save_ms=60000)
            host.start_daemon()
            host.ctl("start", check=0)
            boot = host.boot("web")
            stop = host.ctl_in_background("stop", "web")
            wait_until(lambda: host.domains()["web"]["state"] == "suspended", "the save")
            host.kill_daemon()
            host.kill_worker("web")
            stop.kill()
            stop.communicate()
            host.start_daemon()
            wait_until(lambda: not host.operations(), "order")
            check_one_life(self, host, "web", boot)
            self.assertEqual(len(host.logged("WORKER_LOST", domain="web", operation="save")), 1)
            self.assertTrue(host.reasons()["web"])

    def test_at_each_step_of_a_stop(self):
        self.sweep("stop", before=("start",))

    def test_at_each_step_of_a_start(self):
        self.sweep("start", before=("start", "stop"))

    def sweep(self, goal, before):
        for step in each_step(STEPS_MAX):
            with self.subTest(step=step), FakeHost() as host:
                host.guest("web")
                host.guest("db")
                boots = {}
                for past in before:
                    self.assertEqual(host.once(past), 0)
                    boots |= {name: d["boot"] for name, d in host.domains().items()}
                died = host.once(goal, **trap("xendomainsd-fake", step)) == -9
                self.assertEqual(host.once(goal), 0)
                for name, boot in boots.items():
                    check_one_life_of(self, host, name, boot)
                self.assertEqual(sorted(host.domains()) if goal == "start" else host.images(),
                                 ["db", "web"])
                if not died:
                    self.assertGreater(step, 10)
                    return
        raise AssertionError("the daemon never got through")


def check_one_life_of(test, host, name, boot):
    domain, image = host.domains().get(name), name in host.images()
    test.assertNotEqual(bool(domain), image, f"{name} is lost, or there twice")
    if domain:
        test.assertEqual(domain["boot"], boot, f"{name} was started afresh")


def mount(test, folder, size):
    """Mounts a file system of its own there, for as long as the test lasts."""
    if os.geteuid() != 0:
        test.skipTest("only root can mount a file system")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                          capture_output=True)
    if done.returncode != 0:
        test.skipTest("a file system cannot be mounted here")
    test.addCleanup(subprocess.run, ["umount", "-l", folder], check=True)


class FullRun(unittest.TestCase):
    """Something else has filled /run."""

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        mount(self, self.host.run, "4m")
        self.host.guest("web")
        self.host.guest("db")

    def fill(self):
        with contextlib.suppress(OSError), (self.host.run / "junk").open("ab", buffering=0) as junk:
            while True:
                junk.write(bytes(4096))

    def test_guests_are_saved_all_the_same(self):
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.fill()
        self.host.ctl("stop", check=0)
        self.assertEqual(self.host.images(), ["db", "web"])

    def test_they_are_without_a_daemon_that_has_made_a_lock(self):
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.kill_daemon()
        (self.host.run / "manager.lock").unlink()
        self.fill()
        self.assertEqual(self.host.once("stop"), 0)
        self.assertEqual(self.host.images(), ["db", "web"])


class FullDisk(unittest.TestCase):
    """A file system of its own, too small for an image."""

    def setUp(self):
        self.host = self.enterContext(FakeHost())
        mount(self, self.host.save, "12m")

    def test_guest_is_not_even_suspended_and_is_shut_down_instead(self):
        self.host.guest("web", off_ms=50)
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        step = self.host.plan("stop")["web"]
        self.assertEqual(step["stages"], ["shutdown", "shutdown-all"])
        self.assertIn(" 17 MiB", step["reason"])
        outcome = self.host.outcome("stop", check=0)
        self.assertIn(" 17 MiB", outcome["web"]["reason"])
        self.assertEqual(self.host.stages("web")[-1], "shutdown")
        self.expect_untouched()

    def test_room_that_is_only_found_to_be_missing_at_the_save_is_claimed_first(self):
        # The guest may well be migrated, so that the plan does not count with its image.
        self.host.configure(MIGRATE="-s false nowhere")
        self.host.guest("web", off_ms=50)
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        failed = [(entry["XEN_STAGE"], "MiB" in entry["MESSAGE"])
                  for entry in self.host.logged("STAGE_FAILED", domain="web")]
        self.assertEqual(failed, [("migrate", False), ("save", True)])
        self.assertEqual(self.host.stages("web")[-1], "shutdown")
        self.expect_untouched()

    def test_saves_have_room_together_or_are_not_begun(self):
        for number in range(2):
            self.host.guest(f"web{number}", off_ms=50)
        subprocess.run(["mount", "-o", "remount,size=30m", self.host.save], check=True)
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        self.host.ctl("stop", check=0)
        self.assertEqual([self.host.stages(name)[-1] for name in ("web0", "web1")], ["save", "shutdown"])
        self.assertEqual(self.host.logged("STAGE_FAILED"), [])
        self.assertEqual(self.host.images(), ["web0"])

    def test_part_that_is_not_written_any_more_is_no_room(self):
        self.host.guest("web", off_ms=50)
        self.host.start_daemon()
        self.host.ctl("start", check=0)
        subprocess.run(["mount", "-o", "remount,size=40m", self.host.save], check=True)
        (self.host.save / "gone.part").write_bytes(bytes(30 << 20))
        self.assertEqual(self.host.plan("stop")["web"]["stages"], ["shutdown", "shutdown-all"])

    def test_room_is_what_it_is_when_the_stop_begins(self):
        for size, images in (("100m", ["web"]), ("1m", [])):
            with self.subTest(size=size):
                self.host.guest("web", off_ms=50)
                if not self.host.daemon:
                    self.host.start_daemon()
                self.host.ctl("start", check=0)
                subprocess.run(["mount", "-o", f"remount,size={size}", self.host.save], check=True)
                self.host.ctl("stop", check=0)
                self.assertEqual(self.host.images(), images)
                self.assertEqual(self.host.logged("STAGE_FAILED"), [])

    def expect_untouched(self):
        self.assertFalse(any("suspended" in line for line in self.host.history()))
        self.assertEqual(self.host.images(), [])


if __name__ == "__main__":
    unittest.main()
