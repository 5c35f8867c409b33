# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans on record: the latest revision of each, how it ended, and the statements about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ...module_utils.formats import _canonical
from ..ledger import _kind_plan_ended, _kind_plan_proposed, _kind_statement_recorded
from ..ledger._event import Event, moment
from ..ledger._ledger import Ledger
from . import _statement
from ._agreement import Recorded, Subject
from ._resolved import Resolved

KINDS = (_kind_plan_proposed.NAME, _kind_plan_ended.NAME, _kind_statement_recorded.NAME)


@dataclass(frozen=True)
class Standing:
    """A plan on record: its latest *revision*, when and by whom it was proposed, and its end.

    *first* is when it was proposed first, whatever came between. *ended* is "" while it stands,
    else closed, cancelled or superseded. *recorded* are all statements about it, of all revisions.
    """

    plan: str
    revision: int
    digest: str
    resolved: Resolved
    proposed: datetime
    expires: str
    proposer: str = ""
    proposer_strength: str = "claimed"
    actor: str = ""
    ended: str = ""
    end_reason: str = ""
    recorded: tuple[Recorded, ...] = ()
    first: datetime | None = None

    @property
    def is_standing(self) -> bool:
        """Whether the plan has not ended."""
        return not self.ended

    def subject(self, ledger: str) -> Subject:
        """Return what statements must be about, in the ledger with this id."""
        return Subject(
            ledger,
            self.plan,
            self.revision,
            self.digest,
            self.resolved.release["digest"],
            self.resolved.plan.author,
            self.expires,
            self.proposer,
            self.proposer_strength,
        )

    @property
    def since(self) -> datetime:
        """When the plan was proposed first: another revision gives an emergency no more time."""
        return self.first or self.proposed


def of_ledger(ledger: Ledger, plan: str | None = None) -> dict[str, Standing]:
    """Return all plans on record by name, in the order of their first proposal; or that *plan*."""
    events = [event for kind in KINDS for event in ledger.events(kind=kind, subject=plan)]
    return fold(sorted(events, key=lambda event: event.sequence))


def fold(events: Iterable[Event]) -> dict[str, Standing]:
    """Return the plans that *events*, in their order, leave on record."""
    plans: dict[str, Standing] = {}
    statements: dict[str, list[Recorded]] = {}
    for event in events:
        body, name = event.body, event.subject
        if event.kind == _kind_plan_proposed.NAME:
            before = plans.get(name)
            plans[name] = Standing(
                plan=name,
                revision=body["revision"],
                digest=_canonical.sha256_hex(_canonical.dumps(body["resolved"])),
                resolved=Resolved.from_plain(body["resolved"]),
                proposed=moment(event.time),
                expires=body["expires"],
                proposer=body.get("person", ""),
                proposer_strength=body.get("strength", "claimed"),
                actor=event.actor,
                first=(before.first if before else None) or moment(event.time),
            )
        elif event.kind == _kind_plan_ended.NAME and name in plans:
            plans[name] = replace(plans[name], ended=body["how"], end_reason=body.get("reason", ""))
        elif event.kind == _kind_statement_recorded.NAME:
            said = _statement.parse(body["statement"].encode("utf-8"))
            statements.setdefault(name, []).append(
                Recorded(said, moment(event.time), event.strength, body.get("signature", ""))
            )
    return {
        name: replace(plan, recorded=tuple(statements.get(name, ())))
        for name, plan in plans.items()
    }
