#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a compiler does not see: layers, catalog, manuals, formats."""

import ast
import configparser
import fnmatch
import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Headers of the C library and the kernel: what is left when ours and the libraries' are known.
LIBRARIES = ("event2/", "systemd/", "json-c/", "libxl", "xen", "ini.h", "xxhash.h", "zstd", "check.h")

# A string of C with its parts, but for the first and the last quote.
C_STRING = re.compile(r'"((?:[^"\\\n]|\\.|"\s*(?:PRI\w+\s*)?")*)"')

# What another program expects, word by word.
PROTOCOLS = ("daemon/worker/handshake.c", "daemon/wire/interface.c")

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


# A comment or a string; else an include, a character constant, or other code.
C_PART = re.compile(r"""(?P<said>/\*.*?\*/|"(?:[^"\\\n]|\\.)*")|#\s*include[^\n]*|"""
                    r"""'(?:[^'\\\n]|\\.)*'|[^/"'#]+|.""",
                    re.DOTALL)


def is_made(path):
    """Whether it is git's, or was built or left by a tool."""
    return path.name in (".git", "__pycache__") or (
        path.parent == ROOT and path.name.startswith("build"))


def files(*patterns, folder=ROOT):
    """The project's own files, also where there is no git, as in an archive."""
    found = []
    for path in sorted(folder.iterdir()):
        if is_made(path):
            continue
        if path.is_dir():
            found += files(*patterns, folder=path)
        elif any(fnmatch.fnmatch(path.relative_to(ROOT), pattern) for pattern in patterns):
            found.append(path)
    return found


def said_by(*command):
    """What a program prints; nothing if there is no such program."""
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout


def sources():
    return files("daemon/*.c", "daemon/*.h", "client/*.c", "client/*.h")


def text(path):
    return (ROOT / path).read_text()


def find_stops(content):
    """The messages of a C file that end with a full stop; what has several lines is no message."""
    for found in C_STRING.finditer(re.sub(r"/\*.*?\*/", "", content, flags=re.DOTALL)):
        said = re.sub(r'"\s*(?:PRI\w+\s*)?"', "", found[1])
        said = re.sub(r"^(\\n)+|(\\n)+$", "", said)
        if re.search(r"[^.]\.$", said) and "\\n" not in said and said != ".":
            yield said


class Layers:
    """The table in the file beside this one."""

    def __init__(self):
        lines = [line for line in text("tests/lint/layers").splitlines()
                 if line and not line.startswith("#")]
        self.rows = []
        for line in lines:
            pattern, allowed = line.split(":")
            self.rows.append((pattern, allowed.split()))

    def allowed(self, name):
        for pattern, allowed in self.rows:
            if fnmatch.fnmatch(name, pattern):
                return allowed
        return None

    @staticmethod
    def permits(name, allowed, header):
        base = pathlib.PurePath(name)
        if header in (base.with_suffix(".h").name, str(base.with_suffix(".h")).partition("/")[2]):
            return True
        if name.startswith("client/") and "/" not in header:
            return "client" in allowed
        return any(header == entry or header.startswith(entry + "/") for entry in allowed)


def is_ours(name, header):
    folder = "client" if name.startswith("client/") else "daemon"
    return (ROOT / folder / header).exists() or (ROOT / "daemon" / header).exists()


def modules():
    """For each module (NAME.c and NAME.h) the modules that it includes. A header without a source
    of its own, as the private one that several sources share, stands for what it includes."""
    included = {}
    for path in sources():
        name = str(path.relative_to(ROOT))
        found = (ROOT / folder / header for header in INCLUDE.findall(path.read_text())
                 for folder in (pathlib.PurePath(name).parts[0], "daemon"))
        included[name] = [str(header.relative_to(ROOT)) for header in found if header.exists()]

    def reached(name, passed):
        for header in included[name]:
            if header[:-1] + "c" in included:
                yield header[:-2]
            elif header not in passed:
                passed.add(header)
                yield from reached(header, passed)

    graph = {name[:-2]: set() for name in included}
    for name in included:
        graph[name[:-2]] |= set(reached(name, set())) - {name[:-2]}
    return graph


def find_circle(graph):
    """The modules of a circle, or nothing."""
    done = set()

    def visit(name, above):
        if name in above:
            return above[above.index(name):]
        for other in () if name in done else sorted(graph[name]):
            if found := visit(other, above + [name]):
                return found
        done.add(name)
        return []

    return next(filter(None, (visit(name, []) for name in sorted(graph))), [])


def struct_tags(content):
    """The tags of the structures that it defines."""
    return re.findall(r"(?m)^\s*(?:static )?(?:const )?struct (\w+) \{", content)


def said_in(path):
    """What people read of a file, in lines; of C the comments and strings."""
    content = path.read_text(errors="replace")
    if path.suffix in (".c", ".h"):
        content = C_PART.sub(lambda part: part[0] if part["said"]
                             else re.sub(r"[^\n]", " ", part[0]), content)
    return content


def find_words(words, content):
    """The words that stand in it, also over the ends of lines, each with its first line."""
    for word in words:
        pattern = r"[\s*#\"\\]+".join(map(re.escape, word.split()))
        for found in re.finditer(rf"\b{pattern}\b", content, re.IGNORECASE):
            yield word, content.count("\n", 0, found.start())


# A command in double quotes, as they stand in a string of C and in other text. In C, the string may
# end between the quote and the command.
COMMANDS = r"(?:xl|xendomainsctl|xendomainsd|systemctl|journalctl|virsh|groupadd|ch(?:mod|own)|mv|rm)\b"
IN_C = re.compile(r'\\"(?:"\s*")?' + COMMANDS)
IN_TEXT = re.compile('"' + COMMANDS)

# What the documents say of the sources of others, and for any name.
STRANGERS = ("drivers/block/xen-blkfront.c", "blkfront_resume()", "blkif_recover()",
             "libxl__domain_suspend_device_model()", "noun.c", "noun_verb()", "client/cmd-VERB.c")

OURS = ("daemon", "client", "tests", "conf", "units", "docs")


@functools.cache
def our_names():
    """The ends of the paths of our files ("plan.c", "core/plan.c", ...) and directories, also
    without the suffix; and the words that stand before a parenthesis in the code."""
    paths, code = set(), sources() + files("tests/*.[ch]", "tests/*/*/*.py")
    for path in files(*(f"{folder}/*" for folder in OURS)):
        parts = path.relative_to(ROOT).parts
        for i in range(len(parts)):
            paths.add("/".join(parts[i:]))
            paths.add("/".join(parts[i:]).rpartition(".")[0])
            paths |= {"/".join(parts[i:j]) for j in range(i + 1, len(parts))}
    return paths, set(re.findall(r"\b(\w+)\(", "".join(path.read_text() for path in code)))


def find_strangers(document):
    """The files, directories and functions of ours that a document names, and that are not there."""
    paths, functions = our_names()
    tops = "|".join(OURS + tuple(path.name for path in (ROOT / "daemon").iterdir() if path.is_dir()))
    for name in re.findall(r"`((?:(?:%s)/)[\w./-]*|[\w-]+\.(?:[ch]|py)|\w+\(\))`" % tops, document):
        known = name[:-2] in functions if name.endswith("()") else name.rstrip("/") in paths
        if not known and name not in STRANGERS:
            yield name


class Lint(unittest.TestCase):
    def test_includes_keep_to_the_layers(self):
        layers = Layers()
        for path in sources():
            name = str(path.relative_to(ROOT))
            allowed = layers.allowed(name)
            self.assertIsNotNone(allowed, f"{name} stands in no line of tests/lint/layers")
            for header in INCLUDE.findall(path.read_text()):
                if not is_ours(name, header) and not header.startswith(LIBRARIES):
                    continue
                self.assertTrue(Layers.permits(name, allowed, header),
                                f"{name} must not include {header}")

    def test_a_breach_of_the_layers_would_be_found(self):
        layers = Layers()
        for name, header in (("daemon/core/plan.c", "io/loop.h"),
                             ("daemon/core/plan.c", "wire/json.h"),
                             ("daemon/util/str.c", "core/plan.h"),
                             ("daemon/manager/manager.c", "event2/event.h"),
                             ("daemon/worker/save.c", "libxl.h"),
                             ("daemon/world/world.c", "manager/manager.h"),
                             ("daemon/hv/workers.c", "engine/executor.h"),
                             ("daemon/io/server.c", "world/world.h"),
                             ("client/main.c", "core/plan.h")):
            self.assertFalse(Layers.permits(name, layers.allowed(name), header), (name, header))

    def test_layers_grant_what_is_used_and_no_more(self):
        layers = Layers()
        used = {pattern: set() for pattern, _ in layers.rows}
        for path in sources():
            name = str(path.relative_to(ROOT))
            pattern = next(pattern for pattern, _ in layers.rows if fnmatch.fnmatch(name, pattern))
            for header in INCLUDE.findall(path.read_text()):
                used[pattern] |= {header, *map(str, pathlib.PurePath(header).parents)}
        for pattern, allowed in layers.rows:
            for entry in allowed:
                if entry not in pattern.split("/"):
                    self.assertIn(entry, used[pattern], pattern)

    def test_layers_point_down_only(self):
        rows = Layers().rows
        order = [pattern.split("/")[1] for pattern, _ in rows]
        for number, (pattern, allowed) in enumerate(rows):
            for layer in {entry.partition("/")[0] for entry in allowed} & set(order):
                self.assertIn(layer, order[number:], pattern)

    def test_layers_are_drawn_as_they_are(self):
        drawn = dict(re.findall(r"(?m)^    ([a-z/-]+) +-> ([a-z/ -]+)$", text("docs/architecture.md")))
        rights = {}
        for pattern, allowed in Layers().rows:
            layer = pattern.removeprefix("daemon/").removesuffix("/*")
            if pattern.endswith("/*"):
                folders = {str(pathlib.PurePath(entry).parent) if entry.endswith(".h") else entry
                           for entry in allowed}
                rights[layer] = {folder for folder in folders if (ROOT / "daemon" / folder).is_dir()}
        self.assertEqual({layer: set(below.split()) for layer, below in drawn.items()},
                         {layer: below - {layer, "util", ".", ""} for layer, below in rights.items()
                          if below - {layer, "util", ".", ""}})

    def test_includes_make_no_circle(self):
        graph = {}
        for path in files("daemon/*.h"):
            name = str(path.relative_to(ROOT / "daemon"))
            graph[name] = [h for h in INCLUDE.findall(path.read_text())
                           if (ROOT / "daemon" / h).exists()]

        def visit(name, above):
            self.assertNotIn(name, above, "headers include each other: " + " ".join(above))
            for header in graph[name]:
                visit(header, above + [name])

        for name in graph:
            visit(name, [])

    def test_modules_make_no_circle(self):
        self.assertEqual(find_circle(modules()), [])

    def test_a_circle_of_modules_would_be_found(self):
        self.assertEqual(find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}), ["b", "c"])
        self.assertEqual(find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}), [])
        self.assertIn("daemon/core/settings", modules()["daemon/core/config-text"])

    def test_each_struct_tag_has_one_meaning(self):
        defined = {}
        for path in sources():
            name = str(path.relative_to(ROOT))
            for tag in struct_tags(path.read_text()):
                self.assertNotIn(tag, defined, f"{name}: {defined.get(tag)} has it, too")
                defined[tag] = name
        self.assertIn("job", defined)

    def test_tags_of_structures_are_found(self):
        self.assertEqual(struct_tags("struct a {\n\tstruct b {\n\t} *b;\n};\nstruct c *d;\n"
                                     "static const struct e {\n} e;\nstruct f f = {0};\n"),
                         ["a", "b", "e"])

    def test_words_that_were_given_up_do_not_come_back(self):
        lines = [line for line in text("tests/lint/words").splitlines()
                 if line and not line.startswith("#")]
        words = [line.partition(":")[0] for line in lines if not line.startswith("!")]
        unused = [line[2:] for line in lines if line.startswith("!")]
        excepted = [line.split(": ", 1) for line in unused]
        for path in files("docs/*", "README.md", "client/*", "daemon/*", "conf/*", "units/*"):
            name = str(path.relative_to(ROOT))
            if name.startswith("docs/logs/"):
                continue
            for word, number in find_words(words, said_in(path)):
                line = path.read_text(errors="replace").splitlines()[number]
                reasons = [f"{file}: {part}" for file, part in excepted
                           if file == name and part in line]
                self.assertTrue(reasons, f'{name}:{number + 1}: "{word}" (tests/lint/words)')
                unused = [exception for exception in unused if exception not in reasons]
        self.assertEqual(unused, [], "exceptions that no line needs")

    def test_a_word_that_came_back_would_be_found(self):
        words = ["nobody", "let go"]
        self.assertEqual(list(find_words(words, " * is let\n * go by\n# Nobody")),
                         [("nobody", 2), ("let go", 0)])
        self.assertEqual(list(find_words(words, "nobody_knows(outlet, goal)")), [])

    def test_messages_quote_a_command_in_single_quotes(self):
        for path in [*sources(), ROOT / "conf/xendomains.catalog"]:
            content = path.read_text()
            found = (IN_TEXT if path.suffix == ".catalog" else IN_C).search(content)
            number = content.count("\n", 0, found.start()) + 1 if found else 0
            self.assertIsNone(found, f"{path}:{number}: write 'xl list', not \"xl list\"")

    def test_a_command_in_double_quotes_would_be_found(self):
        for said in (r'"Run \"xl list\"."', '"Run \\"xendomainsctl "\n\t"start %s\\"."',
                     '"Run \\""\n\t"systemctl cat\\"."'):
            self.assertRegex(said, IN_C)
        for said in ('/* as "xl list" */', '"xl "', "\"Run 'xl list'\"", r'"named \"xlarge\""'):
            self.assertNotRegex(said, IN_C)
        self.assertRegex('Run "xl list".', IN_TEXT)

    def test_messages_end_without_a_full_stop(self):
        for path in sources():
            if str(path.relative_to(ROOT)) not in PROTOCOLS:
                self.assertEqual(list(find_stops(path.read_text())), [], f"{path} (docs/hacking.md)")

    def test_a_message_with_a_full_stop_would_be_found(self):
        self.assertEqual(list(find_stops('f("Done.\\n", "a. "\n\t"b.", "%" PRIu64 "."); /* "Not." */')),
                         ["Done.", "a. b.", "%."])
        self.assertEqual(list(find_stops('f("...", ".", "a. b", "Usage:\\n  a.\\n", "So?");')), [])

    def test_each_message_id_stands_in_the_catalog_and_is_used(self):
        ids = dict(re.findall(r'#define (MSG_\w+)\s+"([0-9a-f]{32})"',
                              text("daemon/util/msgid.h")))
        catalog = re.findall(r"^-- ([0-9a-f]{32})$", text("conf/xendomains.catalog"), re.MULTILINE)
        self.assertGreater(len(ids), 5)
        self.assertEqual(sorted(ids.values()), sorted(catalog))
        self.assertEqual(len(set(catalog)), len(catalog))
        code = "".join(path.read_text() for path in files("daemon/*.c"))
        for name in ids:
            self.assertIn(name, code)

    def test_each_setting_is_explained(self):
        config = text("daemon/core/settings.c")
        variables = set(re.findall(r'\{"(XENDOMAINS_\w+)"', config))
        keys = set(re.findall(r'\{"([A-Z]\w+)", parse_\w+, (?:GUEST_)?FIELD', config)) - variables
        self.assertIn("ForcedDestroy", keys)
        manual = text("docs/man/xendomains.conf.5.scd")
        for name in variables | keys:
            self.assertIn(f"*{name}*", manual)
        some = manual.partition("\n## [Domain NAME]\n")[2].partition("\n# ")[0]
        for name in re.findall(r'\{"(\w+)", parse_\w+, GUEST_FIELD', config):
            self.assertIn(f"*{name}*", some, "a key of [Domain], too")
        offered = re.findall(r"(?m)^#(XENDOMAINS_\w+)=", text("conf/xendomains"))
        self.assertEqual(sorted(offered), sorted(variables))
        for name in keys:
            self.assertIn(name, text("conf/xendomains.conf"))
        for name in set(re.findall(r"\bXENDOMAINS_[A-Z_]+", manual)):
            self.assertIn(name, variables, "the manual knows a variable that is not read")

    def test_each_field_of_the_journal_is_explained(self):
        fields = re.findall(r'"(XEN_\w+)"', text("daemon/io/systemd-journal.c"))
        self.assertIn("XEN_DOMAIN", fields)
        for name in fields:
            self.assertIn(name, text("docs/man/xendomainsd.8.scd"))

    def test_each_command_and_option_is_explained(self):
        manual = text("docs/man/xendomainsctl.1.scd")
        for path in files("client/cmd-*.c"):
            name = re.search(r'\.name = "(\w+)"', path.read_text()).group(1)
            self.assertRegex(manual, rf"(?m)^\*{name}\*")
        for option in re.findall(r'\{"([\w-]+)", \w+_argument', text("client/main.c")):
            self.assertIn(f"*--{option}*", manual)
        manual = text("docs/man/xendomainsd.8.scd")
        for option in re.findall(r'\{"([\w-]+)", \w+_argument', text("daemon/main.c")):
            self.assertIn(f"*--{option}*", manual)

    def test_each_state_and_stage_is_explained(self):
        states = re.findall(r'\[GUEST_\w+\] = "([\w-]+)"', text("daemon/model/guest-state.c"))
        stages = re.findall(r'\[STAGE_\w+\] = "([\w-]+)"', text("daemon/model/stage.c"))
        declared = re.findall(r"(?m)^\t(GUEST_\w+),", text("daemon/model/guest-state.h"))
        self.assertEqual(len(states), len(declared), "a state without a name")
        for state in states:
            self.assertIn(f"*{state}*", text("docs/man/xendomainsctl.1.scd"))
        for stage in stages:
            self.assertIn(stage, text("docs/man/xendomainsd.8.scd"))

    def test_what_the_journal_has_as_operation_is_explained(self):
        journal = text("docs/man/xendomainsd.8.scd").partition("# JOURNAL")[2].partition("\n# ")[0]
        told = journal.partition("XEN_OPERATION is")[2].partition("\n\n")[0]
        goals = re.findall(r'\[GOAL_\w+\] = "([\w-]+)"', text("daemon/core/plan.c"))
        operations = re.findall(r'\[OPERATION_\w+\] = "([\w-]+)"',
                                text("daemon/wire/operation.c").partition("operation_names")[2].partition("};")[0])
        [kinds] = re.findall(r"kinds\[\] = \{(.+)\}", text("daemon/io/logind.c"))
        for words in goals, operations, re.findall(r'"([\w-]+)"', kinds):
            self.assertGreater(len(words), 4)
            for word in words:
                self.assertIn(f"*{word}*", told)

    def test_walkthrough_names_files_and_functions_that_are_there(self):
        for step in re.split(r"\n(?=\d+\. |\n)", text("docs/walkthrough.md")):
            code = "".join(text(name) for name in re.findall(r"`([\w/-]+\.[ch])`", step))
            for function in re.findall(r"`(\w+\(\))`", step):
                self.assertTrue(function[:-1] in code, f"{function} is in no file of: {step}")

    def test_documents_name_files_and_functions_that_are_there(self):
        for path in files("docs/*.md", "README.md", "tests/*.md"):
            if "logs" not in path.parts:
                said = list(find_strangers(path.read_text()))
                self.assertEqual(said, [], f"{path}: neither a file nor a function of ours")

    def test_a_name_of_nothing_would_be_found(self):
        said = "`core/plan.c`, `core/gone.c`, `daemon/gone/`, `gone.py`, `plan_build()`, `plan_gone()`"
        self.assertEqual(list(find_strangers(said)),
                         ["core/gone.c", "daemon/gone/", "gone.py", "plan_gone()"])

    def test_each_file_says_its_licence(self):
        for path in files("*.c", "*.h", "*.py", "*.sh", "*meson.build", "units/*", ".ci/*"):
            head = path.read_text()[:300]
            self.assertIn("SPDX-License-Identifier: GPL-2.0-or-later", head, path)

    def test_no_marker_and_no_dead_code_is_left(self):
        for path in files("daemon/*", "client/*", "tests/*.[ch]", "tests/*.py", "units/*", "conf/*"):
            if path == pathlib.Path(__file__).resolve() or "corpus" in path.parts:
                continue
            found = re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|^\s*#\s*if 0\b",
                              path.read_text(errors="replace"), re.MULTILINE)
            self.assertIsNone(found, f"{path}: {found and found.group(0)}")

    def test_files_stay_small(self):
        for limit, *patterns in ((600, "daemon/*.[ch]", "client/*.[ch]"),
                                 (720, "tests/*.py", "tests/*.[ch]")):
            for path in files(*patterns):
                lines = len(path.read_text(errors="replace").splitlines())
                self.assertLessEqual(lines, limit, f"{path} has become two things")

    def test_no_test_hides_another_one(self):
        for path in files("tests/*.py"):
            tree = ast.parse(path.read_text())
            for scope in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
                names = [node.name for node in scope.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))
                         and not node.decorator_list]
                self.assertEqual(len(names), len(set(names)), f"{path}: a name is defined twice in {sorted(names)}")

    def test_sources_are_formatted(self):
        if "version 14" not in said_by("clang-format", "--version"):
            self.skipTest("another version of clang-format formats in another way")
        done = subprocess.run(["clang-format", "--dry-run", "-Werror",
                               *files("daemon/*.[ch]", "client/*.[ch]", "tests/*.[ch]")],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr[:4000])

    def test_units_are_understood_by_systemd(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze")
        units = [ROOT / "units/xendomainsd.socket", *BUILT_UNITS]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                               *units], capture_output=True, text=True)
        # Programs that are not installed here are none of the units' business.
        said = [line for line in done.stderr.splitlines()
                if "is not executable" not in line and str(ROOT) in line]
        self.assertEqual(said, [])

    @staticmethod
    def settings_of(name):
        [unit] = [u for u in BUILT_UNITS if u.name == name]
        settings = configparser.ConfigParser(strict=False, interpolation=None)
        settings.optionxform = str
        settings.read(unit)
        return settings

    def test_units_stop_guests_without_the_daemon_and_end_no_other_process(self):
        for name in ("xendomains-guests.service", "xendomains-shutdown.service"):
            service = self.settings_of(name)["Service"]
            self.assertRegex(service["ExecStop"], f"xendomainsctl --or-once --unit={name} stop$")
            self.assertEqual(service["KillMode"], "process")

    def test_one_enable_is_enough_and_no_file_has_the_name_of_the_packaged_unit(self):
        names = {unit.name for unit in BUILT_UNITS} | {"xendomainsd.socket"}
        self.assertNotIn("xendomains.service", names)
        install = self.settings_of("xendomains-guests.service")["Install"]
        self.assertEqual(install["Alias"], "xendomains.service")
        self.assertEqual({*install["Also"].split(), "xendomains-guests.service"}, names)

    def test_daemon_that_fails_is_started_again_without_end(self):
        settings = self.settings_of("xendomainsd.service")
        self.assertEqual(settings["Unit"]["StartLimitIntervalSec"], "0")
        self.assertEqual(settings["Service"]["Restart"], "on-failure")
        # A client waits five seconds for the daemon before it does without.
        self.assertRegex(settings["Service"]["RestartSec"], "^[1-4]s$")

    def test_units_are_hardened_as_far_as_the_manual_says(self):
        """Each directive that systemd would have set is set, or docs/shutdown.md says why not."""
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze")
        reasons = text("docs/shutdown.md").partition("## What is left open")[2]
        for unit in BUILT_UNITS:
            done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                                   "--json=short", unit], capture_output=True, text=True)
            found = json.loads(done.stdout)
            self.assertGreater(len(found), 50, done.stderr)
            for item in found:
                name = re.match(r"\w+", item["name"]).group(0)
                if item.get("set") is False and float(item.get("exposure") or 0) > 0:
                    self.assertIn(f"`{name}`", reasons, f"{unit.name}: nobody says why")


BUILT_UNITS = [pathlib.Path(word) for word in sys.argv[1:] if word.endswith(".service")]

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
