# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settle runs that began and have no end on record: by what their hosts say now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..events import _facts
from . import _recording
from ._event import Draft, Event
from ._outcome import HostOutcome
from ._recording import Intent

Known = Mapping[tuple[str, str], _facts.Release]  # what is there now, by host and root
STOPPED = "the run was stopped before its end"


def drafts(
    open_runs: Iterable[Mapping[str, Any]],
    began: Callable[[str, str], Iterable[Event]],
    known: Known,
    settled_by: str,
    gone: Mapping[str, str] | None = None,
) -> Iterator[Draft]:
    """Yield the end of each of *open_runs* (rows of that projection) whose hosts are all *known*.

    ``began(run, act)`` returns the events by which a run began. *gone* are hosts that do not
    answer and why: with them, a run ends without what is live there. Runs of builds have no hosts
    that could tell, and end as unknown.
    """
    for row in open_runs:
        if row["run"] == settled_by:
            continue
        intents = [_intent(event) for event in began(row["run"], row["act"])]
        intents = [intent for intent in intents if intent.root == row["root"]]
        hosts = dict.fromkeys(host for intent in intents for host in intent.hosts)
        root = row["root"]
        asks_no_host = row["act"] in ("build", "seal", "prune")
        there = {host: known[host, root] for host in hosts if (host, root) in known}
        if not intents or not (asks_no_host or all(h in there or h in (gone or {}) for h in hosts)):
            continue
        merged = Intent(**{**intents[-1].__dict__, "hosts": tuple(hosts)})
        if asks_no_host:
            yield _recording.ended(merged, [], None, settled_by, "unknown", STOPPED)
            continue
        outcomes = [
            HostOutcome(host, root, "ok", after=there[host])
            if host in there
            else HostOutcome(host, result="unreachable", reason=(gone or {})[host])
            for host in hosts
        ]
        verdict, reason = _verdict(merged, outcomes)
        yield _recording.ended(merged, outcomes, merged.release, settled_by, verdict, reason)


def _verdict(intent: Intent, outcomes: Sequence[HostOutcome]) -> tuple[str, str]:
    """Return verdict and reason of a run that was stopped."""
    if any(each.after and each.after.phase == "on trial" for each in outcomes):
        return "held", STOPPED
    digest = intent.release.get("digest")
    if intent.act == "uninstall":
        there = [each.after is not None and each.after.phase == "none" for each in outcomes]
    else:
        there = [
            bool(digest) and each.after is not None and each.after.digest == digest
            for each in outcomes
        ]
    if intent.act == "verify" or (intent.act == "rollback" and not digest):
        return "unknown", STOPPED
    if all(there):
        return "done", ""
    wanted = (
        "removed" if intent.act == "uninstall" else f"live: {intent.release.get('version', '')}"
    )
    return "failed", f"{STOPPED}: {wanted} on {sum(there)} of {len(there)} hosts"


def _intent(event: Event) -> Intent:
    body = event.body
    environment = str(body.get("environment", ""))
    one = bool(environment) and ", " not in environment
    return Intent(
        run=body["run"],
        act=body["act"],
        application=event.subject,
        hosts=tuple(body["hosts"]),
        root=body.get("root", ""),
        release=body.get("release", {}),
        reference=body.get("reference", ""),
        environments={host: environment for host in body["hosts"] if one},
    )
