# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a build, ``build.json`` in its workspace: what was built, from what, how and where.

It is written last, in one step, so a workspace that has one was built to its end. As plain data::

    {"format": 1, "run": text, "inputs": SHA-256 of all that was asked and found for it,
     "release": {"name", "version", "serial"}, "definition": {"path", "sha256"},
     "started": RFC 3339 in UTC, "ended": the same,
     "builder": {"host", "user", "system", "architecture", "python", "versions": {name: version}},
     "ci": null or {"system", "job", "number", "url", "actor", "revision"},
     "tools": [{"name", "version", "path", "sha256"}], "environment": {name: value},
     "components": [{"name", "version", "source", "folder", "tree",
       "origin": {"kind", "place", "address", "revision", "commit", "time", "sha256", "is_dirty",
         "changed", "left_out"},
       "steps": [{"argv", "directory", "milliseconds", "status"}], "artifacts": [path]}]}

Components are those with an origin, sorted by name. *source* is as ``release.yml`` has it, *folder*
the one in the origin's repository that it depends on: where it lies, and its steps run. *tree* is
the SHA-256 of what would be packed (see ``tree_digest``). Of an origin only what its kind has is
there: of git revision, commit and time, and the address that a repository at a path was cloned
from, if it says one; of others a sha256 (of a directory, of its tree); is_dirty
tells that steps changed files of the commit, of which *changed* names some, or that a directory has
what git does not have; *left_out* are submodules that were not asked for. With
``rebuild: verify`` a component has ``reproducible``. Secrets are nowhere in it.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable

from ..errors._release_error import ReleaseError
from ..formats import _canonical
from ..git import _command
from ..release import _manifest

FORMAT = 1
NAME = "build.json"
LARGEST_BYTES = 16 * 1024 * 1024
KEYS = frozenset(
    "builder ci components definition ended environment format inputs release run started "
    "tools".split()
)
TEXTS = ("address", "commit", "revision", "sha256")  # of an origin, where they are there
COMPONENT_KEYS = frozenset("artifacts folder name origin source steps tree version".split())

Record = Dict[str, Any]  # as above
Source = Dict[str, Any]  # what was found for an origin, with the keys of ``origin`` above


class RecordError(ReleaseError):
    """A workspace has no record of a build that can be used; the text says why, in a line."""

    code = "invalid_build_record"


def render(record: Record) -> bytes:
    """Return the bytes of ``build.json``."""
    return _canonical.dumps(record) + b"\n"


def parse(data: bytes, path: str) -> Record:
    """Return the record in the bytes *data* of the file at *path*, or raise RecordError."""
    try:
        record = _canonical.loads(data)
        if record["format"] != FORMAT:
            raise RecordError(
                "%s has format %.20r; this version reads format %d"
                % (path, record["format"], FORMAT)
            )
        missing = sorted(KEYS - set(record))
        for component in record["components"]:
            missing += sorted(COMPONENT_KEYS - set(component))
        if missing:
            raise RecordError("%s lacks %s" % (path, ", ".join(missing)))
        _check(record)
        return record
    except RecordError:
        raise
    except (_canonical.CanonicalError, KeyError, TypeError, AttributeError) as error:
        reason = _canonical.one_line(error)
        raise RecordError("%s is not the record of a build: %s" % (path, reason)) from None


def _check(record: Record) -> None:
    """Raise TypeError unless that has its form by which people and other programs know a build."""
    release, components = record["release"], record["components"]
    names = [release["name"], *(component["name"] for component in components)]
    versions = [release["version"], *(component["version"] for component in components)]
    if not all(map(_manifest.NAME.match, names)) or not all(map(_manifest.VERSION.match, versions)):
        raise TypeError("a name or a version is malformed")
    if names[1:] != sorted(set(names[1:])):
        raise TypeError("components are not sorted by distinct names")
    texts = [record["definition"]["sha256"]]
    for component in components:
        origin = component["origin"]
        texts += [component[key] for key in ("folder", "source", "tree")] + component["artifacts"]
        texts += [origin["kind"], origin["place"]]
        texts += [origin[key] for key in TEXTS if key in origin]
        texts += [*origin.get("changed", ()), *origin.get("left_out", ())]
        if origin["kind"] == "git" and not _command.COMMIT.match(origin["commit"]):
            raise TypeError("component %s has no name of a commit" % component["name"])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is none")
    if not isinstance(release["serial"], int):
        raise TypeError("the serial is no number")


def read(workspace: str) -> Record:
    """Return the record of the build in the folder *workspace*, or raise RecordError."""
    path = os.path.join(workspace, NAME)
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RecordError(
            "%s: %s; build with release_build first" % (path, error.strerror)
        ) from None
    if len(data) > LARGEST_BYTES:
        raise RecordError("%s is larger than %d bytes" % (path, LARGEST_BYTES))
    return parse(data, path)


def tree_digest(entries: Iterable[_manifest.Entry]) -> str:
    """Return the SHA-256 of the Entries of a component, in the order that packing gives."""
    return _canonical.sha256_hex(_canonical.dumps(list(map(_manifest.entry_to_plain, entries))))
