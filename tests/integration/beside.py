# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests that wait most of their time run beside each other."""

import concurrent.futures
import unittest


def each(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        else:
            yield test


class Beside(unittest.TestSuite):
    """So many of a program's tests at a time, each in a thread: what they share is the result alone."""

    def __init__(self, tests, at_once):
        super().__init__(each(tests))
        self.at_once = at_once

    def run(self, result, debug=False):
        with concurrent.futures.ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(lambda test: test.run(result), self))
        return result


def at_once(number):
    """What a program calls its load_tests: unittest asks that for the tests to run."""
    return lambda _, tests, pattern: Beside(tests, number)
