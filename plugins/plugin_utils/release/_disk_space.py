# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk space that a release takes on a host, in bytes and inodes, and whether it fits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.release import _manifest, _pack

BLOCK_BYTES = 4096  # what even a file of one byte takes on most file systems
ENTRY_BYTES = 200  # of a file in the manifest, which is kept as well
OBJECT_FOLDERS = 256
OWN_INODES = 20  # state, history, and the folders of the root, the drop and staging


class DiskSpaceError(ReleaseError):
    """A release does not fit on a host; the text is one line."""

    code = "disk_full"


class Space(NamedTuple):
    """So many bytes and inodes."""

    bytes: int
    inodes: int

    def __add__(self, other: Space) -> Space:  # type: ignore[override]  # not as tuples
        return Space(self.bytes + other.bytes, self.inodes + other.inodes)


def of_tree(
    manifest: _manifest.Manifest, base: _manifest.Manifest | None, again: Collection[str] = ()
) -> Space:
    """Return the Space that staging *manifest* takes where the Manifest *base* is, or None.

    Each new content takes a file for each exec bit that it is needed with, and so does one that is
    sent *again*. The tree's files are links to those, but for the ones that are never shared; some
    file systems count each link as an inode too, so that here all do.
    """
    there = _objects(base) if base else {}
    new = [
        size
        for (sha256, bit), size in _objects(manifest).items()
        if sha256 in again or (sha256, bit) not in there
    ]
    tree = _manifest.tree(manifest).values()
    copied = [entry.size for entry in tree if entry.private or entry.writable]
    object_folders = min(len(new), OBJECT_FOLDERS)
    folders = sum(entry.type == "dir" for entry in tree) + object_folders
    size = sum(map(_blocks, [*new, *copied, ENTRY_BYTES * len(tree)])) + folders * BLOCK_BYTES
    return Space(size, len(new) + len(tree) + object_folders + OWN_INODES)


def of_pack(size: int) -> Space:
    """Return the Space that a pack of *size* bytes takes while it is in the drop."""
    return Space(_blocks(size), 2)


def most_of_pack(
    manifest: _manifest.Manifest, base: _manifest.Manifest | None, again: Collection[str] = ()
) -> Space:
    """Return the Space that no pack of *manifest* on top of *base*, or None, takes more of."""
    sizes = _pack.travelling(manifest, base, again).values()
    entries = sum(len(component.entries) for component in manifest.components)
    # What cannot be compressed becomes a little longer.
    return of_pack(round(1.01 * sum(sizes)) + 2 * ENTRY_BYTES * entries)


def is_in(free: Mapping[str, Any], needed: Space) -> bool:
    """Tell whether *needed* fits into *free*, ``{bytes, inodes}``; inodes may be None there."""
    return needed.bytes <= free["bytes"] and (
        free["inodes"] is None or needed.inodes <= free["inodes"]
    )


def check(free: Mapping[str, Any], needed: Space, root: str, spare: int = 0) -> None:
    """Raise DiskSpaceError unless *needed* fits into what is *free* at the host's path *root*.

    *spare* are bytes that must be free beside.
    """
    if not is_in(free, needed):
        inodes = "any number of" if free["inodes"] is None else free["inodes"]
        raise DiskSpaceError(
            f"{root} has not enough room: {_megabytes(free['bytes'])} and {inodes} inodes are "
            f"free, {_megabytes(needed.bytes)} and {needed.inodes} inodes are needed; "
            "nothing was sent to this root (deploy_root in the role)"
        )
    left = free["bytes"] - needed.bytes
    if left < spare:
        raise DiskSpaceError(
            f"{root} would have {_megabytes(left)} left, and the release requires "
            f"{_megabytes(spare)} of free disk; nothing was sent"
        )


def _objects(manifest: _manifest.Manifest) -> dict[tuple[str, bool], int]:
    """Return ``{(sha256, exec bit): size}`` of what is kept once for *manifest*."""
    return {
        (entry.sha256, entry.exec): entry.size
        for component in manifest.components
        for entry in component.entries
        if entry.type == "file"
    }


def _blocks(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
