# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes: what a build changed, and what a release changes in an environment.

The plain forms are described by ``schemas/build-note.schema.json`` and
``schemas/consolidated-note.schema.json``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.release._manifest import Manifest
from ..library._catalogue import Label

FORMAT = 1
CHANGES = ("added", "removed", "modified", "exec_changed")  # of files, as components have them

# A release whose files are at hand.
Sealed = tuple[Label, Manifest]
# Where a component comes from: one of ``materials`` in a manifest.
Source = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Commit:
    """A commit as a note has it; *is_taken_back* where the release before has it, and this not.

    *type* is "" where it is not a Conventional Commit, *breaking* and *reverts* where it does not
    break or revert anything. *time* is in seconds since 1970.
    """

    id: str
    repository: str
    author: str
    time: int
    is_merge: bool
    is_taken_back: bool
    type: str
    scope: str
    text: str
    breaking: str
    issues: tuple[str, ...]
    reverts: str
    components: tuple[str, ...]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Commit:
        """Read plain data that is as the schema has it."""
        lists = {key: tuple(plain[key]) for key in ("issues", "components")}
        return cls(**{**plain, **lists})


@dataclasses.dataclass(frozen=True)
class ComponentChange:
    """How a component differs between two releases, file by file; *commits* are ids."""

    name: str
    change: str
    from_version: str | None
    to_version: str | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    modified: tuple[str, ...]
    exec_changed: tuple[str, ...]
    source: Source | None
    commits: tuple[str, ...]
    findings: tuple[str, ...]

    def paths(self, change: str) -> tuple[str, ...]:
        """Return the paths of the files with one of CHANGES."""
        found: tuple[str, ...] = getattr(self, change)
        return found


@dataclasses.dataclass(frozen=True)
class MergedComponent:
    """How a component changes for any host of an environment."""

    name: str
    change: str
    from_versions: tuple[str, ...]
    to_version: str | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    modified: tuple[str, ...]
    exec_changed: tuple[str, ...]
    source: Source | None


@dataclasses.dataclass(frozen=True)
class PackageChange:
    """How a package of others differs; *package* is its package URL without version.

    *change* is ``added``, ``removed``, ``upgraded``, ``downgraded``, ``changed`` where it is not
    known which version is higher, or ``relicensed``.
    """

    package: str
    change: str
    from_versions: tuple[str, ...]
    to_versions: tuple[str, ...]
    from_licences: tuple[str, ...]
    to_licences: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Difference:
    """What changes between two releases; *findings* do not add up, *lacks* are not known."""

    components: tuple[ComponentChange, ...]
    dependencies: tuple[PackageChange, ...]
    commits: tuple[Commit, ...]
    findings: tuple[str, ...]
    lacks: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class BuildNote:
    """What a build changed since the release *previous*, None for a first one.

    *built* is who built it when, where and with what, as plain data; None where that is not known.
    """

    release: Label
    previous: Label | None
    built: dict[str, Any] | None
    difference: Difference

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        difference = self.difference
        return {
            "format": FORMAT,
            "release": self.release._asdict(),
            "previous": self.previous._asdict() if self.previous else None,
            "built": self.built,
            "components": list(map(_plain, difference.components)),
            "dependencies": list(map(_plain, difference.dependencies)),
            "commits": list(map(_plain, difference.commits)),
            "issues": issues(difference.commits),
            "findings": list(difference.findings),
            "lacks": list(difference.lacks),
        }


@dataclasses.dataclass(frozen=True)
class AttachedNote:
    """What is read of a build note that is attached to a release."""

    previous: Label | None
    built: dict[str, Any] | None
    commits: tuple[Commit, ...]
    findings: tuple[str, ...]
    lacks: tuple[str, ...]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> AttachedNote:
        """Read plain data that is as the schema has it."""
        return cls(
            Label(**plain["previous"]) if plain["previous"] else None,
            plain["built"],
            tuple(map(Commit.from_plain, plain["commits"])),
            tuple(plain["findings"]),
            tuple(plain["lacks"]),
        )


@dataclasses.dataclass(frozen=True)
class Since:
    """What a consolidated note counts from on some *hosts*; *release* is None for nothing."""

    release: Label | None
    hosts: tuple[str, ...]
    why: str
    is_newer: bool

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**_plain(self), "release": self.release._asdict() if self.release else None}


@dataclasses.dataclass(frozen=True)
class Passed:
    """A release between what hosts have and the new one, with who built it when, if known."""

    label: Label
    built_by: str | None
    built_on: str | None

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**self.label._asdict(), "built_by": self.built_by, "built_on": self.built_on}


@dataclasses.dataclass(frozen=True)
class ConsolidatedNote:
    """What a release changes in an *environment*, for any of its hosts."""

    release: Label
    environment: str
    since: tuple[Since, ...]
    releases: tuple[Passed, ...]
    releases_taken_back: tuple[Passed, ...]
    components: tuple[MergedComponent, ...]
    dependencies: tuple[PackageChange, ...]
    commits: tuple[Commit, ...]
    scripts: dict[str, Any]
    findings: tuple[str, ...]
    lacks: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        come = issues(self.commits)
        back = {issue for commit in self.commits if commit.is_taken_back for issue in commit.issues}
        return {
            "format": FORMAT,
            "release": self.release._asdict(),
            "environment": self.environment,
            "since": [each.to_plain() for each in self.since],
            "releases": [each.to_plain() for each in self.releases],
            "releases_taken_back": [each.to_plain() for each in self.releases_taken_back],
            "components": list(map(_plain, self.components)),
            "dependencies": list(map(_plain, self.dependencies)),
            "commits": list(map(_plain, self.commits)),
            "issues": come,
            "issues_taken_back": sorted(back.difference(come)),
            "scripts": self.scripts,
            "findings": list(self.findings),
            "lacks": list(self.lacks),
        }


def issues(commits: Iterable[Commit]) -> list[str]:
    """Return the issues of commits that come, each once, sorted."""
    return sorted(
        {issue for commit in commits if not commit.is_taken_back for issue in commit.issues}
    )


def _plain(record: Any) -> dict[str, Any]:
    """Return the fields of a record as plain data, which ``dataclasses.asdict`` does slowly."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in vars(record).items()
    }
