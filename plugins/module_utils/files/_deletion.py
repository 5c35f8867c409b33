# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting trees on a host: no link is followed, and what cannot go keeps nothing else here."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Mapping

from . import _paths

DEEPEST = 200


def discard(parent: int, name: str) -> str | None:
    """Remove what can be removed of the tree *name*; return why the rest stays, None without one.

    A service that runs as root, say, leaves files that the user who writes the root cannot remove.
    """
    try:
        remove(parent, name)
    except OSError as error:
        return error.strerror
    return None


def warnings(leftovers: Mapping[str, str]) -> list[str]:
    """Return the lines that tell of *leftovers*, ``{path: why it cannot be removed}``."""
    return ["%s cannot be removed: %s" % item for item in sorted(leftovers.items())]


def remove(parent: int, name: str, depth: int = 0) -> None:
    """Remove the tree *name* below the directory descriptor *parent*, following no link.

    Whatever can be removed is; then the first OSError is raised, if there was one. What somebody
    else removes meanwhile is gone as well. *depth* is how many directories of the tree are open.
    """
    if depth > DEEPEST:  # each has its call and its descriptor; a service can nest without end
        raise OSError(errno.ENAMETOOLONG, "nested deeper than %d names" % DEEPEST, name)
    try:
        descriptor = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        _unlink(parent, name)
        return
    problems = []
    try:
        with os.scandir(descriptor) as listing:
            items = [(item.name, item.is_dir(follow_symlinks=False)) for item in listing]
        for leaf, is_directory in items:
            try:
                if is_directory:
                    remove(descriptor, leaf, depth + 1)
                else:
                    _unlink(descriptor, leaf)
            except OSError as error:
                problems.append(error)
    finally:
        os.close(descriptor)
    if problems:
        raise problems[0]
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=parent)


def _unlink(parent: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)
