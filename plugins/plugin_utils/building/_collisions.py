# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that some file systems take for one: alike but for case or Unicode form."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from . import _unicode_fold

HANGUL_FIRST, HANGUL_COUNT = 0xAC00, 11172
LEAD, VOWEL, TAIL = 0x1100, 0x1161, 0x11A7


def colliding(paths: Iterable[str], case_sensitive: bool) -> list[tuple[str, str]]:
    """Return [(first, other), …] of *paths* that collide, in the order given.

    Names of the same canonical form always do; those that differ only by case do unless
    *case_sensitive*.
    """
    seen: dict[str, str] = {}
    found = []
    for path in paths:
        key = canonical_form(path) if case_sensitive else caseless_form(path)
        first = seen.setdefault(key, path)
        if first != path:
            found.append((first, path))
    return found


def canonical_form(text: str) -> str:
    """Return the form that all canonically equivalent spellings of *text* share."""
    return text if text.isascii() else _ordered(_mapped(text, _tables()[0]))


def caseless_form(text: str) -> str:
    """Return the form that all spellings of *text* share, whatever their case."""
    if text.isascii():
        return text.lower()
    decomposed, folded, _marks = _tables()
    return _ordered(_mapped(_mapped(_mapped(text, decomposed), folded), decomposed))


def _mapped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(c) or _hangul(c) for c in text)


def _hangul(character: str) -> str:
    """Return the parts of a Hangul syllable, or the character itself (Unicode, section 3.12)."""
    index = ord(character) - HANGUL_FIRST
    if not 0 <= index < HANGUL_COUNT:
        return character
    tail = index % 28
    parts = chr(LEAD + index // 588) + chr(VOWEL + index % 588 // 28)
    return parts + (chr(TAIL + tail) if tail else "")


def _ordered(text: str) -> str:
    """Return *text* with each run of combining marks sorted.

    Unicode sorts them by class; sorting them by number tells the same spellings apart but for
    marks of one class in another order, which nobody can tell apart by looking either.
    """
    marks = _tables()[2]
    out: list[str] = []
    run: list[str] = []
    for character in text:
        if character in marks:
            run.append(character)
            continue
        out.extend(sorted(run))
        run.clear()
        out.append(character)
    return "".join(out + sorted(run))


@functools.lru_cache(maxsize=None)
def _tables() -> tuple[dict[str, str], dict[str, str], set[str]]:
    return _table(_unicode_fold.DECOMPOSED), _table(_unicode_fold.FOLDED), _marks()


def _table(text: str) -> dict[str, str]:
    pairs = (item.split("=") for item in text.split())
    return {
        chr(int(point, 16)): "".join(chr(int(part, 16)) for part in to.split("+"))
        for point, to in pairs
    }


def _marks() -> set[str]:
    bounds = (item.split("-") for item in _unicode_fold.MARKS.split())
    return {
        chr(point) for first, last in bounds for point in range(int(first, 16), int(last, 16) + 1)
    }
