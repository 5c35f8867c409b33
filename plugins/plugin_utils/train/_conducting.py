# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a train: start its jobs, wait for them, and record each change before and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ..definition import _duration
from ..ledger._event import LedgerError
from ..ledger._kind_domain_changed import VERDICTS
from ..ledger._trains import BEGAN, DID, DOES, ENDED, RUNNING, Change
from ..plan._resolved import listed
from . import _train
from ._job import Job, Jobs, Result, Start
from ._record import Record, TrainError
from ._train import BACKED_OUT, DEPLOY, DONE, FAILED, LIVE, LOST, REFUSED, SETTLED, STAGED, Known

TICK_SECONDS = 1.0
STOP_SECONDS = 90.0  # for a job that was ended, before it is given up


WELL = Result(0)


@dataclass(frozen=True)
class Nothing:
    """A job that has nothing to do: the plan changed nothing that could be undone."""

    start: Start
    output: str = ""
    run: str = ""
    result: Result | None = WELL

    def silent_s(self) -> float:
        """Return 0: it ended at once."""
        return 0

    def stop(self) -> None:
        """Do nothing."""


@dataclass
class Conductor:
    """Runs the train that *record* began; *order* says what comes next.

    *silence* has, by domain, after how many seconds without a sign of life a job is lost.
    ``tell(line)`` reports to people.
    """

    order: _train.Order
    record: Record
    jobs: Jobs
    tell: Callable[[str], None]
    silence: Mapping[str, float]
    clock: Callable[[], float] = time.monotonic
    going: dict[str, Job] = field(default_factory=dict)
    stopping: dict[str, float] = field(default_factory=dict)  # when the job was ended
    named: dict[str, str] = field(default_factory=dict)  # the run of the last job
    began: dict[str, int] = field(default_factory=dict)  # sequence of the event
    trouble: str = ""
    number: int = 0

    def run(self, state: Mapping[str, Known], way: str = DEPLOY) -> tuple[str, str]:
        """Run the train to its end, and return verdict and reason.

        TrainError where another process has taken it over: the jobs of this one are ended.
        """
        try:
            return self._run(dict(state), way)
        except TrainError:
            for job in self.going.values():
                job.stop()
            until = self.clock() + STOP_SECONDS
            while self.clock() < until and not all(job.result for job in self.going.values()):
                self.jobs.wait(TICK_SECONDS)
            raise

    def _run(self, state: dict[str, Known], way: str) -> tuple[str, str]:
        while True:
            decision = self.order.decide(state, way, self.trouble)
            if decision.verdict:
                return self._end(decision.verdict, decision.reason)
            for domain, job in decision.start:
                change = self._start(domain, job)
                if change is None:
                    break  # what comes next is to be decided anew
                state = _train.after(state, [change])
            for change in self._ended():
                state = _train.after(state, [change])

    def _start(self, domain: str, job: str) -> Change | None:
        """Start a job, once that is on record; None where it cannot be recorded, and must be."""
        change = Change(domain, job, BEGAN)
        on_the_way_back = job in (BACKED_OUT, SETTLED)
        try:
            self.record.check()
            self.began[domain] = self.record.note(change)
        except LedgerError as error:
            if not on_the_way_back:
                self.trouble = str(error)
                return None
            self._warn(error)
        runs = self._runs(domain) if job == BACKED_OUT else None
        self.number += 1
        takeover = self.record.takeovers.get(domain, "")
        start = Start(self.number, domain, job, runs or (), takeover)
        self.going[domain] = Nothing(start) if runs == () else self.jobs.start(start)
        self.stopping.pop(domain, None)
        output = self.going[domain].output
        self._tell(domain, DOES[job] + (f"  {output}" if output else ""))
        return change

    def _runs(self, domain: str) -> tuple[str, ...] | None:
        """Return the runs that a back-out undoes, None where that is not known."""
        try:
            return tuple(self.record.runs(domain))
        except LedgerError as error:  # the hosts know who changed them
            self._warn(error)
            return None

    def _ended(self) -> list[Change]:
        """Wait for something to happen; return the changes by jobs that ended or were lost."""
        for domain, line in self.jobs.wait(TICK_SECONDS) if self.going else ():
            self._tell(domain, line)
        found = []
        for domain, job in list(self.going.items()):
            self._name(domain, job)
            result = job.result
            if result is None:
                self._watch(domain, job)
                since = self.stopping.get(domain)
                if since is None or self.clock() - since < STOP_SECONDS:
                    continue  # else it is given up
                result = Result(-1)
            del self.going[domain]
            found.append(self._note(self._change(job, result, domain in self.stopping)))
        return found

    def _name(self, domain: str, job: Job) -> None:
        """Record the run of a job, by which another machine may take it over."""
        if job.run and self.named.get(domain) != job.run:
            self.named[domain] = job.run
            try:
                self.record.note(Change(domain, job.start.job, RUNNING, run=job.run))
            except LedgerError as error:
                self.trouble = self.trouble or str(error)
                self._warn(error)

    def _watch(self, domain: str, job: Job) -> None:
        """End a job without a sign of life."""
        if domain not in self.stopping and job.silent_s() > self.silence[domain]:
            self._tell(domain, f"{self._silent(domain)}: ending the job")
            self.stopping[domain] = self.clock()
            job.stop()

    def _silent(self, domain: str) -> str:
        return f"no sign of life for {_duration.spelled(timedelta(seconds=self.silence[domain]))}"

    def _change(self, job: Job, result: Result, was_stopped: bool) -> Change:
        """Return the change by a job that ended."""
        domain, name = job.start.domain, job.start.job
        verdict, reason = result.verdict, result.reason
        if was_stopped and result.rc != 0:
            verdict, reason = LOST, self._silent(domain)
        elif result.rc != 0:
            verdict = self._badly(domain, name, result)
        elif name == LIVE:
            verdict, reason = self._well(domain, result)
        elif name == BACKED_OUT:
            verdict, reason = self._back(job.start)
        else:
            verdict, reason = DONE, ""
        return Change(domain, name, ENDED, verdict, reason, result.run, job.output)

    def _badly(self, domain: str, job: str, result: Result) -> str:
        """Return the verdict of a job that failed: as it told it, or by what is on record."""
        if job == STAGED:
            return REFUSED
        if job != LIVE:
            return FAILED
        if result.verdict in VERDICTS and result.verdict != DONE:
            return result.verdict
        try:
            return self.record.verdict(domain, self.began.get(domain, 0)) or FAILED
        except LedgerError:
            return FAILED

    def _well(self, domain: str, result: Result) -> tuple[str, str]:
        """Return the verdict of a deployment with exit status 0: it must have deployed."""
        if result.verdict == DONE:
            return DONE, ""
        try:
            if not result.verdict and self.record.is_committed(domain):
                return DONE, ""
        except LedgerError as error:
            self._warn(error)
        return result.verdict or FAILED, result.reason or "it ended without a verdict"

    def _back(self, start: Start) -> tuple[str, str]:
        """Return the verdict of a back-out with exit status 0: nothing may be left of it."""
        try:
            left = self.record.left(start.domain, start.runs)
        except LedgerError as error:
            self._warn(error)
            left = []
        return (FAILED, f"still deployed on {listed(left)}") if left else (DONE, "")

    def _note(self, change: Change) -> Change:
        verdict = change.verdict.replace("_", " ")
        reason = f": {change.reason}" if change.reason else ""
        said = DID[change.job] if change.verdict == DONE else f"{DOES[change.job]}: {verdict}"
        self._tell(change.domain, f"{said}{reason}")
        try:
            self.record.note(change)
        except LedgerError as error:
            self.trouble = self.trouble or str(error)
            self._warn(error)
        return change

    def _end(self, verdict: str, reason: str) -> tuple[str, str]:
        try:
            self.record.check()
            self.record.end(verdict, reason)
        except LedgerError as error:
            self._warn(error)
        return verdict, reason

    def _warn(self, error: Exception) -> None:
        self.tell(f"not recorded: {error}")

    def _tell(self, domain: str, line: str) -> None:
        self.tell(f"{domain:{max(map(len, self.order.names))}}  {line}")
