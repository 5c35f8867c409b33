# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Globs over relative paths: ``*`` stays within a directory, ``**`` crosses them."""

from __future__ import annotations

import re
from typing import Callable, Iterable

# A bracket right at the beginning belongs to the class.
CLASS = re.compile(r"\[(?:([!^])(\][^\]]*|[^\]]+)|(\][^\]]*|[^\]!^][^\]]*))\]")

Matches = Callable[[str], object]  # true for a path that matches


def compile_globs(patterns: Iterable[str]) -> Matches:
    """Return a function that tells whether a path matches one of *patterns*.

    ``*``, ``?`` and ``[…]`` never match a slash; ``**/`` matches any number of directories and
    ``**`` anything. ``a/`` is ``a`` and all below it; brackets that are no class match themselves.
    """
    expression = "|".join("(?:%s)" % _translate_whole(pattern) for pattern in patterns)
    if not expression:
        return lambda path: False
    return re.compile("(?:%s)\\Z" % expression, re.DOTALL).match


def _translate_whole(pattern: str) -> str:
    path = pattern.rstrip("/")
    return _translate(path) + ("" if path == pattern else "(?:/.*)?")


def _translate(pattern: str) -> str:
    out, index = [], 0
    while index < len(pattern):
        expression, end = _class(pattern, index)
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
        elif expression:
            out.append(expression)
            index = end
        else:
            out.append(re.escape(pattern[index]))
            index += 1
    return "".join(out)


def _class(pattern: str, start: int) -> tuple[str | None, int]:
    """Return (the expression of the class that begins at *start*, its end), else (None, start)."""
    match = CLASS.match(pattern, start)
    if not match:
        return None, start
    negated, inner = match.group(1), match.group(2) or match.group(3)
    items = re.findall(r"(.)-(.)|(.)", inner, re.DOTALL)
    if any(first > last for first, last, single in items if not single):
        return None, start
    spelled = "".join(
        re.escape(single) if single else "%s-%s" % (re.escape(first), re.escape(last))
        for first, last, single in items
    )
    return "(?!/)[%s%s]" % ("^" if negated else "", spelled), match.end()
