# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release tree on a host: building it from objects, and telling how it differs."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple

from ..errors._release_error import ReleaseError
from ..files import _globs, _paths
from ..release import _manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHUNK_BYTES = 256 * 1024
ACCESS_MODES = {"public": (0o755, 0o644), "group": (0o750, 0o640)}


class TreeError(ReleaseError):
    """A release tree cannot be laid out as its manifest says."""

    code = "invalid_tree"


@dataclass(frozen=True)
class Access:
    """Whose a root's files are and who else may read them: ``public`` or ``group``."""

    uid: int
    gid: int
    access: str

    def mode(self, entry: _manifest.Entry) -> int:
        """Return the permission bits of the file or directory *entry*."""
        directory, plain = ACCESS_MODES[self.access]
        mode = directory if entry.type == "dir" or entry.exec else plain
        return mode & 0o700 if entry.private else mode


class Drift(NamedTuple):
    """One way in which what is on disk differs from what was sealed.

    *change* is one of missing, modified, extra, exec, mode, owner, type.
    """

    path: str
    change: str


def expected(
    manifest: _manifest.Manifest, links: Iterable[str], seed: bool = False
) -> dict[str, _manifest.Entry]:
    """Return ``{path: Entry}`` of the release tree of *manifest* with its linked paths.

    *links* are paths that lead to ``shared/`` instead; a trailing slash makes no difference here.
    Raises TreeError when the release brings such a path itself, unless that *seed*s ``shared/``.
    """
    entries: dict[str, _manifest.Entry] = dict(_manifest.tree(manifest))
    for path in sorted({link.rstrip("/") for link in links}):
        _manifest.check_path(path)
        if seed:
            for sealed in at_or_below(entries, path):
                del entries[sealed]
        names = path.split("/")
        for depth in range(1, len(names)):
            parent = "/".join(names[:depth])
            there = entries.setdefault(parent, _manifest.Entry(parent, "dir"))
            if there.type != "dir":
                raise TreeError(
                    "linked path %r lies below %r, which is no directory" % (path, parent)
                )
        if path in entries:
            raise TreeError(
                "linked path %r is also part of the release: take it out of one, or set seed: true "
                "(deploy_seed in the role)" % path
            )
        target = "../" * (len(names) + 1) + "shared/" + path
        entries[path] = _manifest.Entry(path, "symlink", target=target)
    return entries


def at_or_below(entries: Iterable[str], path: str) -> list[str]:
    """Return the paths in *entries* that are *path* or lie below it."""
    return [name for name in entries if name == path or name.startswith(path + "/")]


def children(entries: Mapping[str, _manifest.Entry]) -> dict[str, dict[str, _manifest.Entry]]:
    """Return ``{directory: {name: entry}}``; the tree's own top is ``""``."""
    below: dict[str, dict[str, _manifest.Entry]] = {"": {}}
    for path, entry in entries.items():
        if entry.type == "dir":
            below.setdefault(path, {})
        parent, _slash, leaf = path.rpartition("/")
        below.setdefault(parent, {})[leaf] = entry
    return below


def build(
    parent: int,
    name: str,
    entries: Mapping[str, _manifest.Entry],
    access: Access,
    place: Callable[[_manifest.Entry, int, str | bytes], None],
) -> None:
    """Lay out *entries* as the new directory *name* in the directory descriptor *parent*.

    ``place(entry, directory, name)`` brings the content of a file to a directory descriptor. Every
    step is relative to a directory descriptor and follows no link.
    """
    below = children(entries)

    def lay(directory: int, prefix: str) -> None:
        for text, entry in below[prefix].items():
            leaf = _paths.to_os(text)
            if entry.type == "symlink":
                os.symlink(_paths.to_os(entry.target), leaf, dir_fd=directory)
                if os.geteuid() == 0:
                    os.chown(leaf, access.uid, access.gid, dir_fd=directory, follow_symlinks=False)
            elif entry.type == "file":
                place(entry, directory, leaf)
            else:
                make_directory(directory, leaf, access, functools.partial(lay, prefix=entry.path))

    make_directory(parent, name, access, lambda directory: lay(directory, ""))


def make_directory(
    parent: int, name: str | bytes, access: Access, fill: Callable[[int], None]
) -> None:
    """Make the directory *name*, let ``fill(descriptor)`` fill it, then set owner and mode."""
    os.mkdir(name, 0o700, dir_fd=parent)
    descriptor = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=parent)
    try:
        fill(descriptor)
        own(descriptor, access, access.mode(_manifest.Entry("", "dir")))
    finally:
        os.close(descriptor)


def own(descriptor: int, access: Access, mode: int) -> os.stat_result:
    """Give the open file or directory its owner, group and mode, whatever the umask.

    Returns its status afterwards: not every file system does as it is told.
    """
    status = os.fstat(descriptor)
    owned = (status.st_uid, status.st_gid) == (access.uid, access.gid)
    if owned and stat.S_IMODE(status.st_mode) == mode:
        return status
    if not owned:
        os.fchown(descriptor, access.uid, access.gid)
    os.fchmod(descriptor, mode)
    return os.fstat(descriptor)


def verify(
    parent: int,
    name: str,
    entries: Mapping[str, _manifest.Entry],
    access: Access,
    runtime_paths: Iterable[str],
    trusted: Mapping[int, tuple[str, int]] | None = None,
) -> tuple[list[Drift], list[str]]:
    """Return ([Drift …], [runtime path …]) of the tree *name* against *entries*, sorted.

    Everything is looked at and every file is hashed, but for those in *trusted*: ``{inode: (sha256,
    st_mode)}`` of files that this process has just written or hashed, and that have their owner.
    Listed apart are what *runtime_paths* match, when it is extra, and ``writable`` files that were
    changed. A directory that is extra is named once, with a trailing slash.
    """
    found = _Verification(entries, access, runtime_paths, trusted or {})
    try:
        top = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=parent)
    except OSError:
        return [Drift(".", "missing")], []
    try:
        found.drift.extend(
            Drift(".", change)
            for change in status_changes(os.fstat(top), _manifest.Entry(".", "dir"), access)
        )
        found.look(top, "")
    finally:
        os.close(top)
    return sorted(found.drift), sorted(found.runtime)


class _Verification:
    """What was found so far while a tree is looked through."""

    def __init__(
        self,
        entries: Mapping[str, _manifest.Entry],
        access: Access,
        runtime_paths: Iterable[str],
        trusted: Mapping[int, tuple[str, int]],
    ) -> None:
        self.drift: list[Drift] = []
        self.runtime: list[str] = []
        self._below = children(entries)
        self._access = access
        self._is_runtime = _globs.compile_globs(runtime_paths)
        self._trusted = trusted

    def look(self, directory: int, prefix: str) -> None:
        """Look at all that is, or should be, in the directory descriptor of *prefix*."""
        wanted = self._below[prefix]
        with os.scandir(directory) as listing:
            items = [(_paths.from_os(item.name), item) for item in listing]
        for leaf in wanted.keys() - {leaf for leaf, _item in items}:
            self.drift.append(Drift(wanted[leaf].path, "missing"))
        for leaf, item in items:
            entry = wanted.get(leaf)
            if entry is None:
                self._note_extra(item, prefix + "/" + leaf if prefix else leaf)
            elif entry.type != "file" or not self._is_trusted(item.inode(), entry):
                self._compare(directory, _paths.to_os(leaf), entry)

    def _note_extra(self, item: os.DirEntry[str], path: str) -> None:
        path = spell(path)
        if self._is_runtime(path):
            self.runtime.append(path)
        else:
            end = "/" if item.is_dir(follow_symlinks=False) else ""
            self.drift.append(Drift(path + end, "extra"))

    def _compare(self, directory: int, leaf: bytes, entry: _manifest.Entry) -> None:
        changes = self._changes(directory, leaf, entry)
        if changes and entry.writable and changes != ["type"]:
            self.runtime.append(entry.path)
        else:
            self.drift.extend(Drift(entry.path, change) for change in changes)
        if entry.type == "dir":
            try:
                deeper = os.open(leaf, _paths.OPEN_DIRECTORY, dir_fd=directory)
            except OSError:
                return  # told already: not a directory any more
            try:
                self.look(deeper, entry.path)
            finally:
                os.close(deeper)

    def _changes(self, directory: int, leaf: bytes, entry: _manifest.Entry) -> list[str]:
        try:
            status = os.stat(leaf, dir_fd=directory, follow_symlinks=False)
            if entry.type == "symlink":
                target = os.readlink(leaf, dir_fd=directory)
                return [] if target == _paths.to_os(entry.target) else ["modified"]
        except FileNotFoundError:  # it was there a moment ago
            return ["missing"]
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return ["type"]
        changes = status_changes(status, entry, self._access)
        if entry.type == "file" and "type" not in changes:
            if not _has_content(directory, leaf, status, entry):
                changes.insert(0, "modified")
        return changes

    def _is_trusted(self, inode: int, entry: _manifest.Entry) -> bool:
        """Tell whether this process knows that the file of this *inode* is as *entry* says."""
        found = self._trusted.get(inode)
        return found is not None and found == (
            entry.sha256,
            stat.S_IFREG | self._access.mode(entry),
        )


def spell(path: str) -> str:
    """Return *path* as text that can be sent and shown; bytes that are not UTF-8 as ``\\xe4``.

    So are control characters: anybody's file may have a name that would forge a line.
    """
    text = _paths.to_os(path).decode("utf-8", "backslashreplace")
    return _manifest.CONTROL.sub(lambda match: "\\x%02x" % ord(match[0]), text)


def _has_content(
    directory: int, name: bytes, status: os.stat_result, entry: _manifest.Entry
) -> bool:
    """Tell whether a file with this *status* can be read, and holds what *entry* says."""
    if status.st_size != entry.size:
        return False
    try:
        return hash_file(directory, name, entry.size) == entry.sha256
    except OSError:
        return False


def hash_file(directory: int, name: str | bytes, size: int) -> str:
    """Return the hex SHA-256 of the file *name* in a directory descriptor; see below for *size*."""
    descriptor = os.open(name, _paths.OPEN_FILE, dir_fd=directory)
    try:
        return hash_descriptor(descriptor, size)
    finally:
        os.close(descriptor)


def hash_descriptor(descriptor: int, size: int) -> str:
    """Return the hex SHA-256 of what is left to read of an open file.

    *size* is how much that should be: a small file is then known to end there by one call, and of
    one that goes on, for ever perhaps, no more is read than shows that.
    """
    digest, left = hashlib.sha256(), size + 1  # one more: to see that it ends there
    while left:
        asked = min(left, CHUNK_BYTES)
        chunk = os.read(descriptor, asked)
        digest.update(chunk)
        left -= len(chunk)
        if not chunk or (left == 1 and len(chunk) < asked):
            break
    return digest.hexdigest()


def status_changes(status: os.stat_result, entry: _manifest.Entry, access: Access) -> list[str]:
    """Return in which ways the *status* of a file or directory is not that of *entry*."""
    is_type = stat.S_ISDIR if entry.type == "dir" else stat.S_ISREG
    if not is_type(status.st_mode):
        return ["type"]
    changes = []
    mode, wanted = stat.S_IMODE(status.st_mode), access.mode(entry)
    if (mode ^ wanted) & 0o111 and entry.type == "file":
        changes.append("exec")
    elif mode != wanted:
        changes.append("mode")
    if (status.st_uid, status.st_gid) != (access.uid, access.gid):
        changes.append("owner")
    return changes
