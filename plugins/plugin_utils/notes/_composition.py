# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of a release in a media library: of its build, and of what it changes in an environment."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..definition import _schema_file
from ..environment._state import EnvironmentState
from ..evidence import _attachments, _packages, _sbom
from ..library._catalogue import Catalogue, Label, Stored
from . import _baseline, _build_note, _chain, _consolidated, _dependencies, _workspace
from ._model import BuildNote, ConsolidatedNote, Difference, PackageChange, Sealed

UNVERIFIED = "the build notes that this is made of are not verified: no trust was given"


class NoteError(ReleaseError):
    """A note cannot be made as it is asked for; the text is one line."""

    code = "invalid_note"


class Notes:
    """Composes notes on the releases in a media library.

    *workspace* is where the release was built, or None. *known* are the keys by which evidence is
    believed, ``{fingerprint: PublicKey}``; None believes all of it. With *may_lack_packages* a
    note that needs a library for packages of others is made without it.
    """

    def __init__(
        self,
        library: Catalogue,
        workspace: _workspace.Workspace | None,
        known: Mapping[str, Any] | None,
        may_lack_packages: bool = False,
    ) -> None:
        self._library = library
        self._workspace = workspace
        self._known = known
        self._may_lack_packages = may_lack_packages

    def of_build(self, label: Label, previous: str | None = None) -> BuildNote:
        """Return the build note of a release; *previous* is a reference, or None for the default.

        That is the release of the same name with the highest serial below.
        """
        stored, before = self._library.get(label.digest), self._before(label, previous)
        old = self._library.get(before.digest) if before else None
        return self._compose(stored, old, self._told(stored, old))

    def consolidated(
        self, label: Label, environment: str, state: EnvironmentState
    ) -> ConsolidatedNote:
        """Return what a release changes in an *environment*, whose hosts are as *state* has it.

        Raises BaselineError.
        """
        stored = self._library.get(label.digest)
        baselines = _baseline.baselines(state, label)
        chain = _chain.Chain(self._library, self._known)
        ways = [
            (baseline, chain.way(baseline.label, label))
            for baseline in _baseline.counted(baselines)
        ]
        changes = [
            _consolidated.Change(
                baseline, self._difference(stored, baseline, way), way.brought, way.taken_back
            )
            for baseline, way in ways
        ]
        releases = {digest: note for _from, way in ways for digest, note in way.notes.items()}
        note = _consolidated.compose(_sealed(stored), environment, baselines, changes, releases)
        if self._known is None and any(releases.values()):
            note = dataclasses.replace(note, lacks=(*note.lacks, UNVERIFIED))
        return note

    def _before(self, label: Label, previous: str | None) -> Label | None:
        """Return the Label of the release that a build is compared with, or None."""
        if previous is None:
            return _chain.before(self._library.labels(), label)
        found: Label = self._library.find(previous)
        if found.name != label.name or found.digest == label.digest:
            raise NoteError(f"previous: {previous} is no other release of {label.name}")
        return found

    def _told(self, stored: Stored, old: Stored | None) -> _workspace.Told:
        """Return what the workspace tells; without one, what was sealed."""
        if not self._workspace:
            return _workspace.nothing(stored.manifest)
        return _workspace.tell(self._workspace, _sealed(stored), _sealed(old) if old else None)

    def _difference(
        self, stored: Stored, baseline: _baseline.Baseline, way: _chain.Way
    ) -> Difference:
        """Return what changes from a Baseline over a Way, as exactly as it can be known."""
        old = None
        if baseline.label:
            if not self._library.holds(baseline.label.digest):
                return _without_files(baseline.label, way)
            old = self._library.get(baseline.label.digest)
        told = self._told(stored, old)
        if self._workspace:
            return self._compose(stored, old, told).difference
        found = self._compose(stored, old, told._replace(lacks=[])).difference
        own = () if all(way.notes.values()) else found.findings
        return dataclasses.replace(
            found, commits=way.commits, findings=(*way.findings, *own), lacks=way.lacks
        )

    def _compose(self, stored: Stored, old: Stored | None, told: _workspace.Told) -> BuildNote:
        dependencies, lacks = [], []
        try:
            dependencies = self._package_changes(stored, old)
        except _schema_file.MissingLibrary as error:
            if not self._may_lack_packages:
                raise
            lacks.append(f"which packages of others changed is not known without {error}")
        return _build_note.compose(
            _sealed(stored),
            _sealed(old) if old else None,
            told.builts,
            told.histories,
            told.built,
            dependencies,
            [*told.lacks, *lacks],
        )

    def _package_changes(self, stored: Stored, old: Stored | None) -> list[PackageChange]:
        """Return how the packages of others differ from the Stored release *old*, or from none.

        Bills that are attached count where both releases have one: they are of one kind then.
        """
        if old and _telling(old) == _telling(stored):
            return []
        both = [self._attached_bills(each) for each in (old, stored) if each]
        if not all(both):
            both = [[self._made_bill(each)] for each in (old, stored) if each]
        before, after = [[], *both][-2:]
        return _dependencies.compare(before, after)

    def _made_bill(self, stored: Stored) -> dict[str, Any]:
        bill: dict[str, Any] = json.loads(_sbom.of_stored(self._library, stored))
        return bill

    def _attached_bills(self, stored: Stored) -> list[Any]:
        return [
            found.predicate
            for found in _attachments.read(self._library, stored.label, self._known)
            if found.predicate_type == _sbom.PREDICATE_TYPE and found.predicate is not None
        ]


def _telling(stored: Stored) -> list[tuple[str, Any]]:
    """Return the files of a release that tell of packages, by which a bill is made."""
    return [
        (component.name, _packages.telling(component.entries))
        for component in stored.manifest.components
    ]


def _sealed(stored: Stored) -> Sealed:
    return stored.label, stored.manifest


def _without_files(label: Label, way: _chain.Way) -> Difference:
    """Return what is known of a change from a release that is in no media library any more."""
    lack = (
        f"{label.name}:{label.version} is not in the media library: which files and packages "
        "change since is not known"
    )
    return Difference((), (), way.commits, way.findings, (lack, *way.lacks))
