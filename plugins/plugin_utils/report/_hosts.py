# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as its page shows it: what was here when, and by which run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..ledger import _kind_history_found
from ..ledger._event import Event
from ..ledger._runs import Run

FOUND = "found"


@dataclass(frozen=True)
class Change:
    """What happened under a *root*, the newest first on a page.

    *act* is that of the run, or found: done without the ledger, and imported later.
    """

    at: str
    root: str
    act: str
    before: str
    after: str
    result: str
    run: str
    by: str
    plan: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Host:
    """A host: rows of what is *live*, and its *changes*."""

    name: str
    live: tuple[Mapping[str, Any], ...]
    changes: tuple[Change, ...]


def fold(
    events: Iterable[Event], runs: Iterable[Run], deployments: Iterable[Mapping[str, Any]]
) -> list[Host]:
    """Return all hosts on record by name, with what *deployments* say is live there."""
    changes: dict[str, list[Change]] = {}
    live: dict[str, list[Mapping[str, Any]]] = {}
    for row in deployments:
        live.setdefault(row["host"], []).append(row)
    for run in runs:
        for wave in run.waves:
            for told in wave.hosts:
                if told.before == told.after and told.result == "ok":
                    continue
                changes.setdefault(told.host, []).append(
                    Change(
                        wave.ended,
                        told.root,
                        run.act,
                        told.before,
                        told.after,
                        told.result,
                        run.run,
                        run.actor,
                        run.plan,
                        told.reason,
                    )
                )
    for event in events:
        if event.kind == _kind_history_found.NAME:
            changes.setdefault(event.body["host"], []).extend(_found(event))
    return [
        Host(
            name,
            tuple(sorted(live.get(name, []), key=lambda row: str(row["root"]))),
            tuple(sorted(changes.get(name, []), key=lambda change: change.at, reverse=True)),
        )
        for name in sorted({*live, *changes})
    ]


def _found(event: Event) -> Iterable[Change]:
    for entry in event.body["entries"]:
        yield Change(
            str(entry["at"]),
            event.body["root"],
            f"{FOUND}: {entry['event']}",
            str(entry.get("from") or ""),
            str(entry.get("tree") or ""),
            "ok",
            str(entry["run"]),
            "",
        )
