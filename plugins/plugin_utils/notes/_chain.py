# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from one release to another over the build notes of those between them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from ..definition import _schema_file
from ..evidence import _attachments
from ..library._catalogue import Catalogue, Label
from . import _build_note
from ._model import FORMAT, AttachedNote, Commit

MOST_RELEASES = 1000
LISTS = ("commits", "findings", "lacks")


@dataclasses.dataclass(frozen=True)
class Way:
    """What lies between two releases: Labels of those that come and that go, newest first.

    *commits* are those of build notes, with ``is_taken_back`` where they go; *findings* and *lacks*
    are lines. *notes* has, by release digest, the build note of each release, None where it has
    none.
    """

    brought: tuple[Label, ...]
    taken_back: tuple[Label, ...]
    commits: tuple[Commit, ...]
    findings: tuple[str, ...]
    lacks: tuple[str, ...]
    notes: Mapping[str, AttachedNote | None]


class Chain:
    """The releases in a media library, each with its build note and the one that came before it.

    *known* are the keys by which build notes are believed, ``{fingerprint: PublicKey}``; None
    believes all of them.
    """

    def __init__(self, library: Catalogue, known: Mapping[str, Any] | None) -> None:
        self._library = library
        self._known = known
        self._notes: dict[str, AttachedNote | None] = {}
        self._problems: dict[str, str] = {}

    def way(self, old: Label | None, new: Label) -> Way:
        """Return the Way from the release of the Label *old* (None: nothing) to that of *new*.

        It goes back from both to the one that both have come from: a release beside the way, such
        as one that was rolled back for good, is no part of it.
        """
        after, before = self._ancestors(new), self._ancestors(old) if old else []
        there = {label.digest for label in before}
        common = next((label.digest for label in after if label.digest in there), None)
        brought, taken_back = _until(after, common), _until(before, common)
        commits = _Sum()
        findings: list[str] = []
        lacks: list[str] = []
        for labels, sign in ((brought, 1), (taken_back, -1)):
            for label in labels:
                note = self.note(label)
                if note is None:
                    lacks.append(f"{_called(label)}: {self._problems[label.digest]}")
                    continue
                commits.add(note.commits, sign)
                lacks += [f"{_called(label)}: {lack}" for lack in note.lacks]
                if sign > 0:
                    findings += [f"{_called(label)}: {line}" for line in note.findings]
        notes = {label.digest: self.note(label) for label in (*brought, *taken_back)}
        return Way(
            tuple(brought),
            tuple(taken_back),
            commits.result(),
            tuple(findings),
            tuple(lacks),
            notes,
        )

    def note(self, label: Label) -> AttachedNote | None:
        """Return the build note that is attached to the release of a Label, or None."""
        if label.digest not in self._notes:
            self._notes[label.digest], self._problems[label.digest] = self._read(label)
        return self._notes[label.digest]

    def _read(self, label: Label) -> tuple[AttachedNote | None, str]:
        """Return a build note and "", or None and why there is none."""
        if not self._library.holds(label.digest):
            return None, "it is not in the media library, so its commits are not known"
        problem = "it has no build note, so its commits are not known"
        for found in reversed(_attachments.read(self._library, label, self._known)):
            if found.predicate_type != _build_note.PREDICATE_TYPE:
                continue
            if found.predicate is None:
                problem = f"its build note is not believed: {found.problem}"
            elif isinstance(found.predicate, dict) and _is_whole(found.predicate, label):
                return AttachedNote.from_plain(found.predicate), ""
            else:
                problem = "its build note is malformed, so its commits are not known"
        return None, problem

    def _ancestors(self, label: Label) -> list[Label]:
        """Return the release of a Label and those before it, as each one's note tells them."""
        found: list[Label] = []
        earlier: Label | None = label
        while earlier and earlier not in found and len(found) < MOST_RELEASES:
            found.append(earlier)
            earlier = self._previous(earlier)
        return found

    def _previous(self, label: Label) -> Label | None:
        note = self.note(label)
        return before(self._labels, label) if note is None else note.previous

    @functools.cached_property
    def _labels(self) -> list[Label]:
        return list(self._library.labels())


def before(labels: Iterable[Label], label: Label) -> Label | None:
    """Return of *labels* the one with the highest serial below that of *label*, or None."""
    older = [each for each in labels if each.name == label.name and each.serial < label.serial]
    return max(older, key=lambda each: each.serial, default=None)


class _Sum:
    """Commits that come and go: what comes as often as it goes is in neither release or in both."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._commits: dict[tuple[str, str], Commit] = {}

    def add(self, commits: Iterable[Commit], sign: int) -> None:
        for commit in commits:
            key = (commit.repository, commit.id)
            self._counts[key] = self._counts.get(key, 0) + sign * (
                -1 if commit.is_taken_back else 1
            )
            self._commits.setdefault(key, commit)

    def result(self) -> tuple[Commit, ...]:
        """Return the commits that are left, in the order in which they came."""
        return tuple(
            dataclasses.replace(commit, is_taken_back=self._counts[key] < 0)
            for key, commit in self._commits.items()
            if self._counts[key]
        )


def _until(labels: Iterable[Label], digest: str | None) -> list[Label]:
    """Return the Labels before the one with *digest*; all where that is None."""
    found = []
    for label in labels:
        if label.digest == digest:
            break
        found.append(label)
    return found


def _is_whole(note: dict[str, Any], label: Label) -> bool:
    """Tell whether the build note is of the release of a Label, and what is read of it is there."""
    rules = _schema_file.schema("build-note")
    try:
        return (
            note["format"] == FORMAT
            and note["release"] == label._asdict()
            and all(_schema_file.fits(note[key], rules["properties"][key], rules) for key in LISTS)
            and _is_built(note["built"])
            and (
                note["previous"] is None
                or _schema_file.fits(note["previous"], rules["$defs"]["release"], rules)
            )
        )
    except (KeyError, TypeError):
        return False


def _is_built(built: Any) -> bool:
    """Tell whether what a note says of who built it can be read."""
    return built is None or (
        isinstance(built, dict)
        and all(built.get(key) is None or isinstance(built[key], dict) for key in ("builder", "ci"))
    )


def _called(label: Label) -> str:
    return f"{label.name}:{label.version}"
