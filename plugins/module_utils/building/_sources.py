# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of a component come from: found out first, then laid out in a folder.

An origin is the mapping ``from`` of ``release.yml`` as plain data; a source what was found for it,
with the keys that ``origin`` has in ``build.json``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from typing import Any, Callable, Iterable, Iterator, Mapping

from ..files import _paths
from ..git import _command
from ..release import _layer, _scan
from ..release._manifest import Entry
from ..sources import _archive, _kind_archive
from . import _checkout, _fetch, _place, _record
from ._plan import Component, Origin
from ._record import Source

PUBLIC = ("wheel", "deb")  # what an index gives to everybody, whatever the modes in it
HTTPS = "https://"
LIMITS = {"size": 8 * 1024**3, "entries": 1000000, "ratio": 1000}
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/]*:", re.ASCII)  # the latter as scp has it
EPOCH = 315532800  # 1980-01-01, the earliest that a zip can say: what has no commit has no time


def place_of(origin: Origin, folder: str) -> str:
    """Return the repository, or path, that *origin* means in a release.yml in *folder*.

    A path that leads out of that, by a link too, is refused; a repository may be anywhere.
    """
    place = origin["place"]
    if origin["kind"] == "git":
        return place if ADDRESS.match(place) else os.path.normpath(os.path.join(folder, place))
    if origin["kind"] in ("wheel", "deb") or place.startswith(HTTPS):
        return place
    there = os.path.join(folder, place)
    above = os.path.realpath(folder)
    if os.path.commonpath([above, os.path.realpath(there)]) != above:
        raise _place.BuildError("%s is not below the folder of release.yml" % there)
    return there


def find(
    component: Component,
    folder: str,
    place: _place.Place,
    environment: Mapping[str, str],
    now: Callable[[], float],
) -> Source:
    """Find out what the origin of *component* is now, fetching what is not here; return a source.

    Raises BuildError, GitError, ScanError and OSError.
    """
    origin = component["origin"]
    source = {"kind": origin["kind"], "place": _command.shown(origin["place"])}
    there = place_of(origin, folder)
    if origin["kind"] == "git":
        found = _checkout.look_up(there, origin["revision"], _cache(origin, place), environment)
        address = (
            None if ADDRESS.match(origin["place"]) else _checkout.address_of(there, environment)
        )
        return {
            **source,
            **_there("address", address),
            "revision": origin["revision"],
            "commit": found.commit,
            "time": found.time,
            **_there("left_out", _left_out(origin, found, place, environment)),
        }
    if origin["kind"] == "directory":
        entries = _entries(there, place.workspace)
        # Only its content counts here: whether all of it is committed is for who reads the record.
        dirty = _is_dirty(there, environment)
        return {**source, "sha256": _digest(entries, there), **_there("is_dirty", dirty)}
    path = _file(component, there, place, environment, now)
    digest = _fetch.digest_of(path)
    if origin["sha256"] and digest != origin["sha256"]:
        raise _place.BuildError(
            "%s has the SHA-256 %s, not %s" % (source["place"], digest, origin["sha256"])
        )
    return {**source, "sha256": digest}


def fetch(origin: Origin, folder: str, place: _place.Place, environment: Mapping[str, str]) -> None:
    """Bring the cache of the repository that *origin* means up to date."""
    try:
        there = place_of(origin, folder)
        _checkout.fetch(there, _cache(origin, place), environment)
    except _command.GitError as error:  # which names the repository itself
        raise _place.BuildError(str(error)) from None


def lay_out(
    component: Component,
    source: Source,
    folder: str,
    place: _place.Place,
    definition_folder: str,
    environment: Mapping[str, str],
    now: Callable[[], float],
) -> None:
    """Make *folder*, which must not be there, what *source* says; raise if that has changed."""
    origin = component["origin"]
    there = place_of(origin, definition_folder)
    if origin["kind"] == "git":
        commit = _checkout.Source(source["commit"], source["time"])
        own = there if origin["submodules"] else None
        _checkout.check_out(commit, _cache(origin, place), folder, environment, own)
        return
    if origin["kind"] == "directory":
        if _copy(there, folder, place.workspace) != source["sha256"]:
            raise _place.BuildError("%s changed while it was built" % there)
        return
    path = _file(component, there, place, environment, now, source["sha256"])
    if _fetch.digest_of(path) != source["sha256"]:
        raise _place.BuildError("%s changed while it was built" % source["place"])
    with tempfile.TemporaryDirectory(dir=place.base) as scratch:
        if origin["kind"] == "deb":
            path = _fetch.files_of_deb(path, scratch, now)
        # Packages of Debian have links to elsewhere; sealing refuses those that are not left out.
        rules = _scan.Rules(private=None, any_links=origin["kind"] == "deb")
        unpack(path, folder, rules, origin["strip"], scratch, origin["kind"] in PUBLIC)


def epoch(source: Source) -> int:
    """Return what SOURCE_DATE_EPOCH is for a component made from *source*."""
    return source.get("time", EPOCH)


def unpack(
    path: str, folder: str, rules: _scan.Rules, strip: int, scratch: str, is_public: bool
) -> None:
    """Make *folder* what the archive at *path* holds, read with limits by a child.

    Who may read a file is as its mode says, or with *is_public* everybody. No link is on the way to
    another entry, wherever it leads: the reader refuses such.
    """
    try:
        with open(path, "rb") as stream, tempfile.TemporaryFile(dir=scratch, buffering=0) as spool:
            size = os.fstat(stream.fileno()).st_size
            caps = _archive.Caps(archive_bytes=size, **LIMITS)
            found = _kind_archive.read(stream, spool, rules, strip, caps)
            offsets = {entry.path: offset for entry, offset in found}

            def content(entry: Entry) -> Iterator[bytes]:
                with open(spool.fileno(), "rb", closefd=False) as reading:
                    reading.seek(offsets[entry.path])
                    left = entry.size
                    while left:
                        chunk = reading.read(min(left, _layer.CHUNK_BYTES))
                        if not chunk:
                            raise _place.BuildError("%r is cut short" % entry.path)
                        left -= len(chunk)
                        yield chunk

            entries = [
                entry._replace(private=entry.private and not is_public) for entry, _offset in found
            ]
            _write(entries, folder, content)
    except ValueError as error:
        raise _place.BuildError("%s: %s" % (os.path.basename(path), error)) from None


def _left_out(
    origin: Origin, commit: _checkout.Source, place: _place.Place, environment: Mapping[str, str]
) -> list[str] | None:
    """Return the submodules of *commit* that are not asked for, or None where there are none."""
    if origin["submodules"]:
        return None
    return _checkout.find_submodules(commit, _cache(origin, place), environment) or None


def _cache(origin: Origin, place: _place.Place) -> str:
    return _checkout.cache_of(_command.shown(origin["place"]), place.git())


def _file(
    component: Component,
    there: str,
    place: _place.Place,
    environment: Mapping[str, str],
    now: Callable[[], float],
    sha256: str | None = None,
) -> str:
    """Return the path of the archive, wheel or deb of *component*, fetched where need be."""
    origin, folder = component["origin"], place.fetched(component["name"])
    wanted = sha256 or origin["sha256"]
    if origin["kind"] == "wheel":
        return _fetch.wheel(origin["place"], wanted, folder, environment)
    if origin["kind"] == "deb":
        return _fetch.deb(origin["place"], wanted, folder, environment)
    if origin["place"].startswith(HTTPS):
        return _fetch.archive(origin["place"], wanted, folder, now)
    if not stat.S_ISREG(os.stat(there).st_mode):
        raise _place.BuildError("%s is no regular file" % there)
    return there


def _entries(root: str, workspace: str) -> list[Entry]:
    """Return the Entries below the directory *root*, without those of git."""
    if not os.path.isdir(root):
        raise _place.BuildError("%s is not a directory" % root)
    inner = os.path.realpath(workspace) + os.sep
    if inner.startswith(os.path.realpath(root) + os.sep):
        raise _place.BuildError(
            "%s holds the workspace %s: give a workspace elsewhere" % (root, workspace)
        )
    return _scan.scan(_scan.to_os(root), _scan.Rules(exclude=("**/.git",), private=None))


def _digest(entries: Iterable[Entry], root: str) -> str:
    sealed = _layer.write(entries, _scan.to_os(root), lambda data: None)
    return _record.tree_digest(sealed)


def _copy(root: str, folder: str, workspace: str) -> str:
    """Copy the directory *root* to *folder*, following no link; return its tree's digest."""
    descriptor = os.open(_scan.to_os(root), _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    try:
        with contextlib.closing(_scan.Files(descriptor)) as files:

            def content(entry: Entry) -> Iterator[bytes]:
                with open(files.open(entry.path), "rb") as stream:
                    yield from iter(lambda: stream.read(_layer.CHUNK_BYTES), b"")

            return _record.tree_digest(_write(_entries(root, workspace), folder, content))
    finally:
        os.close(descriptor)


def _write(
    entries: Iterable[Entry], folder: str, content: Callable[[Entry], Iterator[bytes]]
) -> list[Entry]:
    """Write *entries* below *folder*, a new one; return them with the digests of what was written.

    No link among them is on the way to another one: who made them has refused such.
    """
    os.mkdir(folder, 0o755)
    written = []
    for entry in entries:
        path = os.path.join(_paths.to_os(folder), _paths.to_os(entry.path))
        if entry.type == "dir":
            os.mkdir(path, 0o755)
        elif entry.type == "symlink":
            os.symlink(_paths.to_os(entry.target), path)
        else:
            entry = entry._replace(sha256=_write_file(path, entry, content))
        written.append(entry)
    return written


def _write_file(path: bytes, entry: Entry, content: Callable[[Entry], Iterator[bytes]]) -> str:
    digest = hashlib.sha256()
    mode = (0o755 if entry.exec else 0o644) & (0o700 if entry.private else 0o777)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        for chunk in content(entry):
            digest.update(chunk)
            stream.write(chunk)
        os.fchmod(descriptor, mode)
    return digest.hexdigest()


def _is_dirty(folder: str, environment: Mapping[str, str]) -> bool | None:
    """Tell whether *folder* has what its git repository does not have; None where there is none."""
    try:
        told = _command.run(folder, environment, "status", "--porcelain=v1", "-z", "--", ".")
    except _command.GitError:
        return None
    return bool(told)


def _there(key: str, value: object) -> dict[str, Any]:
    return {} if value is None else {key: value}
