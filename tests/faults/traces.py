# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trace by strace, read: each system call that succeeded, with the paths that it is about."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

CALL = re.compile(r"(?:(\d+)\s+)?(\w+)\((.*)\)\s+= (.*)")
UNFINISHED = re.compile(r"(?:(\d+)\s+)?(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"(?:(\d+)\s+)?<\.\.\. \w+ resumed>(.*)")
ARGUMENT = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)"(?:\.\.\.)?'
    r"|(?P<descriptor>AT_FDCWD|\d+)<(?P<path>[^>]*)>(?:\(deleted\))?"
    r"|(?P<word>[^\s,]+)"
)
HERE = "AT_FDCWD"


class Call(NamedTuple):
    """One call: its name, its arguments as texts, and what it gave.

    A descriptor is told as the path that it is open for; ``opened`` maps the arguments' positions
    to the descriptors' numbers. ``process`` is None in a trace of one process.
    """

    name: str
    arguments: list
    opened: dict
    gave: str
    process: str | None

    def path(self, position):
        """Return the path that the argument at *position*, and a folder before it, lead to."""
        name = self.arguments[position]
        if position in self.opened:
            return name
        folder = self.arguments[position - 1] if position - 1 in self.opened else "/"
        return os.path.normpath(os.path.join(folder, name))


def calls(lines):
    """Yield a Call for each of the *lines* of ``strace -y``, with ``-f`` or without."""
    begun = {}
    for line in lines:
        unfinished, resumed = UNFINISHED.match(line), RESUMED.match(line)
        if unfinished:
            begun[unfinished[1]] = line[: unfinished.end(2)]
            continue
        if resumed:
            line = begun.pop(resumed[1], "") + resumed[2]
        match = CALL.match(line)
        if match and not match[4].startswith(("-1 ", "?")):
            process, name, arguments, gave = match.groups()
            yield Call(name, *_read(arguments), gave, process)


def _read(arguments):
    """Return the arguments as texts, and which are descriptors: ``{position: number}``."""
    found, opened = [], {}
    for match in ARGUMENT.finditer(arguments):
        if match["descriptor"]:
            opened[len(found)] = match["descriptor"]
            found.append(_plain(match["path"]))
        else:
            found.append(_plain(match["text"]) if match["text"] is not None else match["word"])
    return found, opened


def _plain(text):
    """Return what strace writes with escapes as the text that it is."""
    if "\\" not in text:
        return text
    return (
        text.encode("latin-1", "replace")
        .decode("unicode_escape")
        .encode("latin-1")
        .decode("utf-8", "surrogateescape")
    )
