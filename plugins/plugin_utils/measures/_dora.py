# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five measures of DORA, and two about approvals, by the events of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..ledger import _kind_register_changed
from ..ledger._event import Event
from ..plan._plan import EMERGENCY
from ..registers import _register
from . import _approvals, _deployments, _failures
from ._deployment import Deployment
from ._failures import DEFAULT_EARLY_LIFE, Failure
from ._numbers import PER_DAY, SECONDS, SHARE, Measure, Period, median, percentile, share

Commits = Mapping[str, Sequence[datetime]]  # times of commits by release digest

LEAD_TIME = (
    "Time from a commit until the release with it is committed on all planned hosts, {}, for each "
    "commit since the deployment before."
)
FREQUENCY = (
    "How often a deployment brought a release to all planned hosts; redeployments, reconcile and "
    "partial deployments do not count."
)
FAIL_RATE = (
    "Share of deployments that were backed out, rolled back, followed by an emergency or the "
    "subject of an incident in their early life; each is counted once."
)
RECOVERY = (
    "Median time from when a deployment was seen to have failed until its back-out, its rollback "
    "or the next accepted deployment."
)
REWORK = "Share of deployments that were emergencies or named an incident that they fix."
UNAPPROVED = "Share of deployments that began without an approval of a person."
APPROVAL_WAIT = "Median time from the proposal of a plan until it had all approvals."


@dataclass(frozen=True)
class Dora:
    """The measures of a *period*, of one application and environment or all (None)."""

    period: Period
    application: str | None
    environment: str | None
    lead_time: Measure
    lead_time_p90: Measure
    frequency: Measure
    change_fail_rate: Measure
    recovery_time: Measure
    rework_rate: Measure
    unapproved: Measure
    approval_wait: Measure

    @property
    def all(self) -> tuple[Measure, ...]:
        """All measures, those of throughput first."""
        return (
            self.lead_time,
            self.lead_time_p90,
            self.frequency,
            self.recovery_time,
            self.change_fail_rate,
            self.rework_rate,
            self.unapproved,
            self.approval_wait,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "begin": self.period.begin.isoformat(),
            "end": self.period.end.isoformat(),
            "application": self.application,
            "environment": self.environment,
            "measures": [each.to_plain() for each in self.all],
        }


def of_events(
    events: Iterable[Event],
    period: Period,
    commits: Commits,
    application: str | None = None,
    environment: str | None = None,
    required: _approvals.Required | None = None,
    early_life: timedelta = DEFAULT_EARLY_LIFE,
) -> Dora:
    """Return the measures of a *period* by all *events* of the ledger, in their order.

    *commits* are those since the deployment before, of each release; a release without an entry
    counts as unknown. *required* are the approvals that the policy demands. *early_life* is for
    deployments whose plan has none. A deployment belongs to the period in which it was accepted,
    or else ended.
    """
    events = list(events)
    on_record = _deployments.fold(events)
    # What an issue is about does not depend on what is asked for: so first, of all of them.
    failed = _failures.failures(on_record, _entries(events), early_life)
    gone_wrong = {failure.deployment for failure in failed}
    every = [
        each
        for each in on_record
        if application in (None, each.application) and environment in (None, each.environment)
    ]
    counted = [each for each in every if each.is_new and (each.accepted or each in gone_wrong)]
    here = [each for each in counted if period.has(each.accepted or each.ended)]
    bad = [each for each in here if each in gone_wrong]
    lead_time, lead_time_p90 = _lead_times(every, period, commits)
    unapproved, approval_wait = _of_approvals(here, _approvals.fold(events), required)
    return Dora(
        period,
        application,
        environment,
        lead_time=lead_time,
        lead_time_p90=lead_time_p90,
        frequency=_frequency(every, period),
        change_fail_rate=_rate("change fail rate", FAIL_RATE, here, bad),
        recovery_time=_recovery(failed, here),
        rework_rate=_rate("deployment rework rate", REWORK, here, list(filter(_is_rework, here))),
        unapproved=unapproved,
        approval_wait=approval_wait,
    )


def _entries(events: Iterable[Event]) -> list[_register.Entry]:
    return _register.fold(e for e in events if e.kind == _kind_register_changed.NAME)


def _is_rework(each: Deployment) -> bool:
    return each.change == EMERGENCY or bool(each.fixes)


def _lead_times(
    every: Sequence[Deployment], period: Period, commits: Commits
) -> tuple[Measure, Measure]:
    """Return median and 90th percentile; the commits of a release count once in a place."""
    seconds: list[float] = []
    unknown, seen = 0, set[tuple[str, str, str]]()
    for each in sorted((e for e in every if e.is_new and e.accepted), key=_accepted):
        key = (*each.place, each.digest)
        if key in seen:
            continue
        seen.add(key)
        if not period.has(each.accepted):
            continue
        if each.digest not in commits:
            unknown += 1
            continue
        found = [(_accepted(each) - at).total_seconds() for at in commits[each.digest]]
        seconds += [each for each in found if each >= 0]  # a clock was wrong
    name = "change lead time"
    return (
        Measure(name, median(seconds), SECONDS, LEAD_TIME.format("median"), len(seconds), unknown),
        Measure(
            f"{name}, p90",
            percentile(seconds, 90),
            SECONDS,
            LEAD_TIME.format("90th percentile"),
            len(seconds),
            unknown,
        ),
    )


def _accepted(each: Deployment) -> datetime:
    return each.accepted or each.began


def _frequency(every: Sequence[Deployment], period: Period) -> Measure:
    """Return the frequency: 0 only where something is on record, and nothing was deployed."""
    count = sum(each.is_new and period.has(each.accepted) for each in every)
    is_known = any(each.began < period.end for each in every)
    value = count / period.days if is_known else None
    return Measure("deployment frequency", value, PER_DAY, FREQUENCY, count)


def _rate(
    name: str, definition: str, deployments: Sequence[Deployment], part: Sequence[Deployment]
) -> Measure:
    value = share(len(part), len(deployments))
    return Measure(name, value, SHARE, definition, len(deployments))


def _recovery(failed: Iterable[Failure], here: Sequence[Deployment]) -> Measure:
    among = set(here)
    found = [failure.seconds for failure in failed if failure.deployment in among]
    known = [seconds for seconds in found if seconds is not None]
    name, unknown = "failed deployment recovery time", len(found) - len(known)
    return Measure(name, median(known), SECONDS, RECOVERY, len(known), unknown)


def _of_approvals(
    here: Sequence[Deployment],
    record: _approvals.OnRecord,
    required: _approvals.Required | None,
) -> tuple[Measure, Measure]:
    """Return the share of deployments without approval, and the wait for those with one."""
    without = []
    waits: dict[tuple[str, int, str], float] = {}
    for each in here:
        about = (each.plan, each.revision, each.environment)
        if not record.approvers(*about, each.began):
            without.append(each)
            continue
        proposal, since = (
            record.proposal(*about[:2]),
            record.enough_since(*about, each.began, required),
        )
        if proposal and since:
            waits[about] = (since - proposal.at).total_seconds()
    seconds = list(waits.values())
    return (
        _rate("changes without approval", UNAPPROVED, here, without),
        Measure("wait for approval", median(seconds), SECONDS, APPROVAL_WAIT, len(seconds)),
    )
