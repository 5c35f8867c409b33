# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts remember and the ledger does not have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

STAGED = "staged"  # the event of a host's history
Place = tuple[str, str]  # host and deployment root


@dataclass(frozen=True)
class Unrecorded:
    """An *event* of a host's history, *at* a time, by a *run* that is on no record there."""

    host: str
    root: str
    at: str
    run: str
    event: str
    tree: str | None

    @property
    def user(self) -> str:
        """Who ran it, by the name of the run: user@machine, or the job of AWX."""
        return user_of(self.run)

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {**asdict(self), "user": self.user}


def find(
    known: Collection[tuple[str, str, str]],
    open_runs: Iterable[str],
    histories: Mapping[Place, Sequence[Mapping[str, Any]]],
) -> list[Unrecorded]:
    """Return the entries of *histories* whose run is neither *known* there nor still open.

    Staging changes nothing that is live: it is not counted.
    *known* has (host, root, run) of what is on record. A run that began and has no end on record is
    open: it is settled, and not imported.
    """
    going_on = set(open_runs)
    return [
        Unrecorded(host, root, entry["at"], entry["run"], entry["event"], entry.get("tree"))
        for (host, root), entries in histories.items()
        for entry in entries
        if (host, root, entry["run"]) not in known and entry["run"] not in going_on
        if entry["event"] != STAGED
    ]


def user_of(run: str) -> str:
    """Return who ran *run*, by its name: user@machine, or the job of AWX."""
    user, at, machine = run.partition("@")
    return f"{user}@{machine.split('.')[0]}" if at else run


def moment_of(at: str) -> str | None:
    """Return a time of a host's history as the ledger has it, None where it is none."""
    return at.replace("Z", ".000Z") if re.fullmatch(r"[-\dT:]{19}Z", at) else None
