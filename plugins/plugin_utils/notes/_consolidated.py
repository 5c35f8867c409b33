# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The consolidated note: what a release changes in an environment, from what its hosts have."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils.release._manifest import Manifest
from ..library._catalogue import Label
from . import _baseline, _build_note
from ._model import (
    CHANGES,
    AttachedNote,
    Commit,
    ComponentChange,
    ConsolidatedNote,
    Difference,
    MergedComponent,
    PackageChange,
    Passed,
    Sealed,
    Since,
)


@dataclasses.dataclass(frozen=True)
class Change:
    """What changes from one Baseline: the Difference from there, and the Labels on the way."""

    baseline: _baseline.Baseline
    difference: Difference
    brought: tuple[Label, ...]
    taken_back: tuple[Label, ...]


def compose(
    new: Sealed,
    environment: str,
    baselines: Sequence[_baseline.Baseline],
    changes: Sequence[Change],
    releases: Mapping[str, AttachedNote | None],
) -> ConsolidatedNote:
    """Return the note for the release *new*.

    *changes* has a Change for each Baseline that counts: what any of them changes is in the note.
    *releases* has, by digest, the build notes of the releases on the way.
    """
    label, manifest = new
    about: dict[str, Any] = dict(manifest.about)
    return ConsolidatedNote(
        label,
        environment,
        tuple(_since(item, label) for item in baselines),
        _passed((label for change in changes for label in change.brought), releases),
        _passed((label for change in changes for label in change.taken_back), releases),
        _components(manifest, changes),
        _dependencies(changes),
        _union(changes),
        about.get("scripts", {}),
        _distinct(line for change in changes for line in change.difference.findings),
        (
            *_of_hosts(baselines),
            *_distinct(line for change in changes for line in change.difference.lacks),
        ),
    )


def _since(baseline: _baseline.Baseline, wanted: Label) -> Since:
    label = baseline.label
    is_newer = bool(label and label.serial > wanted.serial)
    return Since(label, baseline.hosts, baseline.why, is_newer)


def _of_hosts(baselines: Iterable[_baseline.Baseline]) -> Iterator[str]:
    """Yield a line for the hosts of which it is not known what they have."""
    for baseline in baselines:
        if baseline.why == _baseline.UNKNOWN:
            names = ", ".join(baseline.hosts)
            yield f"{names}: it is not known what changes there: {baseline.text}"


def _passed(
    labels: Iterable[Label], releases: Mapping[str, AttachedNote | None]
) -> tuple[Passed, ...]:
    """Return the releases on the way, newest first, with who built them when."""
    found = sorted(set(labels), key=lambda label: (-label.serial, label.digest))
    return tuple(Passed(label, *_built(releases.get(label.digest))) for label in found)


def _built(note: AttachedNote | None) -> tuple[str | None, str | None]:
    """Return by whom and when a release was built, by its build note."""
    built = (note.built if note else None) or {}
    builder = built.get("builder") or {}
    user = (built.get("ci") or {}).get("actor") or builder.get("user")
    return user or None, built.get("ended") or None


def _union(changes: Iterable[Change]) -> tuple[Commit, ...]:
    """Return the commits of all *changes*, each once."""
    found: dict[tuple[str, str, bool], Commit] = {}
    for change in changes:
        for commit in change.difference.commits:
            found.setdefault((commit.repository, commit.id, commit.is_taken_back), commit)
    return tuple(found.values())


def _components(manifest: Manifest, changes: Iterable[Change]) -> tuple[MergedComponent, ...]:
    """Return what changes in each component: a path is listed if it changes for any host."""
    rows: dict[str, list[ComponentChange]] = {}
    for change in changes:
        for item in change.difference.components:
            rows.setdefault(item.name, []).append(item)
    sources = {
        component.name: _build_note.source_of(component) for component in manifest.components
    }
    found = []
    for name, items in sorted(rows.items()):
        kinds = {item.change for item in items}
        versions = {item.from_version for item in items if item.from_version is not None}
        paths = {
            key: tuple(sorted({path for item in items for path in item.paths(key)}))
            for key in CHANGES
        }
        found.append(
            MergedComponent(
                name,
                kinds.pop() if len(kinds) == 1 else "modified",
                tuple(sorted(versions)),
                items[0].to_version,
                **paths,
                source=sources.get(name),
            )
        )
    return tuple(found)


def _dependencies(changes: Iterable[Change]) -> tuple[PackageChange, ...]:
    """Return a row for each package and what becomes of it, with the versions of all hosts."""
    found: dict[tuple[str, str], PackageChange] = {}
    for change in changes:
        for row in change.difference.dependencies:
            there = found.setdefault((row.package, row.change), row)
            found[row.package, row.change] = dataclasses.replace(
                there,
                from_versions=tuple(sorted({*there.from_versions, *row.from_versions})),
                from_licences=tuple(sorted({*there.from_licences, *row.from_licences})),
            )
    return tuple(found[key] for key in sorted(found))


def _distinct(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))
