# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to the releases on each host: events in as they happen, the closing report out.

An event is a plain dict that JSON can carry, so a record of events replayed into a new Recorder gives the same report.
The kinds: ``plan`` (hosts of a play that handles releases), ``deployment`` and ``inspection`` (a module answered),
``failure`` (any other task failed), ``end`` (hosts that Ansible counts as failed or unreachable).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

RECORD_FORMAT = 1
REASON_LENGTH = 160
SHOWN_LEFT_OUT = 20
SHOWN_DRIFT = 3
SPEAKS_FOR_ITSELF = ("ansible.builtin.assert", "ansible.builtin.fail")  # their message needs no task's name
NOTHING = {"phase": "none", "name": None, "version": None, "serial": None, "digest": None}

# In the order in which the summary counts them; the second word is for check mode, the third is how grave it is.
OUTCOMES = {
    "deployed": ("would be deployed", "changed"),
    "rolled back": ("would be rolled back", "changed"),
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
    """Return the event for an answer of release_deployment; *args* and *result* are the task's own."""
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
    return one_line(f"{drift.get('path')} {drift.get('change')}")


def failure_event(host, status, task, action, result):
    """Return the event for any other task that failed or found *host* unreachable."""
    reason = one_line(result.get("msg") or "failed")
    if action not in SPEAKS_FOR_ITSELF:
        reason = one_line(f"{task.rpartition(' : ')[2]}: {reason}")
    return {"event": "failure", "host": host, "status": status, "reason": reason}


def one_line(text):
    """Return the first line of *text* that says something, without control characters, of bounded length."""
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
    event = {"event": kind, "host": host, "root": one_line(args.get("root") or ""), "status": status}
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
    moved: bool = False  # the current release was another one for a while
    states: set = field(default_factory=set)
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
        self._traces = {}
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
        self.saw_releases = True
        if event["status"] == "skipped":
            self._skipped.add(event["host"])
            return
        trace = self._traces.setdefault((event["host"], event["root"]), _Trace())
        trace.sent += event["sent_bytes"]
        trace.changed |= event["changed"]
        trace.states.add(event["state"])
        trace.first = trace.first or event.get("before")
        trace.last = event.get("after") or trace.last
        back = _identity(trace.last) == _identity(trace.first)
        trace.moved |= not back or event["switched_back"]
        trace.lost = event["status"] == "unreachable"
        if event["status"] != "ok":
            self._blame(trace, event)
        elif not back:
            # The host has what was wanted: whatever failed before was put right by another attempt.
            trace.reason = trace.aftermath = None
            self._failures.pop(event["host"], None)

    def _note_inspection(self, event):
        self.saw_releases = True
        if event["status"] == "skipped":
            self._skipped.add(event["host"])
            return
        trace = self._traces.setdefault((event["host"], event["root"]), _Trace())
        trace.last = event.get("after") or trace.last
        if event["status"] == "ok":
            trace.lost = False
        else:
            trace.lost = event["status"] == "unreachable"
            self._blame(trace, event)
        if "ok" in event:
            trace.first = trace.first or event.get("after")
            trace.verdict = event

    def _blame(self, trace, event):
        first = trace.reason or self._failures.get(event["host"])
        trace.reason = first or event["reason"]
        if first and event["reason"] != first:
            trace.aftermath = event["reason"]

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
        failed = host in self._ended["failed"] or host in self._ended["unreachable"]
        reason = self._failures.get(host, "") if failed else ""
        if trace is None:
            outcome, detail = self._outcome_without_answer(host, failed)
            return Row(host, root, outcome, "", detail or reason)
        if trace.reason or trace.lost or failed:
            reason = trace.reason or reason
        return Row(host, root, self._outcome(host, trace, failed), _transition(trace), _detail(trace, reason), trace.sent)

    def _outcome_without_answer(self, host, failed):
        if host in self._ended["unreachable"]:
            return "unreachable", ""
        if failed:
            return "failed", ""
        if host in self._skipped:
            return "skipped", ""
        return "not reached", "the run stopped before this host"

    def _outcome(self, host, trace, failed):
        if trace.lost or host in self._ended["unreachable"]:
            return "unreachable"
        if trace.verdict and not trace.verdict["ok"]:
            return "drifted"
        back = _identity(trace.first) == _identity(trace.last)
        if trace.reason or failed:
            return "put back" if trace.moved and back else "failed"
        if "absent" in trace.states and trace.changed:
            return "removed"
        if (trace.last or NOTHING)["phase"] == "on trial":
            return "on trial"
        if not back:
            return "rolled back" if _is_earlier(trace.last, trace.first) else "deployed"
        if (trace.first or NOTHING)["phase"] == "on trial":
            return "deployed"
        if trace.changed:
            return "put back" if trace.moved else "staged"
        return "verified" if trace.verdict else "unchanged"

    def left_out(self):
        """Return the hosts that --limit left out of plays that handle releases."""
        return [host for host in self._left_out if host not in self._planned]

    def hides_failures(self):
        """Tell whether hosts went wrong that Ansible does not count: a rescue or ignore_errors around the role."""
        counted = self._ended["failed"] | self._ended["unreachable"]
        wrong = [row for row in self.rows() if row.outcome in ("put back", "failed", "unreachable", "drifted")]
        return bool(wrong) and not counted


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
    """Return the report as ``(tone, line)``; a tone is ok, changed, bad or quiet. Empty when no release was handled."""
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
    widths = [max(map(len, column)) for column in zip(*cells)]
    for row, cell in zip(rows, cells):
        columns = [text.ljust(width) for text, width in zip(cell, widths) if width]
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
        f"{counts[outcome]} {_word(outcome, recorder.check_mode)}" for outcome in OUTCOMES if outcome in counts
    )
    if left_out:
        said += f"; {len(left_out)} left out by --limit: partial"
    sent = sum(row.sent for row in rows)
    if sent:
        said += f"; {size(sent)} sent"
    wrong = any(OUTCOMES[outcome][1] == "bad" for outcome in counts)
    yield ("bad" if wrong else "ok"), ("Check mode: " if recorder.check_mode else "") + said + "."
    if recorder.hides_failures():
        yield "bad", "A rescue or ignore_errors outside of the role hides this: the exit status of the run does not tell."


def _word(outcome, check_mode):
    return OUTCOMES[outcome][0] if check_mode else outcome


def size(count):
    """Return a number of bytes as people read it: ``999 B``, ``41.2 kB``, ``1.3 GB``."""
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:
            break
    return f"{count:.1f} {unit}"


def _identity(release):
    return (release or NOTHING).get("digest")


def _is_earlier(release, other):
    same = release and other and release["name"] == other["name"]
    return bool(same and None not in (release["serial"], other["serial"]) and release["serial"] < other["serial"])


def _transition(trace):
    """Return ``shop 1.0.0 → 2.0.0``, or one release when it stayed."""
    first, last = trace.first or NOTHING, trace.last or trace.first or NOTHING
    name = last["name"] or first["name"] or ""
    if _identity(first) == _identity(last):
        return f"{name} {last['version']}" if last["version"] else ""
    versions = [release["version"] or "none" for release in (first, last)]
    if versions[0] == versions[1]:
        versions = [f"{release['version']}-{str(release['digest'])[:12]}" for release in (first, last)]
    return f"{name} {versions[0]} → {versions[1]}"


def _detail(trace, reason):
    parts = []
    if trace.reason is not None or reason or trace.lost:
        on_trial = (trace.last or NOTHING)["phase"] == "on trial"
        parts.append("left on trial" if on_trial else "")
        parts.append(f"{reason}; then: {trace.aftermath}" if trace.aftermath else reason)
    if trace.verdict and not trace.verdict["ok"]:
        more = trace.verdict["drift"] - len(trace.verdict["first_drift"])
        parts = ["; ".join(trace.verdict["first_drift"]) + (f"; and {more} more" if more > 0 else "")]
    return ": ".join(filter(None, parts))
