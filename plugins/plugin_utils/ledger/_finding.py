# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts report of themselves, compared with the ledger: unrecorded changes, and anchors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..events import _facts
from . import _answer_form, _outcome, _recording, _unrecorded
from ._event import Draft, Head
from ._ledger import Ledger
from ._unrecorded import Unrecorded

Place = tuple[str, str]  # host and deployment root
NOT_ASKED = "was not asked"
MALFORMED = "its answer is malformed"
UNKNOWN_RUN = "unknown"  # of a state that no line of the history explains


@dataclass(frozen=True)
class Told:
    """What hosts answered to release_deployment_info, with their history.

    *deployments* and *histories* are by host and root; *unknown* has why a host did not answer.
    *inventory* are all hosts that there are.
    """

    deployments: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict)
    histories: Mapping[Place, list[Mapping[str, Any]]] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    inventory: frozenset[str] = frozenset()

    @classmethod
    def of_answers(
        cls,
        answers: Mapping[str, Mapping[str, Any] | None],
        environments: Mapping[str, str],
        inventory: frozenset[str] = frozenset(),
    ) -> Told:
        """Return what *answers*, the results of the task by host, say; None: not asked.

        A host whose answer is not as it must be is unknown: it must not stop what others say.
        """
        deployments: dict[Place, Mapping[str, Any]] = {}
        histories: dict[Place, list[Mapping[str, Any]]] = {}
        unknown: dict[str, str] = {}
        for host, answer in answers.items():
            for each in _each(answer):
                there = each.get("deployment")
                if not isinstance(there, Mapping):
                    unknown[host] = _why(each)
                    continue
                history = each.get("history") or []
                if not _answer_form.is_well_formed(there, history):
                    unknown[host] = MALFORMED
                    continue
                deployments[host, there["root"]] = there
                histories[host, there["root"]] = list(history)
        return cls(deployments, histories, environments, unknown, inventory)

    @property
    def known(self) -> dict[Place, _facts.Release]:
        """What is live, or on trial, under each root."""
        return {place: current(there) for place, there in self.deployments.items()}

    @property
    def heads(self) -> list[tuple[str, Head]]:
        """The heads of ledgers that hosts keep, each once for a host."""
        found: dict[tuple[str, Head], None] = {}
        for (host, _root), entries in self.histories.items():
            for entry in entries:
                if entry.get("ledger"):
                    found[host, Head.from_plain(entry["ledger"])] = None
        return list(found)


def current(deployment: Mapping[str, Any]) -> _facts.Release:
    """Return what a host says is on trial, or else live, as ``deployment`` of its answer has it."""
    release = deployment.get("trial") or deployment.get("live") or {}
    return _facts.Release.from_plain({**release, "phase": deployment.get("phase")})


def unrecorded(ledger: Ledger, told: Told) -> list[Unrecorded]:
    """Return what hosts did, or have live, that *ledger* does not have."""
    open_runs = ledger.rows("runs", "began", ended=None)
    names = {row["run"] for row in open_runs}
    runs = {entry["run"] for entries in told.histories.values() for entry in entries}
    found = _unrecorded.find(ledger.changed_by(sorted(runs)), names, told.histories)
    explained = {(entry.host, entry.root) for entry in found}
    rows = {(row["host"], row["root"]): row for row in ledger.rows("deployments")}
    being_changed = {
        host
        for row in open_runs
        for event in ledger.began(row["run"], row["act"])
        for host in event.body["hosts"]
    }
    for place, release in told.known.items():
        if place in explained or place[0] in being_changed:
            continue
        row = rows.get(place)
        recorded = (row["digest"], row["phase"]) if row else ("", "none")
        if recorded != (release.digest or "", release.phase):
            there = told.deployments[place]
            found.append(
                Unrecorded(
                    *place,
                    there.get("since") or "unknown",
                    UNKNOWN_RUN,
                    release.phase,
                    there.get("current"),
                )
            )
    return found


def drafts(ledger: Ledger, told: Told, entries: Iterable[Unrecorded]) -> Iterator[Draft]:
    """Yield the events that *entries* were found: one for each root, with what is live there.

    Heads that the ledger does not have, as after it was restored from a copy, are part of them.
    """
    accepted = ledger.accepted_heads()
    by_place: dict[Place, list[Unrecorded]] = {}
    for entry in entries:
        by_place.setdefault((entry.host, entry.root), []).append(entry)
    for (host, root), here in by_place.items():
        release = told.known[host, root]
        heads = [
            head
            for name, head in told.heads
            if name == host and head not in accepted and _is_strange(ledger, head)
        ]
        yield _recording.found(
            host,
            root,
            [entry.to_plain() for entry in here],
            release.to_plain(with_links=False),
            application=release.name or "",
            environment=told.environments.get(host, ""),
            heads=heads,
        )


def _is_strange(ledger: Ledger, head: Head) -> bool:
    known = ledger.head()
    if known is None or head.ledger != known.ledger or head.sequence > known.sequence:
        return True
    event = next(iter(ledger.events(after=head.sequence - 1, most=1)), None)
    return event is None or event.hash != head.hash


def _each(answer: Mapping[str, Any] | None) -> Collection[Mapping[str, Any]]:
    if answer is None:
        return [{"msg": NOT_ASKED}]
    results = answer.get("results")
    return results if isinstance(results, list) else [answer]


def _why(answer: Mapping[str, Any]) -> str:
    if answer.get("unreachable") or answer.get("code") == "host_lost":
        return "unreachable"
    return " ".join(str(answer.get("msg") or "no answer").split())[: _outcome.LONGEST_REASON]
