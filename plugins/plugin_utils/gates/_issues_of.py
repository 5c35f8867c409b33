# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The issues that a release brings to an environment, by the build notes in the media library."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..environment._state import ADOPTED
from ..evidence._keys import KnownKeys
from ..library._catalogue import Catalogue, Label
from ..notes import _chain, _model


class UnknownIssues(ReleaseError):
    """The build notes do not have all issues between two releases; the text is one line."""

    code = "unknown_issues"


@dataclass(frozen=True)
class Issues:
    """The issues that build notes name, sorted; or the *problem* why they are not all known."""

    found: tuple[str, ...]
    problem: str = ""


def issues_since(
    library: Catalogue,
    label: Label,
    baseline_digests: Collection[str],
    trust: KnownKeys | None = None,
) -> Issues:
    """Return the Issues of the commits on the way to the release of a Label.

    *baseline_digests* are the release digests of what is live: the way begins at each of them, and
    the issues of all ways are in the answer. Without any it begins with the first release. *trust*
    has the keys whose build notes are believed, as ``_attachments.attesters`` returns them; None
    believes all. A commit that another one on the same way reverts names no issues, nor does that
    other one. Whatever is not known of a way is a problem: no issues are returned then.
    """
    chain = _chain.Chain(library, trust)
    found: set[str] = set()
    try:
        for old in _baselines(library, label, baseline_digests):
            way = chain.way(old, label)
            _refuse_gaps(way, old, label)
            found.update(_model.issues(_standing(way.commits)))
    except (ReleaseError, OSError) as error:
        return Issues((), _canonical.one_line(error))
    return Issues(tuple(sorted(found)))


def _baselines(
    library: Catalogue, label: Label, digests: Collection[str]
) -> Sequence[Label | None]:
    """Return the Labels of the releases that are live, [None] where there are none."""
    found: list[Label] = []
    for digest in sorted(set(digests)):
        if not digest:
            raise UnknownIssues(f"the issues since are not known: {ADOPTED}")
        old = library.find(f"sha256:{digest}")
        if old.name != label.name:
            raise UnknownIssues(f"{_called(old)} is live, which is no release of {label.name}")
        found.append(old)
    return found or [None]


def _refuse_gaps(way: _chain.Way, old: Label | None, label: Label) -> None:
    """Raise UnknownIssues unless the build notes have the whole *way* from *old* to a release."""
    if way.lacks:
        more = len(way.lacks) - 1
        raise UnknownIssues(f"{way.lacks[0]}{f'; and {more} more' if more else ''}")
    # Both sides end at the release that both have come from, or at the beginning of both.
    if _end(way, way.brought, label) != _end(way, way.taken_back, old):
        since = f"from {_called(old)}" if old else "from the first release"
        raise UnknownIssues(f"the build notes do not lead {since} to {_called(label)}")


def _end(way: _chain.Way, passed: Sequence[Label], begin: Label | None) -> str | None:
    """Return the digest of the release before the last one *passed*, None for nothing."""
    if not passed:
        return begin.digest if begin else None
    note = way.notes[passed[-1].digest]
    return note.previous.digest if note and note.previous else None


def _standing(commits: Iterable[_model.Commit]) -> list[_model.Commit]:
    """Return of *commits*, newest first, those that come, without reverts and what they revert."""
    come = [commit for commit in commits if not commit.is_taken_back]
    lengths = {len(commit.reverts) for commit in come if commit.reverts}
    by_prefix = {
        (commit.repository, commit.id[:length]): commit.id for commit in come for length in lengths
    }
    gone: set[str] = set()
    for commit in come:
        target = by_prefix.get((commit.repository, commit.reverts))
        if target and commit.id not in gone:  # a revert that was reverted takes nothing back
            gone |= {commit.id, target}
    return [commit for commit in come if commit.id not in gone]


def _called(label: Label) -> str:
    return f"{label.name}:{label.version}"
