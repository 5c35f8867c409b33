# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status: what is live where, held and open runs, unrecorded changes, the last runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ...module_utils.formats import _canonical
from . import _finding, _matrix, _unrecorded
from ._event import utc
from ._ledger import Ledger
from ._outcome import CHANGING
from ._unrecorded import Unrecorded
from ._words import about, counted, shortened

FORMAT = 1
LAST_RUNS = 5
SHOWN = 10  # of a list, before "and N more"
LABEL = 13  # columns
LONGEST_REASON = 90
LOOKED_THROUGH = 200  # runs, for those that are held


class Ahead(Protocol):
    """What plans say is ahead; rooms above this one know plans."""

    @property
    def freeze(self) -> str:
        """The next freeze."""

    def head(self, now: datetime) -> list[tuple[str, list[str]]]:
        """Return labels and lines that stand first."""

    def lines(self, now: datetime) -> list[str]:
        """Return lines that stand behind what is live where."""

    def to_plain(self) -> dict[str, Any]:
        """Return plain data."""


@dataclass(frozen=True)
class Status:
    """The status: by what hosts *told*, where they were asked, else by the ledger alone.

    *deployments* are as that projection has them. *open_runs* and *last_runs* are rows of runs, and
    *unrecorded* what hosts did that is not on record; each is None without a ledger. *held_runs*
    are rows of runs that a later one has to go on with, or to back out. *ahead* is what plans say,
    None without a policy.
    """

    deployments: Sequence[Mapping[str, Any]]
    unknown: Mapping[str, str]
    locked: Sequence[Mapping[str, str]]
    open_runs: Sequence[Mapping[str, Any]] | None = None
    last_runs: Sequence[Mapping[str, Any]] | None = None
    unrecorded: Sequence[Unrecorded] | None = None
    held_runs: Sequence[Mapping[str, Any]] = ()
    ahead: Ahead | None = None

    def to_plain(self, now: datetime) -> dict[str, Any]:
        """Return this as plain data, for JSON."""
        unrecorded = self.unrecorded
        return {
            "format": FORMAT,
            "time": utc(now),
            "matrix": [cell.to_plain() for cell in _matrix.cells(self.deployments)],
            "deployments": [dict(row) for row in self.deployments],
            "unknown": dict(self.unknown),
            "locked": [dict(row) for row in self.locked],
            "open": None if self.open_runs is None else [dict(row) for row in self.open_runs],
            "held": [dict(row) for row in self._held()],
            "held_runs": [dict(row) for row in self.held_runs],
            "runs": None if self.last_runs is None else [dict(row) for row in self.last_runs],
            "unrecorded": None if unrecorded is None else [each.to_plain() for each in unrecorded],
            **({"ahead": self.ahead.to_plain()} if self.ahead else {}),
        }

    def _held(self) -> list[Mapping[str, Any]]:
        return [row for row in self.deployments if row["phase"] == "on trial"]

    def lines(self, environments: Sequence[str], now: datetime) -> list[str]:
        """Return the status for people, as lines of a terminal."""
        lines = []
        for label, entries in self.ahead.head(now) if self.ahead else ():
            lines += _list(label, entries)
        if self.ahead:
            lines.append(self._in_short(self.ahead))
        lines += _list("held" if not self.ahead else "", [_held_run(r) for r in self.held_runs])
        lines += _list("on trial", [_trial(row, now) for row in self._held()])
        lines += _list(
            "locked", [f"{row['host']} {row['root']} by {row['run']}" for row in self.locked]
        )
        if self.open_runs is not None:
            lines += _list("open", [_run(row, now) for row in self.open_runs])
        if self.unrecorded is not None:
            count = len(self.unrecorded)
            if count or not self.ahead:
                lines.append(f"{'unrecorded':{LABEL}}{count}{':' if count else ''}")
            lines += _list("", [_entry(each) for each in self.unrecorded])
        lines += _list("unknown", [f"{host}: {why}" for host, why in self.unknown.items()])
        cells = _matrix.cells(self.deployments)
        lines += [
            "",
            *(_matrix.table(cells, environments, now) if cells else ["nothing is deployed"]),
        ]
        if self.ahead and self.ahead.lines(now):
            lines += ["", *self.ahead.lines(now)]
        if self.last_runs:
            lines += ["", *_list("last runs", [_run(row, now) for row in self.last_runs])]
        return [_canonical.printable(line) for line in lines]

    def _in_short(self, ahead: Ahead) -> str:
        """Return what is held, how much is unrecorded, and the next freeze, in a line."""
        held = f"{len(self._held())} on trial" if self._held() else "none"
        if self.held_runs:
            held = counted(len(self.held_runs), "run")
        line = f"{'held':{LABEL}}{held:11}"
        if self.unrecorded is not None:
            line += f"unrecorded changes: {len(self.unrecorded):<9}"
        return (line + (f"freeze ahead: {ahead.freeze}" if ahead.freeze else "")).rstrip()


def of_ledger(ledger: Ledger, told: _finding.Told | None) -> Status:
    """Return the status by *ledger*, and by what hosts *told* where they were asked."""
    rows = ledger.rows("deployments", "application", "host", "root")
    unrecorded = None
    if told is not None:
        unrecorded = _finding.unrecorded(ledger, told)
        rows = list(_seen(told, {(row["host"], row["root"]): row for row in rows}))
    return Status(
        rows,
        told.unknown if told else {},
        _locked(told) if told else (),
        open_runs=ledger.rows("runs", "began", ended=None),
        last_runs=ledger.rows("runs", newest=LAST_RUNS),
        unrecorded=unrecorded,
        held_runs=_held_runs(ledger.rows("runs", newest=LOOKED_THROUGH)),
    )


def _held_runs(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return which of *rows* of runs, the newest first, are held, and the last of their kind."""
    latest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        if row["act"] in CHANGING and row["verdict"] != "refused":
            latest.setdefault((row["application"], row["environment"] or ""), row)
    return [row for row in latest.values() if row["ended"] and row["verdict"] == "held"]


def of_hosts(told: _finding.Told) -> Status:
    """Return the status by what hosts *told*, without a ledger."""
    return Status(list(_seen(told, {})), told.unknown, _locked(told))


def history(told: _finding.Told, host: str) -> list[str]:
    """Return the lines of what *host* remembers, under each root."""
    lines = []
    for (name, root), entries in told.histories.items():
        if name != host:
            continue
        release = _finding.current(told.deployments[name, root])
        what = f"{release.name} {release.version} {release.phase}" if release.name else "nothing"
        lines.append(f"{host} {root}: {what}")
        for entry in entries:
            origin = f" from {entry['from']}" if entry.get("from") else ""
            lines.append(
                f"  {entry['at']}  {entry['event']:12}  {entry.get('tree') or ''}{origin}"
                f"  by {entry['run']}"
            )
    return [_canonical.one_line(line) for line in lines] or [
        f"{host}: {told.unknown.get(host, 'nothing is deployed')}"
    ]


def _seen(
    told: _finding.Told, rows: Mapping[_finding.Place, Mapping[str, Any]]
) -> Iterable[dict[str, Any]]:
    """Yield a row for each root that holds something, with what the ledger's *rows* add to it."""
    for (host, _root), last_row in sorted(rows.items()):
        if host in told.unknown:
            yield {**last_row, "asked": False}  # as it was recorded last
    for place, there in sorted(told.deployments.items()):
        release = _finding.current(there)
        if release.phase == "none":
            continue
        row = rows.get(place)
        same = row and (row["digest"], row["phase"]) == (release.digest or "", release.phase)
        last: Mapping[str, Any] = next(iter(reversed(told.histories.get(place, []))), {})
        run = there.get("run") or last.get("run") or ""
        yield {
            "host": place[0],
            "root": place[1],
            "application": release.name or "",
            "environment": told.environments.get(place[0]),
            "version": release.version or "",
            "digest": release.digest or "",
            "phase": release.phase,
            "since": row["since"]
            if row and same
            else _unrecorded.moment_of(there.get("since") or "") or "",
            "run": row["run"] if row and same else run,
            "asked": True,
            "actor": row["actor"] if row and same else _unrecorded.user_of(run),
        }


def _locked(told: _finding.Told) -> list[dict[str, str]]:
    return [
        {"host": host, "root": root, "run": str(there["run"])}
        for (host, root), there in told.deployments.items()
        if there.get("run")
    ]


def _trial(row: Mapping[str, Any], now: datetime) -> str:
    since = f"  {_ago(row['since'], now)}" if row["since"] else ""
    return f"{row['host']}  {row['application']} {row['version']}{since}  by {row['actor']}"


def _held_run(row: Mapping[str, Any]) -> str:
    where = f" in {row['environment']}" if row["environment"] else ""
    return f"{row['application']} {row['version'] or ''}{where}: {row['reason'] or 'no reason'}"


def _run(row: Mapping[str, Any], now: datetime) -> str:
    what = about(row["act"], row["application"], row["version"])
    where = f" in {row['environment']}" if row["environment"] else ""
    ending = row["verdict"] if row["ended"] else "no end on record"
    reason = shortened(row["reason"] or "", LONGEST_REASON) if row["ended"] else ""
    reason = f": {reason}" if reason else ""
    return f"{_ago(row['began'], now)}  {what}{where}  {ending}{reason}  by {row['actor']}"


def _ago(time: str, now: datetime) -> str:
    age = _matrix.age(time, now)
    return age if age in ("", _matrix.JUST_NOW) else f"{age} ago"


def _entry(entry: Unrecorded) -> str:
    return (
        f"{entry.host} {entry.root}  {entry.at}  {entry.event} {entry.tree or ''}  by {entry.user}"
    )


def _list(label: str, entries: Sequence[str]) -> list[str]:
    """Return *entries* with a *label* before the first, and how many are not shown."""
    shown = list(entries[:SHOWN])
    if len(entries) > SHOWN:
        shown.append(f"and {len(entries) - SHOWN} more")
    labels = [label] + [""] * len(shown)
    return [f"{name:{LABEL}}{entry}" for name, entry in zip(labels, shown, strict=False)]
