# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: the parts of what a deployment root remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TreeRecord:
    """A release tree: the release in it, its linked paths, and when it was staged.

    ``token`` is that of the run that staged it, ``run`` its process. ``at`` and ``run`` are None in
    what earlier versions wrote.
    An ``adopted`` tree is not verified; its ``digest`` stands for the one that is unknown.
    """

    name: str
    version: str
    serial: int
    digest: str
    links: tuple[str, ...]
    token: int
    at: str | None = None
    run: str | None = None
    adopted: bool = False


@dataclass(frozen=True)
class Holder:
    """The run that a token was issued to, and the process of its call."""

    name: str
    pid: int


@dataclass(frozen=True)
class Lease:
    """The right of one run to change the root.

    ``pid``, ``started`` and ``boot`` identify the process of its call; None when that has ended.
    """

    run: str
    since: str
    pid: int | None = None
    started: str | None = None
    boot: str | None = None

    def brief(self) -> dict[str, Any]:
        """Return the plain data that a refused run reports of this lease."""
        return {"run": self.run, "since": self.since, "pid": self.pid}


@dataclass(frozen=True)
class Mark:
    """A mark on a release, bad or pinned: the run that set it, and the time."""

    run: str
    at: str


@dataclass(frozen=True)
class Switch:
    """A switch of ``current`` that has begun: the tree it will point to, None for no tree."""

    to: str | None


@dataclass(frozen=True)
class Change:
    """What a run did to ``current``, so that it can be undone.

    ``run`` pointed ``current`` to the tree ``to``; before that the tree ``back`` was live, None for
    none, and ``good`` was the way back.
    """

    run: str
    to: str
    back: str | None
    good: tuple[str, ...]
