# SPDX-License-Identifier: GPL-2.0-or-later
"""What a terminal shows of the few sequences that the client uses."""

import re
import unicodedata

TOKEN = re.compile(r"\x1b\[(\d*)([A-Za-z])|([\r\n])|(.)", re.DOTALL)


def columns(character):
    """How many columns a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """Lines and a cursor. A line that is too long does not wrap: it is kept in wide."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.lines, self.row = [""], 0
        self.wide = []

    def feed(self, text):
        for number, command, move, character in TOKEN.findall(text):
            if command:
                self._command(command, int(number or 1))
            elif move == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            elif character:
                self._put(character)

    def _command(self, command, number):
        if command == "A":
            # A cursor does not leave the screen: lines that have left it are not reached.
            assert number < self.height, f"{number} lines up on a screen of {self.height}"
            self.row = max(0, self.row - number)
        elif command == "J":
            del self.lines[self.row + 1:]
            self.lines[self.row] = ""
        else:
            raise AssertionError(f"a terminal may not know {command}")

    def _put(self, character):
        self.lines[self.row] += character
        if sum(map(columns, self.lines[self.row])) > self.width:
            self.wide.append(self.lines[self.row])

    def all(self):
        """Its lines, with those that have left it above."""
        return "".join(f"{line.rstrip()}\n" for line in self.lines).rstrip("\n") + "\n"
