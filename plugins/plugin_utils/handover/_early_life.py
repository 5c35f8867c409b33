# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Early life: the time after a release is live everywhere, and what must hold at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..definition import _duration
from ..ledger._event import moment
from ..plan._resolved import listed
from ..registers._register import ACKNOWLEDGEMENT, ISSUE, Entry
from . import _items
from ._items import Known

SERIOUS = ("high", "critical")
LEVEL = "level "  # before the name of a service level, where a person confirms that it was met


@dataclass(frozen=True)
class Criterion:
    """What must hold before a plan is closed: *is_met*, and in words what was found."""

    name: str
    is_met: bool
    text: str


@dataclass(frozen=True)
class EarlyLife:
    """From *begins* until *ends*; None where the release is not live everywhere yet."""

    begins: datetime | None
    ends: datetime | None
    criteria: tuple[Criterion, ...]

    @property
    def left(self) -> list[str]:
        """What is still to be done, a line each."""
        return [f"{each.name}: {each.text}" for each in self.criteria if not each.is_met]


def early_life(known: Known, live_since: datetime | None, now: datetime) -> EarlyLife:
    """Return the early life of a plan that is live in all its environments since *live_since*."""
    plain = known.standing.resolved.plan.plain
    lasts = _duration.parse(plain["early_life"]) if "early_life" in plain else None
    ends = live_since + lasts if live_since and lasts is not None else None
    found: list[Criterion] = []
    if lasts is not None and live_since and ends:
        found += _of_time(known, live_since, ends, now)
    found += [*_of_levels(known, live_since), *_of_handover(known)]
    return EarlyLife(live_since if lasts is not None else None, ends, tuple(found))


def _of_time(known: Known, begins: datetime, ends: datetime, now: datetime) -> Iterator[Criterion]:
    left = ends - now
    over = left <= timedelta()
    text = "over" if over else f"{_duration.spelled(left)} left"
    yield Criterion("early life", over, text)
    bad = [entry.id for entry in known.entries if is_incident(entry, known, begins)]
    text = f"open: {listed(bad)}" if bad else "none open"
    yield Criterion("incidents", not bad, text)
    missing = _not_verified(known, begins)
    text = f"run the playbook verify in {known.environment}: {listed(missing)}"
    yield Criterion("verification", not missing, text if missing else "done")


def _not_verified(known: Known, since: datetime) -> list[str]:
    """Return the hosts that no verification has found well since a time, or the last one had not.

    They are those of all domains of the plan, in its last environment.
    """
    well: dict[tuple[str, str], bool] = {}
    for run in known.of_applications():
        for wave in run.waves if run.act == "verify" else ():
            for told in wave.hosts:
                if moment(wave.ended) >= since:
                    well[run.application, told.host] = told.result == "ok"
    missing: dict[str, None] = {}
    for part in known.standing.resolved.each():
        place = part.place(known.environment)
        for host in place.hosts if place else ():
            if not well.get((part.release["name"], host)):
                missing[host] = None
    return list(missing)


def _of_levels(known: Known, since: datetime | None) -> Iterator[Criterion]:
    for name in _items.levels(known.standing):
        entry = _items.accepted(known, LEVEL + name)
        if entry and since and moment(entry.at) < since:
            entry = None  # it was said of what was live before
        text = entry.text("reason") if entry else "not confirmed (playbook register)"
        yield Criterion(f"service level {name}", entry is not None, text)


def _of_handover(known: Known) -> Iterator[Criterion]:
    plain = known.standing.resolved.plan.plain
    heard = {
        entry.text("by")
        for entry in known.entries
        if entry.register == ACKNOWLEDGEMENT and entry.is_open
        if (entry.plan, entry.revision) == (known.standing.plan, known.standing.revision)
    }
    audiences = [guide["audience"] for guide in known.service.get("guides", ())]
    missing = [name for name in dict.fromkeys(audiences) if name not in heard]
    if audiences:
        text = f"not acknowledged by {listed(missing)}" if missing else "acknowledged"
        yield Criterion("guides", not missing, text)
    answers = _items.answered(known)
    open_ = [each.item.id for each in answers if each.is_open]
    if answers:
        text = f"not answered: {', '.join(open_)}" if open_ else f"{len(answers)} items answered"
        yield Criterion(f"handover ({plain['handover']})", not open_, text)


def is_incident(entry: Entry, known: Known, begins: datetime) -> bool:
    """Tell whether an open issue is about the plan's release, or its application since then."""
    if entry.register != ISSUE or not entry.is_open:
        return False
    if not (entry.fields.get("blocker") or entry.text("severity") in SERIOUS):
        return False
    own = {run.run for run in known.runs if run.plan == known.standing.plan}
    digests = {part.release["digest"] for part in known.standing.resolved.each()}
    if entry.plan == known.standing.plan or entry.fields.get("run") in own:
        return True
    if entry.fields.get("release") in digests:
        return True
    began = [moment(run.began) for run in known.runs if run.run in own]
    begins = min([begins, *began])  # from the first wave on
    named = set(known.standing.resolved.applications)
    concerns = not entry.affected or bool(entry.affected & named)
    return moment(entry.since) >= begins and concerns
