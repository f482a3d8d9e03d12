# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of what a power cut leaves behind, by small examples."""

import os
import pathlib
import tempfile
import unittest

from crashstates import BLOCK, Call, Disk, File, Folder, Tree, after_all

ROOT = "/d"


def call(name, path, inode, data=b"", offset=0, other="", flags=0):
    path, other = (p and f"{ROOT}/{p}" for p in (path, other))
    return Call(name, inode, offset, flags, path, other, data)


def create(path, inode):
    return call("create", path, inode, offset=0o600)


def sync_folder():
    return Call("sync", 1, 0, 0, ROOT, "", b"")


class Model(unittest.TestCase):
    def base(self, **files):
        nodes = {ROOT: Folder()} | {f"{ROOT}/{n}": File(data) for n, data in files.items()}
        tree = Tree(nodes)
        tree.inodes = {path: number for number, path in enumerate(nodes, 1)}
        return tree

    def after(self, *calls, thorough=True, base=None):
        """What is in the folder in each state that a cut behind these calls can leave."""
        disk = Disk(base or self.base(), [ROOT])
        for made in calls:
            disk.make(made)
        return [{name: file.data for name, file in tree.below(ROOT).items()}
                for tree in disk.states(thorough)]

    def expect(self, found, *states):
        self.assertCountEqual(found, states)

    def test_created_file_may_be_there_or_not(self):
        self.expect(self.after(create("a", 7)), {}, {"a": b""})
        self.expect(self.after(create("a", 7), sync_folder()), {"a": b""})

    def test_synced_file_may_be_without_its_name(self):
        made = create("a", 7), call("write", "a", 7, b"xy"), call("sync", "a", 7)
        self.expect(self.after(*made), {}, {"a": b"xy"})
        self.expect(self.after(*made, sync_folder()), {"a": b"xy"})

    def test_rename_that_was_not_synced_yields_both(self):
        base = self.base(old=b"1")
        self.expect(self.after(call("rename", "old", 2, other="new"), base=base),
                    {"old": b"1"}, {"new": b"1"})
        self.expect(self.after(call("rename", "old", 2, other="new"), sync_folder(), base=base),
                    {"new": b"1"})

    def test_rename_over_a_file_leaves_one_or_the_other(self):
        base = self.base(part=b"new", it=b"old")
        self.expect(self.after(call("rename", "part", 2, other="it"), base=base),
                    {"part": b"new", "it": b"old"}, {"it": b"new"})

    def test_renamed_file_that_was_not_synced_may_be_without_its_data(self):
        made = create("part", 7), call("write", "part", 7, b"xy"), call("rename", "part", 7,
                                                                       other="it")
        found = self.after(*made, sync_folder())
        for data in (b"", b"x", b"x\0", b"\0\0", b"xy"):
            self.assertIn({"it": data}, found)
        synced = self.after(*made[:2], call("sync", "part", 7), made[2], sync_folder())
        self.expect(synced, {"it": b"xy"})

    def test_changes_of_names_are_independent_where_they_can_be(self):
        base = self.base(a=b"a", b=b"b")
        self.expect(self.after(call("unlink", "a", 2), call("unlink", "b", 3), base=base),
                    {"a": b"a", "b": b"b"}, {"a": b"a"}, {"b": b"b"}, {})
        # A file cannot be moved before it is there.
        self.expect(self.after(create("c", 7), call("rename", "c", 7, other="d")),
                    {}, {"c": b""}, {"d": b""})

    def test_append_is_there_or_not_or_torn(self):
        base = self.base(ledger=b"one\n")
        found = self.after(call("write", "ledger", 2, b"two\n", offset=4), base=base)
        self.expect(found, *({"ledger": b"one\n" + end}
                             for end in (b"", b"tw", b"tw\0\0", bytes(4), b"two\n")))

    def test_later_write_may_be_there_without_the_earlier(self):
        base = self.base(a=b"")
        made = call("write", "a", 2, b"x"), call("write", "a", 2, b"y", offset=1)
        self.assertIn({"a": b"\0y"}, self.after(*made, base=base))
        self.assertNotIn({"a": b"\0y"}, self.after(*made, base=base, thorough=False))

    def test_blocks_of_a_write_are_independent(self):
        base = self.base(a=b"")
        found = self.after(call("write", "a", 2, b"x" * 2 * BLOCK), base=base)
        self.assertIn({"a": bytes(BLOCK) + b"x" * BLOCK}, found)

    def test_write_that_syncs_itself_is_there(self):
        base = self.base(a=b"")
        self.expect(self.after(call("write", "a", 2, b"x", flags=os.O_DSYNC), base=base),
                    {"a": b"x"})
        self.assertIn({"a": b""}, self.after(call("write", "a", 2, b"x", flags=os.O_DIRECT),
                                             base=base))

    def test_sync_of_one_file_says_nothing_of_another(self):
        base = self.base(a=b"a", b=b"b")
        found = self.after(call("truncate", "a", 2), call("truncate", "b", 3),
                           call("sync", "a", 2), base=base)
        self.expect(found, {"a": b"", "b": b"b"}, {"a": b"", "b": b""})

    def test_inode_that_is_used_again_is_another_file(self):
        base = self.base(a=b"a")
        made = call("unlink", "a", 2), sync_folder(), create("b", 2), call("write", "b", 2, b"b")
        self.assertEqual(after_all(base, [ROOT], made).nodes[f"{ROOT}/b"].data, b"b")
        self.assertNotIn({"b": b"a"}, self.after(*made, base=base))

    def test_folder_that_was_not_synced_takes_with_it_what_is_in_it(self):
        made = (call("mkdir", "sub", 7, offset=0o700), create("sub/a", 8),
                Call("sync", 7, 0, 0, f"{ROOT}/sub", "", b""))
        disk = Disk(self.base(), [ROOT])
        for one in made:
            disk.make(one)
        self.assertCountEqual([sorted(tree.nodes) for tree in disk.states()],
                              [[ROOT], [ROOT, f"{ROOT}/sub", f"{ROOT}/sub/a"]])

    def test_tree_is_put_on_a_disk_and_found_there(self):
        with tempfile.TemporaryDirectory() as folder:
            root = str(pathlib.Path(folder) / "save")
            tree = Tree({root: Folder(), f"{root}/web": File(b"x", 0o640)})
            tree.put([root])
            inode = os.stat(root).st_ino
            self.assertEqual(Tree.look([root]), tree)
            other = Tree({root: Folder(), f"{root}/db": File()})
            other.put([root])
            self.assertEqual((Tree.look([root]), os.stat(root).st_ino), (other, inode))
            Tree({}).put([root])
            self.assertEqual(Tree.look([root]), Tree({}))
            tree.put([root])
            self.assertEqual((Tree.look([root]), os.stat(root).st_ino), (tree, inode))


if __name__ == "__main__":
    unittest.main()
