# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to the releases on each host: events in as they happen, the closing report out.

An event is a plain dict that JSON can carry, so a record of events replayed into a new Recorder
gives the same report. The kinds: ``plan`` (hosts of a play that handles releases), ``deployment``
and ``inspection`` (a module answered), ``failure`` (any other task failed), ``end`` (hosts that
Ansible counts as failed or unreachable).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RECORD_FORMAT = 1
REASON_LENGTH = 160
SHOWN_LEFT_OUT = 20
SHOWN_DRIFT = 3
# The messages of these need no task's name before them.
SPEAKS_FOR_ITSELF = ("ansible.builtin.assert", "ansible.builtin.fail")
NOTHING = {"phase": "none", "name": None, "version": None, "serial": None, "digest": None}

# In the order of the summary: what check mode calls it, and the tone of its line.
OUTCOMES = {
    "deployed": ("would be deployed", "changed"),
    "rolled back": ("would be rolled back", "changed"),
    "mended": ("would be mended", "changed"),
    "on trial": ("would be on trial", "changed"),
    "staged": ("would be staged", "changed"),
    "removed": ("would be removed", "changed"),
    "unchanged": ("unchanged", "ok"),
    "verified": ("verified", "ok"),
    "skipped": ("skipped", "quiet"),
    "drifted": ("drifted", "bad"),
    "put back": ("put back", "bad"),
    "failed": ("failed", "bad"),
    "unreachable": ("unreachable", "bad"),
    "not reached": ("not reached", "bad"),
}


def deployment_event(host, status, args, result):
    """Return the event for an answer of release_deployment to a task with these *args*."""
    event = _answer_event("deployment", host, status, args, result)
    event["state"] = str(args.get("state") or "live")
    event["changed"] = bool(result.get("changed"))
    event["switched_back"] = bool(result.get("switched_back"))
    event["sent_bytes"] = int(result.get("sent_bytes") or 0)
    for moment in ("before", "after"):
        if isinstance(result.get(moment), dict):
            event[moment] = {key: result[moment].get(key) for key in NOTHING}
    return event


def inspection_event(host, status, args, result):
    """Return the event for an answer of release_deployment_info."""
    event = _answer_event("inspection", host, status, args, result)
    deployment = result.get("deployment")
    if isinstance(deployment, dict):
        current = deployment.get("trial") or deployment.get("live") or {}
        event["after"] = {key: current.get(key) for key in NOTHING}
        event["after"]["phase"] = deployment.get("phase")
    if "ok" in result:
        drift = [_in_words(entry) for entry in result.get("drift") or []]
        if event["after"]["phase"] == "none":
            drift = ["nothing is deployed"]
        event["ok"] = not drift
        event["drift"] = len(drift)
        event["first_drift"] = drift[:SHOWN_DRIFT]
    return event


def _in_words(drift):
    if drift.get("change") == "release":
        return "another release is current"
    if drift.get("change") == "trial":
        return "is on trial, not accepted"
    return one_line(f"{drift.get('path')} {drift.get('change')}")


def failure_event(host, status, task, action, result):
    """Return the event for any other task that failed or found *host* unreachable."""
    reason = one_line(result.get("msg") or "failed")
    if action not in SPEAKS_FOR_ITSELF:
        reason = f"{one_line(task.rpartition(' : ')[2])}: {reason}"
    return {"event": "failure", "host": host, "status": status, "reason": reason}


def one_line(text):
    """Return the first line of *text* that says something, printable and of bounded length."""
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", "", str(text))
    lines = (
        "".join(character if character.isprintable() else " " for character in line).strip()
        for line in text.splitlines()
    )
    line = next(filter(None, lines), "")
    # ansible-core puts these before a message; the report's own words say as much.
    line = re.sub(r"^(?:(?:Task|Action|Module) failed: )+|^.*(?=ssh: connect to host )", "", line)
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1] + "…"


def _answer_event(kind, host, status, args, result):
    root = one_line(args.get("root") or "")
    event = {"event": kind, "host": host, "root": root, "status": status}
    if status in ("failed", "unreachable"):
        event["reason"] = one_line(result.get("msg") or "")
    return event


@dataclass
class _Trace:
    """What is known of one deployment root on one host."""

    first: dict | None = None
    last: dict | None = None
    sent: int = 0
    changed: bool = False
    removed: bool = False
    mended: bool = False  # what should be live was not quite, and is again
    put_back: bool = False  # it left its trial for the release before
    reason: str | None = None
    aftermath: str | None = None  # what failed after that, as putting the earlier release back may
    lost: bool = False
    verdict: dict | None = None


class Recorder:
    """Remember one line's worth for each host, whatever the number of events."""

    def __init__(self, check_mode=False):
        self.check_mode = check_mode
        self.saw_releases = False
        self._planned = {}
        self._left_out = {}
        self._traces = {}  # by (host, root)
        self._latest = {}  # the root that a host was asked about last
        self._failures = {}
        self._skipped = set()
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

    def _note_failure(self, event):
        self._failures.setdefault(event["host"], event["reason"])

    def _note_deployment(self, event):
        trace = self._trace(event)
        if trace is None:
            return
        trace.sent += event["sent_bytes"]
        trace.changed |= event["changed"]
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
        if event["status"] == "skipped":
            self._skipped.add(host)
            return None
        self._latest[host] = root
        trace = self._traces.setdefault((host, root), _Trace())
        trace.lost = event["status"] == "unreachable"
        return trace

    def _blame(self, trace, event):
        reasons = [trace.reason, self._failures.get(event["host"]), event.get("reason")]
        trace.reason, *rest = dict.fromkeys(filter(None, reasons)) or [""]
        trace.aftermath = rest[-1] if rest else None

    def rows(self):
        """Return a Row for each host and root, in the order of the plan."""
        hosts = list(self._planned)
        hosts += [host for host, _root in self._traces if host not in self._planned]
        by_host = {}
        for (host, root), trace in self._traces.items():
            by_host.setdefault(host, []).append((root, trace))
        return [
            self._row(host, root, trace)
            for host in dict.fromkeys(hosts)
            for root, trace in by_host.get(host, [("", None)])
        ]

    def _row(self, host, root, trace):
        if trace is None:
            return Row(host, root, *self._outcome_without_answer(host))
        # What else failed on a host is put down to the application that it was at.
        latest = self._latest[host] == root
        failed = latest and host in self._ended["failed"] | self._ended["unreachable"]
        lost = trace.lost or (latest and host in self._ended["unreachable"])
        reason = trace.reason or (self._failures.get(host, "") if failed else "")
        outcome = self._outcome(trace, lost, failed or trace.reason is not None)
        return Row(host, root, outcome, _transition(trace), _detail(trace, reason), trace.sent)

    def _outcome_without_answer(self, host):
        reason = self._failures.get(host, "")
        if host in self._ended["unreachable"]:
            return "unreachable", "", reason
        if host in self._ended["failed"]:
            return "failed", "", reason
        if host in self._skipped:
            return "skipped", "", ""
        return "not reached", "", "the run stopped before this host"

    def _outcome(self, trace, lost, failed):
        if lost:
            return "unreachable"
        if trace.verdict and not trace.verdict["ok"]:
            return "drifted"
        if failed:
            return "put back" if trace.put_back else "failed"
        if trace.removed:
            return "removed"
        if (trace.last or NOTHING)["phase"] == "on trial":
            return "on trial"
        if _identity(trace.first) != _identity(trace.last):
            return "rolled back" if _is_earlier(trace.last, trace.first) else "deployed"
        if (trace.first or NOTHING)["phase"] == "on trial":
            return "deployed"
        if trace.changed:
            return "put back" if trace.put_back else "mended" if trace.mended else "staged"
        return "verified" if trace.verdict else "unchanged"

    def left_out(self):
        """Return the hosts that --limit left out of plays that handle releases."""
        return [host for host in self._left_out if host not in self._planned]

    def hides_failures(self):
        """Tell whether hosts went wrong and Ansible counts none: something rescued them all."""
        counted = self._ended["failed"] | self._ended["unreachable"]
        wrong = ("put back", "failed", "unreachable", "drifted")
        return not counted and any(row.outcome in wrong for row in self.rows())


@dataclass(frozen=True)
class Row:
    """One line of the report, not yet laid out."""

    host: str
    root: str
    outcome: str
    releases: str = ""
    detail: str = ""
    sent: int = 0


def render(recorder):
    """Return the report as ``(tone, line)``, nothing when no release was handled.

    A tone is ok, changed, bad or quiet.
    """
    if not recorder.saw_releases:
        return []
    rows, left_out = recorder.rows(), recorder.left_out()
    return [
        *_table(rows, recorder.check_mode),
        *_left_out_lines(left_out, rows),
        ("quiet", ""),
        *_summary(recorder, rows, left_out),
    ]


def _table(rows, check_mode):
    several_roots = len({row.host for row in rows}) < len(rows)
    cells = []
    for row in rows:
        sent = f"{size(row.sent)} sent" if row.sent else ""
        name = f"{row.host} {row.root}" if several_roots else row.host
        cells.append((name, _word(row.outcome, check_mode), row.releases, sent))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, cell in zip(rows, cells, strict=True):
        columns = [text.ljust(width) for text, width in zip(cell, widths, strict=True) if width]
        yield OUTCOMES[row.outcome][1], "  ".join([*columns, row.detail]).rstrip()


def _left_out_lines(left_out, rows):
    width = max((len(row.host) for row in rows), default=0)
    for host in left_out[:SHOWN_LEFT_OUT]:
        yield "quiet", f"{host.ljust(width)}  left out by --limit"
    if len(left_out) > SHOWN_LEFT_OUT:
        yield "quiet", f"… and {len(left_out) - SHOWN_LEFT_OUT} more left out by --limit"


def _summary(recorder, rows, left_out):
    counts = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    said = ", ".join(
        f"{counts[outcome]} {_word(outcome, recorder.check_mode)}"
        for outcome in OUTCOMES
        if outcome in counts
    )
    if left_out:
        said += f"; {len(left_out)} left out by --limit: partial"
    sent = sum(row.sent for row in rows)
    if sent:
        said += f"; {size(sent)} sent"
    wrong = any(OUTCOMES[outcome][1] == "bad" for outcome in counts)
    yield ("bad" if wrong else "ok"), ("Check mode: " if recorder.check_mode else "") + said + "."
    if recorder.hides_failures():
        yield "bad", "A rescue or ignore_errors hides this from the exit status of the run."


def _word(outcome, check_mode):
    return OUTCOMES[outcome][0] if check_mode else outcome


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
    name = last["name"] or first["name"] or ""
    if _identity(first) == _identity(last):
        return f"{name} {last['version']}" if last["version"] else ""
    versions = [release["version"] or "none" for release in (first, last)]
    if versions[0] == versions[1]:
        versions = [f"{each['version']}-{str(each['digest'])[:12]}" for each in (first, last)]
    return f"{name} {versions[0]} → {versions[1]}"


def _detail(trace, reason):
    if trace.verdict and not trace.verdict["ok"]:
        shown = trace.verdict["first_drift"]
        more = trace.verdict["drift"] - len(shown)
        return "; ".join([*shown, f"and {more} more"] if more else shown)
    if not reason:
        return ""
    on_trial = (trace.last or NOTHING)["phase"] == "on trial"
    then = f"; then: {trace.aftermath}" if trace.aftermath else ""
    return ("left on trial: " if on_trial else "") + reason + then
