# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``MANIFEST.in``: which files of a project ansible-sign signs, by directives as distlib has them.

The last directive that matches a path decides. https://ansible.readthedocs.io/projects/sign
"""

from __future__ import annotations

import re
from typing import Callable

from ..files import _globs
from . import _lines

WITH_PATTERNS = ("include", "exclude", "global-include", "global-exclude")
WITH_DIRECTORY = ("recursive-include", "recursive-exclude")
OF_DIRECTORY = ("graft", "prune")
TAKING = ("include", "global-include", "recursive-include", "graft")
# What ansible-sign never lists: its own folder, at any depth, with the files right in it.
ITS_OWN = re.compile(r"(?:^|/)\.ansible-sign(?:/[^/]*)?\Z")


def chooser(text: str, verifying: bool) -> Callable[[str], bool]:
    """Return a function that tells whether a path belongs to the project with this ``MANIFEST.in``.

    When *verifying*, all belongs to it that no directive takes out; else only what one takes in.
    Raises ChecksumError with the number of the line that is no directive.
    """
    found = [_directive(*item) for item in enumerate(text.splitlines(), 1)]
    directives = [directive for directive in found if directive][::-1]

    def is_chosen(path: str) -> bool:
        if path == "MANIFEST.in":
            return True
        if ITS_OWN.search(path):
            return False
        for takes, matches in directives:
            if matches(path):
                return takes
        return verifying

    return is_chosen


def _directive(number: int, line: str) -> tuple[bool, _globs.Matches] | None:
    """Return (whether it takes in, a function that tells whether a path matches), or None."""
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    if len(words) == 1 and words[0] not in WITH_PATTERNS + WITH_DIRECTORY + OF_DIRECTORY:
        words.insert(0, "include")
    action, *rest = words
    globs = [re.sub(r"\*+", "*", word) for word in rest]  # two stars are no more than one here
    if action in WITH_PATTERNS and rest:
        # Not anchored: it is enough that a path ends so, even within a name.
        patterns = ["**" * action.startswith("global-") + glob for glob in globs]
    elif action in WITH_DIRECTORY and len(rest) > 1:
        patterns = [globs[0] + "/**" + glob for glob in globs[1:]]
    elif action in OF_DIRECTORY and len(rest) == 1:
        patterns = [globs[0] + "/**"]
    else:
        raise _lines.ChecksumError(
            "line %d is no directive: %s" % (number, _lines.shown(line.strip()))
        )
    patterns = [pattern for pattern in patterns if not pattern.endswith("/")]  # matches no file
    return action in TAKING, _globs.compile_globs(patterns)
