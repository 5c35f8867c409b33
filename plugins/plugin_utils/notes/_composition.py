# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of a release in a media library: of its build, and of what it changes in an environment."""

from __future__ import annotations

import json

from ...module_utils.errors._release_error import ReleaseError
from ..definition import _schema_file
from ..evidence import _attachments, _packages, _sbom
from . import _baseline, _build_note, _chain, _consolidated, _dependencies, _workspace

UNVERIFIED = "the build notes that this is made of are not verified: no trust was given"


class NoteError(ReleaseError):
    """A note cannot be made as it is asked for; the text is one line."""

    code = "invalid_note"


class Notes:
    """What is asked of the Library *library*.

    *workspace* is one of the classes in ``_workspace``, or None. *known* are the keys by
    which evidence is believed, ``{fingerprint: PublicKey}``; None believes all of it. With
    *may_lack_packages* a note that needs a library for packages of others is made without it.
    """

    def __init__(self, library, workspace, known, may_lack_packages=False):
        self._library = library
        self._workspace = workspace
        self._known = known
        self._may_lack_packages = may_lack_packages

    def of_build(self, label, previous=None):
        """Return the build note of a release; *previous* is a reference, or None for the default.

        That is the release of the same name with the highest serial below.
        """
        stored, before = self._library.get(label.digest), self._before(label, previous)
        old = self._library.get(before.digest) if before else None
        new_pair, old_pair = _pair(stored), old and _pair(old)
        if self._workspace:
            told = _workspace.tell(self._workspace, new_pair, old_pair)
        else:
            told = _workspace.nothing(stored.manifest)
        return self._compose(stored, old, told)

    def consolidated(self, label, environment, state):
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
        changes = [self._change(stored, baseline, way) for baseline, way in ways]
        releases = {digest: note for _from, way in ways for digest, note in way.notes.items()}
        note = _consolidated.compose(_pair(stored), environment, baselines, changes, releases)
        if self._known is None and any(releases.values()):
            note["lacks"].append(UNVERIFIED)
        return note

    def _before(self, label, previous):
        """Return the Label of the release that a build is compared with, or None."""
        if previous is None:
            return _chain.before(self._library.labels(), label)
        found = self._library.find(previous)
        if found.name != label.name or found.digest == label.digest:
            raise NoteError(f"previous: {previous} is no other release of {label.name}")
        return found

    def _change(self, stored, baseline, way):
        """Return the Change from a Baseline over a Way, as exactly as it can be known."""
        old = None
        if baseline.label:
            if not self._library.holds(baseline.label.digest):
                note = _without_files(baseline.label, way)
                return _consolidated.Change(baseline, note, way.brought, way.taken_back)
            old = self._library.get(baseline.label.digest)
        if self._workspace:
            told = _workspace.tell(self._workspace, _pair(stored), old and _pair(old))
            note = self._compose(stored, old, told)
        else:
            told = _workspace.nothing(stored.manifest)._replace(lacks=[])
            note = self._compose(stored, old, told)
            own = [] if all(way.notes.values()) else note["findings"]
            note.update(commits=way.commits, findings=[*way.findings, *own], lacks=way.lacks)
        return _consolidated.Change(baseline, note, way.brought, way.taken_back)

    def _compose(self, stored, old, told):
        dependencies, lacks = [], []
        try:
            dependencies = self._dependencies(stored, old)
        except _schema_file.MissingLibrary as error:
            if not self._may_lack_packages:
                raise
            lacks.append(f"which packages of others changed is not known without {error}")
        said = {
            "built": told.built,
            "dependencies": dependencies,
            "lacks": [*told.lacks, *lacks],
        }
        new_pair, old_pair = _pair(stored), old and _pair(old)
        return _build_note.compose(new_pair, old_pair, told.builts, told.histories, said)

    def _dependencies(self, stored, old):
        """Return how the packages of others differ from the Stored release *old*, or from none.

        Bills that are attached count where both releases have one: they are of one kind then.
        """
        if old and _telling(old) == _telling(stored):
            return []
        both = [self._attached_bills(each) for each in (old, stored) if each]
        if not all(both):
            both = [[self._made_bill(each)] for each in (old, stored) if each]
        return _dependencies.compare(*[[], *both][-2:])

    def _made_bill(self, stored):
        return json.loads(_sbom.of_stored(self._library, stored))

    def _attached_bills(self, stored):
        return [
            found.predicate
            for found in _attachments.read(self._library, stored.label, self._known)
            if found.predicate_type == _sbom.PREDICATE_TYPE and found.predicate is not None
        ]


def _telling(stored):
    """Return the files of a release that tell of packages, by which a bill is made."""
    return [
        (component.name, _packages.telling(component.entries))
        for component in stored.manifest.components
    ]


def _pair(stored):
    return stored.label, stored.manifest


def _without_files(label, way):
    """Return what is known of a change from a release that is in no media library any more."""
    lack = (
        f"{label.name}:{label.version} is not in the media library: which files and packages "
        "change since is not known"
    )
    return {
        "components": [],
        "dependencies": [],
        "commits": way.commits,
        "findings": way.findings,
        "lacks": [lack, *way.lacks],
    }
