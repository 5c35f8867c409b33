# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the workspace of a build tells for a note: the record of the build, and the commits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ...module_utils.building import _checkout, _record
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ...module_utils.git import _address, _command, _commits
from ...module_utils.release._manifest import Manifest
from ..build_host._conversation import BuildHost
from . import _build_note
from ._model import Sealed, Source

LARGEST_ANSWER = 512 * 1024 * 1024
CACHES = os.path.join(".build", "git")
# What a note says of an origin: the same as the manifest, and in the same words.
SOURCE_KEYS = ("kind", "place", "revision", "commit", "sha256")
BUILT_KEYS = ("run", "started", "ended", "builder", "ci", "tools", "environment", "definition")


class WorkspaceError(ReleaseError):
    """A workspace does not tell what a note needs; the text is one line."""

    code = "invalid_workspace"


class Told(NamedTuple):
    """What a workspace tells: *built* is who built, when, where and with what, as plain data.

    *builts* and *histories* are as ``_build_note.compose`` wants them, *lacks* lines on what is
    not known.
    """

    built: dict[str, Any] | None
    builts: dict[str, _build_note.Built]
    histories: _build_note.Histories
    lacks: list[str]


# What ``_commits.gather`` is asked for.
Group = dict[str, Any]
# Groups by repository and commits: the repository, and what is asked of it.
Groups = dict[tuple[str, str | None, str], tuple[str, Group]]


class Workspace(Protocol):
    """The folder *workspace* that a release was built in, wherever that is."""

    workspace: str

    def record(self) -> dict[str, Any]:
        """Return the record of the build."""

    def histories(self, groups: list[Group]) -> list[_commits.History]:
        """Return the History of each group of ``_commits.gather``."""


class ThisMachine:
    """A workspace in a folder of this machine; *environment* is what git runs in."""

    def __init__(self, workspace: str, environment: Mapping[str, str]) -> None:
        self.workspace = workspace
        self._environment = environment

    def record(self) -> dict[str, Any]:
        """Return the record of the build."""
        record: dict[str, Any] = _record.read(self.workspace)
        return record

    def histories(self, groups: list[Group]) -> list[_commits.History]:
        """Return the History of each group of ``_commits.gather``."""
        return [_commits.gather(self.workspace, group, self._environment) for group in groups]


class OnBuildHost:
    """A workspace in a folder of a build host.

    *folder* is there, for what is to be fetched; its path ends in a slash. Where the module's half
    cannot write to it, it makes a folder of its own, which ``close`` removes.
    """

    def __init__(self, workspace: str, folder: str, build_host: BuildHost) -> None:
        self.workspace = workspace
        self._folder = folder
        self._build_host = build_host
        self._left: set[str] = set()

    def close(self) -> None:
        """Remove what is left on the host, but for *folder*."""
        for folder in sorted(self._left):
            self._build_host.ask({"done": folder})
        self._left = set()

    def record(self) -> dict[str, Any]:
        """Return the record of the build."""
        data = self._answer({"record": True}, _record.LARGEST_BYTES)
        path = os.path.join(self.workspace, _record.NAME)
        record: dict[str, Any] = _record.parse(data, path)
        return record

    def histories(self, groups: list[Group]) -> list[_commits.History]:
        """Return the History of each group of ``_commits.gather``."""
        data = self._answer({"histories": groups}, LARGEST_ANSWER)
        try:
            found: list[_commits.History] = _commits.from_plain(
                _canonical.loads(data, unique_keys=False)
            )
            return found
        except (TypeError, ValueError, AttributeError) as error:
            said = _canonical.one_line(error)
            raise WorkspaceError(f"what the build host says of commits is odd: {said}") from None

    def _answer(self, asked: dict[str, Any], limit: int) -> bytes:
        """Return what the half there answers, which it leaves in a file since it may be large."""
        wanted = self._folder + "answer"
        there: str = self._build_host.ask({**asked, "to": wanted})["at"]
        if there != wanted:
            self._left.add(os.path.dirname(there))
        return self._build_host.read(there, limit)


def nothing(manifest: Manifest) -> Told:
    """Return what is Told of a release where there is no workspace: what was sealed with it."""
    builts = {}
    for component in manifest.components:
        source = _build_note.source_of(component)
        if source:
            builts[component.name] = _build_note.Built(component.name, source, False, False, None)
    lacks = ["no workspace was given: who built it, when, where and with what is not known"]
    if any(built.source.get("commit") for built in builts.values()):
        lacks.append("no workspace was given: the commits since the build before are not known")
    return Told(None, builts, [], lacks)


def tell(workspace: Workspace, new: Sealed, old: Sealed | None) -> Told:
    """Return what *workspace* has Told of the release *new*; *old* is None for a first build.

    Raises WorkspaceError where it holds the build of something else.
    """
    record = workspace.record()
    _check_is_of(record, new, workspace.workspace)
    sealed = {component.name: component for component in new[1].components}
    found: list[tuple[dict[str, Any], Source]] = []
    groups: Groups = {}
    lacks: list[str] = []
    for item in record["components"]:
        if item["name"] in sealed:
            source = _build_note.source_of(sealed[item["name"]]) or _source(item)
            if item["origin"].get("address"):
                source = {**source, "address": _address.shown(item["origin"]["address"])}
            found.append((item, source))
            if source.get("commit"):
                _into_groups(groups, lacks, source, item["name"], old)
    histories = workspace.histories([group for _place, group in groups.values()]) if groups else []
    touched = {
        name: frozenset(paths) for history in histories for name, paths in history.touched.items()
    }
    builts = {item["name"]: _built(item, source, touched) for item, source in found}
    places = [place for place, _group in groups.values()]
    built = {key: record[key] for key in BUILT_KEYS}
    return Told(built, builts, list(zip(places, histories, strict=True)), lacks)


def _check_is_of(record: Mapping[str, Any], new: Sealed, place: str) -> None:
    """Raise WorkspaceError unless *record* is of the build that was sealed as *new*."""
    label, manifest = new
    called = f"{label.name}:{label.version}"
    release = record["release"]
    if (release["name"], release["version"], release["serial"]) != label[1:]:
        raise WorkspaceError(
            f"{place} holds the build of {release['name']}:{release['version']} serial "
            f"{release['serial']}, not of {called}: build that again, or leave workspace out"
        )
    trees = {item["name"]: item["tree"] for item in record["components"]}
    for component in manifest.components:
        if trees.get(component.name) not in (None, _record.tree_digest(component.entries)):
            raise WorkspaceError(
                f"{place} holds another build of {called} than was sealed: {component.name} "
                "differs: leave workspace out"
            )


def _source(item: Mapping[str, Any]) -> Source:
    """Return what the record says of a component's origin, as a manifest's ``materials`` do."""
    origin = item["origin"]
    source = {key: origin[key] for key in SOURCE_KEYS if origin.get(key)}
    return {**source, "place": _command.shown(origin["place"]), "folder": item["folder"] or "."}


def _into_groups(
    groups: Groups, lacks: list[str], source: Source, name: str, old: Sealed | None
) -> None:
    """Put a component into *groups*, by what git is to be asked, or say in *lacks* why not."""
    is_known, commit = _commit_before(source, name, old)
    if old and not is_known:
        lacks.append(
            f"{name}: {old[0].name}:{old[0].version} does not tell from which commit it was built, "
            "so its commits are not known"
        )
        return
    key = (source["place"], commit, source["commit"])
    if key not in groups:
        cache = _checkout.cache_of(source["place"], CACHES)
        # A checkout shares what its cache has; it is there where somebody moved the cache away.
        asked = {"places": [cache, name], "old": commit, "new": source["commit"], "folders": {}}
        groups[key] = (source["place"], asked)
    groups[key][1]["folders"][name] = source.get("folder", ".")


def _commit_before(source: Source, name: str, old: Sealed | None) -> tuple[bool, str | None]:
    """Return whether it is known what a component was built from before, and that commit or None.

    One that is new counts from where its repository was before, if that is known.
    """
    before = {component.name: component for component in old[1].components} if old else {}
    if name in before:
        there = _build_note.source_of(before[name]) or {}
        return bool(there.get("commit")), there.get("commit")
    for component in before.values():
        there = _build_note.source_of(component) or {}
        if there.get("place") == source["place"] and there.get("commit"):
            return True, there["commit"]
    return True, None


def _built(
    item: Mapping[str, Any], source: Source, touched: Mapping[str, frozenset[str]]
) -> _build_note.Built:
    name, origin = item["name"], item["origin"]
    return _build_note.Built(
        name,
        source,
        bool(item["steps"]),
        bool(origin.get("is_dirty")),
        touched.get(name),
        tuple(origin.get("changed", ())),
        tuple(origin.get("left_out", ())),
    )
