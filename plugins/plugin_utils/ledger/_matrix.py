# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is live where: application by environment, from the projection of deployments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from ._event import moment

NOWHERE = "-"  # the environment of a deployment that names none
UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))
GAP = "  "
JUST_NOW = "just now"


@dataclass(frozen=True)
class Cell:
    """One application in one environment.

    *versions* has how many hosts have each, most hosts first; *since* and *by* are of the change
    that came last. *on_trial* is how many hosts have a release that is not committed yet.
    """

    application: str
    environment: str
    versions: tuple[tuple[str, int], ...]
    on_trial: int
    since: str
    by: str

    @property
    def hosts(self) -> int:
        """How many deployments there are."""
        return sum(count for _version, count in self.versions)

    def to_plain(self) -> dict[str, Any]:
        """Return the cell as plain data."""
        versions = [{"version": version, "hosts": count} for version, count in self.versions]
        return {**asdict(self), "versions": versions, "hosts": self.hosts}


def cells(deployments: Iterable[Mapping[str, Any]]) -> list[Cell]:
    """Return a Cell for each application and environment in the rows of *deployments*, sorted."""
    places: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in deployments:
        places.setdefault((row["application"], row["environment"] or NOWHERE), []).append(row)
    return [_cell(application, name, rows) for (application, name), rows in sorted(places.items())]


def table(found: Sequence[Cell], environments: Sequence[str], now: datetime) -> list[str]:
    """Return the lines of a table of *found*; columns are in the order of *environments*.

    Environments that are not in there come behind, sorted.
    """
    others = sorted({cell.environment for cell in found} - set(environments))
    columns = [name for name in environments if any(c.environment == name for c in found)] + others
    by_place = {(cell.application, cell.environment): cell for cell in found}
    rows = [["application", *columns]]
    for application in dict.fromkeys(cell.application for cell in found):
        cells_ = [by_place.get((application, name)) for name in columns]
        rows.append([application, *(_said(cell, now) if cell else NOWHERE for cell in cells_)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def age(time: str, now: datetime) -> str:
    """Return in words how long ago *time* was, in at most two units: 2 d 17 h.

    A text that is no time is returned as it is.
    """
    try:
        then = moment(time)
    except ValueError:
        return time
    left, said = max(now - then, timedelta()), []
    for name, unit in UNITS:
        if left >= unit:
            said.append(f"{left // unit} {name}")
            left %= unit
    return " ".join(said[:2]) or JUST_NOW


def _cell(application: str, environment: str, rows: Sequence[Mapping[str, Any]]) -> Cell:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["version"]] = counts.get(row["version"], 0) + 1
    last = max(rows, key=lambda row: row["since"])
    return Cell(
        application,
        environment,
        tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        sum(row["phase"] == "on trial" for row in rows),
        last["since"],
        last["actor"],
    )


def _said(cell: Cell, now: datetime) -> str:
    one = len(cell.versions) == 1
    text = ", ".join(v if one else f"{v} on {count}" for v, count in cell.versions)
    trial = f", {cell.on_trial} on trial" if cell.on_trial else ""
    return f"{text}{trial}  {age(cell.since, now)}"
