# SPDX-License-Identifier: GPL-2.0-or-later
"""Xen's xendomains script and us, side by side, on the same guests and the same settings.

What is compared is the exit code and what became of each guest: `on`, it went on where it was;
`afresh`, it booted; `saved`, only its image is there; `off`, nothing of it is; `ended`, it runs no
more, and its domain is still there; `put aside`, its image was. Whatever differs, and why, is told in
docs/migrating.md.
"""

from xenrig import Guest, Host, pv, pvh, scenario
from xenrig.differ import LOCK, Case, Outcome, Side, compare
from xenrig.host import AUTO, SAVE

P1, P2, Q1 = pv("p1"), pv("p2"), pv("q1")
DEAF, SLOW = pv("deaf", off="never"), pv("slow", off=8)
CRASHES = pv("crashes", off="crash")
PRESERVED = pv("crashes", 'on_crash = "preserve"', off="crash")
GLOB, WORDS_2 = pv("p*"), pv("two words")
BIG = pv("big", memory=768)

SHUTDOWN_ONLY = {"SAVE": ""}
SAVE_ONLY = {"SHUTDOWN": "", "SHUTDOWN_ALL": ""}
NOTHING = {"SAVE": "", "SHUTDOWN": "", "SHUTDOWN_ALL": ""}


# Preparations.

def has_run(host: Host, side: Side) -> None:
    """To the script, guests are started while its lock file is there."""
    if side.name == "script":
        host.sh(f"touch {LOCK}")


def files(**texts: Guest | str):
    """More files in XENDOMAINS_AUTO; in the keywords, `__` is a space and `_` a dot."""
    def write(host: Host, side: Side) -> None:
        for name, text in texts.items():
            put_file(host, name.replace("__", " ").replace("_", "."), text)
    return write


def put_file(host: Host, name: str, text: Guest | str) -> None:
    host.put(f"{AUTO}/{name}", text if isinstance(text, str) else text.cfg())


def leftovers(host: Host, side: Side) -> None:
    for name in ("p2.cfg~", "q1.cfg.dpkg-old"):
        put_file(host, name, pv(name[:2]))
    host.sh(f"mkdir {AUTO}/folder")


def web_and_web_1(host: Host, side: Side) -> None:
    for name in ("web", "web-1"):
        put_file(host, name, pv(name))


def links(host: Host, side: Side) -> None:
    host.sh(f"ln -s {host.cfg(P1)} {AUTO}/link.cfg")


def cut_short(host: Host, side: Side) -> None:
    host.sh(f"truncate --size=-1M {SAVE}/p1")


def foreign_file(host: Host, side: Side) -> None:
    host.put(f"{SAVE}/p1.cfg", "not an image\n")


def small_disk(host: Host, side: Side) -> None:
    host.sh(f"mkdir -p {SAVE} && mount -t tmpfs -o size=30m tmpfs {SAVE}")


def unmount(host: Host) -> None:
    host.sh(f"rm -f {SAVE}/*; umount {SAVE}", check=False)


def pause(host: Host, side: Side) -> None:
    host.sh("xl pause p1")


def crash(host: Host, side: Side) -> None:
    host.sh("xl shutdown crashes")
    host.sh("until xl list crashes | grep -q -e -sc-; do sleep 0.5; done", timeout=60)


def zombie(host: Host, side: Side) -> None:
    """A domain that stays dying for as long as its console is mapped."""
    host.sh("killall -STOP xenconsoled; xl destroy q1")


def no_zombie(host: Host) -> None:
    host.sh("killall -CONT xenconsoled")


def lock_file(host: Host, side: Side) -> None:
    host.sh(f"touch {LOCK}")


def started_and_died(host: Host, side: Side) -> None:
    side.begin(host)
    side.run(host, "start", 90)
    host.wait_count("p1")
    host.sh("xl destroy p1; rm -f /var/log/xen/console/guest-p1.log")


def two_of_one_name(host: Host, side: Side) -> None:
    put_file(host, "other.cfg", P1)


def name_in_shell(host: Host, side: Side) -> None:
    host.sh("rm -f executed")
    # Before p1.cfg: patterns behind the one that matches are not looked at.
    put_file(host, "a.cfg", pv("$(touch executed)"))


def somebody_elses_xl(host: Host, side: Side) -> None:
    """Something that looks like xl at its work for somebody else."""
    host.sh("bash -c 'exec -a \"/usr/sbin/xl save 99 /root/image\" sleep 300' </dev/null"
            " >/dev/null 2>&1 & echo $! >/run/somebody")


def command_in_settings(host: Host, side: Side) -> None:
    host.sh("echo 'XENDOMAINS_MIGRATE=$(echo)' >>/etc/default/xendomains")


def shell_syntax(host: Host, side: Side) -> None:
    host.sh(f"mkdir -p {SAVE}2; cat >>/etc/default/xendomains <<'EOT'\n"
            f"# a comment\nBASE=\"{SAVE}\" # and another\nexport XENDOMAINS_SAVE=${{BASE}}'2'\nEOT\n")


# What is looked at besides.

def mode_of_image(host: Host, outcome: Outcome) -> str:
    return "image has mode " + host.sh(f"stat -c %a {SAVE}/p1").out.strip()


def whole_image(host: Host, outcome: Outcome) -> str:
    size = host.sh(f"stat -c %s {SAVE}/p1", check=False).out.strip()
    if not size:
        return "no image"
    return "whole image" if int(size) > 90 << 20 else "part of an image"


def sysrq_heard(host: Host, outcome: Outcome) -> str:
    return "sync" if "Emergency Sync" in host.console("p1") else "no sync"


def asked(host: Host, outcome: Outcome) -> str:
    return "asked" if "asked to power off" in host.console("deaf") else "not asked"


def paused_in_full(host: Host, outcome: Outcome) -> str:
    return "paused in full" if outcome.seconds >= 60 else "paused less"


def executed(host: Host, outcome: Outcome) -> str:
    return "executed" if host.sh("rm executed", check=False).code == 0 else "not executed"


def somebody_lives(host: Host, outcome: Outcome) -> str:
    return "xl lives" if host.sh("kill $(cat /run/somebody)", check=False).code == 0 else "xl killed"


def elsewhere(host: Host, outcome: Outcome) -> str:
    return "in " + host.sh(f"cd {SAVE}2; echo *; rm -rf {SAVE}2").out.strip()


# The table.

STOP_SETTINGS = (
    Case("save", "XENDOMAINS_SAVE is a folder", "stop",
         "exit 0, p1 saved, q1 saved", "exit 0, p1 saved, q1 saved",
         auto=(P1,), running=(P1, Q1)),
    Case("save-empty", "XENDOMAINS_SAVE is empty", "stop",
         "exit 0, p1 off", "exit 0, p1 off",
         settings=SHUTDOWN_ONLY, auto=(P1,), running=(P1,)),
    Case("save-absent", "XENDOMAINS_SAVE is not set", "stop",
         "exit 0, p1 off", "exit 0, p1 saved", "a-variable-that-is-not-set",
         settings={"SAVE": None}, auto=(P1,), running=(P1,)),
    Case("auto-only", "XENDOMAINS_AUTO_ONLY=true, q1 is not in AUTO", "stop",
         "exit 0, p1 saved, q1 on", "exit 0, p1 saved, q1 on",
         settings={"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}, auto=(P1,), running=(P1, Q1)),
    Case("auto-only-yes", "XENDOMAINS_AUTO_ONLY=yes, q1 is not in AUTO", "stop",
         "exit 0, p1 saved, q1 saved", "exit 0, p1 saved, q1 on", "words-for-true-and-false",
         settings={"AUTO_ONLY": "yes", "SHUTDOWN_ALL": ""}, auto=(P1,), running=(P1, Q1)),
    Case("auto-only-and-all", "AUTO_ONLY=true and SHUTDOWN_ALL, q1 is not in AUTO", "stop",
         "exit 0, p1 saved, q1 off", "exit 0, p1 saved, q1 off",
         settings={"AUTO_ONLY": "true"}, auto=(P1,), running=(P1, Q1)),
    Case("auto-only-empty-folder", "AUTO_ONLY=true, nothing in AUTO", "stop",
         "exit 0, q1 saved", "exit 0, q1 on", "xendomains_auto_only",
         settings={"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}, running=(Q1,)),
    Case("nothing", "SAVE, SHUTDOWN and SHUTDOWN_ALL are empty", "stop",
         "exit 0, p1 on", "exit 0, p1 on",
         settings=NOTHING, auto=(P1,), running=(P1,)),
    Case("shutdown-no-wait", "XENDOMAINS_SHUTDOWN=-F, which is without --wait", "stop",
         "exit 0, deaf on, asked", "exit 0, deaf on, asked",
         settings=NOTHING | {"SHUTDOWN": "-F"}, auto=(DEAF,), running=(DEAF,), look=asked),
    Case("shutdown-halt", "XENDOMAINS_SHUTDOWN=--halt, which xl does not know any more", "stop",
         "exit 0, deaf on, not asked", "exit 0, deaf on, asked", "xendomains_shutdown",
         settings=NOTHING | {"SHUTDOWN": "--halt"}, auto=(DEAF,), running=(DEAF,), look=asked),
    Case("shutdown-slow", "XENDOMAINS_SHUTDOWN=--wait, the guest takes 8 s", "stop",
         "exit 0, slow off", "exit 0, slow off",
         settings=NOTHING | {"SHUTDOWN": "--wait"}, auto=(SLOW,), running=(SLOW,)),
    Case("shutdown-all-only", "only XENDOMAINS_SHUTDOWN_ALL is set", "stop",
         "exit 0, p1 off, q1 off", "exit 0, p1 off, q1 off",
         settings=NOTHING | {"SHUTDOWN_ALL": "--all --wait"}, auto=(P1,), running=(P1, Q1)),
    Case("maxwait", "STOP_MAXWAIT=4, a guest ignores the shutdown", "stop",
         "no end, deaf on, asked or exit 0, deaf on, asked", "exit 1, deaf on, asked",
         "xendomains_stop_maxwait",
         settings=SHUTDOWN_ONLY | {"STOP_MAXWAIT": "4"}, auto=(DEAF,), running=(DEAF,), look=asked,
         limit=45),
    Case("maxwait-zero", "STOP_MAXWAIT=0 is no limit, a guest ignores the shutdown", "stop",
         "no end, deaf on, asked", "no end, deaf on, asked",
         settings=SHUTDOWN_ONLY | {"STOP_MAXWAIT": "0"}, auto=(DEAF,), running=(DEAF,), look=asked,
         limit=15),
    Case("sysrq", "XENDOMAINS_SYSRQ=s, then save", "stop",
         "exit 0, p1 saved, sync", "exit 0, p1 saved, sync",
         settings={"SYSRQ": "s"}, auto=(P1,), running=(P1,), look=sysrq_heard),
    Case("sysrq-only", "XENDOMAINS_SYSRQ=s and no other stage", "stop",
         "exit 0, p1 on, sync", "exit 0, p1 on, sync",
         settings=NOTHING | {"SYSRQ": "s"}, auto=(P1,), running=(P1,), look=sysrq_heard),
    Case("migrate-unreachable", "XENDOMAINS_MIGRATE is a host that does not exist", "stop",
         "exit 0, p1 saved", "exit 0, p1 saved",
         settings={"MIGRATE": "nowhere.invalid"}, auto=(P1,), running=(P1,)),
    Case("shell-syntax", "quotes, comments, export and an own variable in the settings", "stop",
         "exit 0, p1 off, in p1", "exit 0, p1 off, in p1",
         auto=(P1,), running=(P1,), prepare=shell_syntax, look=elsewhere),
)

START_SETTINGS = (
    Case("restore", "XENDOMAINS_RESTORE=true, p1 has an image", "start",
         "exit 0, p1 on, p2 afresh", "exit 0, p1 on, p2 afresh",
         auto=(P1, P2), saved=(P1,)),
    Case("restore-without-config", "an image of a guest that is not in AUTO", "start",
         "exit 0, q1 on", "exit 0, q1 on", saved=(Q1,)),
    Case("restore-false", "XENDOMAINS_RESTORE=false, p1 has an image", "start",
         "exit 0, p1 afresh and saved", "exit 0, p1 afresh and put aside", "xendomains_restore",
         settings={"RESTORE": "false"}, auto=(P1,), saved=(P1,)),
    Case("restore-absent", "XENDOMAINS_RESTORE is not set, p1 has an image", "start",
         "exit 0, p1 afresh and saved", "exit 0, p1 on", "a-variable-that-is-not-set",
         settings={"RESTORE": None}, auto=(P1,), saved=(P1,)),
    Case("auto-empty", "XENDOMAINS_AUTO is empty", "start",
         "exit 0, p1 off", "exit 0, p1 off", settings={"AUTO": ""}, auto=(P1,)),
    Case("auto-absent", "XENDOMAINS_AUTO is not set", "start",
         "exit 0, p1 off", "exit 0, p1 afresh", "a-variable-that-is-not-set",
         settings={"AUTO": None}, auto=(P1,)),
    Case("auto-link", "a link in XENDOMAINS_AUTO", "start",
         "exit 0, p1 afresh", "exit 0, p1 afresh", prepare=links),
    Case("auto-running", "p1 of AUTO runs already", "start",
         "exit 0, p1 on", "exit 0, p1 on", auto=(P1,), running=(P1,)),
    Case("create-usleep", "CREATE_USLEEP=30000000, two guests", "start",
         "exit 0, p1 afresh, p2 afresh, paused in full",
         "exit 0, p1 afresh, p2 afresh, paused less", "xendomains_create_usleep",
         settings={"CREATE_USLEEP": "30000000"}, auto=(P1, P2), look=paused_in_full, limit=180),
)

WORDS = (
    Case("lock-file", "the lock file of a start that was never stopped", "start",
         "exit 0, p1 off", "exit 0, p1 afresh", "lock-file", auto=(P1,), prepare=lock_file),
    Case("start-twice", "p1 was started and died; start again", "start",
         "exit 0, p1 off", "exit 0, p1 afresh", "lock-file",
         auto=(P1,), prepare=started_and_died),
    Case("reload", "SAVE is empty, p1 runs", "reload",
         "exit 0, p1 afresh", "exit 0, p1 on", "reload",
         settings=SHUTDOWN_ONLY, auto=(P1,), running=(P1,), prepare=has_run),
    Case("restart", "p1 of AUTO and q1 made by hand run", "restart",
         "exit 0, p1 on, q1 on", "exit 0, p1 on, q1 on",
         auto=(P1,), running=(P1, Q1), prepare=has_run),
    Case("status-up", "all of AUTO run", "status",
         "exit 0, p1 on", "exit 0, p1 on", auto=(P1,), running=(P1,), prepare=has_run),
    Case("status-missing", "p2 of AUTO does not run", "status",
         "exit 1, p1 on, p2 off", "exit 1, p1 on, p2 off",
         auto=(P1, P2), running=(P1,), prepare=has_run),
    Case("status-nothing", "no guest runs, after a stop", "status",
         "exit 3, p1 off", "exit 3, p1 off", auto=(P1,)),
    Case("status-without-lock", "all of AUTO run, but were not started by a start", "status",
         "exit 3, p1 on", "exit 0, p1 on", "lock-file", auto=(P1,), running=(P1,)),
    Case("status-saved", "all of AUTO run, and a guest that is not in AUTO has an image", "status",
         "exit 1, p1 on, q1 saved", "exit 0, p1 on, q1 saved", "status",
         auto=(P1,), running=(P1,), saved=(Q1,), prepare=has_run),
)

START_TROUBLES = (
    Case("space-in-file-name", "\"two words.cfg\" in AUTO", "start",
         "exit 0, p1 off", "exit 0, p1 afresh", "files-in-xendomains_auto",
         others=("p1",), prepare=files(two__words_cfg=P1)),
    Case("leftovers", "p2.cfg~, q1.cfg.dpkg-old and a folder in AUTO", "start",
         "exit 0, p1 afresh, p2 afresh, q1 afresh", "exit 0, p1 afresh",
         "files-in-xendomains_auto", auto=(P1,), prepare=leftovers),
    Case("broken-config", "a configuration with a mistake beside a good one", "start",
         "exit 0, p1 afresh", "exit 1, p1 afresh", "exit-codes",
         auto=(P1,), prepare=files(broken_cfg='name = "broken"\nmemory 96\n')),
    Case("two-of-one-name", "two configurations with the name p1", "start",
         "exit 0, p1 afresh", "exit 1, p1 off", "files-in-xendomains_auto",
         auto=(P1,), prepare=two_of_one_name),
    Case("web-and-web-1", "web and web-1 in AUTO, an image of web-1", "start",
         "exit 0, web off, web-1 on", "exit 0, web afresh, web-1 on", "which-guest-is-meant",
         saved=(pv("web-1"),), others=("web",), prepare=web_and_web_1),
    Case("foreign-file", "a file in SAVE that is no image and is called p1.cfg", "start",
         "exit 0, p1 off, p1.cfg off and saved", "exit 0, p1 afresh, p1.cfg off and saved",
         "which-guest-is-meant", auto=(P1,), prepare=foreign_file),
    Case("image-cut-short", "the image of p1 lacks its end", "start",
         "exit 0, p1 afresh and saved", "exit 1, p1 saved", "images",
         auto=(P1,), saved=(P1,), prepare=cut_short),
    Case("command-in-settings", "the settings hold a command", "start",
         "exit 0, p1 afresh", "exit 1, p1 off", "the-file-is-read-and-not-executed",
         auto=(P1,), prepare=command_in_settings),
)

STOP_TROUBLES = (
    Case("mode-of-image", "who can read an image", "stop",
         "exit 0, p1 saved, image has mode 644", "exit 0, p1 saved, image has mode 600", "images",
         auto=(P1,), running=(P1,), look=mode_of_image),
    Case("glob-in-name", "AUTO_ONLY=true; of p* and p1 only p* is in AUTO", "stop",
         "exit 0, p* off, p1 saved", "exit 0, p* saved, p1 on", "which-guest-is-meant",
         settings={"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}, running=(P1, GLOB),
         prepare=files(glob_cfg=GLOB)),
    Case("shell-in-name", "AUTO_ONLY=true; a guest of AUTO is called $(touch executed)", "stop",
         "exit 0, p1 saved, executed", "exit 0, p1 saved, not executed", "which-guest-is-meant",
         settings={"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}, auto=(P1,), running=(P1,),
         prepare=name_in_shell, look=executed),
    Case("space-in-name", "a guest is called \"two words\"", "stop",
         "exit 0, two words off", "exit 0, two words saved", "images", running=(WORDS_2,)),
    Case("name-of-a-device", "AUTO_ONLY=true; p2 is in AUTO, a channel of q1 is called p2", "stop",
         "exit 0, p2 saved, q1 off", "exit 0, p2 off, q1 on", "which-guest-is-meant",
         settings={"AUTO_ONLY": "true", "SHUTDOWN_ALL": ""}, auto=(P2,),
         running=(pv("q1", 'channel = ["connection=pty,name=p2"]'),)),
    Case("somebody-elses-xl", "STOP_MAXWAIT=2; somebody else's \"xl save\" is at work", "stop",
         "exit 0, big saved, xl killed or exit 0, big off, xl killed",
         "exit 0, big off, xl lives or exit 0, big saved, xl lives", "xendomains_stop_maxwait",
         settings={"STOP_MAXWAIT": "2"}, auto=(BIG,), running=(BIG,), prepare=somebody_elses_xl,
         look=somebody_lives),
    Case("full-disk", "no room under SAVE", "stop",
         "exit 0, p1 ended and saved, part of an image or exit 0, p1 saved, part of an image",
         "exit 0, p1 off, no image", "images",
         auto=(P1,), running=(P1,), prepare=small_disk, look=whole_image, restore=unmount),
    Case("failed-stop", "no room under SAVE, and no stage after it", "stop",
         "exit 0, p1 on and saved", "exit 1, p1 on", "exit-codes",
         settings=SAVE_ONLY, auto=(P1,), running=(P1,), prepare=small_disk, restore=unmount),
    Case("crashes-at-shutdown", "SAVE is empty, a guest crashes when it is shut down", "stop",
         "exit 0, crashes off", "exit 0, crashes off",
         settings=SHUTDOWN_ONLY, auto=(CRASHES,), running=(CRASHES,)),
    Case("paused", "p1 is paused", "stop",
         "exit 0, p1 paused and saved, part of an image", "exit 0, p1 saved, whole image",
         "paused-guests",
         settings=SAVE_ONLY, auto=(P1,), running=(P1,), prepare=pause, look=whole_image),
    Case("crashed", "a guest has crashed and is preserved", "stop",
         "exit 0, crashes crashed", "exit 0, crashes off", "guests-that-have-ended",
         settings={"SAVE": "", "SHUTDOWN_ALL": ""}, auto=(PRESERVED,), running=(PRESERVED,),
         prepare=crash),
    Case("zombie", "a domain that stays dying, beside p1", "stop",
         "exit 0, (null) dying, p1 saved, q1 off", "exit 0, (null) dying, p1 saved, q1 off",
         auto=(P1,), running=(P1, Q1), prepare=zombie, restore=no_zombie),
)

TABLES = (STOP_SETTINGS, START_SETTINGS, WORDS, START_TROUBLES, STOP_TROUBLES)
BRIEFLY = ("save", "auto-only", "restore", "status-without-lock", "web-and-web-1")


@scenario("five settings, side by side with Xen's script")
def briefly(host: Host) -> None:
    compare(host, tuple(case for table in TABLES for case in table if case.name in BRIEFLY))


@scenario("every setting of a stop, side by side with Xen's script")
def stop_settings(host: Host) -> None:
    compare(host, STOP_SETTINGS)


@scenario("every setting of a start, side by side with Xen's script")
def start_settings(host: Host) -> None:
    compare(host, START_SETTINGS)


@scenario("what can be asked for, side by side with Xen's script")
def words(host: Host) -> None:
    compare(host, WORDS)


@scenario("trouble at a start, side by side with Xen's script")
def start_troubles(host: Host) -> None:
    compare(host, START_TROUBLES)


@scenario("trouble at a stop, side by side with Xen's script")
def stop_troubles(host: Host) -> None:
    compare(host, STOP_TROUBLES)
