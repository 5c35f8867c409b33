# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names on disk: how they are spelt in any locale, and opened without following a link."""

from __future__ import annotations

import os

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def to_os(path: str) -> bytes:
    """Return *path* as the bytes of its name on disk: UTF-8, whatever the locale of this host."""
    return path.encode("utf-8", "surrogateescape")


def local(path: str) -> str:
    """Return *path* as text that ``os`` takes for the bytes of ``to_os`` in any locale."""
    return os.fsdecode(to_os(path))


def from_os(name: str | bytes) -> str:
    """Return *name*, as ``os`` gives it, as text: the inverse of ``to_os`` in any locale.

    What is not UTF-8 becomes surrogates, which ``check_path`` and ``check_target`` refuse by name.
    """
    return os.fsencode(name).decode("utf-8", "surrogateescape")
