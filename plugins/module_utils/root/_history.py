# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a deployment root: an event a line, only ever added to."""

from __future__ import annotations

import collections
import os
from typing import Any

from ..files import _paths
from ..formats import _canonical
from . import _directory

FORMATS = (1, 2)  # 2: with the head of a ledger
NAME = "history.jsonl"
KEYS = {"format", "at", "run", "event", "tree", "from", "ledger"}


def append(root: _directory.Root, event: dict[str, Any]) -> None:
    """Add the mapping *event* as one line to the history of *root*, durably.

    Its ``ledger``, if it has one, is the head of the ledger that the run knew before.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(NAME, flags, 0o600, dir_fd=root.ours)
    try:
        _drop_torn_line(descriptor)
        number = FORMATS["ledger" in event]
        line = _canonical.dumps(_canonical.summed({"format": number, **event}))
        os.write(descriptor, line + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(root: _directory.Root, most: int) -> list[dict[str, Any]]:
    """Return the last *most* events of *root*, oldest first; a line that was torn is left out.

    RootError for an event that cannot be read.
    """
    try:
        descriptor = os.open(NAME, _paths.OPEN_FILE, dir_fd=root.ours)
    except FileNotFoundError:
        return []
    with os.fdopen(descriptor, "rb") as stream:
        lines = collections.deque((line for line in stream if line.endswith(b"\n")), most)
    path = os.path.join(root.path, _directory.OURS, NAME)
    try:
        return [_event(path, _canonical.loads(line)) for line in lines]
    except (TypeError, AttributeError, KeyError, _canonical.CanonicalError) as error:
        said = _canonical.one_line(error)
        raise _directory.RootError("%s cannot be read: %s" % (path, said)) from None


def _event(path: str, plain: dict[str, Any]) -> dict[str, Any]:
    """Return the event in the mapping *plain*, checked."""
    if plain["format"] not in FORMATS:
        raise _directory.unknown_format(path, plain["format"], FORMATS[-1])
    event = _canonical.unsummed(plain)
    if set(event) - KEYS:
        raise TypeError("an event has entries unknown here")
    return event


def _drop_torn_line(descriptor: int) -> None:
    """Cut off what lies behind the last whole line: the process that wrote it was killed."""
    end = os.fstat(descriptor).st_size
    start = end
    while start and os.pread(descriptor, 1, start - 1) != b"\n":
        start -= 1
    if start != end:
        os.ftruncate(descriptor, start)
