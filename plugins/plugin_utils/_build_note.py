# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build note: what a build introduced, modified and removed, and what does not add up."""

from __future__ import annotations

from typing import NamedTuple

from ..module_utils import _commits
from . import _comparison, _conventional

FORMAT = 1
CHANGES = ("added", "removed", "modified", "exec_changed")
MOST_FILES_NAMED = 5  # in a finding


class Built(NamedTuple):
    """How one component was built: from which commit of which repository, and what is new there.

    *folder* is where in the repository its files lie, "." for all of it; *is_derived* tells that
    steps made them of others. *span* is None where the sources are no repository.
    """

    name: str
    repository: str
    revision: str
    commit: str
    folder: str
    is_derived: bool
    is_dirty: bool
    span: _commits.Span | None


def compose(new, old, builts, context):
    """Return the build note of the release *new* as plain data.

    *new* and *old* (None for a first build) are pairs of a Label and a Manifest, *builts* is
    ``{component: Built}``, and *context* what is said of who built when, where and with what.
    """
    label, manifest = new
    before = old[1] if old else manifest._replace(components=())
    commits = _gather(builts)
    components = [
        _component(change, builts.get(change["name"]), commits)
        for change in _comparison.compare(_files_of(before), _files_of(manifest))
    ]
    lacks = [f"{b.name}: {lack}" for b in builts.values() if b.span for lack in b.span.lacks]
    issues = {issue for commit in commits.values() for issue in commit["issues"]}
    return {
        "format": FORMAT,
        "release": label._asdict(),
        "previous": old[0]._asdict() if old else None,
        "built": context,
        "components": components,
        "commits": list(commits.values()),
        "issues": sorted(issues),
        "findings": [finding for component in components for finding in component["findings"]],
        "lacks": lacks,
    }


def _files_of(manifest):
    """Return *manifest* without directories, of which git knows nothing."""
    return manifest._replace(
        components=tuple(
            component._replace(
                entries=tuple(entry for entry in component.entries if entry.type != "dir")
            )
            for component in manifest.components
        )
    )


def _gather(builts):
    """Return ``{(repository, id): commit}``, each with the components that it touches, in order."""
    found = {}
    for built in builts.values():
        if built.span is None:
            continue
        for is_taken_back, commits in ((False, built.span.commits), (True, built.span.removed)):
            for commit in commits:
                key = (built.repository, commit.id)
                if key not in found:
                    found[key] = _commit(commit, built.repository, is_taken_back)
                if _touches(commit, built.folder):
                    found[key]["components"].append(built.name)
    return found


def _commit(commit, repository, is_taken_back):
    meaning = _conventional.read(commit.message)
    return {
        "id": commit.id,
        "repository": repository,
        "author": commit.author,
        "time": commit.time,
        "is_merge": commit.parents > 1,
        "is_taken_back": is_taken_back,
        **meaning._asdict(),
        "issues": list(meaning.issues),
        "components": [],
    }


def _component(change, built, commits):
    """Return what the note says of one component, from a row of the comparison of manifests."""
    mine = [c for c in commits.values() if change["name"] in c["components"]]
    said = {
        **change,
        "source": _source(built),
        "commits": [commit["id"] for commit in mine],
    }
    said["findings"] = list(_findings(change, built))
    return said


def _source(built):
    if built is None or not built.commit:
        return None
    return {
        "repository": built.repository,
        "revision": built.revision,
        "commit": built.commit,
        "folder": built.folder,
    }


def _findings(change, built):
    """Yield a line for each thing in a component's change that does not add up."""
    name = change["name"]
    if change["change"] == "removed":
        return
    if built and built.is_dirty:
        yield f"{name}: its checkout had changes that are in no commit"
    changed = {path for key in CHANGES for path in change[key]}
    if change["change"] != "modified" or not changed:
        return
    if change["from_version"] == change["to_version"]:
        yield f"{name}: its content changed, its version {change['to_version']} did not"
    if built and built.span:
        yield from _without_commit(changed, built)


def _without_commit(changed, built):
    """Yield a line if files of a component *changed* although no commit touches them."""
    touched = {
        path
        for commit in (*built.span.commits, *built.span.removed)
        for _status, path in commit.files
        if _lies_in(path, built.folder)
    }
    if built.is_derived:
        alone = [] if touched else sorted(changed)
    else:
        alone = sorted(path for path in changed if _joined(built.folder, path) not in touched)
    if alone:
        named = ", ".join(map(_commits.shown, alone[:MOST_FILES_NAMED]))
        more = f" and {len(alone) - MOST_FILES_NAMED} more" if len(alone) > MOST_FILES_NAMED else ""
        yield f"{built.name}: {named}{more} changed, but no commit since the build before says so"


def _touches(commit, folder):
    return any(_lies_in(path, folder) for _status, path in commit.files)


def _lies_in(path, folder):
    return folder == "." or path == folder or path.startswith(folder + "/")


def _joined(folder, path):
    return path if folder == "." else f"{folder}/{path}"
