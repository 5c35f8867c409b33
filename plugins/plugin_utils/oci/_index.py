# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the index of a media library says of a release: its tags, since when it is there, its pin.

None of it is part of the release. Tools that copy a library keep the tags and may drop the rest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from ..release._stored import Label

Descriptor = dict[str, Any]  # of a blob or manifest, as OCI has it in JSON
RELEASE_TYPE = "application/vnd.itops.release.v1"
TAG = "org.opencontainers.image.ref.name"
CREATED = "org.opencontainers.image.created"
PINNED = "vnd.itops.release.pinned"
LONGEST_TAG = 128
RELEASE_TAG = re.compile(r"sha256-([0-9a-f]{64})\Z")


def annotations_of(descriptor: Descriptor) -> dict[str, Any]:
    """Return the annotations of an entry of the index."""
    annotations = descriptor.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def tag_of(descriptor: Descriptor) -> str:
    """Return the tag of an entry of the index, "" when it has none."""
    return str(annotations_of(descriptor).get(TAG, ""))


def digest_tag(digest: str) -> str:
    """Return the tag by which the release *digest* is found."""
    return f"sha256-{digest}"


def name_tag(name: str, version: str) -> str:
    """Return the tag of a name and version: without the plus sign and tilde, which it may not have,
    and no longer than it may be.
    """
    return f"{name}-{re.sub('[+~]', '_', version)}"[:LONGEST_TAG]


def is_pinned(descriptors: Iterable[Descriptor]) -> bool:
    """Tell whether any of a release's *descriptors* in the index pins it."""
    return any(annotations_of(item).get(PINNED) == "true" for item in descriptors)


def created(descriptors: Iterable[Descriptor]) -> str:
    """Return when a release came into the library, as RFC 3339 has it; "" when that is unknown."""
    return max(str(annotations_of(item).get(CREATED, "")) for item in descriptors)


def with_release(
    index: list[Descriptor],
    label: Label,
    descriptor: Descriptor,
    replaced: Collection[str],
    now: datetime,
) -> list[Descriptor]:
    """Return the *index* with a release's *descriptor* and its tags.

    It takes the place, and the pin, of those whose digests are in *replaced*.
    """
    pinned = is_pinned(item for item in index if item["digest"] in replaced)
    index = [{**item, **descriptor} if item["digest"] in replaced else item for item in index]
    taken = set(map(tag_of, index))
    # Two names and versions can make one tag. The first has it: only others' tools look for it.
    tags = [digest_tag(label.digest), name_tag(label.name, label.version)]
    notes = {CREATED: now.strftime("%Y-%m-%dT%H:%M:%SZ"), PINNED: "true" if pinned else None}
    return index + [_noted(descriptor, {TAG: tag, **notes}) for tag in tags if tag not in taken]


def with_pin(index: list[Descriptor], digests: Collection[str], pinned: bool) -> list[Descriptor]:
    """Return the *index* in which the entries that have one of the *digests* are pinned, or not."""
    note = {PINNED: "true" if pinned else None}
    return [_noted(item, note) if item["digest"] in digests else item for item in index]


def without(index: list[Descriptor], digests: Collection[str]) -> list[Descriptor]:
    """Return the *index* without the entries that have one of the *digests*."""
    return [item for item in index if item["digest"] not in digests]


def _noted(descriptor: Descriptor, notes: Mapping[str, str | None]) -> Descriptor:
    """Return *descriptor* with the annotations in *notes*, without those that are None there."""
    notes = {**annotations_of(descriptor), **notes}
    return {**descriptor, "annotations": {key: note for key, note in notes.items() if note}}
