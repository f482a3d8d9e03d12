# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be on a disk after a power cut: a model of files and folders, from a record of calls.

The record is that of tests/fake/record.c. The model is POSIX's, which promises little:

- What was written to a file is on the disk for certain once the file was synced. Until then each write
  may be there, or not, or in part, whatever came before or after it; a file may have grown without its
  data, which are zeros then. A write to a descriptor with O_SYNC or O_DSYNC is there when it returns;
  one with O_DIRECT is not, for a disk has a cache too.
- A name (made, moved, removed) is there for certain once its folder was synced. Until then each change
  may be there or not, if what it builds upon is there. That a file was synced says nothing of its
  name, although common file systems see to both.
- A rename is there as a whole, or not at all.
"""

import dataclasses
import itertools
import os
import pathlib
import stat

BLOCK = 4096

# Beyond this a test takes too long.
STATES_MAX = 100_000


@dataclasses.dataclass(frozen=True)
class Call:
    """A line of the record."""
    name: str
    inode: int
    offset: int
    flags: int
    path: str
    other: str
    data: bytes


def read_record(path):
    raw, at, calls = pathlib.Path(path).read_bytes(), 0, []
    while at < len(raw):
        end = raw.index(b"\n", at)
        name, inode, offset, flags, size, path, other = raw[at:end].decode().split("\t")
        at = end + 1 + int(size)
        calls.append(Call(name, int(inode), int(offset), int(flags), path.rstrip("/"), other,
                          raw[end + 1:at]))
    return calls


@dataclasses.dataclass(frozen=True)
class File:
    data: bytes = b""
    mode: int = 0o600
    attributes: tuple = ()


@dataclasses.dataclass(frozen=True)
class Folder:
    mode: int = 0o700


class Tree:
    """Files and folders by path: what there is on a disk."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.key = frozenset(nodes.items())

    def __eq__(self, other):
        return self.key == other.key

    def __hash__(self):
        return hash(self.key)

    def below(self, folder):
        """The files in a folder, by name."""
        return {os.path.basename(path): node for path, node in self.nodes.items()
                if os.path.dirname(path) == str(folder) and isinstance(node, File)}

    @classmethod
    def look(cls, roots):
        """What is there now; with the inodes, by which the record knows them."""
        nodes, inodes = {}, {}
        for root in map(str, roots):
            if os.path.isdir(root):
                for path in (root, *(str(p) for p in pathlib.Path(root).rglob("*"))):
                    info = os.lstat(path)
                    mode = stat.S_IMODE(info.st_mode)
                    inodes[path] = info.st_ino
                    if stat.S_ISDIR(info.st_mode):
                        nodes[path] = Folder(mode)
                    else:
                        names = [n for n in os.listxattr(path) if n.startswith("user.")]
                        nodes[path] = File(pathlib.Path(path).read_bytes(), mode, tuple(sorted(
                            (n, os.getxattr(path, n)) for n in names)))
        tree = cls(nodes)
        tree.inodes = inodes
        return tree

    def put(self, roots):
        """Makes the disk so. A folder keeps its inode, also from one state to the next."""
        for root in map(str, roots):
            kept = root + ".kept"
            if root in self.nodes and not os.path.isdir(root) and os.path.isdir(kept):
                os.rename(kept, root)
            if not os.path.isdir(root):
                continue
            for path in sorted(map(str, pathlib.Path(root).rglob("*")), reverse=True):
                if not os.path.isdir(path) or os.path.islink(path):
                    os.unlink(path)
                elif path not in self.nodes:
                    os.rmdir(path)
            if root not in self.nodes:
                os.rename(root, kept)
        for path, node in sorted(self.nodes.items()):
            if isinstance(node, Folder):
                os.makedirs(path, node.mode, exist_ok=True)
                continue
            pathlib.Path(path).write_bytes(node.data)
            os.chmod(path, node.mode)
            for name, value in node.attributes:
                os.setxattr(path, name, value)


def overwrite(data, offset, new, size=None):
    """Some bytes of a file; size: how far it is then to reach at least."""
    end = max(offset + len(new), size or 0)
    data = data + bytes(max(end - len(data), 0))
    return data[:offset] + new + data[offset + len(new):]


def whole(file, call):
    """A file after a change to what is in it."""
    if call.name == "write":
        return dataclasses.replace(file, data=overwrite(file.data, call.offset, call.data))
    if call.name == "truncate":
        return dataclasses.replace(
            file, data=file.data[:call.offset] + bytes(max(call.offset - len(file.data), 0)))
    if call.name == "extend":
        return dataclasses.replace(file, data=file.data + bytes(max(call.offset - len(file.data),
                                                                    0)))
    if call.name == "xattr":
        others = [a for a in file.attributes if a[0] != call.other]
        return dataclasses.replace(file, attributes=tuple(sorted([*others,
                                                                  (call.other, call.data)])))
    raise ValueError(f"{call.name} is no change of a file's")


def torn(file, call):
    """A file after a part of a change, in each way that is tried."""
    if call.name != "write" or not call.data:
        return
    n, end, half = len(call.data), call.offset + len(call.data), len(call.data) // 2
    parts = [(0, call.data[:half], None)]
    if end > len(file.data):
        parts += [(0, b"", end), (0, call.data[:half], end)]
    if n > BLOCK:
        block = half // BLOCK * BLOCK or BLOCK
        parts += [(block, call.data[block:], end)]
    for skipped, data, size in parts:
        yield dataclasses.replace(file, data=overwrite(file.data, call.offset + skipped, data,
                                                       size))


def contents(file, calls, thorough):
    """All that a file can hold, of which the disk has this, and these calls were not synced.

    Thorough: any of them may be missing. Else they reach the disk in their order, up to one of
    them, and only that one may be torn."""
    found = {file}
    for call, sure in calls:
        if sure:
            found = {whole(f, call) for f in found}
        elif thorough:
            found = found | {whole(f, call) for f in found} | {t for f in found
                                                              for t in torn(f, call)}
    if not thorough:
        for call, sure in calls:
            if not sure:
                found |= set(torn(file, call))
            file = whole(file, call)
            found.add(file)
    return found


class Missing(Exception):
    """A change of names builds upon one that is not there."""


def rename_in(names, call, node):
    """The names in a folder after a change of them."""
    base, other = os.path.basename(call.path), os.path.basename(call.other)
    names = dict(names)
    if call.name in ("create", "mkdir"):
        names[base] = node
        return names
    if names.get(base) != node:
        raise Missing
    if call.name == "link":
        names[other] = node
    elif call.name == "rename":
        names[other] = names.pop(base)
    elif call.name == "unlink":
        del names[base]
    else:
        raise ValueError(f"{call.name} is no change of names that is known")
    return names


def all_names(names, calls):
    """All that a folder can list, of which the disk has these, and these changes were not synced."""
    found = [names]
    for call, node in calls:
        more = []
        for before in found:
            try:
                after = rename_in(before, call, node)
            except Missing:
                continue
            if after not in found and after not in more:
                more.append(after)
        found += more
    return found


NAMES = ("create", "mkdir", "link", "rename", "unlink")
CONTENTS = ("write", "truncate", "extend", "xattr")


class Disk:
    """A disk while calls are made: what is on it for certain, and what may be."""

    def __init__(self, base, roots):
        self.roots = [str(root) for root in roots]
        self.nodes = {}     # by number: what is on the disk of it for certain
        self.pending = {}   # by number: (change, whether it is there) since
        self.names = {}     # by folder's path: names on the disk for certain, and their numbers
        self.moves = {}     # by folder's path: (change of names, number) since
        self.numbers = {}   # by inode: an inode is used again, a number is not
        for path, node in base.nodes.items():
            self._add(base.inodes[path], node)
            self.names.setdefault(os.path.dirname(path), {})[os.path.basename(path)] = (
                self.numbers[base.inodes[path]])

    def _add(self, inode, node):
        self.numbers[inode] = len(self.nodes)
        self.nodes[len(self.nodes)] = node

    def make(self, call):
        """Takes a call in."""
        if call.name == "sync":
            self._sync(call)
        elif call.name == "syncfs":
            for folder in list(self.names | self.moves):
                self._sync_names(folder)
            for number in list(self.pending):
                self._sync_contents(number)
        elif call.name in NAMES:
            if call.name in ("create", "mkdir"):
                self._add(call.inode, File(mode=call.offset) if call.name == "create"
                          else Folder(call.offset))
            folder = os.path.dirname(call.path)
            if call.other and os.path.dirname(call.other) != folder:
                raise ValueError(f"{call.path} changes its folder")
            if call.path not in self.roots and not folder.startswith(tuple(self.roots)):
                raise ValueError(f"{call.path} is not below {self.roots}")
            self.moves.setdefault(folder, []).append((call, self.numbers[call.inode]))
        elif call.name in CONTENTS:
            sure = call.name == "write" and bool(call.flags & os.O_DSYNC)
            self.pending.setdefault(self.numbers[call.inode], []).append((call, sure))
        elif call.name != "event":
            raise ValueError(f"{call.name} is not known")

    def _sync(self, call):
        if call.inode in self.numbers:
            self._sync_contents(self.numbers[call.inode])
        self._sync_names(call.path)

    def _sync_contents(self, number):
        for call, _ in self.pending.pop(number, ()):
            self.nodes[number] = whole(self.nodes[number], call)

    def _sync_names(self, folder):
        for call, number in self.moves.pop(folder, ()):
            self.names[folder] = rename_in(self.names.get(folder, {}), call, number)

    def complete(self):
        """What there is if all of it gets to the disk."""
        names = {}
        for folder in self.names | self.moves:
            names[folder] = dict(self.names.get(folder, {}))
            for call, number in self.moves.get(folder, ()):
                names[folder] = rename_in(names[folder], call, number)
        nodes = dict(self.nodes)
        for number, calls in self.pending.items():
            for call, _ in calls:
                nodes[number] = whole(nodes[number], call)
        return self._tree(names, nodes)

    def _tree(self, names, nodes):
        """Only what a way from a root leads to."""
        tree = {}

        def walk(folder):
            for name, number in names.get(folder, {}).items():
                path = os.path.join(folder, name)
                tree[path] = nodes[number]
                if isinstance(nodes[number], Folder):
                    walk(path)

        for root in self.roots:
            number = names.get(os.path.dirname(root), {}).get(os.path.basename(root))
            if number is not None:
                tree[root] = nodes[number]
                walk(root)
        return Tree(tree)

    def states(self, thorough=True):
        """All trees that can be there if the power fails now."""
        folders = list(self.names | self.moves)
        found = set()
        options = {number: sorted(contents(self.nodes[number], calls, thorough), key=repr)
                   for number, calls in self.pending.items()}
        for names in itertools.product(*(all_names(self.names.get(f, {}), self.moves.get(f, ()))
                                         for f in folders)):
            names = dict(zip(folders, names))
            # What nothing leads to makes no difference.
            named = {number for listed in names.values() for number in listed.values()}
            used = [number for number in options if number in named]
            for chosen in itertools.product(*(options[number] for number in used)):
                found.add(self._tree(names, self.nodes | dict(zip(used, chosen))))
                if len(found) > STATES_MAX:
                    raise OverflowError(f"more than {STATES_MAX} states")
        return found


def cuts(base, roots, calls, thorough=True):
    """Yields (how many calls were made, a state that the disk can be in then)."""
    disk = Disk(base, roots)
    for made in range(len(calls) + 1):
        for tree in disk.states(thorough):
            yield made, tree
        if made < len(calls):
            disk.make(calls[made])


def after_all(base, roots, calls):
    disk = Disk(base, roots)
    for call in calls:
        disk.make(call)
    return disk.complete()
