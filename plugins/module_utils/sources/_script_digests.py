# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts of a release: which files globs name, and their digests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from typing import Collection, Dict, Iterator, List, Sequence, Tuple

from ..errors._release_error import ReleaseError
from ..files import _globs, _paths
from ..release import _manifest, _scan

MOST_SCRIPTS = 1000
LARGEST_BYTES = 16 * 1024 * 1024
LEFT_OUT = ".git"
Uses = Collection[Tuple[str, Sequence[str]]]  # pairs of a use and its globs
Scripts = Dict[str, List[Dict[str, str]]]  # path and sha256 of each, by use


class ScriptError(ReleaseError):
    """Scripts cannot be sealed; the text names what stands in the way, in a line."""

    code = "invalid_script"


def find(folder: str, uses: Uses) -> Scripts:
    """Return ``{use: [{"path", "sha256"}]}`` of the files below *folder* that *uses* name.

    *uses* are pairs of a use and its globs. No link is followed: a script is a file of its own.
    Raises ScriptError for a link that is named, and for a glob that names nothing.
    """
    with _opened(folder) as root:
        found: list[str] = []
        _walk(root, "", _Wanted([glob for _use, globs in uses for glob in globs]), found)
        if len(found) > MOST_SCRIPTS:
            raise ScriptError("scripts: more than %d files are named" % MOST_SCRIPTS)
        named = {
            use: sorted({path for glob in globs for path in _named(use, glob, found, folder)})
            for use, globs in uses
            if globs
        }
        with contextlib.closing(_scan.Files(root)) as files:
            digests = {path: _digest(files, path) for path in sorted(found)}
    return {
        use: [{"path": path, "sha256": digests[path]} for path in paths]
        for use, paths in named.items()
    }


def digest_of(descriptor: int, path: str) -> str:
    """Return the SHA-256 of the script open at *descriptor*, and close it; or raise ScriptError."""
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ScriptError("script %r is no regular file" % path)
        data = stream.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise ScriptError("script %r is larger than %d bytes" % (path, LARGEST_BYTES))
    return hashlib.sha256(data).hexdigest()


class _Wanted:
    """What globs name, and the directories in which that may lie."""

    def __init__(self, globs: Collection[str]) -> None:
        self.is_named = _globs.compile_globs(globs)
        self._bases: list[tuple[str, bool]] = []
        for glob in globs:
            match = re.match(r"(?:[^*?[/]*/)*", glob)
            base = match.group() if match else ""  # it always matches
            rest = glob[len(base) :]
            self._bases.append((base, not rest or "/" in rest or "**" in rest))

    def may_lie_in(self, directory: str) -> bool:
        """Tell whether to look into *directory*, whose path ends in a slash."""
        return any(
            base.startswith(directory) or (is_deep and directory.startswith(base))
            for base, is_deep in self._bases
        )


def _walk(descriptor: int, prefix: str, wanted: _Wanted, found: list[str]) -> None:
    if prefix.count("/") > _manifest.MOST_NAMES:
        raise ScriptError("%.40r… is nested deeper than a script may be" % prefix)
    with os.scandir(descriptor) as listing:
        items = list(listing)
    for item in items:
        path = prefix + _paths.from_os(item.name)
        if not item.is_dir(follow_symlinks=False):
            if wanted.is_named(path):
                _check(path, item)
                found.append(path)
        elif item.name != LEFT_OUT and wanted.may_lie_in(path + "/"):
            try:
                deeper = os.open(item.name, _paths.OPEN_DIRECTORY, dir_fd=descriptor)
            except OSError as error:
                raise ScriptError("%r cannot be opened: %s" % (path, error.strerror)) from None
            try:
                _walk(deeper, path + "/", wanted, found)
            finally:
                os.close(deeper)


def _check(path: str, item: os.DirEntry[str]) -> None:
    if item.is_symlink():
        raise ScriptError("script %r is a link: name the file that it leads to" % path)
    try:
        _manifest.check_path(path)
    except _manifest.ManifestError as error:
        raise ScriptError("script %s" % error) from None


def _named(use: str, glob: str, found: list[str], folder: str) -> list[str]:
    """Return the paths among *found* that *glob* names."""
    named = list(filter(_globs.compile_globs([glob]), found))
    if not named:
        raise ScriptError("scripts.%s: %r names no file below %s" % (use, glob, folder))
    return named


def _digest(files: _scan.Files, path: str) -> str:
    try:
        return digest_of(files.open(path), path)
    except OSError as error:
        raise ScriptError("script %r cannot be read: %s" % (path, error.strerror)) from None


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int]:
    try:
        descriptor = os.open(_paths.to_os(folder), _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    except OSError as error:
        raise ScriptError("%s: %s" % (folder, error.strerror)) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
