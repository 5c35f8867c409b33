# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is attached to the releases of a library: OCI manifests with a subject (OCI 1.1 referrers).

They are listed by an OCI index under the fallback tag of their subject, ``sha256-<digest of the OCI
manifest>``, by which other tools find and copy them; some tools list them in ``index.json`` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ...module_utils.formats import _canonical
from . import _index, _layout
from ._index import Descriptor
from ._layout import Layout

EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
MOST_ATTACHED = 100
LARGEST_LIST = 1024 * 1024
LARGEST_TOGETHER = 256 * 1024 * 1024


class Attached(NamedTuple):
    """A document that is attached: its blob's digest, its bytes, and what its notes claim.

    Where it cannot be read, *data* is b"" and *damage* tells why.
    """

    digest: str
    data: bytes
    notes: dict[str, Any]
    damage: str = ""


def is_list(item: Descriptor) -> bool:
    """Tell whether an entry of an index is of an index itself: releases never are."""
    return item.get("mediaType") == _layout.OCI_INDEX_TYPE


def tag_of_list(subject: str) -> str:
    """Return the fallback tag of the OCI manifest with the digest *subject*."""
    return subject.replace(":", "-", 1)


def lists_of(index: list[Descriptor], subjects: Collection[str]) -> list[Descriptor]:
    """Return the entries of *index* that list what is attached to the digests *subjects*."""
    tags = set(map(tag_of_list, subjects))
    return [item for item in index if is_list(item) and _index.tag_of(item) in tags]


def belonging(
    layout: Layout, index: list[Descriptor], subjects: Collection[str]
) -> list[Descriptor]:
    """Return the entries of *index* that attach something to *subjects*, lists and others."""
    return [*lists_of(index, subjects), *_loose(layout, index, subjects)]


def read(
    layout: Layout, index: list[Descriptor], subjects: Collection[str], kind: str, limit: int
) -> list[Attached]:
    """Return an Attached for each document of type *kind*, of at most *limit* bytes.

    So many are read, and so many bytes of all together, that whoever may write to a library can
    neither fill the memory of who reads it, nor hide one kind behind another.
    """
    found = {}

    def damaged(item: Descriptor, error: Exception) -> None:
        found[item["digest"]] = Attached(item["digest"], b"", {}, _reason(error))

    lists = lists_of(index, subjects)
    manifests = [*_loose(layout, index, subjects), *_listed(layout, lists, damaged)]
    manifests = [item for item in manifests if item.get("artifactType", kind) == kind]
    room = LARGEST_TOGETHER
    for item in manifests[:MOST_ATTACHED]:
        for attached in _documents(layout, item, subjects, kind, min(limit, room)):
            found.setdefault(attached.digest, attached)
            room -= len(attached.data)
    if len(manifests) > MOST_ATTACHED:
        reason = f"more than {MOST_ATTACHED} documents are attached"
        damaged(manifests[MOST_ATTACHED], _layout.LibraryError(reason))
    return list(found.values())


def attach(
    layout: Layout,
    index: list[Descriptor],
    subject: Descriptor,
    kind: str,
    data: bytes,
    notes: Mapping[str, str],
    media_type: str | None = None,
) -> list[Descriptor]:
    """Store *data* as attached to the OCI manifest *subject*; return the index that lists it.

    *media_type* is that of the bytes, where *kind*, by which it is found, is of what they mean.
    """
    plain = {
        "schemaVersion": 2,
        "mediaType": _layout.OCI_MANIFEST_TYPE,
        "artifactType": kind,
        "config": layout.store_bytes(EMPTY, EMPTY_TYPE),
        "layers": [layout.store_bytes(data, media_type or kind)],
        "subject": _reference(subject),
        "annotations": notes,
    }
    return _listing(layout, index, subject, [_stored(layout, plain)])


def moved(
    layout: Layout, index: list[Descriptor], subjects: Collection[str], subject: Descriptor
) -> list[Descriptor]:
    """Return the *index* in which all that was attached to *subjects* is attached to *subject*.

    So a release keeps its signatures when the form changes in which its layers are stored. What
    cannot be read stays behind.
    """
    old = set(subjects) - {subject["digest"]}
    new = []
    for item in [*_loose(layout, index, old), *_listed(layout, lists_of(index, old))]:
        try:
            plain = layout.read_json(item, LARGEST_LIST)
        except (_layout.LibraryError, KeyError, TypeError):
            continue
        new.append(_stored(layout, {**plain, "subject": _reference(subject)}))
    gone = belonging(layout, index, old)
    index = [item for item in index if item not in gone]
    return _listing(layout, index, subject, new) if new else index


def _reference(descriptor: Descriptor) -> Descriptor:
    """Return no more of a descriptor than what tells it from others."""
    return {key: descriptor[key] for key in ("mediaType", "digest", "size")}


def _stored(layout: Layout, plain: dict[str, Any]) -> Descriptor:
    """Store an OCI manifest that attaches something; return its entry for a list."""
    stored = layout.store_bytes(_canonical.dumps(plain), _layout.OCI_MANIFEST_TYPE)
    return {
        **stored,
        "artifactType": plain.get("artifactType", ""),
        "annotations": _index.annotations_of(plain),
    }


def _listing(
    layout: Layout, index: list[Descriptor], subject: Descriptor, new: list[Descriptor]
) -> list[Descriptor]:
    """Return the *index* in which the list of what is attached to *subject* has *new*, too."""
    lists = lists_of(index, {subject["digest"]})
    digests = {item["digest"] for item in new}
    there = [item for item in _listed(layout, lists) if item.get("digest") not in digests]
    plain = {
        "schemaVersion": 2,
        "mediaType": _layout.OCI_INDEX_TYPE,
        "manifests": [*there, *new],
    }
    listed = layout.store_bytes(_canonical.dumps(plain), _layout.OCI_INDEX_TYPE)
    tag = {_index.TAG: tag_of_list(subject["digest"])}
    return [*(item for item in index if item not in lists), {**listed, "annotations": tag}]


def _listed(
    layout: Layout,
    lists: Iterable[Descriptor],
    damage: Callable[[Descriptor, Exception], None] | None = None,
) -> list[Descriptor]:
    """Return the entries in *lists*; of one that cannot be read *damage* is told, if given."""
    found = []
    for item in lists:
        try:
            plain = layout.read_json(item, LARGEST_LIST)["manifests"]
            found += [entry for entry in plain if isinstance(entry, dict)]
        except (_layout.LibraryError, KeyError, TypeError) as error:
            if damage:
                damage(item, error)
    return found


def _loose(
    layout: Layout, index: Iterable[Descriptor], subjects: Collection[str]
) -> list[Descriptor]:
    """Return the entries of *index* itself that are attached to one of *subjects*."""
    found = []
    for item in index:
        other = item.get("artifactType", _index.RELEASE_TYPE) != _index.RELEASE_TYPE
        if other and item.get("mediaType") == _layout.OCI_MANIFEST_TYPE:
            try:
                subject = layout.read_json(item, LARGEST_LIST).get("subject")
                if subject and subject["digest"] in subjects:
                    found.append(item)
            except (_layout.LibraryError, KeyError, TypeError, AttributeError):
                continue  # it is not known to be about these
    return found


def _documents(
    layout: Layout, item: Descriptor, subjects: Collection[str], kind: str, limit: int
) -> list[Attached]:
    """Return what the OCI manifest of *item* attaches, if that is of type *kind*."""
    digest = "an unnamed blob"
    try:
        digest = str(item["digest"])[:71]
        plain = layout.read_json(item, LARGEST_LIST)
        if plain.get("artifactType") != kind or plain["subject"]["digest"] not in subjects:
            return []
        (document,) = plain["layers"]
        digest = document["digest"]
        data = layout.read(document, limit)
        return [Attached(digest, data, _index.annotations_of(plain))]
    except (_layout.LibraryError, KeyError, TypeError, AttributeError, ValueError) as error:
        return [Attached(digest, b"", {}, _reason(error))]


def _reason(error: Exception) -> str:
    return f"{str(error) if isinstance(error, _layout.LibraryError) else 'malformed'}"
