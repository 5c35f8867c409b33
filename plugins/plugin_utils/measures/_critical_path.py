# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The critical path method: earliest and latest times, slack, and what must not be late.

Source: Kelley and Walker, Critical-Path Planning and Scheduling, 1959.
"""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ._numbers import MeasureError

TOLERANCE = 1e-6  # seconds: sums of fractions differ in their last digits
MOST_PATHS = 50  # there may be more than anybody reads


class ScheduleError(MeasureError):
    """Activities cannot be put in an order; the text is one line."""

    code = "invalid_schedule"


@dataclass(frozen=True)
class Activity:
    """Something that takes *seconds*, and begins once the activities *after* which it is end."""

    id: str
    name: str
    seconds: float
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timed:
    """When an *activity* can begin and end at the earliest, and may at the latest, in seconds."""

    activity: Activity
    earliest_start: float
    earliest_finish: float
    latest_start: float
    latest_finish: float

    @property
    def slack(self) -> float:
        """How late it may be, without the whole being later."""
        return max(0.0, self.latest_start - self.earliest_start)

    @property
    def is_critical(self) -> bool:
        """Whether the whole is later when this is."""
        return self.slack < TOLERANCE

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        times = {name: value for name, value in asdict(self).items() if name != "activity"}
        activity = {**asdict(self.activity), "after": list(self.activity.after)}
        return {**activity, **times, "slack": self.slack, "critical": self.is_critical}


@dataclass(frozen=True)
class Schedule:
    """All activities in an order in which they can be done, and what they take together.

    *paths* are the critical ones, by the ids of their activities; MOST_PATHS at most.
    """

    timed: tuple[Timed, ...] = ()
    seconds: float = 0.0
    paths: tuple[tuple[str, ...], ...] = ()

    def of(self, id_: str) -> Timed:
        """Return the times of the activity with this id; KeyError where there is none."""
        return {each.activity.id: each for each in self.timed}[id_]

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {
            "seconds": self.seconds,
            "activities": [each.to_plain() for each in self.timed],
            "critical_paths": [list(path) for path in self.paths],
        }


def schedule(activities: Iterable[Activity]) -> Schedule:
    """Return the Schedule of *activities*, in any order.

    Raises ScheduleError for a cycle, a predecessor that is not there, an id that is there twice,
    and a duration that is negative or not finite.
    """
    given = list(activities)
    known = {each.id: each for each in given}
    if len(known) < len(given):
        twice = next(each.id for each in given if sum(e.id == each.id for e in given) > 1)
        raise ScheduleError(f"activity {twice}: the id is there twice")
    order = [known[id_] for id_ in _order(known)]
    finish: dict[str, float] = {}
    for each in order:
        finish[each.id] = max((finish[id_] for id_ in each.after), default=0.0) + each.seconds
    total = max(finish.values(), default=0.0)
    latest = dict.fromkeys(known, total)
    for each in reversed(order):
        for id_ in each.after:
            latest[id_] = min(latest[id_], latest[each.id] - each.seconds)
    timed = tuple(
        Timed(
            each,
            earliest_start=finish[each.id] - each.seconds,
            earliest_finish=finish[each.id],
            latest_start=latest[each.id] - each.seconds,
            latest_finish=latest[each.id],
        )
        for each in order
    )
    return Schedule(timed, total, tuple(_paths(timed)))


def _order(known: Mapping[str, Activity]) -> Sequence[str]:
    """Return the ids in an order in which each comes after its predecessors."""
    for each in known.values():
        if not math.isfinite(each.seconds) or each.seconds < 0:
            raise ScheduleError(f"activity {each.id}: {each.seconds} is not a duration in seconds")
        for id_ in each.after:
            if id_ not in known:
                raise ScheduleError(f"activity {each.id}: there is no activity {id_} before it")
    graph = {each.id: each.after for each in known.values()}
    try:
        return list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        raise ScheduleError(f"cycle of activities: {' → '.join(error.args[1])}") from None


def _paths(timed: Sequence[Timed]) -> Iterator[tuple[str, ...]]:
    """Yield the critical paths, MOST_PATHS at most: without a wait, from the begin to the end."""
    critical = [each for each in timed if each.is_critical]
    following: dict[str, list[Timed]] = {each.activity.id: [] for each in critical}
    for each in critical:
        for id_ in each.activity.after:
            if id_ in following:
                following[id_].append(each)
    ends = {each.activity.id: each.earliest_finish for each in critical}
    starts = [each for each in critical if not set(each.activity.after) & following.keys()]
    waiting: list[tuple[str, ...]] = [(each.activity.id,) for each in reversed(starts)]
    count = 0
    while waiting and count < MOST_PATHS:
        path = waiting.pop()
        here = following[path[-1]]
        goes_on = [each for each in here if abs(each.earliest_start - ends[path[-1]]) < TOLERANCE]
        if not goes_on:
            count += 1
            yield path
        waiting += [(*path, each.activity.id) for each in reversed(goes_on)]
