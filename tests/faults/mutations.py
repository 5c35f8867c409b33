# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What input could be in place of what was written: noise, changed bytes, changed values.

These are Hypothesis strategies, so a case that goes wrong is made small before it is shown.
"""

from __future__ import annotations

import copy
import json

from hypothesis import strategies as st

MOST_CHANGES = 6
WHERE = st.integers(0, 2**20)  # taken modulo what there is
# What readers trip over; of all of them one is as good as another to Hypothesis.
ODD_VALUES = st.sampled_from(
    [
        *(
            None,
            True,
            False,
            0,
            -1,
            1,
            2,
            2**31,
            2**53 - 1,
            2**53,
            2**64,
            10**40,
            1.5,
            float("inf"),
        ),
        *("", ".", "..", "/", "a/../b", "a\nb", "a\x1b[31mb", "\ud800", "é", "\u2028", "0" * 64),
        *("f" * 64, "sha256:" + "0" * 64, "x" * 300, "x/" * 200, "2026-02-30", "1" * 5000),
        *([], {}, [[]], [None], {"": None}, [0, 1], [2**53 - 1, 1], {"a": {"a": {}}}),
    ]
)
ODD_BYTES = st.sampled_from(
    [
        *(b"\0", b"\n", b"\r\n", b"\xff", b"\x80", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\"),
        *(b"null", b"NaN", b"1e999", b"-0", b"9" * 30, b"\\ud800", b"[" * 3000, b'{"a":' * 3000),
        *(
            b"&a ",
            b"*a ",
            b"!!python/none ",
            b"? ",
            b"- ",
            b"<<: ",
            b"\t",
            b"\xef\xbb\xbf",
            b"0" * 512,
        ),
        *(
            b"\0" * 512,
            b"ustar\x0000",
            b"PK\1\2",
            b"PK\3\4",
            b"PK\5\6",
            b"\xff" * 8,
            b"77777777777",
        ),
    ]
)


def noise():
    """Draw bytes that nobody wrote."""
    return st.one_of(st.binary(max_size=300), st.lists(ODD_BYTES, max_size=20).map(b"".join))


@st.composite
def changed_bytes(draw, seeds):
    """Draw one of *seeds* with some of its bytes flipped, cut, doubled, moved or replaced."""
    data = bytearray(draw(st.sampled_from(seeds)))
    steps = st.tuples(
        st.sampled_from(BYTE_CHANGES), WHERE, WHERE, ODD_BYTES, st.sampled_from(seeds)
    )
    for change, first, second, odd, other in draw(
        st.lists(steps, min_size=1, max_size=MOST_CHANGES)
    ):
        start = first % (len(data) + 1)
        change(data, start, min(len(data), start + second % 600), odd, other)
    return bytes(data)


def _flip(data, start, end, odd, other):
    del odd, other
    if start < len(data):
        data[start] ^= 1 << end % 8


def _replace(data, start, end, odd, other):
    del end, other
    data[start : start + len(odd)] = odd


def _insert(data, start, end, odd, other):
    del end, other
    data[start:start] = odd


def _cut(data, start, end, odd, other):
    del odd, other
    del data[start:end]


def _cut_end(data, start, end, odd, other):
    del end, odd, other
    del data[start:]


def _double(data, start, end, odd, other):
    del odd, other
    data[start:start] = data[start:end]


def _move(data, start, end, odd, other):
    del odd, other
    piece = data[start:end]
    del data[start:end]
    at = (start * 7 + end) % (len(data) + 1)
    data[at:at] = piece


def _splice(data, start, end, odd, other):
    del end, odd
    data[start:] = other[start:]


BYTE_CHANGES = [_flip, _replace, _insert, _cut, _cut_end, _double, _move, _splice]


@st.composite
def changed_values(draw, seeds):
    """Draw one of *seeds*, which are JSON, with some values in it replaced, removed or moved."""
    value = json.loads(draw(st.sampled_from(seeds)))
    steps = st.tuples(st.sampled_from(VALUE_CHANGES), WHERE, WHERE, ODD_VALUES)
    for change, first, second, odd in draw(st.lists(steps, min_size=1, max_size=MOST_CHANGES)):
        places = list(_places(value))
        if places:
            holder, key = places[first % len(places)]
            change(holder, key, places[second % len(places)], copy.deepcopy(odd))
    return _as_bytes(value)


def _places(value):
    """Yield (dictionary or list, key or index) of everything in *value*."""
    items = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _as_bytes(value):
    """Return canonical JSON, as far as there is any of *value*."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _put(holder, key, place, odd):
    del place
    holder[key] = odd


def _drop(holder, key, place, odd):
    del place, odd
    del holder[key]


def _add(holder, key, place, odd):
    del place
    if isinstance(holder, list):
        holder.insert(key, odd)
    else:
        holder[str(odd)[:20]] = odd


def _copy(holder, key, place, odd):
    del odd
    other, there = place
    holder[key] = copy.deepcopy(other[there])


def _repeat(holder, key, place, odd):
    del place, odd
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[key + "x"] = holder.pop(key)


VALUE_CHANGES = [_put, _put, _drop, _add, _copy, _repeat]
