# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to the releases on each host: events in as they happen, a row for each host out.

A record of events replayed into a new Recorder gives the same rows; records of earlier versions,
which lack some keys, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import _facts, _recorder_builds

NOTHING = _facts.NOTHING


@dataclass
class _Trace:
    """What is known of one deployment root on one host."""

    first: dict | None = None
    last: dict | None = None
    sent: int = 0
    resumed: int = 0  # bytes of a broken transfer that did not have to be sent again
    took_over: str | None = None  # in words: whose deployment this run took over
    despite: tuple = ()  # what was allowed although it does not fit
    drift: int = 0  # files that differed and were mended
    changed: bool = False
    removed: bool = False
    mended: bool = False  # what should be live was not quite, and is again
    put_back: bool = False  # it left its trial for the release before
    went_back: bool = False  # it was asked for the release before
    waiting: str | None = None  # the release that was staged here and not made live
    asked_only: bool = True  # nothing was to be done here
    reason: str | None = None
    aftermath: str | None = None  # what failed after that, as putting the earlier release back may
    lost: bool = False
    hidden: bool = False  # no_log of a task keeps from us what was done
    verdict: dict | None = None

    def has_drifted(self):
        """Tell whether drift is what is to be said: an attempt to mend it that failed says more."""
        return bool(self.verdict) and not self.verdict["ok"] and not self.put_back

    def relinked(self):
        """Yield in words which linked paths went and came, where those of both sides are known."""
        sides = [(side or NOTHING).get("links") for side in (self.first, self.last)]
        if None not in sides:
            for words, links, others in (
                ("no longer linked", *sides),
                ("newly linked", *reversed(sides)),
            ):
                found = [_facts.one_line(link) for link in links if link not in others]
                if found:
                    yield f"{words}: {', '.join(found)}"


@dataclass(frozen=True)
class Row:
    """One line of the report, not yet laid out."""

    host: str
    root: str
    outcome: str
    releases: str = ""
    detail: str = ""
    sent: int = 0


class Recorder:
    """Remember one line's worth for each host, whatever the number of events."""

    def __init__(self, check_mode=False):
        self.check_mode = check_mode
        self.saw_releases = False
        self.stopped_by = None  # a signal, or an error; None for a run that came to its end
        self.prunings = {}  # by what was said of each: whether anything was removed
        self._planned = {}
        self._left_out = {}
        self._traces = {}  # by (host, root)
        self._builds = _recorder_builds.Builds()
        # The root that a host was asked about last; of a build (workspace,), which is no root.
        self._latest = {}
        self._failures = {}
        self._skipped = set()
        self._working = {}  # the task of ours that each host has not answered yet
        self._ended = {"failed": set(), "unreachable": set()}

    def note(self, event):
        """Take in one *event*; an unknown kind, as a later version may write, is passed over."""
        take = getattr(self, "_note_" + event.get("event", ""), None)
        if take:
            take(event)

    def _note_plan(self, event):
        self._planned.update(dict.fromkeys(event["hosts"]))
        self._left_out.update(dict.fromkeys(event["left_out"]))

    def _note_end(self, event):
        for kind, hosts in self._ended.items():
            hosts.update(event[kind])

    def _note_stopped(self, event):
        self.stopped_by = event["by"]

    def _note_pruning(self, event):
        self._working.pop(event["host"], None)
        self.prunings[event["said"]] = event["changed"]

    def _note_begin(self, event):
        self._working[event["host"]] = event["task"]

    def _note_building(self, event):
        self.saw_releases = True
        if event["status"] == "skipped":
            self._skipped.add(event["host"])
        self._note_sealing(event)

    def _note_sealing(self, event):
        self._working.pop(event["host"], None)
        if event["status"] != "skipped" and self._builds.note(event):
            self.saw_releases = True
            self._latest[event["host"]] = (event["root"],)

    _note_noting = _note_sealing

    def _note_failure(self, event):
        host = event["host"]
        self._working.pop(host, None)
        self._failures.setdefault(host, event["reason"])
        trace = self._traces.get((host, self._latest.get(host)))
        if trace and trace.put_back and not event.get("verdict"):
            trace.aftermath = trace.aftermath or event["reason"]

    def _note_deployment(self, event):
        trace = self._trace(event)
        if trace is None:
            return
        trace.sent += event["sent_bytes"]
        trace.resumed += event.get("resumed_bytes", 0)
        trace.took_over = trace.took_over or _say_whose(event, self.check_mode)
        trace.despite = tuple(event.get("despite") or trace.despite)
        trace.drift += event.get("drift", 0) if event["changed"] else 0
        trace.changed |= event["changed"]
        trace.asked_only = False
        if event["status"] == "ok":
            trace.waiting = event.get("waiting")
            trace.went_back = event.get("back", False) if event["changed"] else trace.went_back
        trace.removed |= event["changed"] and event["state"] == "absent"
        trace.mended |= event["changed"] and event["state"] == "live"
        trace.first = trace.first or event.get("before")
        trace.last = event.get("after") or trace.last
        put_back = event["switched_back"] or _left_trial(event)
        trace.put_back |= put_back
        if event["status"] != "ok" or (put_back and event["host"] in self._failures):
            self._blame(trace, event)
        elif event["state"] == "live" and not put_back:
            # The host does what is wanted: whatever failed before was put right by another attempt.
            trace.put_back, trace.reason, trace.aftermath = False, None, None
            self._failures.pop(event["host"], None)

    def _note_inspection(self, event):
        trace = self._trace(event)
        if trace is None:
            return
        trace.last = event.get("after") or trace.last
        if event["status"] != "ok":
            self._blame(trace, event)
        trace.first = trace.first or event.get("after")
        if "ok" in event:
            trace.verdict = event

    def _trace(self, event):
        """Return the trace that *event* adds to, None when its task was skipped."""
        self.saw_releases = True
        host, root = event["host"], event["root"]
        self._working.pop(host, None)
        if event["status"] == "skipped":
            self._skipped.add(host)
            return None
        self._latest[host] = root
        trace = self._traces.setdefault((host, root), _Trace())
        trace.lost = event["status"] == "unreachable"
        trace.hidden |= event["status"] == "ok" and event.get("hidden", False)
        return trace

    def _blame(self, trace, event):
        reasons = [trace.reason, self._failures.get(event["host"]), event.get("reason")]
        trace.reason, *rest = dict.fromkeys(filter(None, reasons)) or [""]
        trace.aftermath = rest[-1] if rest else None

    def rows(self):
        """Return a Row for each host and root, in the order of the plan."""
        hosts = list(self._planned)
        hosts += [host for host, _root in self._traces]
        hosts += self._builds.hosts()
        by_host = {}
        for (host, root), trace in self._traces.items():
            by_host.setdefault(host, []).append((root, trace))
        rows = []
        for host in dict.fromkeys(hosts):
            here = [self._row(host, root, trace) for root, trace in by_host.get(host, [])]
            here += self._build_rows(host)
            rows += here or [self._row(host, "", None)]
        return rows

    def _build_rows(self, host):
        """Yield the Rows of what was built on *host*, and of what became of that last."""
        latest, ending = self._latest.get(host), None
        if isinstance(latest, tuple):
            (workspace,) = latest
            if self._interrupted(host):
                ending = (workspace, "interrupted", self._interrupted(host))
            elif self._failed(host) and not self._builds.has_failed(host, workspace):
                lost = host in self._ended["unreachable"]
                outcome = "unreachable" if lost else "failed"
                ending = (workspace, outcome, self._failures.get(host, ""))
        for workspace, *said in self._builds.lines(host, ending):
            yield Row(host, workspace, *said)

    def _row(self, host, root, trace):
        if trace is None:
            return Row(host, root, *self._outcome_without_answer(host))
        # What else failed on a host is put down to the application that it was at.
        latest = self._latest[host] == root
        failed = latest and self._failed(host)
        lost = trace.lost or (latest and host in self._ended["unreachable"])
        reason = trace.reason or (self._failures.get(host, "") if failed else "")
        outcome = self._outcome(trace, lost, failed or trace.reason is not None)
        detail = _detail(trace, reason, self._notes(trace, outcome))
        if latest and self._interrupted(host):
            outcome, detail = "interrupted", self._interrupted(host)
        return Row(host, root, outcome, _transition(trace), detail, trace.sent)

    def _failed(self, host):
        """Tell whether Ansible counts *host* as lost or failed, or would have."""
        if self.stopped_by:
            return host in self._failures
        return host in self._ended["failed"] | self._ended["unreachable"]

    def _interrupted(self, host):
        """Return in words what a run that stopped was doing on *host*, or None."""
        if self.stopped_by and host in self._working:
            return f"stopped in: {self._working[host]}"
        return None

    def _notes(self, trace, outcome):
        """Return what else is worth knowing of a host."""
        if self.stopped_by and (trace.last or NOTHING)["phase"] == "on trial":
            yield "left on trial"
            yield "run again: it is settled then"
        if outcome == "hidden":
            yield "no_log keeps from this report what was done"
        if outcome == "staged" and trace.waiting:
            yield f"{trace.waiting} is held, not live"
        if trace.took_over:
            yield trace.took_over
        if trace.despite:
            yield f"although {'; '.join(trace.despite)}"
        if trace.drift:
            mended = "would mend" if self.check_mode else "mended"
            yield f"{mended} {trace.drift} {'file' if trace.drift == 1 else 'files'}"
        if trace.removed and trace.last and trace.last["phase"] != "none":
            yield f"{trace.last['name']} {trace.last['version']} stays {trace.last['phase']}"
        yield from trace.relinked()
        if trace.resumed:
            yield f"resumed a transfer after {size(trace.resumed)}"

    def _outcome_without_answer(self, host):
        reason = self._failures.get(host, "")
        if self._interrupted(host):
            return "interrupted", "", self._interrupted(host)
        if host in self._ended["unreachable"]:
            return "unreachable", "", reason
        if self._failed(host):
            return "failed", "", reason
        if host in self._skipped:
            return "skipped", "", ""
        return "not reached", "", "the run stopped before this host"

    def _outcome(self, trace, lost, failed):
        if lost:
            return "unreachable"
        if trace.has_drifted():
            return "drifted"
        if failed:
            return "put back" if trace.put_back else "failed"
        if trace.hidden:
            return "hidden"
        if trace.removed:
            return "removed"
        if (trace.last or NOTHING)["phase"] == "on trial":
            return "on trial"
        if _identity(trace.first) != _identity(trace.last):
            back = trace.went_back or _is_earlier(trace.last, trace.first)
            return "rolled back" if back else "deployed"
        if (trace.first or NOTHING)["phase"] == "on trial":
            return "deployed"
        if trace.changed:
            if trace.put_back:
                return "put back"
            return "deployed" if any(trace.relinked()) else "mended" if trace.mended else "staged"
        if trace.waiting:
            return "staged"
        return "verified" if trace.verdict else "asked" if trace.asked_only else "unchanged"

    def speaks(self):
        """Tell whether the run came to releases, or stopped or failed before it could."""
        failed = self._failures.keys() | self._ended["failed"] | self._ended["unreachable"]
        meant = bool(self.stopped_by) or not failed.isdisjoint(self._planned)
        return self.saw_releases or (meant and bool(self._planned))

    def left_out(self):
        """Return the hosts that --limit left out of plays that handle releases."""
        return [host for host in self._left_out if host not in self._planned]

    def hides_failures(self):
        """Tell whether hosts went wrong and Ansible counts none: something rescued them all."""
        counted = self.stopped_by or self._ended["failed"] | self._ended["unreachable"]
        wrong = ("put back", "failed", "unreachable", "drifted")
        return not counted and any(row.outcome in wrong for row in self.rows())


def size(count):
    """Return a number of bytes as people read it: ``999 B``, ``41.2 kB``, ``1.3 GB``."""
    if count < 1000:
        return f"{count} B"
    exponent = 1 if count < 999_950 else 2 if count < 999_950_000 else 3
    return f"{count / 1000**exponent:.1f} {' kMG'[exponent]}B"


def _identity(release):
    return (release or NOTHING).get("digest")


def _left_trial(event):
    before, after = event.get("before") or NOTHING, event.get("after") or NOTHING
    if before["phase"] != "on trial" or after["phase"] == "on trial":
        return False
    return _identity(before) != _identity(after)


def _is_earlier(release, other):
    """Tell whether *release* came before *other*; serials count within one application."""
    if not release or not other or release["name"] != other["name"]:
        return False
    serials = (release["serial"], other["serial"])
    return None not in serials and serials[0] < serials[1]


def _transition(trace):
    """Return ``shop 1.0.0 → 2.0.0``, or one release when it stayed."""
    first, last = trace.first or NOTHING, trace.last or trace.first or NOTHING
    # Where one of them was adopted, the other knows what the application is called.
    known = [release["name"] for release in (last, first) if _identity(release)]
    name = next(iter(known), last["name"] or first["name"] or "")
    if _identity(first) == _identity(last):
        return f"{name} {last['version']}" if last["version"] else ""
    versions = [release["version"] or "none" for release in (first, last)]
    if versions[0] == versions[1]:
        versions = [f"{each['version']}-{str(each['digest'])[:12]}" for each in (first, last)]
    return f"{name} {versions[0]} → {versions[1]}"


def _say_whose(event, check_mode):
    """Return in words whose deployment *event* took over, or None."""
    if not event.get("took_over"):
        return None
    words = "would take over" if check_mode else "took over"
    words += f" from {_facts.one_line(event['took_over'])}"
    before = event.get("before") or NOTHING
    if before["phase"] == "on trial":
        words += f", whose trial of {before['version']} was open"
    return words


def _detail(trace, reason, notes):
    if trace.has_drifted():
        shown = trace.verdict["first_drift"]
        more = trace.verdict["drift"] - len(shown)
        return "; ".join([*shown, *([f"and {more} more"] if more else []), *notes])
    if not reason:
        return "; ".join(notes)
    then = f"; then: {trace.aftermath}" if trace.aftermath else ""
    said = _left_at(trace) + reason + then
    return "; ".join([said, *(note for note in notes if note != "left on trial")])


def _left_at(trace):
    """Return what goes before the reason of a failure: whether the host was left on trial."""
    first, last = trace.first or NOTHING, trace.last or NOTHING
    if last["phase"] != "on trial":
        return ""
    as_found = first["phase"] == "on trial" and _identity(first) == _identity(last)
    return "still on trial: " if as_found else "left on trial: "
