# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals on record: who had approved a plan when, and since when there were enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..ledger import _kind_plan_proposed, _kind_statement_recorded
from ..ledger._event import Event, moment
from ..plan import _statement
from ..plan._resolved import Resolved
from ..plan._statement import APPROVE, REJECT, WITHDRAW, Statement

Required = Mapping[str, Mapping[str, int]]  # approvals by environment and role


@dataclass(frozen=True)
class Proposal:
    """A *revision* of a plan that was proposed *at* a time."""

    plan: str
    revision: int
    at: datetime
    resolved: Resolved


@dataclass
class OnRecord:
    """What was proposed, and what people decided about it, by the name of the plan.

    Whether a statement's signature holds was decided when it was recorded.
    """

    proposals: dict[str, list[Proposal]] = field(default_factory=dict)
    statements: dict[str, list[tuple[datetime, Statement]]] = field(default_factory=dict)

    def proposal(self, plan: str, revision: int) -> Proposal | None:
        """Return the proposal of a *revision*, None where there is none on record."""
        known = self.proposals.get(plan, [])
        return next((each for each in known if each.revision == revision), None)

    def approvers(
        self, plan: str, revision: int, environment: str, until: datetime
    ) -> Mapping[str, str]:
        """Return who had approved a revision for an *environment* at a time: roles by person."""
        found: Mapping[str, str] = {}
        for at, counted in self._steps(plan, revision, environment):
            found = counted if at <= until else found
        return found

    def enough_since(
        self,
        plan: str,
        revision: int,
        environment: str,
        until: datetime,
        required: Required | None = None,
    ) -> datetime | None:
        """Return since when there were enough approvals *until* a time; None if there were not.

        Enough is what the plan demands and what is *required*, as of the policy, whichever is more.
        Where neither is known, the last approval is when there were enough.
        """
        proposal = self.proposal(plan, revision)
        demanded = dict((required or {}).get(environment, {}))
        step = proposal.resolved.plan.step(environment) if proposal else None
        for role, count in (step.approvals if step else {}).items():
            demanded[role] = max(count, demanded.get(role, 0))
        since: datetime | None = None
        for at, counted in self._steps(plan, revision, environment):
            if at > until:
                break
            met = bool(counted) and _is_met(counted, demanded)
            # Without a known number, each approval may be the one that was waited for.
            since = (since if since and demanded else at) if met else None
        return since

    def _steps(
        self, plan: str, revision: int, environment: str
    ) -> Iterable[tuple[datetime, Mapping[str, str]]]:
        """Yield each time at which something was decided, and who counts as approver since."""
        approved: dict[str, Statement] = {}
        rejected: dict[str, Statement] = {}
        for at, said in self.statements.get(plan, []):
            if (said.revision, said.environment) != (revision, environment):
                continue
            if said.decision == APPROVE:
                approved.setdefault(said.person, said)
            elif said.decision == REJECT:
                rejected[said.person] = said
            elif said.decision == WITHDRAW:
                for known in (approved, rejected):
                    taken_back = known.get(said.person)
                    if taken_back is not None and taken_back.digest == said.withdraws:
                        del known[said.person]
            else:
                continue
            yield at, {} if rejected else {p: each.role for p, each in approved.items()}


def fold(events: Iterable[Event]) -> OnRecord:
    """Return what *events* of the ledger, in their order, have on record of approvals."""
    found = OnRecord()
    for event in events:
        body, at = event.body, moment(event.time)
        if event.kind == _kind_plan_proposed.NAME:
            resolved = Resolved.from_plain(body["resolved"])
            proposal = Proposal(event.subject, body["revision"], at, resolved)
            found.proposals.setdefault(event.subject, []).append(proposal)
        elif event.kind == _kind_statement_recorded.NAME:
            said = _statement.parse(body["statement"].encode("utf-8"))
            found.statements.setdefault(event.subject, []).append((at, said))
    return found


def _is_met(counted: Mapping[str, str], demanded: Mapping[str, int]) -> bool:
    roles = list(counted.values())
    return all(roles.count(role) >= count for role, count in demanded.items())
