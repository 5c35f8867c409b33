# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build note: what a build introduced, modified and removed, and what does not add up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils.git import _commits
from ...module_utils.release._manifest import Component, Manifest
from ..evidence import _statement
from ..release import _comparison
from . import _conventional
from ._model import (
    CHANGES,
    BuildNote,
    Commit,
    ComponentChange,
    Difference,
    PackageChange,
    Sealed,
    Source,
)

PREDICATE_TYPE = _statement.BUILD_NOTE_TYPE
NO_COMMITS = {"directory": "a directory", "archive": "an archive"}
MOST_FILES_NAMED = 5  # in a finding
MOST_ISSUES = 100  # of a commit
LONGEST_TEXT = 300  # characters of what a commit says, or who it is by


class Built(NamedTuple):
    """How one component was built: by its *source*, a mapping as in ``materials`` of a manifest.

    *is_derived* tells that steps made its files of others. *touched* are the paths in its folder
    of the repository that commits since the build before touch; None where those are not known.
    *changed* are files of its commit that steps changed, *left_out* submodules that were not built.
    """

    name: str
    source: Source
    is_derived: bool
    is_dirty: bool
    touched: frozenset[str] | None
    changed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


# Pairs of a repository and the History of its components.
Histories = Sequence[tuple[str, _commits.History]]


def compose(
    new: Sealed,
    old: Sealed | None,
    builts: Mapping[str, Built],
    histories: Histories,
    built: dict[str, Any] | None = None,
    dependencies: Iterable[PackageChange] = (),
    lacks: Iterable[str] = (),
) -> BuildNote:
    """Return the build note of the release *new*; *old* is None for a first build.

    *builts* is ``{component: Built}``. *built* is who built it when, where and with what; *lacks*
    are lines on what is not known.
    """
    label, manifest = new
    before = old[1] if old else manifest._replace(components=())
    commits = _gather(histories)
    ids = _ids_by_component(commits)
    sources = {component.name: source_of(component) for component in before.components}
    components = [
        _component(change, builts.get(change["name"]), sources, ids)
        for change in _comparison.compare(_files_of(before), _files_of(manifest))
    ]
    findings = [finding for component in components for finding in component.findings]
    return BuildNote(
        label,
        old[0] if old else None,
        built,
        Difference(
            tuple(components),
            tuple(dependencies),
            tuple(commits),
            (*findings, *_rewritten(histories)),
            (
                *lacks,
                *_lacks(histories),
                *_left_out(builts),
                *_unknown(components),
                *_within(builts, components),
            ),
        ),
    )


def source_of(component: Component) -> Source | None:
    """Return the mapping that says where a Component of a manifest comes from, or None."""
    about: dict[str, Any] = dict(component.about)
    materials = about.get("materials")
    return materials[0] if materials else None


def _files_of(manifest: Manifest) -> Manifest:
    """Return *manifest* without directories, of which git knows nothing."""
    return manifest._replace(
        components=tuple(
            component._replace(
                entries=tuple(entry for entry in component.entries if entry.type != "dir")
            )
            for component in manifest.components
        )
    )


def _gather(histories: Histories) -> list[Commit]:
    """Return the commits of all *histories*, each once."""
    found: dict[tuple[str, str, bool], Commit] = {}
    for repository, history in histories:
        for commit in _told(repository, history):
            key = (repository, commit.id, commit.is_taken_back)
            there = found.setdefault(key, commit)
            if there is not commit:
                components = sorted({*there.components, *commit.components})
                found[key] = dataclasses.replace(there, components=tuple(components))
    return list(found.values())


def _told(repository: str, history: _commits.History) -> Iterator[Commit]:
    """Yield the commits of a History as the note has them."""
    for is_taken_back, commits in ((False, history.commits), (True, history.removed)):
        for commit in commits:
            meaning = _conventional.read(commit.message)
            yield Commit(
                commit.id,
                repository,
                _short(commit.author),
                commit.time,
                is_merge=commit.parents > 1,
                is_taken_back=is_taken_back,
                type=meaning.type,
                scope=meaning.scope,
                text=_short(meaning.text),
                breaking=_short(meaning.breaking),
                issues=meaning.issues[:MOST_ISSUES],
                reverts=meaning.reverts,
                components=tuple(commit.components),
            )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _ids_by_component(commits: Iterable[Commit]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for commit in commits:
        for name in commit.components:
            found.setdefault(name, []).append(commit.id)
    return found


def _component(
    row: Mapping[str, Any],
    built: Built | None,
    sources: Mapping[str, Source | None],
    ids: Mapping[str, list[str]],
) -> ComponentChange:
    """Return what the note says of one component, from a *row* of the comparison of manifests."""
    name = row["name"]
    change = ComponentChange(
        name,
        row["change"],
        row["from_version"],
        row["to_version"],
        **{key: tuple(row[key]) for key in CHANGES},
        source=built.source if built else None,
        commits=tuple(ids.get(name, ())),
        findings=(),
    )
    findings = _findings(change, built, sources.get(name))
    return dataclasses.replace(change, findings=tuple(findings))


def _findings(
    change: ComponentChange, built: Built | None, source_before: Source | None
) -> Iterator[str]:
    """Yield a line for each thing in a component's change that does not add up."""
    name = change.name
    if change.change == "removed":
        return
    if built and built.is_dirty:
        yield _dirty(built)
    if built and source_before and source_before["place"] != built.source["place"]:
        yield (
            f"{name}: it was built from {_commits.shown(source_before['place'])} before, "
            f"now from {_commits.shown(built.source['place'])}"
        )
    changed = {path for key in CHANGES for path in change.paths(key)}
    if change.change != "modified" or not changed:
        return
    if change.from_version == change.to_version:
        yield f"{name}: its content changed, its version {change.to_version} did not"
    if built and built.touched is not None:
        yield from _without_commit(changed, built)


def _dirty(built: Built) -> str:
    """Return the line on a component that was built of more than its commit."""
    if built.changed:
        named = _named(built.changed)
        return f"{built.name}: its steps changed files that the repository tracks: {named}"
    if built.source["kind"] == "git":
        return f"{built.name}: its steps went to another commit, or changed files of this one"
    return f"{built.name}: its directory had changes that are in no commit"


def _named(paths: Sequence[str]) -> str:
    named = ", ".join(map(_commits.shown, paths[:MOST_FILES_NAMED]))
    more = len(paths) - MOST_FILES_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _without_commit(changed: Iterable[str], built: Built) -> Iterator[str]:
    """Yield a line if files of a component *changed* although no commit touches them."""
    if built.is_derived:
        alone = [] if built.touched else sorted(changed)
    else:
        folder = built.source.get("folder", ".")
        alone = sorted(path for path in changed if not _is_touched(_joined(folder, path), built))
    if alone:
        told = f"{_named(alone)} changed, but no commit since the build before says so"
        yield f"{built.name}: {told}"


def _is_touched(path: str, built: Built) -> bool:
    """Tell whether a commit touches *path*, or the repository within that it lies in."""
    while path and path not in (built.touched or ()):
        path = path.rpartition("/")[0]
    return bool(path)


def _rewritten(histories: Histories) -> Iterator[str]:
    """Yield a line for each repository that has no more what the build before was made of."""
    for _repository, history in histories:
        if history.removed:
            why = (
                "history was rewritten, or it is another branch"
                if history.commits
                else "this build goes back"
            )
            yield (
                f"{', '.join(history.components)}: {_counted(history.removed)} of the build before "
                f"{'is' if len(history.removed) == 1 else 'are'} not in this one: {why}"
            )


def _counted(commits: Sequence[object]) -> str:
    return f"{len(commits)} commit{'s' if len(commits) > 1 else ''}"


def _lacks(histories: Histories) -> Iterator[str]:
    """Yield a line for each thing that a repository could not tell."""
    for _repository, history in histories:
        names = ", ".join(history.components)
        for lack in history.lacks:
            yield f"{names}: {lack}"
        if history.more:
            yield f"{names}: {history.more} more commits are not listed, only the newest are"


def _left_out(builts: Mapping[str, Built]) -> Iterator[str]:
    """Yield a line for each component whose repository has others that were not asked for."""
    for name, built in sorted(builts.items()):
        if built.left_out:
            yield (
                f"{name}: its submodules were left out: {_named(built.left_out)}; say submodules: "
                "true where they belong to it"
            )


def _unknown(components: Iterable[ComponentChange]) -> Iterator[str]:
    """Yield a line for each component that changed and comes from where there are no commits."""
    for component in components:
        kind = (component.source or {}).get("kind")
        if kind in NO_COMMITS and any(component.paths(key) for key in CHANGES):
            yield f"{component.name}: its sources are {NO_COMMITS[kind]}: no commits are known"


def _within(builts: Mapping[str, Built], components: Iterable[ComponentChange]) -> Iterator[str]:
    """Yield a line for each repository within another: git tells no commits of those."""
    for component in components:
        built = builts.get(component.name)
        if not built or not built.touched or built.is_derived:
            continue
        folder = built.source.get("folder", ".")
        changed = (*component.added, *component.modified)
        folders = {_joined(folder, path).rpartition("/")[0] for path in changed}
        above = {parent for path in folders for parent in _parents(path)}
        gone = {_joined(folder, path) for path in component.removed}
        for path in sorted((above & built.touched) - gone):
            yield (
                f"{built.name}: {_commits.shown(path)} is a repository of its own, whose commits "
                "are not listed"
            )


def _parents(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _joined(folder: str, path: str) -> str:
    return path if folder == "." else f"{folder}/{path}"
