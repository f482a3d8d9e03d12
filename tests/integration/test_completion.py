#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bash and zsh complete on a command line of the client, typed at a terminal."""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from fakehost import CLIENT, FakeHost
from test_client import Terminal

FILES = pathlib.Path(__file__).parents[2] / "conf/completion"
PROMPT, DONE, NOISE = "<ready>", "<done>", "<noise>"
ALL, LEFT = "\x1b*", "\x02"

# Stands for the client: asks it, or a file, what a completion asks, and keeps the words of a call by hand.
STANDIN = f"""#!/bin/sh
case "$1 $2" in
"--names "*|--socket=*" --names")
	echo "$*" >>"$0.asked"
	echo "{NOISE}" >&2
	[ ! -e "$0.names" ] || exec cat "$0.names"
	exec {CLIENT.resolve()} "$@" ;;
esac
printf '%s\\0' "$@" >"$0.typed"
echo "{DONE}"
"""

# Of a host where the daemon runs if there is a file.
SYSTEMCTL = f"""#!/bin/sh
echo "{NOISE}"
echo "{NOISE}" >&2
[ "$*" = "is-active --quiet xendomainsd.service" ] && [ -e "$0.active" ]
"""

# A host that is busy with other tests has more time, unless there is a file.
TIMEOUT = """#!/bin/sh
[ -e "$0.exact" ] || { shift 2; set -- --foreground 60 "$@"; }
exec /usr/bin/timeout "$@"
"""

BASH = f"""
PS1='{PROMPT}'
set -H -u
source {FILES}/xendomainsctl.bash
"""

# As a package has it: bash-completion finds the file by its name, and knows sudo.
BASH_COMPLETION = f"""
PS1='{PROMPT}'
mkdir -p ~/.local/share/bash-completion/completions
cp {FILES}/xendomainsctl.bash ~/.local/share/bash-completion/completions/xendomainsctl
source /usr/share/bash-completion/bash_completion
"""

ZSH = f"""
PS1='{PROMPT}' LISTMAX=10000
unsetopt beep
fpath=({FILES} $fpath)
autoload -Uz compinit
compinit -u -D
zle -C all-matches complete-word _generic
bindkey '^[*' all-matches
zstyle ':completion:all-matches:*' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert yes
"""

# What a shell expands, executes or takes apart. What is executed leaves a file.
HOSTILE = ["two words", "  blanks ", "büro 日本", "sign😀$x", "it's", "''", "'", '"', 'say "hi"', '"$HOME"',
           "$HOME", "${HOME}", "$(touch pwned)", "`touch pwned`", "$((a[$(touch pwned)]))", "<(touch pwned)",
           "a;touch pwned", "a&touch pwned", "a|touch pwned", "a>pwned", "a<pwned", ">pwned", "(a)", "a)b",
           "*", "a*", "?", "[ab]", "{a,b}", "~", "~root", "a~b", "!", "!!", "a!b", "a!", 'a!"b', "a!'b", "^a^b",
           "#a", "=ls", "a=b", "a=~", "a:b", ":a", "a:b c", "a@b", "@a", "%1", "a%b", "\\", "a\\b", "a\\", "\\$x",
           "a,b", "a/b", "/", "+a", "\\n", "a\\ b", "\\xfc", "b c'd\"e$f`g\\h!i"]


def behind_backslashes(text):
    return "".join(c if c.isalnum() or c in "_-./" else "\\" + c for c in text)


def in_single_quotes(text):
    return "'" + text.replace("'", r"'\''")


def in_double_quotes(text):
    return '"' + "".join("\\" + c if c in '"$`\\' else c for c in text)


def beginnings(name):
    """Ways to type the beginning of a name."""
    half = name[:max(1, len(name) // 2)]
    quarter = half[:len(half) // 2]
    rest = half[len(quarter):]
    yield ""
    yield "'"
    yield '"'
    yield behind_backslashes(half)
    yield in_single_quotes(half)
    yield in_single_quotes(quarter) + "'" + behind_backslashes(rest)
    # No shell takes an exclamation mark as such there.
    if "!" not in half:
        yield in_double_quotes(half)
        yield in_single_quotes(quarter) + "'" + in_double_quotes(rest)


class Shell:
    """A shell at a terminal, on a host with these stand-ins. Use it as a context."""

    def __init__(self, command, setup):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="xendomainsd-"))
        self.home = self.root / "home"
        self.home.mkdir()
        for name, script in (("xendomainsctl", STANDIN), ("systemctl", SYSTEMCTL), ("timeout", TIMEOUT),
                             ("sudo", '#!/bin/sh\nexec "$@"\n')):
            (self.root / name).write_text(script)
            (self.root / name).chmod(0o755)
        self.said = ""
        (self.root / "setup").write_text(setup)
        self.terminal = Terminal(command, cwd=self.home, env=os.environ | {
            "PATH": f"{self.root}:{os.environ['PATH']}", "HOME": str(self.home), "ZDOTDIR": str(self.home),
            "LC_ALL": "C.UTF-8", "TERM": "dumb", "INPUTRC": "/dev/null", "HISTFILE": "/dev/null"})
        self.terminal.type(f" . {self.root}/setup\r")
        self.terminal.read_until(PROMPT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.terminal.__exit__()
        shutil.rmtree(self.root)

    def offer(self, *names):
        """From now on the client prints these names, and the daemon runs."""
        (self.root / "xendomainsctl.names").write_text("".join(f"{name}\n" for name in names))
        (self.root / "systemctl.active").touch()

    def asked(self):
        path = self.root / "xendomainsctl.asked"
        return path.read_text().splitlines() if path.exists() else []

    def type(self, keys, command="xendomainsctl "):
        """Types after the command, and returns the words that the client is called with then."""
        self.terminal.said = ""
        self.terminal.type(command + keys + "\r")
        self.terminal.read_until(DONE)
        self.said, self.terminal.said = self.terminal.said.split(DONE, 1)
        self.terminal.read_until(PROMPT)
        return (self.root / "xendomainsctl.typed").read_text().split("\0")[:-1]

    def offered(self, line):
        """All that is offered where a line ends, before which nothing is quoted."""
        return set(self.type(line + ALL)[len(line.split(" ")) - 1:])


@functools.cache
def usage():
    """What the client says of itself: its options, and its verbs with those that follow them."""
    said = subprocess.run([CLIENT, "--help"], capture_output=True, text=True, check=True).stdout
    verbs = dict(re.findall(r"(?m)^  ([a-z]+) +([a-z]+(?:\|[a-z]+)+)?", said))
    return set(re.findall(r"(?m)^  (?:-\w,|   ) (--[\w-]+)", said)), {v: a.split("|") if a else []
                                                                     for v, a in verbs.items()}


def is_refused(done):
    """Whether the client did not understand its command line; check ends with 3 for other reasons, too."""
    return done.returncode == 2 or b"UNKNOWN - the command line" in done.stdout


@functools.cache
def options_taken():
    """By verb, the options that the client does not refuse with each of its forms."""
    options, verbs = usage()
    values = {"--deadline": "=60", "--columns": "=name", "--progress": "=plain", "--sort": "=name",
              "--state": "=failed", "--unit": "=xendomains-guests.service", "--worker": "=/bin/true"}
    taken = {}
    with FakeHost() as host:
        host.start_daemon()
        values["--socket"] = f"={host.socket}"
        for verb, following in verbs.items():
            for words in [[verb, word] for word in following] or [[verb]]:
                taken[" ".join(words)] = {
                    option for option in options for more in ([], ["web"])
                    if not is_refused(subprocess.run(host.command_line(option + values.get(option, ""), *words, *more),
                                                     env=host.environment(), capture_output=True))}
    return taken


class Completion:
    """What each shell does."""

    command: list = []
    setup = ""

    def setUp(self):
        self.shell = self.enterContext(Shell(self.command, self.setup))

    def test_verbs_and_options_are_those_of_the_client(self):
        options, verbs = usage()
        source = (FILES.parents[1] / "client/main.c").read_text()
        self.assertEqual(options, {f"--{o}" for o in re.findall(r'\{"([\w-]+)", \w+_argument', source)})
        self.assertEqual(verbs["image"], ["list", "verify", "delete", "cat"])
        self.assertEqual(self.shell.offered(""), set(verbs))
        self.assertEqual(self.shell.offered("--"), options)
        for verb, following in verbs.items():
            if following:
                self.assertEqual(self.shell.offered(f"{verb} "), set(following))

    def test_options_of_a_verb_are_those_that_it_takes(self):
        self.shell.offer()
        self.assertIn("--deadline", options_taken()["plan stop"])
        for verb, options in options_taken().items():
            self.assertEqual(self.shell.offered(f"{verb} --"), options, verb)

    def test_guests_and_images_are_those_that_the_daemon_knows(self):
        host = self.enterContext(FakeHost())
        for i, name in enumerate([*HOSTILE, "line\nend"]):
            path = host.guest(str(i))
            path.write_text(json.dumps(json.loads(path.read_text()) | {"c_info": {"name": name}}))
        host.start_daemon()
        for verb in ("start", "stop", "restart", "status", "check", "plan start", "plan stop"):
            self.assertEqual(self.shell.offered(f"--socket={host.socket} {verb} "), set(HOSTILE), verb)
        for verb in ("reload", "cancel", "help", "image list"):
            self.assertEqual(self.shell.offered(f"--socket {host.socket} {verb} "), set())
        host.ctl("start", check=0)
        host.ctl("stop", check=0)
        images = {image["file"] for image in host.json("image", "list")["images"]}
        self.assertEqual(len(images), len(HOSTILE) + 1)
        for verb in ("image verify", "image delete", "image cat"):
            self.assertEqual(self.shell.offered(f"{verb} --socket={host.socket} "), images)
        self.assertEqual({line.partition(" ")[2] for line in self.shell.asked()},
                         {"--names status", "--names image list"})

    def test_any_name_is_quoted_and_never_expanded(self):
        for name in HOSTILE:
            self.shell.offer(name)
            for begin in beginnings(name):
                self.assertEqual(self.shell.type(f"--socket=s status {begin}\t")[1:], ["status", name], begin)
        self.assertEqual(os.listdir(self.shell.home), [])

    def test_names_that_begin_alike_are_completed_as_far_as_they_do(self):
        self.shell.offer("a b$x", "a b$y", "c")
        for begin in ("", "'", '"'):
            self.assertEqual(self.shell.type(f"stop {begin}a\ty\t"), ["stop", "a b$y"])
        self.assertEqual(self.shell.type("stop d\t"), ["stop", "d"])

    def test_name_is_completed_before_a_closing_quote(self):
        self.shell.offer("""it's "2" $x!""")
        for begin in ("''", "'it'", '""', '"it"'):
            self.assertEqual(self.shell.type(f"stop {begin}{LEFT}\t"), ["stop", """it's "2" $x!"""])

    def test_name_that_looks_as_an_option_is_offered_where_it_is_none(self):
        self.shell.offer("-x", "y")
        self.assertEqual(self.shell.offered("stop "), {"y"})
        self.assertEqual(self.shell.type("stop -- -\t"), ["stop", "--", "-x"])

    def test_value_of_an_option_is_neither_verb_nor_guest(self):
        self.shell.offer("web")
        (self.shell.home / "socket").touch()
        for between in ("=", " "):
            self.assertEqual(self.shell.type(f"--socket{between}so\t --json\t stat\t we\t")[-2:], ["status", "web"])
            self.assertEqual(self.shell.type(f"--unit{between}xendomains-g\t stop"),
                             [*f"--unit{between}xendomains-guests.service".split(), "stop"])
            self.assertEqual(self.shell.type(f"--deadline{between}\t5 plan sto\t w\t")[-3:], ["plan", "stop", "web"])
        self.assertEqual({line for line in self.shell.asked() if "socket" in line},
                         {"--socket=socket --names status"})

    def test_values_of_an_option_are_those_that_it_takes(self):
        with FakeHost() as host:
            host.start_daemon()
            for option, no_value in (("--columns", "nix"), ("--sort", "nix"), ("--state", "nix")):
                said = subprocess.run(host.command_line(f"{option}={no_value}", "status"), capture_output=True,
                                      text=True)
                taken = set(re.search(r"It takes (.*)", said.stderr).group(1).split(", "))
                self.assertEqual({word.removeprefix(f"{option}=") for word in
                                  self.shell.offered(f"status {option}=")}, taken)
        self.assertEqual(self.shell.type("status --state=fail\t"), ["status", "--state=failed"])
        self.assertEqual(self.shell.type("status --state=failed,sav\te\t"), ["status", "--state=failed,saved"])

    def test_redirection_is_no_guest(self):
        self.shell.offer("web")
        (self.shell.home / "file").touch()
        self.assertEqual(self.shell.type("status 2>fi\t </dev/nul\t we\t"), ["status", "web"])
        self.assertEqual(os.listdir(self.shell.home), ["file"])

    def test_command_after_sudo_is_completed(self):
        self.shell.offer("two words")
        for begin in ("", "tw", "'tw", '"tw'):
            self.assertEqual(self.shell.type(f"sto\t {begin}\t", "sudo xendomainsctl "), ["stop", "two words"])

    def test_without_an_answer_nothing_is_offered_or_said(self):
        host = self.enterContext(FakeHost())
        host.guest("web")
        self.assertEqual(self.shell.type(f"--socket={host.socket} stop w\t")[1:], ["stop", "w"])
        self.assertNotIn(NOISE, self.shell.said)
        host.start_daemon()
        host.freeze_daemon()
        exact = self.shell.root / "timeout.exact"
        exact.touch()
        begin = time.monotonic()
        self.assertEqual(self.shell.type(f"--socket={host.socket} stop w\t")[1:], ["stop", "w"])
        # The client would wait for 30 seconds.
        self.assertLess(time.monotonic() - begin, 20)
        self.assertNotIn(NOISE, self.shell.said)
        exact.unlink()
        host.daemon.send_signal(signal.SIGCONT)
        self.assertEqual(self.shell.type(f"--socket={host.socket} stop w\t")[1:], ["stop", "web"])
        self.assertNotIn(NOISE, self.shell.said)

    def test_no_daemon_is_started_to_complete(self):
        for words in ("", "--socket=/run/xendomains/org.xendomains.Manager "):
            self.shell.type(f"{words}stop w\t")
        self.assertEqual(self.shell.asked(), [])
        self.shell.offer("web")
        self.assertEqual(self.shell.type("stop w\t"), ["stop", "web"])
        self.assertNotIn(NOISE, self.shell.said)


class Bash(Completion, unittest.TestCase):
    command = ["bash", "--norc", "--noprofile", "-i"]
    setup = BASH

    # Only bash-completion has one for sudo.
    test_command_after_sudo_is_completed = None

    def test_what_readline_leaves_of_a_word_is_not_repeated(self):
        for name, *begins in (("a:b c", "a:", "a:b", "a:'", 'a:"b'), ("x=y$z", "x=", "x=y"),
                              ("u@v*", "u", "u@", "u\\@", "u@v")):
            self.shell.offer(name)
            for begin in begins:
                self.assertEqual(self.shell.type(f"--socket=s status {begin}\t")[1:], ["status", name], begin)

    def test_nothing_is_offered_after_what_the_shell_expands(self):
        self.shell.offer("$HOME:b", f"{self.shell.home}:b")
        self.assertEqual(self.shell.type("status $HOME:\t"), ["status", f"{self.shell.home}:"])


class BashCompletion(unittest.TestCase):
    command, setup = Bash.command, BASH_COMPLETION
    setUp = Completion.setUp
    test_command_after_sudo_is_completed = Completion.test_command_after_sudo_is_completed


class Zsh(Completion, unittest.TestCase):
    command = ["zsh", "-f", "-i"]
    setup = ZSH


if __name__ == "__main__":
    unittest.main()
