# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes plugins/plugin_utils/building/_unicode_fold.py from the Unicode data of its Python.

The table is committed so that a release is sealed or refused alike on every controller, whatever
Unicode version its Python has. Run it by hand, with the newest Python at hand, to move to a newer
Unicode version: ``python3.14 tests/tooling/make_unicode_fold.py``.
"""

from __future__ import annotations

import pathlib
import sys
import textwrap
import unicodedata

TARGET = pathlib.Path(__file__).parents[2] / "plugins/plugin_utils/building/_unicode_fold.py"
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic
TEMPLATE = '''\
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unicode's canonical decompositions and case foldings, made by tests/tooling/make_unicode_fold.py.

Each item is a character and, after the equals sign, what stands for it, in hex.
"""

from __future__ import annotations

VERSION = "{version}"

DECOMPOSED = """
{decomposed}
"""

FOLDED = """
{folded}
"""

# First and last of each run of characters that combine with the one before.
MARKS = """
{marks}
"""
'''


def main():
    characters = [chr(point) for point in range(sys.maxunicode + 1) if not surrogate(point)]
    decomposed = {c: unicodedata.normalize("NFD", c) for c in characters if ord(c) not in HANGUL}
    folded = {c: c.casefold() for c in characters}
    marks = [ord(c) for c in characters if unicodedata.combining(c)]
    TARGET.write_text(
        TEMPLATE.format(
            version=unicodedata.unidata_version,
            decomposed=items(decomposed),
            folded=items(folded),
            marks=wrapped(f"{first:X}-{last:X}" for first, last in runs(marks)),
        ),
        encoding="ascii",
    )


def surrogate(point):
    return 0xD800 <= point <= 0xDFFF


def items(mapping):
    return wrapped(
        f"{ord(c):X}=" + "+".join(f"{ord(d):X}" for d in to) for c, to in mapping.items() if to != c
    )


def runs(points):
    first = last = points[0]
    for point in points[1:]:
        if point != last + 1:
            yield first, last
            first = point
        last = point
    yield first, last


def wrapped(words):
    return textwrap.fill(" ".join(words), 99, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    main()
