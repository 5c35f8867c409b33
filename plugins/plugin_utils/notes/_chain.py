# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from one release to another over the build notes of those between them."""

from __future__ import annotations

import functools
from typing import NamedTuple

from ..definition import _schema_file
from ..evidence import _attachments
from ..library import _catalogue
from . import _build_note

MOST_RELEASES = 1000
LISTS = ("commits", "findings", "lacks")


class Way(NamedTuple):
    """What lies between two releases: Labels of those that come and that go, newest first.

    *commits* are those of build notes, with ``is_taken_back`` where they go; *findings* and *lacks*
    are lines. *notes* has the build note of each release that has one.
    """

    brought: list
    taken_back: list
    commits: list
    findings: list
    lacks: list
    notes: dict


class Chain:
    """The releases in a media library, each with its build note and the one that came before it.

    *known* are the keys by which build notes are believed, ``{fingerprint: PublicKey}``; None
    believes all of them.
    """

    def __init__(self, library, known):
        self._library = library
        self._known = known
        self._notes = {}
        self._problems = {}

    def way(self, old, new):
        """Return the Way from the release of the Label *old* (None: nothing) to that of *new*.

        It goes back from both to the one that both have come from: a release beside the way, such
        as one that was rolled back for good, is no part of it.
        """
        after, before = self._ancestors(new), self._ancestors(old) if old else []
        there = {label.digest for label in before}
        common = next((label.digest for label in after if label.digest in there), None)
        brought, taken_back = _until(after, common), _until(before, common)
        commits = _Sum()
        findings, lacks = [], []
        for labels, sign in ((brought, 1), (taken_back, -1)):
            for label in labels:
                note = self.note(label)
                if note is None:
                    lacks.append(f"{_called(label)}: {self._problems[label.digest]}")
                    continue
                commits.add(note["commits"], sign)
                lacks += [f"{_called(label)}: {lack}" for lack in note["lacks"]]
                if sign > 0:
                    findings += [f"{_called(label)}: {line}" for line in note["findings"]]
        notes = {label.digest: self.note(label) for label in (*brought, *taken_back)}
        return Way(brought, taken_back, commits.result(), findings, lacks, notes)

    def note(self, label):
        """Return the build note that is attached to the release of a Label, or None."""
        if label.digest not in self._notes:
            self._notes[label.digest], self._problems[label.digest] = self._read(label)
        return self._notes[label.digest]

    def _read(self, label):
        """Return a build note and "", or None and why there is none."""
        if not self._library.holds(label.digest):
            return None, "it is not in the media library, so its commits are not known"
        problem = "it has no build note, so its commits are not known"
        for found in reversed(_attachments.read(self._library, label, self._known)):
            if found.predicate_type != _build_note.PREDICATE_TYPE:
                continue
            if found.predicate is None:
                problem = f"its build note is not believed: {found.problem}"
            elif _is_whole(found.predicate, label):
                return found.predicate, ""
            else:
                problem = "its build note is malformed, so its commits are not known"
        return None, problem

    def _ancestors(self, label):
        """Return the release of a Label and those before it, as each one's note tells them."""
        found = []
        while label and label not in found and len(found) < MOST_RELEASES:
            found.append(label)
            label = self._previous(label)
        return found

    def _previous(self, label):
        note = self.note(label)
        if note is not None:
            return _catalogue.Label(**note["previous"]) if note["previous"] else None
        return before(self._labels, label)

    @functools.cached_property
    def _labels(self):
        return self._library.labels()


def before(labels, label):
    """Return of *labels* the one with the highest serial below that of *label*, or None."""
    older = [each for each in labels if each.name == label.name and each.serial < label.serial]
    return max(older, key=lambda each: each.serial, default=None)


class _Sum:
    """Commits that come and go: what comes as often as it goes is in neither release or in both."""

    def __init__(self):
        self._counts = {}
        self._commits = {}

    def add(self, commits, sign):
        for commit in commits:
            key = (commit["repository"], commit["id"])
            self._counts[key] = self._counts.get(key, 0) + sign * (
                -1 if commit["is_taken_back"] else 1
            )
            self._commits.setdefault(key, commit)

    def result(self):
        """Return the commits that are left, in the order in which they came."""
        return [
            {**commit, "is_taken_back": self._counts[key] < 0}
            for key, commit in self._commits.items()
            if self._counts[key]
        ]


def _until(labels, digest):
    """Return the Labels before the one with *digest*; all where that is None."""
    found = []
    for label in labels:
        if label.digest == digest:
            break
        found.append(label)
    return found


def _is_whole(note, label):
    """Tell whether the build note is of the release of a Label, and what is read of it is there."""
    rules = _schema_file.schema("build-note")
    try:
        return (
            note["format"] == _build_note.FORMAT
            and note["release"] == label._asdict()
            and all(_schema_file.fits(note[key], rules["properties"][key], rules) for key in LISTS)
            and (
                note["previous"] is None
                or _schema_file.fits(note["previous"], rules["$defs"]["release"], rules)
            )
        )
    except (KeyError, TypeError):
        return False


def _called(label):
    return f"{label.name}:{label.version}"
