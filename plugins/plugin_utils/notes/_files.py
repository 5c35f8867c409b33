# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes in files of the controller: each is as it was, or as it is to be, and never in between."""

from __future__ import annotations

import os

from ...module_utils.errors._release_error import ReleaseError
from ..evidence import _file as _evidence_file

LARGEST_BEFORE = 1024 * 1024  # that a diff shows


class FileError(ReleaseError):
    """A note cannot be written to where it is asked for; the text is one line."""

    code = "invalid_file"


def check(path: str, option: str) -> None:
    """Raise FileError unless a file can be at *path*, which *option* gave."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise FileError(f"{option}: {path} is a directory: give the path of a file")
    if not os.path.isdir(folder):
        raise FileError(f"{option}: {path}: there is no directory {folder}")


def put(path: str, text: str, keep: bool) -> bool:
    """Write *text* to *path* where it differs, and return whether it does.

    Without *keep*, nothing is written.
    """
    data = text.encode("utf-8")
    changed: bool = _evidence_file.differs(path, data)
    if changed and keep:
        _evidence_file.write(path, data)
    return changed


def before(path: str) -> str:
    """Return what is at *path* for a diff, "" where nothing is."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(LARGEST_BEFORE)
    except FileNotFoundError:
        return ""
