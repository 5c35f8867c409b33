# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index: canonical, with its own sum, and read back only from its very bytes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Head
from ansible_collections.itops.release.plugins.plugin_utils.pack import _index
from ansible_collections.itops.release.plugins.plugin_utils.pack._index import (
    Closer,
    Index,
    Listed,
)
from ansible_collections.itops.release.tests.fakes.evidence_packs import verifier

FILES = (
    Listed("plan.json", 2, "a" * 64),
    Listed("ledger/chain.txt", 65, "b" * 64),
    Listed("pages/plans/x.md", 1, "c" * 64),
)
INDEX = Index(
    plan="shop-1.5",
    revision=2,
    plan_digest="a" * 64,
    ended="closed",
    head=Head("1" * 32, 1, "d" * 64),
    whole_ledger=False,
    made_at="2026-12-01T12:00:00.000Z",
    closer=Closer("ada", "ada@control", "signed"),
    files=FILES,
    left_out=("shop:1.5.0 sha256:… it is about something else",),
)


def test_it_lists_files_in_order_whatever_theirs_was():
    plain = json.loads(INDEX.data)

    assert [file["path"] for file in plain["files"]] == sorted(file.path for file in FILES)
    assert replace(INDEX, files=FILES[::-1]).data == INDEX.data


def test_it_is_canonical_and_has_its_sum():
    plain = _canonical.loads(INDEX.data)
    rest = {key: value for key, value in plain.items() if key != "sum"}

    assert _canonical.dumps(plain) + b"\n" == INDEX.data
    assert plain["sum"] == _canonical.sha256_hex(_canonical.dumps(rest))
    assert (plain["format"], plain["type"]) == (1, "itops.release/evidence-pack")


def test_it_is_read_back():
    there = _index.parse(INDEX.data)

    assert there is not None
    assert there.data == INDEX.data
    assert there.head == INDEX.head


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", INDEX.data[:-1], INDEX.data + b"\n"])
def test_what_is_no_index_is_none(data):
    assert _index.parse(data) is None


def test_any_other_byte_is_none():
    for at in range(len(INDEX.data)):
        flipped = INDEX.data[:at] + bytes([INDEX.data[at] ^ 1]) + INDEX.data[at + 1 :]

        assert _index.parse(flipped) is None


def test_pages_and_time_are_of_the_moment_and_nothing_else_is():
    later = replace(INDEX, made_at="2027-01-01T00:00:00.000Z", files=FILES[:2][::-1])
    other = replace(INDEX, files=(*FILES, Listed("review.md", 1, "e" * 64)))

    assert later.without_moment() == INDEX.without_moment()
    assert other.without_moment() != INDEX.without_moment()
    assert replace(INDEX, left_out=()).without_moment() != INDEX.without_moment()


def test_the_verifier_reads_an_index_of_this_size():
    assert verifier().LARGEST_INDEX == _index.LARGEST
