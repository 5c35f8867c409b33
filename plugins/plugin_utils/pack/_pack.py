# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence pack of a plan: one tar, with an index that the closer signs."""

from __future__ import annotations

import filecmp
import os
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import replace

from . import _index, _tar
from ._contents import Collected, Shelf
from ._index import Closer, Index
from ._tar import PackError

LARGEST_PAGE = 64 * 1024 * 1024
Sign = Callable[[bytes], str]  # returns the armored signature over the bytes of the index
Holds = Callable[[bytes, str], bool]  # tells whether such a signature is genuine


class Workshop(tempfile.TemporaryDirectory[str]):
    """A folder beside the pack at *dest*, on the same file system, while the pack is made."""

    def __init__(self, dest: str) -> None:
        folder = os.path.dirname(os.path.abspath(dest))
        os.makedirs(folder, exist_ok=True)
        super().__init__(prefix=".evidence-", dir=folder)


def index_of(
    collected: Collected, shelf: Shelf, closer: Closer, made_at: str, whole_ledger: bool
) -> Index:
    """Return the index of what was *collected* on the *shelf*."""
    return Index(
        collected.plan,
        collected.revision,
        collected.plan_digest,
        collected.ended,
        collected.head,
        whole_ledger,
        made_at,
        closer,
        tuple(shelf.listed),
        collected.left_out,
    )


def write(dest: str, index: Index, shelf: Shelf, sign: Sign | None) -> None:
    """Write the pack to *dest*, signed by *sign*, as the closer of *index* says."""
    if (sign is not None) != (index.closer.strength == _index.SIGNED):
        raise PackError("an evidence pack is signed where its closer has a key, and only then")
    if len(index.data) > _index.LARGEST:
        raise PackError(f"{_index.NAME} would have {len(index.data):,} bytes: too many files")
    shelf = replace(shelf, listed=list(shelf.listed))
    shelf.put(_index.NAME, [index.data])
    if sign is not None:
        shelf.put(_index.SIGNATURE, [sign(index.data).encode("ascii")])
    _tar.write(dest, shelf.files(index.plan))


def is_up_to_date(dest: str, index: Index, shelf: Shelf, holds: Holds) -> bool:
    """Tell whether the pack at *dest* is what would be written, but for its time and pages.

    ``holds(data, signature)`` tells whether the signature over its index is still that of a key of
    the closer. The pack is made again around its index, and compared to the byte.
    """
    there = _read_moment(dest)
    data, signature = there.get(_index.NAME, b""), there.get(_index.SIGNATURE)
    old = _index.parse(data)
    if old is None or old.without_moment() != index.without_moment():
        return False
    if signature is not None and not holds(data, signature.decode("utf-8", "replace")):
        return False
    with Workshop(dest) as folder:
        again = Shelf(folder)
        for path, content in there.items():
            again.put(path, [content])
        pages = {file for file in again.listed if file.path.startswith(_index.PAGES)}
        if pages != {file for file in old.files if file.path.startswith(_index.PAGES)}:
            return False
        new = [f for f in shelf.files(index.plan) if not _path(f.name).startswith(_index.PAGES)]
        files = [*again.files(index.plan), *new]
        made = os.path.join(folder, "made.tar")
        _tar.write(made, files)
        return filecmp.cmp(made, dest, shallow=False)


def _read_moment(dest: str) -> dict[str, bytes]:
    """Return the index of the pack at *dest*, its signature and its pages, by their paths."""
    found = {}
    try:
        for name, stream in _tar.read(dest):
            path = _path(name)
            if path.startswith(_index.PAGES) or path in (_index.NAME, _index.SIGNATURE):
                found[path] = stream.read(LARGEST_PAGE)
    except (FileNotFoundError, PackError, tarfile.TarError):
        return {}
    return found


def _path(name: str) -> str:
    return name.partition("/")[2]
