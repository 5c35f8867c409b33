# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blobs of a media library nothing leads to any more."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from ...module_utils.release import _manifest
from ..oci import _layout
from ..oci._index import Descriptor
from ..oci._layout import Layout

MANIFEST_TYPES = (
    _layout.OCI_MANIFEST_TYPE,
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEX_TYPES = (
    _layout.OCI_INDEX_TYPE,
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


def unneeded(layout: Layout, kept: list[Descriptor], gone: list[Descriptor]) -> list[str]:
    """Return the paths of the blobs that no descriptor in *kept* leads to, without those *gone*.

    Others may keep artifacts here, too: where one of them cannot be followed, it is only those
    that the OCI manifests in *gone* name.
    """
    removed = {item["digest"] for item in gone} - {item["digest"] for item in kept}
    named, _all_followed = _follow(layout, gone, set())
    needed, all_followed = _follow(layout, kept, removed)
    found = []
    for name in sorted(_names(layout.blobs)):
        digest = f"sha256:{name}"
        ours = all_followed or digest in named
        if ours and digest not in needed and _manifest.DIGEST.match(name):
            found.append(layout.blob(digest))
    return found


def size(path: str) -> int:
    """Return how many bytes the file at *path* has, or all files below it."""
    if os.path.isdir(path) and not os.path.islink(path):
        return sum(size(os.path.join(path, name)) for name in _names(path))
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def _names(folder: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return os.listdir(folder)
    return []


def _follow(
    layout: Layout, descriptors: Iterable[Descriptor], removed: set[str]
) -> tuple[set[str], bool]:
    """Return the digests that *descriptors* lead to, and whether all could be followed.

    What a signature or the like is about may be *removed* before it: that is not followed.
    """
    found, followed, waiting = set(), set(removed), list(descriptors)
    all_followed = True
    while waiting:
        descriptor = waiting.pop()
        try:
            digest = descriptor["digest"]
            if digest not in followed:
                followed.add(digest)
                found.add(digest)
                parts, documents = _parts(layout, descriptor)
                found.update(item["digest"] for item in parts)
                waiting.extend(documents)
        except (_layout.LibraryError, OSError, KeyError, TypeError, AttributeError):
            all_followed = False
    return found, all_followed


def _parts(layout: Layout, descriptor: Descriptor) -> tuple[list[Descriptor], list[Descriptor]]:
    """Return the descriptors of the plain blobs, and of the documents, that one names."""
    plain, kind = layout.read_json(descriptor), descriptor["mediaType"]
    documents = [plain["subject"]] if plain.get("subject") else []
    if kind in MANIFEST_TYPES:
        return [plain["config"], *plain["layers"]], documents
    if kind in INDEX_TYPES:
        return [], documents + plain["manifests"]
    raise _layout.LibraryError(f"{layout.path}: documents of type {kind} are not known")
