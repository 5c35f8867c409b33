# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The train on record: begun or taken over, its changes, its end, and what runs left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..gates import _promotion
from ..ledger import _kind_run_began, _kind_run_ended, _trains
from ..ledger._event import Actor, LedgerError
from ..ledger._ledger import Ledger
from ..ledger._trains import RUNNING, Change, Train
from ..plan._resolved import Resolved
from ._train import BACK_OUT, BACKED_OUT, DONE, HELD, LIVE, REFUSED, Known

ENDING_SECONDS = 60.0  # for jobs of a process that is over, which end with it
TICK_SECONDS = 0.5


class TrainError(ReleaseError):
    """A train cannot be run; the text is one line."""

    code = "train_refused"


@dataclass(frozen=True)
class Process:
    """Who runs a train: *run* names the process; which others are over, or going on, is asked."""

    run: str
    is_over: Callable[[str], bool]
    is_alive: Callable[[str], bool]
    takeover: str = ""
    sleep: Callable[[float], None] = time.sleep


class Record:
    """A train of a plan, *whole*, in an *environment*, as the *ledger* has it."""

    def __init__(
        self, ledger: Ledger, actor: Actor, whole: Resolved, environment: str, revision: int
    ) -> None:
        self._ledger, self._actor = ledger, actor
        self._whole, self._environment, self._revision = whole, environment, revision
        self.train = Train("", 0, environment, 0, 0, "", "", ())
        self.takeovers: dict[str, str] = {}  # by domain: a run that another machine left

    def begin(self, process: Process, way: str) -> dict[str, Known]:
        """Begin the train, or go on with one whose process is over; return its state.

        TrainError where another process has it.
        """
        last = self._last()
        if last and not last.verdict:
            _refuse_another(last, process)
        plan, number, attempt = self._whole.plan, 1, 1
        drafts = []
        names = tuple(self._whole.parts)
        state = self._on_hosts()
        done = tuple(name for name in names if state[name].is_done)
        train = Train(
            plan.name, self._revision, self._environment, number, attempt, process.run, way, names
        )
        if last and not last.verdict and last.revision == self._revision:
            number, attempt, done = last.number, last.attempt + 1, last.done
            train = replace(train, changes=last.changes)
        elif last:
            number = last.number + 1
            if not last.verdict:
                drafts.append(last.ended(HELD, f"revision {self._revision} takes its place"))
        self.train = replace(train, number=number, attempt=attempt, done=done)
        try:
            self._ledger.append([*drafts, self.train.began()], self._actor)
        except LedgerError as error:
            if error.code != "key_conflict":
                raise
            raise TrainError(f"{self._called()}: another train began at this moment") from None
        return self._resumed(state, process)

    def _resumed(self, at_hosts: dict[str, Known], process: Process) -> dict[str, Known]:
        """Return the state by the changes so far, and by what the ledger knows of hosts now."""
        state = {name: Known() for name in at_hosts}
        for change in self.train.changes:
            state[change.domain] = state[change.domain].after(change)
        self.takeovers = self._left_open(process)
        for name, there in at_hosts.items():
            known = state[name].resumed()
            is_done = there.is_done and not (known.failed and known.job == LIVE)
            if self.train.way == BACK_OUT:
                known = replace(known, interrupted="")
            state[name] = replace(
                known,
                is_done=is_done,
                touched=known.touched or there.touched,
                interrupted="" if is_done and known.interrupted == LIVE else known.interrupted,
            )
        return state

    def _on_hosts(self) -> dict[str, Known]:
        """Return by domain whether its release is committed on all hosts, or is on some."""
        rows = self._ledger.rows("deployments", "application", "host", "root")
        state = {}
        for part in self._whole.each():
            place = part.place(self._environment)
            if place is None:
                continue
            missing = _promotion.soaked(place, part.release, rows).missing
            there = [r for r in rows if r["host"] in place.hosts and _is_of(r, part.release)]
            state[part.domain] = Known(is_done=not missing, touched=bool(there))
        return state

    def _left_open(self, process: Process) -> dict[str, str]:
        """Return by domain the run of the job that was left, if another machine left it.

        A job ends with the process of its train, but not at once: it is waited for.
        """
        runs: dict[str, str] = {}
        for change in self.train.changes:
            runs.pop(change.domain, None)
            if change.change == RUNNING:
                runs[change.domain] = change.run
        left = ENDING_SECONDS
        while True:
            alive = [domain for domain, run in runs.items() if process.is_alive(run)]
            if not alive:
                return {domain: run for domain, run in runs.items() if not process.is_over(run)}
            if left <= 0:
                raise TrainError(
                    f"{self._called()}: the job of {alive[0]} is in progress ({runs[alive[0]]}): "
                    "wait for its end"
                )
            process.sleep(TICK_SECONDS)
            left -= TICK_SECONDS

    def check(self) -> None:
        """Raise TrainError where another process has taken the train over."""
        last = self._last()
        if last and (last.number, last.attempt) != (self.train.number, self.train.attempt):
            raise TrainError(f"{self._called()}: taken over by {last.run}")

    def note(self, change: Change) -> int:
        """Record *change*, and return the sequence of its event."""
        draft = self.train.changed(change)
        self.train = self.train.with_change(change)  # recorded or not: no two have one number
        return self._ledger.append([draft], self._actor).events[-1].sequence

    def end(self, verdict: str, reason: str) -> None:
        """Record the end of the train."""
        self._ledger.append([self.train.ended(verdict, reason)], self._actor)

    def verdict(self, domain: str, after: int) -> str:
        """Return the verdict of the deployment of a *domain* that began *after* an event.

        Without any it was refused before it changed something; "" where its end is not known.
        """
        part = self._whole.of_domain(domain)
        kind, subject = _kind_run_began.NAME, part.release["name"]
        events = list(self._ledger.events(after, kind=kind, subject=subject))
        if not events:
            return REFUSED
        rows = self._ledger.rows("runs", "sequence", run=events[-1].body["run"], act="deploy")
        return str(rows[-1]["verdict"] or "") if rows and rows[-1]["ended"] else ""

    def is_committed(self, domain: str) -> bool:
        """Tell whether the release of a *domain* is committed on all its hosts."""
        return self._on_hosts()[domain].is_done

    def left(self, domain: str, runs: Sequence[str]) -> list[str]:
        """Return the hosts of a *domain* on which the release is that one of *runs* brought."""
        part = self._whole.of_domain(domain)
        place = part.place(self._environment)
        hosts = place.hosts if place else ()
        rows = self._ledger.rows("deployments", "host", application=part.release["name"])
        return [
            row["host"]
            for row in rows
            if row["host"] in hosts and row["run"] in runs and _is_of(row, part.release)
        ]

    def runs(self, domain: str) -> list[str]:
        """Return the runs of this plan that changed hosts of the *domain*, the last one first."""
        part, plan = self._whole.of_domain(domain), self._whole.plan.name
        found: dict[str, None] = {}
        events = self._ledger.events(kind=_kind_run_began.NAME, subject=part.release["name"])
        for event in events:
            said = event.body
            where = str(said.get("environment", "")).split(", ")
            if self._environment not in where:
                continue
            if said["act"] == "deploy" and said.get("plan", {}).get("name") == plan:
                found.pop(said["run"], None)
                found[said["run"]] = None
            elif said["act"] == "reconcile" and found:
                found[said["run"]] = None  # it completed what the plan deployed
            elif said["act"] == "back_out" and self._went_well(said["run"]):
                found.clear()
        return [run for run in reversed(found) if not self._changed_nothing(part, run)]

    def _went_well(self, run: str) -> bool:
        rows = self._ledger.rows("runs", run=run, act="back_out")
        return bool(rows) and all(row["ended"] and row["verdict"] == DONE for row in rows)

    def _changed_nothing(self, part: Resolved, run: str) -> bool:
        """Tell whether a *run* ended, and changed nothing, or undid it: nothing is left to undo."""
        rows = self._ledger.rows("runs", run=run, act="deploy")
        if rows and all(row["ended"] and row["verdict"] == BACKED_OUT for row in rows):
            return True
        events = self._ledger.events(kind=_kind_run_ended.NAME, subject=part.release["name"])
        ends = [event.body for event in events if event.body["run"] == run]
        hosts = [host for body in ends for host in body["hosts"]]
        known = bool(ends) and not any(body.get("settled_by") for body in ends)
        return known and not any(
            host.get("changed") or host["result"] in ("failed", "unreachable") for host in hosts
        )

    def _last(self) -> Train | None:
        found = [
            train
            for train in _trains.of_ledger(self._ledger, self._whole.plan.name)
            if train.environment == self._environment
        ]
        return found[-1] if found else None

    def _called(self) -> str:
        return f"{self._whole.plan.name} → {self._environment}"


def _refuse_another(last: Train, process: Process) -> None:
    """Refuse to go on with a train whose process may be going on."""
    if last.run in (process.takeover, process.run) or process.is_over(last.run):
        return
    where = f"{last.plan} → {last.environment}"
    if process.is_alive(last.run):
        raise TrainError(f"{where}: a train is in progress, by {last.actor} ({last.run})")
    raise TrainError(
        f"{where}: a train by {last.actor} has no end on record, and it is not known whether its "
        f"process is over: if it is, run with -e release_takeover={last.run}"
    )


def _is_of(row: dict[str, Any], release: Any) -> bool:
    return row["application"] == release["name"] and row["digest"] == release["digest"]
