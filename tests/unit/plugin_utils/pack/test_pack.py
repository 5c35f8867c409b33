# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pack as a whole: the same bytes again, signed or not, and left alone while it is right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.pack import (
    _contents,
    _index,
    _pack,
    _tar,
)
from ansible_collections.itops.release.plugins.plugin_utils.pack._tar import PackError


def index_in(path):
    for name, stream in _tar.read(str(path)):
        if name.endswith("/index.json"):
            return _index.parse(stream.read())
    return None


def test_the_same_evidence_is_the_same_bytes(closed):
    assert closed.pack("one.tar").read_bytes() == closed.pack("two.tar").read_bytes()
    assert not list(closed.folder.glob(".evidence-*"))


def test_the_index_says_who_closed_the_plan_and_what_is_in_the_pack(closed):
    index = index_in(closed.pack())
    names = [name.partition("/")[2] for name, _stream in _tar.read(str(closed.pack()))]

    assert (index.plan, index.revision, index.ended) == ("shop-1.5", 2, "closed")
    assert index.head == closed.ledger.head()
    assert index.closer == _index.Closer("ada", "ada@control1", "signed")
    assert names == sorted([*(file.path for file in index.files), "index.json", "index.json.sig"])


def test_a_signature_and_a_closer_who_signs_go_together(closed, tmp_path):
    index = index_in(closed.pack())
    shelf = _contents.Shelf(str(tmp_path))
    with pytest.raises(PackError, match="has a key"):
        _pack.write(str(tmp_path / "x.tar"), index, shelf, None)
    closer = _index.Closer("", "ada@control1", "claimed")
    with pytest.raises(PackError, match="has a key"):
        _pack.write(str(tmp_path / "x.tar"), replace(index, closer=closer), shelf, str)


def test_an_index_that_would_not_be_read_is_not_written(closed, tmp_path, monkeypatch):
    monkeypatch.setattr(_index, "LARGEST", 99)
    with pytest.raises(PackError, match="too many files"):
        closed.pack("large.tar")


def is_up_to_date(closed, name, closer="ada", holds=True, change=None, **about):
    """Tell whether the pack *name* is, where *change* is made to its file before."""
    path = closed.folder / name
    if change is not None:
        path.write_bytes(change(path.read_bytes()))
    with closed.prepared(name, closer, **about) as (dest, index, shelf):
        return _pack.is_up_to_date(dest, index, shelf, lambda data, signature: holds)


@pytest.mark.parametrize("closer", ["ada", None])
def test_a_pack_stays_until_something_else_is_to_be_in_it(closed, closer):
    closed.pack("now.tar", closer=closer)
    closed.told.clock.pass_(hours=1)

    assert is_up_to_date(closed, "now.tar", closer)
    assert is_up_to_date(closed, "now.tar", closer, pages={"plans/x.md": b"later"})
    assert is_up_to_date(closed, "now.tar", closer, holds=False) == (closer is None)
    assert not is_up_to_date(closed, "now.tar", closer, whole=True)
    assert not is_up_to_date(closed, "now.tar", "ben")
    assert not is_up_to_date(closed, "none.tar", closer)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"# Review", b"# review"),
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + bytes(512),
        lambda data: data[:-1025] + b"x" + data[-1024:],
        lambda data: b"",
        lambda data: data.replace(b"index.json.sig", b"index.json.xxx"),
        lambda data: data.replace(b'"made_at":"2026', b'"made_at":"2025'),
        lambda data: data.replace(b"<p>", b"<b>"),
    ],
)
def test_a_damaged_pack_is_not_up_to_date(closed, change):
    closed.pack("damaged.tar")

    assert not is_up_to_date(closed, "damaged.tar", change=change)
    assert not list(closed.folder.glob(".evidence-*"))
