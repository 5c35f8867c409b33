# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a tree that is not ours, and the digests of its files, whatever their names.

No link is followed on the way to a file, and nothing but regular files is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Callable, Dict, Iterable, List, NamedTuple, Set

from ..files import _paths
from ..release import _scan
from . import _lines

CHUNK_BYTES = 256 * 1024
DEEPEST = 128  # trees are walked by recursion
MOST_LINKS = 40  # as the kernel has it
LeavesOut = Callable[[str, bool], object]  # true for a path, a directory or not, that is left out


class Found(NamedTuple):
    """What is in a tree; in paths, bytes that are not UTF-8 are surrogates."""

    files: Set[str]
    directories: Set[str]
    links: Dict[str, str]  # each with its target


def look(root: int, leaves_out: LeavesOut) -> Found:
    """Return what is Found below the directory descriptor *root*.

    ``leaves_out(path, is_directory)`` tells what is not looked at, with all below it. Raises
    ChecksumError, naming it, for a special file and for a link that does not lead to something
    else that was found; OSError.
    """
    found = Found(set(), set(), {})
    _walk(root, "", leaves_out, found)
    for path in sorted(found.links):
        follow(path, found)
    return found


def follow(path: str, found: Found) -> str:
    """Return what the link *path* leads to by its text, and by that of others; "" is the top.

    Raises ChecksumError when that is not in *found*: outside, nowhere, or left out.
    """
    shown = _lines.shown(path)
    steps: List[str] = []
    waiting, left = path.split("/")[::-1], MOST_LINKS
    while waiting:
        name = waiting.pop()
        if name == "..":
            if not steps:
                raise _lines.ChecksumError("%s is a link out of the tree" % shown)
            steps.pop()
        elif name not in ("", "."):
            steps.append(name)
            target = found.links.get("/".join(steps))
            if target is not None:
                left -= 1
                if not left:
                    raise _lines.ChecksumError("%s is a link that never ends" % shown)
                if target.startswith("/"):
                    raise _lines.ChecksumError("%s is a link out of the tree" % shown)
                steps.pop()
                waiting.extend(target.split("/")[::-1])
    there = "/".join(steps)
    if there and there not in found.files and there not in found.directories:
        raise _lines.ChecksumError(
            "%s is a link to %s, which is not there or left out" % (shown, _lines.shown(there))
        )
    return there


def hash_file(files: _scan.Files, path: str, algorithms: Iterable[str]) -> list[str]:
    """Return the hex digests, one of each of *algorithms*, of the file *path* opened by *files*.

    It is read once. Raises ChecksumError when it is no regular file, or changes meanwhile; OSError.
    """
    descriptor = files.open(path)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _lines.ChecksumError("%s is no regular file" % _lines.shown(path))
        chunk = os.read(descriptor, min(before.st_size + 1, CHUNK_BYTES))
        hashes = [getattr(hashlib, algorithm)(chunk) for algorithm in algorithms]
        total = len(chunk)
        while chunk and total < before.st_size:
            chunk = os.read(descriptor, CHUNK_BYTES)
            total += len(chunk)
            for digest in hashes:
                digest.update(chunk)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (
        total != before.st_size
        or after.st_size != total
        or after.st_mtime_ns != before.st_mtime_ns
        or after.st_ctime_ns != before.st_ctime_ns
    ):
        raise _lines.ChecksumError("%s changed while it was read" % _lines.shown(path))
    return [digest.hexdigest() for digest in hashes]


def _walk(directory: int, prefix: str, leaves_out: LeavesOut, found: Found) -> None:
    if prefix.count("/") > DEEPEST:
        raise _lines.ChecksumError(
            "%s is nested deeper than %d names" % (_lines.shown(prefix), DEEPEST)
        )
    with os.scandir(directory) as listing:
        items = [(prefix + _paths.from_os(item.name), item) for item in listing]
    for path, item in items:
        is_directory = item.is_dir(follow_symlinks=False)
        if leaves_out(path, is_directory):
            continue
        if is_directory:
            found.directories.add(path)
            _enter(directory, item.name, path, leaves_out, found)
        elif item.is_symlink():
            found.links[path] = _paths.from_os(os.readlink(item.name, dir_fd=directory))
        elif item.is_file(follow_symlinks=False):
            found.files.add(path)
        else:
            raise _lines.ChecksumError(
                "%s is neither a file, a directory nor a link" % _lines.shown(path)
            )


def _enter(directory: int, name: str, path: str, leaves_out: LeavesOut, found: Found) -> None:
    try:
        deeper = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=directory)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None  # not only its last name
    try:
        _walk(deeper, path + "/", leaves_out, found)
    finally:
        os.close(deeper)
