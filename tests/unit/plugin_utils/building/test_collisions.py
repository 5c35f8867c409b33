# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colliding names: what some file system takes for one, whatever Unicode version Python has."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.building import (
    _collisions,
    _unicode_fold,
)

UNICODE = tuple(map(int, unicodedata.unidata_version.split(".")))
TABLE = tuple(map(int, _unicode_fold.VERSION.split(".")))
# Characters of this Python's Unicode; what they decompose and fold to never changes any more.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"])
needs_older_unicode = pytest.mark.skipif(
    UNICODE > TABLE, reason="this Python knows more characters than the table"
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("README", "readme"),
        ("lib/A", "LIB/a"),
        ("straße", "STRASSE"),
        ("ß", "ẞ"),
        ("ß", "ss"),
        ("Σ", "ς"),
        ("ſ", "S"),
        ("\u212a", "k"),  # the sign of kelvin
        ("É", "é"),
        ("İ", "i\u0307"),
        ("ﬀ", "FF"),
        ("Ǆ", "ǆ"),
        ("Ω", "ω"),
        ("\U00010400", "\U00010428"),
    ],
)
def test_names_that_differ_only_by_case_collide_unless_that_is_wanted(one, other):
    assert _collisions.colliding([one, other], case_sensitive=False) == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u00e9", "e\u0301"),
        ("\u00c5", "\u212b"),  # the sign of angstrom
        ("\u1e69", "s\u0323\u0307"),
        ("s\u0323\u0307", "s\u0307\u0323"),
        ("\uac00", "\u1100\u1161"),
        ("\uac01", "\u1100\u1161\u11a8"),
        ("\uac01", "\uac00\u11a8"),
        ("\uf900", "\u8c48"),
        ("lib/\u00e9/a", "lib/e\u0301/a"),
    ],
)
@pytest.mark.parametrize("case_sensitive", [False, True])
def test_two_spellings_of_one_name_always_collide(one, other, case_sensitive):
    assert _collisions.colliding([one, other], case_sensitive) == [(one, other)]


@pytest.mark.parametrize(
    "paths",
    [
        ["a", "b", "a/b", "ab", "a b", "a-b"],
        ["é", "e", "è"],
        ["가", "각", "나"],
        ["日本", "日木"],
        ["ﬁ.txt", "fl.txt"],
    ],
)
def test_other_names_do_not_collide(paths):
    assert _collisions.colliding(paths, case_sensitive=False) == []


def test_with_case_sensitive_names_may_differ_by_case():
    assert _collisions.colliding(["README", "readme", "É", "é"], case_sensitive=True) == []


def test_each_collision_is_named_with_the_first_one():
    assert _collisions.colliding(["a", "A", "b", "B", "c"], False) == [("a", "A"), ("b", "B")]
    assert _collisions.colliding(["aa", "aA", "Aa"], False) == [("aa", "aA"), ("aa", "Aa")]


@needs_older_unicode
@given(st.text(CHARACTERS), st.sampled_from(["NFC", "NFD"]))
def test_every_form_of_a_name_has_one_canonical_form(text, form):
    spelled = unicodedata.normalize(form, text)

    assert _collisions.canonical_form(spelled) == _collisions.canonical_form(text)


@needs_older_unicode
@given(st.text(CHARACTERS))
def test_a_name_in_other_case_has_the_same_caseless_form(text):
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())

    assert _collisions.caseless_form(folded) == _collisions.caseless_form(text)


@needs_older_unicode
def test_each_character_decomposes_and_folds_as_in_this_pythons_unicode():
    decomposed, folded, marks = _collisions._tables()

    for point in range(sys.maxunicode + 1):
        character = chr(point)
        if unicodedata.category(character) in ("Cn", "Cs"):
            continue
        form = unicodedata.normalize("NFD", character)
        assert (decomposed.get(character) or _collisions._hangul(character)) == form, hex(point)
        assert folded.get(character, character) == character.casefold(), hex(point)
        assert (character in marks) == bool(unicodedata.combining(character)), hex(point)


def test_the_table_says_which_unicode_it_is():
    assert TABLE >= (15, 1, 0)
