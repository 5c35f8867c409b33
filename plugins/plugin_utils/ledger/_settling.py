# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settle runs that began and have no end on record: by what their hosts say now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..events import _facts
from . import _bodies, _recording
from ._event import Draft, Event
from ._outcome import HostOutcome
from ._recording import Intent

Place = tuple[str, str]  # host and deployment root
STOPPED = "the run was stopped before its end"


@dataclass(frozen=True)
class Known:
    """What is known of hosts now: what is *there*, live or on trial, by host and root.

    *recorded* are rows of deployments: which application each root has as far as the ledger knows.
    *part* is the application that those who know are about, None where hosts reported every root.
    *gone* are hosts that do not answer, and why.
    """

    there: Mapping[Place, _facts.Release]
    recorded: Sequence[Mapping[str, Any]] = ()
    part: str | None = None
    gone: Mapping[str, str] = field(default_factory=dict)

    def root_of(self, host: str, part: str) -> str | None:
        """Return the root of *host* that a run about *part* changed, None where that is unknown."""
        roots = {root: release for (name, root), release in self.there.items() if name == host}
        if part in roots:  # of a run that did not know what it was about
            return part
        for row in self.recorded:
            if row["host"] == host and row["application"] == part and row["root"] in roots:
                return str(row["root"])
        named = [root for root, release in roots.items() if release.name == part]
        if named:
            return named[0]
        empty = [root for root, release in roots.items() if release.phase == "none"]
        only = roots if self.part == part else empty if self.part is None else {}
        return next(iter(only)) if len(only) == 1 else None


def drafts(
    open_runs: Iterable[Mapping[str, Any]],
    began: Callable[[str, str], Iterable[Event]],
    known: Known,
    settled_by: str,
) -> Iterator[Draft]:
    """Yield the end of each of *open_runs* (rows of that projection) whose hosts are all *known*.

    ``began(run, act)`` returns the events by which a run began. Hosts that are gone end as
    unreachable. Runs of builds have no hosts that could tell, and end as unknown.
    """
    for row in open_runs:
        events = began(row["run"], row["act"])
        intents = [_intent(event) for event in events if event.body["part"] == row["part"]]
        if row["run"] == settled_by or not intents:
            continue
        hosts = dict.fromkeys(host for intent in intents for host in intent.hosts)
        merged = replace(intents[-1], hosts=tuple(hosts))
        if row["act"] not in _bodies.ON_HOSTS:
            yield _recording.ended(merged, [], None, settled_by, "unknown", STOPPED)
            continue
        outcomes = [_outcome_on(host, row["part"], known) for host in hosts]
        found = [outcome for outcome in outcomes if outcome]
        if len(found) < len(outcomes) or all(each.result != "ok" for each in found):
            continue
        verdict, reason = _verdict(merged, found)
        if merged.more and verdict == "done":
            verdict, reason = "failed", f"{STOPPED}: not all batches were begun"
        merged = replace(merged, more=False)
        yield _recording.ended(merged, found, merged.release, settled_by, verdict, reason)


def _outcome_on(host: str, part: str, known: Known) -> HostOutcome | None:
    root = known.root_of(host, part)
    if root is not None:
        return HostOutcome(host, root, "ok", after=known.there[host, root])
    if host in known.gone:
        return HostOutcome(host, result="unreachable", reason=known.gone[host])
    return None


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
    if intent.act in ("verify", "back_out") or (intent.act == "rollback" and not digest):
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
        application=body["part"],
        hosts=tuple(body["hosts"]),
        more=bool(body.get("more")),
        release=body.get("release", {}),
        reference=body.get("reference", ""),
        environments={host: environment for host in body["hosts"] if one},
    )
