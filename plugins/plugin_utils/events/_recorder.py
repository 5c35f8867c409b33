# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to the releases on each host: events in as they happen, a row for each host out.

A record of events replayed into a new Recorder gives the same rows; records of earlier versions,
which lack some keys, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import _facts, _recorder_builds, _words
from ._facts import NOTHING
from ._traces import RootTrace

WRONG = ("put back", "failed", "unreachable", "drifted")  # outcomes that a run should not have


@dataclass(frozen=True)
class Row:
    """One line of the report, not yet laid out.

    *before* and *after* are what was current there at first and at last; a build has what it made.
    """

    host: str
    root: str
    outcome: str
    releases: str = ""
    detail: str = ""
    sent: int = 0
    before: _facts.Release = NOTHING
    after: _facts.Release = NOTHING


@dataclass(frozen=True)
class Workspace:
    """The workspace of a build, where a host was asked about that last; it is no root."""

    path: str


class Recorder:
    """Remember one line's worth for each host, whatever the number of events."""

    def __init__(self, check_mode: bool = False) -> None:
        self.check_mode = check_mode
        self.saw_releases = False
        # A signal, or an error; None for a run that came to its end.
        self.stopped_by: str | None = None
        self.prunings: dict[str, bool] = {}  # by what was said of each: whether it removed any
        self._planned: dict[str, None] = {}
        self._left_out: dict[str, None] = {}
        self._traces: dict[tuple[str, str], RootTrace] = {}  # by (host, root)
        self._builds = _recorder_builds.Builds()
        self._latest: dict[str, str | Workspace] = {}  # what a host was asked about last
        self._failures: dict[str, str] = {}
        self._skipped: set[str] = set()
        self._working: dict[str, str] = {}  # the task of ours that each host has not answered yet
        self._reported: set[str] = set()  # hosts that failed and stay in the play
        self._ended_failed: set[str] = set()
        self._ended_by: str | None = None
        self._ended_unreachable: set[str] = set()

    def note(self, event: _facts.Event | None) -> None:
        """Take in one *event*; None stands for one of a kind that a later version may write."""
        match event:
            case _facts.Plan():
                self._planned.update(dict.fromkeys(event.hosts))
                self._left_out.update(dict.fromkeys(event.left_out))
            case _facts.Begin():
                self._working[event.host] = event.task
            case _facts.Deployment():
                self._note_deployment(event)
            case _facts.Inspection():
                self._note_inspection(event)
            case _facts.WorkspaceAnswer():
                self._note_build(event)
            case _facts.Pruning():
                self._working.pop(event.host, None)
                self.prunings[event.said] = event.changed
            case _facts.Failure():
                self._note_failure(event)
            case _facts.End():
                self._ended_by = event.ended_by
                self._ended_failed.update(host for host in event.failed if host != event.ended_by)
                self._ended_unreachable.update(event.unreachable)
            case _facts.Stopped():
                self.stopped_by = event.by

    def _note_build(self, event: _facts.WorkspaceAnswer) -> None:
        if isinstance(event, _facts.Building):
            self.saw_releases = True
            if event.status == "skipped":
                self._skipped.add(event.host)
        self._working.pop(event.host, None)
        if event.status != "skipped" and self._builds.note(event):
            self.saw_releases = True
            self._latest[event.host] = Workspace(event.root)

    def _note_failure(self, event: _facts.Failure) -> None:
        self._working.pop(event.host, None)
        self._failures.setdefault(event.host, event.reason)
        if event.verdict and event.forgiven:
            self._reported.add(event.host)
        latest = self._latest.get(event.host)
        trace = self._traces.get((event.host, latest)) if isinstance(latest, str) else None
        if trace and trace.put_back and not event.verdict:
            trace.aftermath = trace.aftermath or event.reason

    def _note_deployment(self, event: _facts.Deployment) -> None:
        trace = self._trace(event)
        if trace is None:
            return
        trace.sent += event.sent_bytes
        trace.resumed += event.resumed_bytes
        trace.took_over = trace.took_over or (event if event.took_over else None)
        trace.despite = event.despite or trace.despite
        trace.drift += event.drift if event.changed else 0
        trace.changed |= event.changed
        trace.asked_only = False
        if event.status == "ok":
            trace.waiting = event.waiting
            trace.went_back = event.back if event.changed else trace.went_back
        trace.removed |= event.changed and event.state == "absent"
        trace.mended |= event.changed and event.state == "live"
        trace.first = trace.first or event.before
        trace.last = event.after or trace.last
        put_back = event.switched_back or _left_trial(event)
        trace.put_back |= put_back
        if event.status != "ok" or (put_back and event.host in self._failures):
            self._blame(trace, event)
        elif event.state == "live" and not put_back:
            # The host does what is wanted: whatever failed before was put right by another attempt.
            trace.put_back, trace.reason, trace.aftermath = False, None, None
            self._failures.pop(event.host, None)
            self._reported.discard(event.host)

    def _note_inspection(self, event: _facts.Inspection) -> None:
        trace = self._trace(event)
        if trace is None:
            return
        trace.last = event.after or trace.last
        if event.status != "ok":
            self._blame(trace, event)
        trace.first = trace.first or event.after
        if event.ok is not None:
            trace.verdict = event

    def _trace(self, event: _facts.Answer) -> RootTrace | None:
        """Return the trace that *event* adds to, None when its task was skipped."""
        self.saw_releases = True
        self._working.pop(event.host, None)
        if event.status == "skipped":
            self._skipped.add(event.host)
            return None
        self._latest[event.host] = event.root
        trace = self._traces.setdefault((event.host, event.root), RootTrace())
        trace.lost = event.status == "unreachable"
        trace.hidden |= event.status == "ok" and event.hidden
        return trace

    def _blame(self, trace: RootTrace, event: _facts.Answer) -> None:
        reasons = [trace.reason, self._failures.get(event.host), event.reason]
        trace.reason, *rest = dict.fromkeys(filter(None, reasons)) or [""]
        trace.aftermath = rest[-1] if rest else None

    def rows(self) -> list[Row]:
        """Return a Row for each host and root, in the order of the plan."""
        hosts = list(self._planned)
        hosts += [host for host, _root in self._traces]
        hosts += self._builds.hosts()
        by_host: dict[str, list[tuple[str, RootTrace]]] = {}
        for (host, root), trace in self._traces.items():
            by_host.setdefault(host, []).append((root, trace))
        rows = []
        for host in dict.fromkeys(hosts):
            here = [self._row(host, root, trace) for root, trace in by_host.get(host, [])]
            here += self._build_rows(host)
            rows += here or [self._row_without_answer(host)]
        return rows

    def _build_rows(self, host: str) -> Iterator[Row]:
        """Yield the Rows of what was built on *host*, and of what became of that last."""
        latest = self._latest.get(host)
        for workspace, trace in self._builds.traces(host):
            said = list(_words.build_lines(trace))
            if latest == Workspace(workspace):
                said += self._ending(host, workspace)
            release = " ".join(filter(None, map(trace.release.get, ("name", "version"))))
            made = _facts.Release.from_plain(trace.release)
            for outcome, detail in said or [("unchanged", "")]:
                yield Row(host, workspace, outcome, release, detail, after=made)

    def _ending(self, host: str, workspace: str) -> Iterator[tuple[str, str]]:
        """Yield outcome and detail of what ended a build on *host* from outside, if any."""
        if interrupted := self._interrupted(host):
            yield "interrupted", interrupted
        elif self._failed(host) and not self._builds.has_failed(host, workspace):
            outcome = "unreachable" if host in self._ended_unreachable else "failed"
            yield outcome, self._failures.get(host, "")

    def _row(self, host: str, root: str, trace: RootTrace) -> Row:
        # What else failed on a host is put down to the application that it was at.
        latest = self._latest[host] == root
        failed = latest and self._failed(host)
        lost = trace.lost or (latest and host in self._ended_unreachable)
        reason = trace.reason or (self._failures.get(host, "") if failed else "")
        outcome = trace.outcome(lost, failed or trace.reason is not None)
        notes = _words.notes(trace, outcome, bool(self.stopped_by), self.check_mode)
        detail = _words.detail(trace, reason, notes)
        if latest and (interrupted := self._interrupted(host)):
            outcome, detail = "interrupted", interrupted
        releases = _words.transition(trace)
        return Row(host, root, outcome, releases, detail, trace.sent, trace.found, trace.left)

    def _row_without_answer(self, host: str) -> Row:
        reason = self._failures.get(host, "")
        if interrupted := self._interrupted(host):
            return Row(host, "", "interrupted", detail=interrupted)
        if host in self._ended_unreachable:
            return Row(host, "", "unreachable", detail=reason)
        if self._failed(host):
            return Row(host, "", "failed", detail=reason)
        if host in self._skipped:
            return Row(host, "", "skipped")
        return Row(host, "", "not reached", detail="the run stopped before this host")

    def _failed(self, host: str) -> bool:
        """Tell whether Ansible counts *host* as lost or failed, or would have."""
        if self.stopped_by:
            return host in self._failures
        return host in self._ended_failed | self._ended_unreachable | self._reported

    def _interrupted(self, host: str) -> str | None:
        """Return in words what a run that stopped was doing on *host*, or None."""
        if self.stopped_by and host in self._working:
            return f"stopped in: {self._working[host]}"
        return None

    def speaks(self) -> bool:
        """Tell whether the run came to releases, or stopped or failed before it could."""
        failed = self._failures.keys() | self._ended_failed | self._ended_unreachable
        meant = bool(self.stopped_by) or not failed.isdisjoint(self._planned)
        return self.saw_releases or (meant and bool(self._planned))

    def left_out(self) -> list[str]:
        """Return the hosts that --limit left out of plays that handle releases."""
        return [host for host in self._left_out if host not in self._planned]

    def hides_failures(self) -> bool:
        """Tell whether hosts went wrong and Ansible counts none: something rescued them all."""
        counted = self.stopped_by or self._ended_by or self._ended_failed | self._ended_unreachable
        asked_only = {
            place for place, trace in self._traces.items() if trace.asked_only and not trace.verdict
        }
        rows = [row for row in self.rows() if (row.host, row.root) not in asked_only]
        return not counted and any(row.outcome in WRONG for row in rows)


def _left_trial(event: _facts.Deployment) -> bool:
    before, after = event.before or NOTHING, event.after or NOTHING
    if before.phase != "on trial" or after.phase == "on trial":
        return False
    return before.digest != after.digest
