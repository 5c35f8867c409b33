# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of one release from its last commit to production, and what held it up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger import _kind_run_ended
from ..ledger._event import Event, moment
from . import _approvals, _critical_path, _deployments
from ._approvals import Proposal, Required
from ._critical_path import Activity, Schedule
from ._deployment import DEPLOY, Deployment

BUILD, PROPOSE, APPROVE, WAIT = "build", "propose", "approve", "wait"
SEAL, DONE = "seal", "done"


@dataclass(frozen=True)
class Part:
    """One part of the way, from *began* to *ended*; it begins after the parts of *after*.

    *planned* is how many seconds the plan has for it, None where it does not say.
    """

    id: str
    name: str
    began: datetime
    ended: datetime
    after: tuple[str, ...] = ()
    planned: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, (self.ended - self.began).total_seconds())

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "id": self.id,
            "name": self.name,
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat(),
            "after": list(self.after),
            "planned": self.planned,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Way:
    """The *parts* of the way of the release *digest* that are over, and their critical path."""

    digest: str
    plan: str
    parts: tuple[Part, ...]
    schedule: Schedule

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "digest": self.digest,
            "plan": self.plan,
            "parts": [part.to_plain() for part in self.parts],
            "schedule": self.schedule.to_plain(),
        }


def way(
    events: Iterable[Event],
    digest: str,
    committed: datetime | None = None,
    built: datetime | None = None,
    required: Required | None = None,
) -> Way:
    """Return the way of the release *digest* by *events* of the ledger, in their order.

    *committed* is the time of its last commit; *built* when it was sealed, by default when that was
    recorded. *required* are the approvals that the policy demands. What is not known, or not over,
    is left out; what comes after it follows what is known before. The plan is the last one with the
    release. Without a plan, nothing is known of what an environment waited for.
    """
    events = list(events)
    record = _approvals.fold(events)
    deployments = [
        each
        for each in _deployments.fold(events)
        if (each.act, each.digest) == (DEPLOY, digest) and each.verdict != "refused"
    ]
    proposals = _proposals_of(record, digest)
    built = built or _sealed(events, digest)
    parts: list[Part] = []
    if committed and built:
        parts.append(Part(BUILD, "build and seal", committed, built))
    if proposals and built:
        at = proposals[0].at
        parts.append(Part(PROPOSE, "propose the plan", built, at, _ids(parts, BUILD)))
    if proposals:
        parts += _by_plan(record, proposals, deployments, parts, required)
    else:
        parts += _without_plan(deployments, parts)
    activities = [Activity(part.id, part.name, part.seconds, part.after) for part in parts]
    plan = proposals[0].plan if proposals else ""
    return Way(digest, plan, tuple(parts), _critical_path.schedule(activities))


def _proposals_of(record: _approvals.OnRecord, digest: str) -> list[Proposal]:
    """Return all proposals of the plan that was proposed last with the release, the first first."""
    found = [
        proposal
        for proposals in record.proposals.values()
        for proposal in proposals
        if digest in [part.release["digest"] for part in proposal.resolved.each()]
    ]
    if not found:
        return []
    name = max(found, key=lambda proposal: proposal.at).plan
    return [proposal for proposal in found if proposal.plan == name]


def _sealed(events: Iterable[Event], digest: str) -> datetime | None:
    """Return when the release was sealed first, None where that is not on record."""
    for event in events:
        body = event.body
        if event.kind == _kind_run_ended.NAME and (body["act"], body["verdict"]) == (SEAL, DONE):
            if body.get("release", {}).get("digest") == digest:
                return moment(event.time)
    return None


def _by_plan(
    record: _approvals.OnRecord,
    proposals: Sequence[Proposal],
    deployments: Sequence[Deployment],
    before: Sequence[Part],
    required: Required | None,
) -> Iterator[Part]:
    """Yield the parts in each environment of the path of a plan, as far as they are over."""
    proposed, first = _ids(before, PROPOSE), proposals[0].at
    since, live = first, proposed  # where the environment before was live everywhere
    plan = proposals[-1].resolved.plan
    for step in plan.path:
        environment = step.environment
        # Before the first environment there is nothing to soak.
        has_soak = plan.before(environment) is not None and not plan.is_emergency
        soak = (step.soak.total_seconds() or None) if has_soak else None
        runs = _until_accepted(deployments, environment)
        if not runs:
            return
        began, accepted = runs[0].began, runs[-1].accepted or runs[-1].began
        after = live
        approved = record.enough_since(plan.name, runs[0].revision, environment, began, required)
        if approved:
            id_ = f"{APPROVE}:{environment}"
            yield Part(id_, f"approve {environment}", first, approved, proposed)
            after = (*live, id_)
        ready = max(since, approved or since)
        if began >= ready:  # else it did not wait for what the ledger knows
            id_ = f"{WAIT}:{environment}"
            yield Part(id_, f"wait for {environment}", ready, began, after, soak)
            after = (id_,)
        yield _deployed(environment, began, accepted, after)
        since, live = accepted, (f"{DEPLOY}:{environment}",)


def _without_plan(deployments: Sequence[Deployment], before: Sequence[Part]) -> Iterator[Part]:
    for environment in dict.fromkeys(each.environment for each in deployments):
        runs = _until_accepted(deployments, environment)
        if runs:
            began, accepted = runs[0].began, runs[-1].accepted or runs[-1].began
            yield _deployed(environment, began, accepted, _ids(before, BUILD))


def _until_accepted(deployments: Sequence[Deployment], environment: str) -> list[Deployment]:
    """Return the runs in an *environment* up to the first that was accepted; none without it."""
    here = [each for each in deployments if each.environment == environment]
    for number, each in enumerate(here, 1):
        if each.accepted:
            return here[:number]
    return []


def _deployed(
    environment: str, began: datetime, accepted: datetime, after: tuple[str, ...]
) -> Part:
    return Part(f"{DEPLOY}:{environment}", f"deploy to {environment}", began, accepted, after)


def _ids(parts: Iterable[Part], *ids: str) -> tuple[str, ...]:
    """Return those of *ids* that are among *parts*."""
    return tuple(part.id for part in parts if part.id in ids)
