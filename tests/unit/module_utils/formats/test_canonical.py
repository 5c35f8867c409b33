# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON: one spelling, and nothing accepted that two readers could read differently."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical

KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
WHOLE = st.integers(-_canonical.LARGEST_INTEGER, _canonical.LARGEST_INTEGER)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back(value):
    assert _canonical.loads(_canonical.dumps(value)) == value


@given(VALUES)
def test_there_is_one_spelling_for_one_value(value):
    # Written by a reader that kept the order of keys, with blanks: still the same value.
    elsewhere = json.loads(json.dumps(value, indent=2))

    assert _canonical.dumps(elsewhere) == _canonical.dumps(value)


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        # RFC 8785, section 3.2.2 and 3.2.3: no blanks, keys sorted, seven short escapes, lower
        # case hex for the other control characters, everything else as it is.
        ({"b": 1, "a": [True, False, None]}, '{"a":[true,false,null],"b":1}'),
        ('\b\t\n\f\r"\\', r'"\b\t\n\f\r\"\\"'),
        ("\x00\x0f\x1f/\x7f", '"\\u0000\\u000f\\u001f/\x7f"'),
        ("é€\U0001f600\u2028", '"é€\U0001f600\u2028"'),
        ({"a": {"Z": 0, "_": 0, "~": 0, "0": 0}}, '{"a":{"0":0,"Z":0,"_":0,"~":0}}'),
        (-0, "0"),
        (_canonical.LARGEST_INTEGER, "9007199254740991"),
    ],
)
def test_the_spelling_is_that_of_rfc_8785(value, spelling):
    assert _canonical.dumps(value) == spelling.encode("utf-8")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1,"a":1}', "key 'a' is repeated"),
        (b'{"x":[{"b":1,"c":2,"b":3}]}', "key 'b' is repeated"),
        (b"[NaN]", "number NaN is not an integer"),
        (b"[Infinity]", "number Infinity is not an integer"),
        (b"[-Infinity]", "number -Infinity is not an integer"),
        (b"[1.0]", r"number 1\.0 is not an integer"),
        (b"[1e3]", "number 1e3 is not an integer"),
        (b"[9007199254740992]", "too large"),
        (b"[-9007199254740992]", "too large"),
        (b"[" + b"9" * 1_000_000 + b"]", "too large"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b'"\xff"', "not JSON"),
        (b'"\xed\xa0\x80"', "not JSON"),
        ("\ufeff[]".encode(), "not JSON"),
        ("[]".encode("utf-16"), "not JSON"),
        (b"", "not JSON"),
        (b"[1] 2", "not JSON"),
        (b'["\n"]', "not JSON"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(data, reason):
    with pytest.raises(_canonical.CanonicalError, match=reason):
        _canonical.loads(data)


@given(st.binary())
def test_whatever_is_read_it_is_a_value_or_a_canonical_error(data):
    try:
        _canonical.loads(data)
    except _canonical.CanonicalError:
        pass


def test_a_digest_is_the_sha256_in_hex():
    assert _canonical.sha256_hex(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_what_is_told_of_a_file_is_one_printable_line_of_bounded_length():
    assert _canonical.one_line(ValueError("é is good")) == "é is good"
    assert _canonical.one_line("a\nb\x1b[31m\u2028\ud800") == r"a\nb\x1b[31m\u2028\ud800"
    assert _canonical.one_line("x" * 1000) == "x" * (_canonical.LONGEST_TOLD - 1) + "…"
    assert _canonical.one_line(3) == "3"


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\udc00\\ud800"])
def test_half_a_character_is_refused_and_a_whole_one_in_escapes_is_read(half):
    for text in (f'"{half}"', f'{{"{half}":1}}', f'[{{"a":["{half}"]}}]'):
        with pytest.raises(_canonical.CanonicalError, match="surrogates"):
            _canonical.loads(text.encode())
    assert _canonical.loads(b'"\\ud83d\\ude00 \\\\ud800"') == "\U0001f600 \\ud800"


def test_numbers_that_are_no_integers_are_read_only_where_documents_of_others_are():
    assert _canonical.loads(b'{"score":9.8,"n":1e2,"i":3}', floats=True) == {
        "score": 9.8,
        "n": 100.0,
        "i": 3,
    }
    with pytest.raises(_canonical.CanonicalError, match=r"number 9\.8 is not an integer"):
        _canonical.loads(b"9.8")
    for odd in (b"NaN", b"Infinity", b"1e999", b"-1e999"):
        with pytest.raises(_canonical.CanonicalError, match="number"):
            _canonical.loads(odd, floats=True)
