# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what lies in a workspace is still what was built there; looked at where it lies."""

from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

from ..errors._release_error import ReleaseError
from ..files import _paths
from ..release._manifest import Entry
from . import _record

MOST_NAMED = 5
LONGEST_HEAD = 200
AGAIN = "build again"


class AsBuiltError(ReleaseError):
    """What lies in a workspace is not what was built there; the text names it, in a line."""

    code = "changed_since_build"


def find_changes(workspace: str, record: _record.Record) -> list[str]:
    """Return a line for each component of *record* that is not as its build left it.

    What its files hold is not looked at: ``check_tree`` does that when they are packed.
    """
    problems = []
    for component in record["components"]:
        folder = os.path.join(workspace, component["name"])
        problems += _source(folder, component)
        if component["origin"]["kind"] == "git":
            problems += _checkout(folder, component)
        problems += _artifacts(folder, component)
    return problems


def check_tree(name: str, entries: Sequence[Entry], tree: str, root: str, workspace: str) -> None:
    """Raise AsBuiltError unless *entries*, packed from *root*, hash to *tree*.

    That is what the record in *workspace* says of the component *name*.
    """
    if _record.tree_digest(entries) == tree:
        return
    named = _written_since(entries, root, os.path.join(workspace, _record.NAME))
    more = ", …" if len(named) > MOST_NAMED else ""
    told = " (%s%s)" % (", ".join(map(repr, named[:MOST_NAMED])), more) if named else ""
    raise AsBuiltError("component %s was changed after it was built%s: %s" % (name, told, AGAIN))


def _source(folder: str, component: Mapping[str, Any]) -> list[str]:
    """Return a line where the files of a component do not lie in *folder*, its sources."""
    inside = os.path.realpath(folder)
    found = os.path.realpath(os.path.join(folder, component["source"]))
    if found == inside or found.startswith(inside + os.sep):
        return []
    return [
        "component %s: its source %r leads out of %s: name a folder of its own"
        % (component["name"], component["source"], folder)
    ]


def _checkout(folder: str, component: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the checkout in *folder*: builds leave it at a commit."""
    commit = component["origin"]["commit"]
    try:
        with open(_paths.to_os(os.path.join(folder, ".git", "HEAD")), "rb") as stream:
            found = stream.read(LONGEST_HEAD).decode("ascii", "replace").strip()
    except OSError as error:
        why = "its checkout cannot be read (%s)" % error.strerror
    else:
        if found == commit:
            return []
        why = "its checkout is at %.40r, and it was built from %.12s" % (found, commit)
    return ["component %s: %s: %s" % (component["name"], why, AGAIN)]


def _artifacts(folder: str, component: Mapping[str, Any]) -> list[str]:
    """Return a line for the artifacts that the build left and that are gone."""
    gone = [
        path
        for path in component["artifacts"]
        if "\\" not in path  # perhaps a name that is not UTF-8, which no record can spell
        and not os.path.isfile(_paths.to_os(os.path.join(folder, path)))
    ]
    if not gone:
        return []
    more = " and %d more" % (len(gone) - MOST_NAMED) if len(gone) > MOST_NAMED else ""
    told = ", ".join(map(repr, gone[:MOST_NAMED])) + more
    return ["component %s: what it must leave is gone: %s: %s" % (component["name"], told, AGAIN)]


def _written_since(entries: Sequence[Entry], root: str, record: str) -> list[str]:
    """Return the paths among *entries* that were touched after the file *record*.

    Files, or else the directories from which something went. An archive is one file, which nobody
    need name.
    """
    touched = []
    try:
        ended = os.stat(record).st_ctime_ns
        for entry in entries:
            path = _paths.to_os(os.path.join(root, entry.path))
            if os.lstat(path).st_ctime_ns > ended:
                touched.append(entry)
    except OSError:
        return []
    files = [entry.path for entry in touched if entry.type != "dir"]
    return files or [entry.path + "/" for entry in touched]
