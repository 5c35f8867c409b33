# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ahead by the plans on record: who is waited for, what opens when, what is in the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from ..calendar._calendar import Calendar
from ..ledger._event import moment, utc
from ..plan import _demands
from ..plan._plan import Step
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ..policy._policy import Policy
from ..registers._register import ISSUE, Entry
from ..run import _identity
from . import _approvals, _collect, _gates, _merged, _promotion
from ._answer import Answer, spelled
from ._collect import OnRecord
from ._facts import Facts

AHEAD = timedelta(weeks=4)
OVERDUE = "emergency not ratified"


@dataclass(frozen=True)
class Ahead:
    """One environment of a plan that is still to be done: what its gates answer.

    *missing* is who can give the approvals that are missing, *opens* when the run may begin by the
    calendar, None where that is not known. *conflicts* names other plans in the way.
    """

    plan: str
    environment: str
    hosts: tuple[str, ...]
    window: str
    answers: tuple[Answer, ...]
    roles: tuple[str, ...]
    missing: str
    since: datetime
    opens: datetime | None
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outlook:
    """What is *ahead*, plans that are *done* and not closed, emergencies that are *overdue*.

    *issues* are those that are open, *freeze* is the next one in words. *trains* are those without
    an end, a line each.

    *problem* is a line where policy or calendar cannot be read.
    """

    ahead: tuple[Ahead, ...] = ()
    done: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    issues: tuple[Entry, ...] = ()
    freeze: str = ""
    problem: str = ""
    zone: tzinfo = timezone.utc
    trains: tuple[str, ...] = ()

    def head(self, now: datetime) -> list[tuple[str, list[str]]]:
        """Return what stands first in a status: labels, and lines for each."""
        waiting = [
            f"{each.plan}  approval of {' and '.join(each.roles)} for {each.environment} "
            f"({each.missing}), since {spelled(each.since, self.zone, each.since)}"
            for each in self.ahead
            if each.roles
        ]
        waiting += self.overdue
        waiting += [f"{plan}  to be closed: it is in all its environments" for plan in self.done]
        coming = sorted((e for e in self.ahead if e.opens), key=lambda e: (e.opens, e.plan))
        following = [self._next(each, now) for each in coming]
        blockers = [_issue(entry) for entry in self.issues if entry.is_blocker]
        others = sum(not entry.is_blocker for entry in self.issues)
        if others:
            blockers.append(f"{others} other open issue{'' if others == 1 else 's'}")
        found = [
            ("trains", list(self.trains)),
            ("waiting", waiting),
            ("next", following),
            ("issues", blockers),
        ]
        if self.problem:
            found.insert(0, ("problem", [self.problem]))
        return [(label, lines) for label, lines in found if lines]

    def lines(self, now: datetime) -> list[str]:
        """Return a line for each environment that gates keep from being deployed."""
        found = []
        for each in self.ahead:
            said = [a.line(self.zone, now) for a in each.answers if not a.lets_pass]
            about = f"{each.plan} → {each.environment}"
            found.append(f"{about}: {' · '.join(said) if said else 'open'}")
        return found

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "plans": [
                {
                    "plan": each.plan,
                    "environment": each.environment,
                    "hosts": list(each.hosts),
                    "window": each.window,
                    "opens": each.opens and utc(each.opens),
                    "waits_for": each.missing,
                    "since": utc(each.since),
                    "answers": [answer.to_plain() for answer in each.answers],
                    "conflicts": list(each.conflicts),
                }
                for each in self.ahead
            ],
            "done": list(self.done),
            "overdue": list(self.overdue),
            "issues": [entry.to_plain() for entry in self.issues],
            "freeze": self.freeze,
            "trains": list(self.trains),
            "problem": self.problem,
        }

    def _next(self, each: Ahead, now: datetime) -> str:
        count = f"{len(each.hosts)} host{'' if len(each.hosts) == 1 else 's'}"
        when = spelled(each.opens, self.zone, now) if each.opens else ""
        window = f"window {each.window}: " if each.window else ""
        conflicts = f"; conflict: {', '.join(each.conflicts)}" if each.conflicts else ""
        return f"{when}  {window}{each.plan} → {each.environment} ({count}){conflicts}"


def outlook(
    policy: Policy, calendar: tuple[Calendar | None, str], record: OnRecord, now: datetime
) -> Outlook:
    """Return what is ahead, by what is on *record*."""
    found = list(_ahead(policy, calendar, record, now))
    ahead = tuple(_with_conflicts(each, found) for each in found)
    zone: tzinfo = calendar[0].zone if calendar[0] else timezone.utc
    freeze = ""
    if calendar[0]:
        coming = calendar[0].freezes_between(None, now, now + AHEAD)
        if coming:
            begins, ends = calendar[0].freeze_span(coming[0])
            local = (begins if begins > now else ends).astimezone(zone)
            word = "from" if begins > now else "until"
            freeze = f"{coming[0].name}, {word} {local.day} {local:%b}"
    return Outlook(
        ahead,
        tuple(
            plan.plan
            for plan in record.plans.values()
            if plan.is_standing and _is_done(plan, ahead)
        ),
        tuple(overdue(policy, record, now)),
        tuple(e for e in record.entries if e.register == ISSUE and e.is_open),
        freeze,
        calendar[1],
        zone,
    )


def _ahead(
    policy: Policy, calendar: tuple[Calendar | None, str], record: OnRecord, now: datetime
) -> Iterator[Ahead]:
    for standing in record.plans.values():
        if not standing.is_standing:
            continue
        for step in standing.resolved.plan.path:
            if policy.environment(step.environment) is None:
                continue
            about = (policy, calendar, record)
            parts = [_known(*about, part, step, now) for part in standing.resolved.each()]
            left = [known for known in parts if _is_left(known, record)]
            if not left:
                continue
            answers = {p.resolved.domain: _gates.evaluate(p, only=_gates.ON_RECORD) for p in left}
            agreed = _approvals.of(left[0])
            opens = [_opens(known, calendar[0]) for known in left]
            yield Ahead(
                standing.plan,
                step.environment,
                tuple(host for known in left for host in known.place.hosts),
                left[0].demands.window,
                _merged.merged(answers),
                tuple(agreed.missing),
                _approvals.missing(left[0], agreed) if agreed.missing else "",
                standing.proposed,
                max((at for at in opens if at), default=None) if all(opens) else None,
            )


def _is_left(known: Facts, record: OnRecord) -> bool:
    """Tell whether a host of the environment has not the release yet."""
    release = known.resolved.release
    return bool(_promotion.soaked(known.place, release, record.deployments).missing)


def _is_done(standing: Standing, ahead: Sequence[Ahead]) -> bool:
    return standing.is_standing and standing.plan not in [each.plan for each in ahead]


def _known(
    policy: Policy,
    calendar: tuple[Calendar | None, str],
    record: OnRecord,
    part: Resolved,
    step: Step,
    now: datetime,
) -> Facts:
    run = _collect.Run(is_over=_identity.is_over)
    return _collect.facts(policy, calendar, record, part, step.environment, run, now)


def _opens(known: Facts, calendar: Calendar | None) -> datetime | None:
    """Return when the run may begin by window, freezes and soak, within the time ahead."""
    if calendar is None:
        return None
    begin = known.now
    promotion = _promotion.answer(known)
    if not promotion.is_open:
        begin = promotion.opens or known.now
    window = known.demands.window
    if not window and not known.demands.soak:
        return None
    if window and window not in [each.name for each in calendar.windows]:
        return None
    return calendar.next_opening(
        window or None, known.demands.environment, begin, known.now + AHEAD
    )


def _with_conflicts(each: Ahead, others: Sequence[Ahead]) -> Ahead:
    """Return *each* with the other plans that go to the same hosts in the same opening."""
    found = [
        other.plan
        for other in others
        if other.plan != each.plan
        and set(other.hosts) & set(each.hosts)
        and other.opens == each.opens
    ]
    return replace(each, conflicts=tuple(dict.fromkeys(found)))


def overdue(policy: Policy, record: OnRecord, now: datetime) -> Iterator[str]:
    """Yield a line for each emergency that was not ratified in time."""
    for standing, environment, who in unratified(policy, record, now):
        yield f"{standing.plan}  {OVERDUE} in {environment} in time (needs {who})"


def unratified(
    policy: Policy, record: OnRecord, now: datetime
) -> Iterator[tuple[Standing, str, str]]:
    """Yield each emergency that was not ratified in time: plan, environment, and who can do it."""
    for standing in record.plans.values():
        plan = standing.resolved.plan
        if not plan.is_emergency or standing.ended == "superseded":
            continue
        for step in plan.path:
            if policy.environment(step.environment) is None or policy.emergency is None:
                continue
            demands = _demands.of_step(policy, plan, step)
            known = _known(policy, (None, ""), record, standing.resolved, step, now)
            agreed = _approvals.of(known)
            if agreed.missing and now >= standing.since + demands.within:
                yield standing, step.environment, _approvals.missing(known, agreed)


def _issue(entry: Entry) -> str:
    severity = f" ({entry.text('severity')})" if entry.text("severity") else ""
    affects = f", affects {entry.text('affects')}" if entry.text("affects") else ""
    return (
        f"{entry.id}  {entry.text('title')}{severity}{affects}, since {moment(entry.since):%d %b}"
    )
