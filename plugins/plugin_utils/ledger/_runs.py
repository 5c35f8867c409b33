# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as pages show them: what was to be done, in which waves it was done, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import _kind_gates_answered, _kind_run_began, _kind_run_ended
from ._event import Event

NOTHING = "nothing"


@dataclass(frozen=True)
class HostResult:
    """What a run did on a *host*: *before* and *after* are versions, "" where not known.

    *result* is ok, failed, unreachable or skipped; *is_on_trial*: the release is not committed.
    """

    host: str
    root: str
    result: str
    before: str = ""
    after: str = ""
    is_on_trial: bool = False
    reason: str = ""
    before_digest: str = ""


@dataclass(frozen=True)
class Wave:
    """What was recorded at one moment of a run: *ended* is the time, *began* that of the last."""

    number: int
    began: str
    ended: str
    hosts: tuple[HostResult, ...]

    @property
    def wrong(self) -> tuple[HostResult, ...]:
        """The hosts that did not end well."""
        return tuple(host for host in self.hosts if host.result != "ok")


@dataclass(frozen=True)
class GateRound:
    """The answers of all gates at one moment; those overridden have ``override``."""

    at: str
    environment: str
    domain: str
    answers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Run:
    """A run on record. *ended* and *verdict* are "" while it has no end.

    *plan* is "" for a run without one. *asked* has how many hosts it was to reach.
    """

    run: str
    act: str
    part: str
    application: str
    version: str
    digest: str
    environment: str
    actor: str
    strength: str
    began: str
    ended: str = ""
    verdict: str = ""
    reason: str = ""
    plan: str = ""
    revision: int = 0
    asked: int = 0
    waves: tuple[Wave, ...] = ()
    rounds: tuple[GateRound, ...] = ()

    @property
    def label(self) -> str:
        """What it did, in words, as in ``deploy shop 2.0.0``."""
        return " ".join(filter(None, [self.act.replace("_", " "), self.application, self.version]))


def fold(events: Iterable[Event], rows: Iterable[Mapping[str, Any]]) -> list[Run]:
    """Return the runs of *rows* of that projection, with their waves by *events*; oldest first."""
    runs = {(row["run"], row["act"], row["part"]): _run(row) for row in rows}
    rounds: dict[str, list[GateRound]] = {}
    for event in events:
        body = event.body
        if event.kind == _kind_gates_answered.NAME:
            rounds.setdefault(body["run"], []).append(_round(event))
            continue
        if event.kind not in (_kind_run_began.NAME, _kind_run_ended.NAME):
            continue
        key = (body["run"], body["act"], body["part"])
        run = runs.get(key)
        if run is None:
            continue
        if event.kind == _kind_run_began.NAME:
            plan = body.get("plan") or {}
            named = {"plan": plan.get("name", ""), "revision": plan.get("revision", 0)}
            runs[key] = replace(run, **(named if plan else {}))
        elif body["hosts"]:
            began = run.waves[-1].ended if run.waves else run.began
            hosts = tuple(map(_host, body["hosts"]))
            wave = Wave(len(run.waves) + 1, began, event.time, hosts)
            runs[key] = replace(run, waves=(*run.waves, wave))
    found = [replace(run, rounds=tuple(rounds.get(run.run, ()))) for run in runs.values()]
    return sorted(found, key=lambda run: (run.began, run.run, run.part))


def of_plan(runs: Sequence[Run], plan: str) -> list[Run]:
    """Return the runs of a *plan*, oldest first."""
    return [run for run in runs if run.plan == plan]


def _run(row: Mapping[str, Any]) -> Run:
    return Run(
        row["run"],
        row["act"],
        row["part"],
        row["application"],
        row["version"] or "",
        row["digest"] or "",
        row["environment"] or "",
        row["actor"],
        row["strength"],
        row["began"],
        row["ended"] or "",
        (row["verdict"] or "") if row["ended"] else "",
        row["reason"] or "",
        asked=row["hosts"],
    )


def _host(told: Mapping[str, Any]) -> HostResult:
    after = told.get("after") or {}
    return HostResult(
        told["host"],
        told.get("root", ""),
        told["result"],
        _version(told.get("before")),
        _version(told.get("after")),
        after.get("phase") == "on trial",
        told.get("reason", ""),
        (told.get("before") or {}).get("digest", ""),
    )


def _version(deployed: Mapping[str, Any] | None) -> str:
    if deployed is None:
        return ""
    return NOTHING if deployed["phase"] == "none" else str(deployed.get("version", ""))


def _round(event: Event) -> GateRound:
    body = event.body
    return GateRound(
        event.time, body["environment"], body.get("domain", ""), tuple(body["answers"])
    )
