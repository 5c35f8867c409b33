# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scanning a source tree: what a component of kind ``files`` is made of."""

from __future__ import annotations

import os
import stat
from typing import Collection

from ..errors._release_error import ReleaseError
from ..files import _globs
from ..files._paths import OPEN_DIRECTORY, OPEN_FILE, from_os, to_os
from . import _manifest
from ._manifest import Entry

Globs = Collection[str]


class ScanError(ReleaseError):
    """A source tree holds what a release may not hold."""

    code = "invalid_source"


class Rules:
    """Which paths of a source tree are taken, and how: globs as in ``release.yml``.

    Without globs for *private*, None, that is as the mode of each file says. With *any_links* a
    link may lead anywhere: what is scanned is not sealed like that.
    """

    def __init__(
        self,
        include: Globs = ("**",),
        exclude: Globs = (),
        private: Globs | None = (),
        writable: Globs = (),
        any_links: bool = False,
    ) -> None:
        self.any_links = any_links
        self.everything = "**" in include
        self.included = _globs.compile_globs(include)
        self.excluded = _globs.compile_globs(exclude)
        self.private = None if private is None else _globs.compile_globs(private)
        self.writable = _globs.compile_globs(writable)


def scan(root: str | bytes, rules: Rules) -> list[Entry]:
    """Return the entries below the directory *root*, sorted by UTF-8 path, without their digests.

    Nothing is followed: a link stands for itself. Raises ScanError, naming every offender (the
    first twenty), for special files, unreadable ones and names that no manifest may hold.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    descriptor = os.open(root, OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    try:
        _walk(descriptor, "", rules, entries, problems)
    finally:
        os.close(descriptor)
    return finish(entries, problems, rules)


def finish(entries: list[Entry], problems: list[str], rules: Rules) -> list[Entry]:
    """Return *entries* sorted, without directories that are not used, if all is well.

    Raises ScanError for *problems*, and for links that no manifest may hold.
    """
    if not rules.everything:
        entries = _without_unused_directories(entries, rules)
    entries.sort(key=lambda entry: entry.path.encode("utf-8"))
    if not problems and not rules.any_links:
        try:
            _manifest.check_links(entries)
        except _manifest.ManifestError as error:
            problems.append(str(error))
    if problems:
        more = len(problems) - 20
        raise ScanError("; ".join(problems[:20]) + ("; and %d more" % more if more > 0 else ""))
    return entries


def make_entry(path: str, mode: int, size: int, target: str, rules: Rules) -> Entry:
    """Return the Entry of what has *mode*, as of ``stat``, at the path *path*, without its digest.

    Raises ScanError, and ManifestError for a link's target; *path* was checked before.
    """
    if stat.S_ISDIR(mode):
        return Entry(path, "dir")
    if stat.S_ISLNK(mode):
        if not rules.any_links:
            _manifest.check_target(path, target)
        return Entry(path, "symlink", target=target)
    if not stat.S_ISREG(mode):
        raise ScanError("%r is neither a file, a directory nor a link" % path)
    by_mode = rules.private is None and not mode & stat.S_IROTH
    private = by_mode or bool(rules.private and rules.private(path))
    if not private and not mode & stat.S_IROTH:
        raise ScanError(
            "%r cannot be read by others (mode %04o): list it under private, or chmod o+r it"
            % (path, stat.S_IMODE(mode))
        )
    return Entry(
        path,
        "file",
        exec=bool(mode & stat.S_IXUSR),
        size=size,
        private=private,
        writable=bool(rules.writable(path)),
    )


class Files:
    """Opens the files below a directory descriptor, following no link on the way.

    The directory opened last stays open: files come sorted by their paths.
    """

    def __init__(self, root_descriptor: int) -> None:
        self._root = self._directory = root_descriptor
        self._path = b""

    def open(self, path: str) -> int:
        """Return a descriptor of *path*; OSError (ELOOP, ENOTDIR) where a link has appeared."""
        folder, _slash, name = to_os(path).rpartition(b"/")
        try:
            if folder != self._path:
                self.close()
                self._enter(folder)
            return os.open(name, OPEN_FILE, dir_fd=self._directory)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None  # not only its last name

    def close(self) -> None:
        """Close the directory opened last."""
        if self._directory != self._root:
            os.close(self._directory)
        self._directory, self._path = self._root, b""

    def _enter(self, folder: bytes) -> None:
        for name in folder.split(b"/") if folder else ():
            deeper = os.open(name, OPEN_DIRECTORY, dir_fd=self._directory)
            self.close()
            self._directory = deeper
        self._path = folder


def _walk(
    directory: int, prefix: str, rules: Rules, entries: list[Entry], problems: list[str]
) -> None:
    with os.scandir(directory) as listing:
        items = list(listing)
    for item in items:
        path = prefix + from_os(item.name)
        is_directory = item.is_dir(follow_symlinks=False)
        if rules.excluded(path) or not (is_directory or rules.included(path)):
            continue
        try:
            entry = _entry(directory, item, path, rules)
        except (_manifest.ManifestError, ScanError) as error:
            problems.append(str(error))
            continue
        entries.append(entry)
        if is_directory:
            try:
                deeper = os.open(item.name, OPEN_DIRECTORY, dir_fd=directory)
            except OSError as error:
                problems.append("%r cannot be opened: %s" % (path, error.strerror))
                continue
            try:
                _walk(deeper, path + "/", rules, entries, problems)
            finally:
                os.close(deeper)


def _entry(directory: int, item: os.DirEntry[str], path: str, rules: Rules) -> Entry:
    _manifest.check_path(path)
    status = item.stat(follow_symlinks=False)
    target = ""
    if stat.S_ISLNK(status.st_mode):
        target = from_os(os.readlink(item.name, dir_fd=directory))
    return make_entry(path, status.st_mode, status.st_size, target, rules)


def _without_unused_directories(entries: list[Entry], rules: Rules) -> list[Entry]:
    """Drop the directories that nothing included lies in and that no glob includes themselves."""
    used: set[str] = set()
    for entry in entries:
        if entry.type != "dir" or rules.included(entry.path):
            path = entry.path
            while path and path not in used:
                used.add(path)
                path = path.rpartition("/")[0]
    return [entry for entry in entries if entry.path in used]
