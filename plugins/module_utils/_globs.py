# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs over relative paths: ``*`` stays within a directory, ``**`` crosses them."""

from __future__ import annotations

import re


def compile_globs(patterns):
    """Return a function that tells whether a path matches one of *patterns*.

    ``*``, ``?`` and ``[…]`` never match a slash; ``**/`` matches any number of directories and
    ``**`` anything. A trailing slash is ignored.
    """
    if not patterns:
        return lambda path: False
    expression = "|".join("(?:%s)" % _translate(pattern.rstrip("/")) for pattern in patterns)
    return re.compile("(?:%s)\\Z" % expression, re.DOTALL).match


def _translate(pattern):
    out, index = [], 0
    while index < len(pattern):
        if pattern.startswith("**/", index):
            out.append("(?:[^/]+/)*")
            index += 3
        elif pattern.startswith("**", index):
            out.append(".*")
            index += 2
        elif pattern[index] == "*":
            out.append("[^/]*")
            index += 1
        elif pattern[index] == "?":
            out.append("[^/]")
            index += 1
        elif pattern[index] == "[" and pattern.find("]", index + 2) > 0:
            end = pattern.find("]", index + 2)
            inner = pattern[index + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            negated = inner[0] in "!^"
            out.append("(?!/)[%s%s]" % ("^" if negated else "", inner[negated:]))
            index = end + 1
        else:
            out.append(re.escape(pattern[index]))
            index += 1
    return "".join(out)
