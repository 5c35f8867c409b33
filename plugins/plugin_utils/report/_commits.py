# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the commits of each deployed release were made, by the build notes in the media library."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from ...module_utils.errors._release_error import ReleaseError
from ..library._catalogue import Catalogue, Label
from ..measures._deployment import Deployment
from ..notes._chain import Chain

MOST = 50  # deployments whose notes are read, the newest first

Commits = dict[str, list[datetime]]


def of_library(media_library: str, deployments: Iterable[Deployment]) -> Commits:
    """Return the times of the commits that each of *deployments* brought, by release digest.

    They are those since what was live before. A release whose notes cannot be read has no entry.
    """
    from ..library._store import Library

    found: Commits = {}
    wanted = [each for each in deployments if each.is_new and each.accepted][-MOST:]
    if not media_library or not wanted:
        return found
    try:
        library = Library(media_library)
        chain = Chain(library, None)
    except (ReleaseError, OSError):
        return found
    for each in wanted:
        times = _times(library, chain, each)
        if times is not None:
            found[each.digest] = times
    return found


def _times(library: Catalogue, chain: Chain, each: Deployment) -> list[datetime] | None:
    """Return the times of the commits, None where a note on the way is missing."""
    try:
        old = _label(library, min(each.replaced)) if len(each.replaced) == 1 else None
        way = chain.way(old, library.find(f"sha256:{each.digest}"))
    except (ReleaseError, OSError):
        return None
    if way.lacks:
        return None
    return [
        datetime.fromtimestamp(commit.time, timezone.utc)
        for commit in way.commits
        if not commit.is_taken_back
    ]


def _label(library: Catalogue, digest: str) -> Label:
    return library.find(f"sha256:{digest}")
