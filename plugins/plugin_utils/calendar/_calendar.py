# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows and freezes: when deploying is allowed, and when it is allowed next."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from ...module_utils.errors._release_error import ReleaseError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_AHEAD = timedelta(days=400)  # how far next_opening looks
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
FIRST, LAST = 0, 1  # which of two moments with the same local time is meant: the fold of PEP 495


class CalendarError(ReleaseError):
    """A calendar is not valid, or does not have the window that is asked for; one line."""

    code = "invalid_calendar"


@dataclass(frozen=True)
class Window:
    """Local hours in which deploying is allowed, from *begins* to just before *ends*.

    *days* are the WEEKDAYS on which it begins. When *ends* is not after *begins*, it is on the next
    day: midnight as *ends* is the end of the day.
    """

    name: str
    days: tuple[str, ...]
    begins: time
    ends: time


@dataclass(frozen=True)
class Freeze:
    """Local days in which deploying is not allowed, *first* and *last* included.

    In place of a day there may be a moment, as a datetime without a time zone: the freeze begins at
    *first*, and ends just before *last*. It holds for *environments*; () are all.
    """

    name: str
    first: date | datetime
    last: date | datetime
    environments: tuple[str, ...] = ()

    def holds_for(self, environment: str) -> bool:
        """Return whether it holds for the *environment*."""
        return not self.environments or environment in self.environments

    def local_span(self) -> tuple[datetime, datetime]:
        """Return local times: when it begins, and when it is over."""
        ends = self.last if isinstance(self.last, datetime) else _midnight(self.last + DAY)
        return self.first if isinstance(self.first, datetime) else _midnight(self.first), ends


@dataclass(frozen=True)
class Opening:
    """A time in which the *window* of this name is open: from *begins* to before *ends*, in UTC."""

    window: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Calendar:
    """Windows and freezes in the local time of a *zone*.

    Where clocks are set back, what begins at a local time begins at the first such moment, and what
    ends there ends at the last. A local time that clocks skip is the moment at which they skip it;
    an opening or freeze that has no length for that reason does not exist. Methods take datetimes
    with a time zone.
    """

    zone: ZoneInfo
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def window(self, name: str) -> Window:
        """Return the Window of this *name*; raise CalendarError if there is none."""
        for window in self.windows:
            if window.name == name:
                return window
        valid = ", ".join(sorted(window.name for window in self.windows)) or "none is defined"
        raise CalendarError(f"window: {name!r} is not a window of the calendar (valid: {valid})")

    def opening_at(self, window: str, at: datetime) -> Opening | None:
        """Return the Opening of the *window* that is under way *at* a time, or None.

        Of several that overlap, this is the one that ends last. Freezes are not considered.
        """
        found = [each for each in self.openings(window, at, at + DAY) if each.begins <= at]
        return max(found, key=lambda opening: opening.ends, default=None)

    def openings(self, window: str, after: datetime, until: datetime) -> Iterator[Opening]:
        """Return the Openings of the *window* that begin before *until* and end after *after*.

        They are in the order in which they begin. Freezes are not considered.
        """
        wanted = self.window(window)
        # An opening of the day before may be under way; clocks may be set back over midnight.
        first = after.astimezone(self.zone).date() - 2 * DAY
        last = until.astimezone(self.zone).date() + DAY
        days = (first + number * DAY for number in range((last - first).days + 1))
        found = (self._opening(wanted, day) for day in days if _begins_on(wanted, day))
        return (
            each
            for each in found
            if each.begins < each.ends and each.begins < until and after < each.ends
        )

    def freeze_span(self, freeze: Freeze) -> tuple[datetime, datetime]:
        """Return in UTC when the *freeze* begins, and when it is over."""
        begins, ends = freeze.local_span()
        return _moment(begins, self.zone, FIRST), _moment(ends, self.zone, LAST)

    def freeze_at(self, environment: str, at: datetime) -> Freeze | None:
        """Return the Freeze that holds for the *environment* *at* a time, or None.

        Of several, this is the one that ends last.
        """
        found = [
            freeze
            for freeze in self.freezes_between(environment, at, at + DAY)
            if self.freeze_span(freeze)[0] <= at
        ]
        return max(found, key=lambda freeze: self.freeze_span(freeze)[1], default=None)

    def freezes_between(
        self, environment: str | None, after: datetime, until: datetime
    ) -> list[Freeze]:
        """Return the Freezes that begin before *until* and end after *after*, by their begin.

        They are those that hold for the *environment*; all of them for None.
        """
        found = [
            freeze
            for freeze in self.freezes
            for begins, ends in [self.freeze_span(freeze)]
            if environment is None or freeze.holds_for(environment)
            if begins < ends and begins < until and after < ends
        ]
        return sorted(found, key=self.freeze_span)

    def next_opening(
        self, window: str | None, environment: str, after: datetime, until: datetime | None = None
    ) -> datetime | None:
        """Return the first moment from *after* on, in UTC, at which deploying is allowed, or None.

        Then the *window* is open (None: no window is needed), and no freeze holds for the
        *environment*. The moment is before *until*, and at most MOST_AHEAD from *after*.
        """
        after = after.astimezone(timezone.utc)
        limit = min(until or after + MOST_AHEAD, after + MOST_AHEAD)
        any_time = iter([Opening("", after, limit)])
        openings = any_time if window is None else self.openings(window, after, limit)
        freezes = self.freezes_between(environment, after, limit)
        spans = [self.freeze_span(freeze) for freeze in freezes]
        for opening in openings:
            moment = max(opening.begins, after)
            for begins, ends in spans:  # by their begin, so that one pass finds the end of all
                moment = ends if begins <= moment < ends else moment
            if moment < min(opening.ends, limit):
                return moment
        return None

    def _opening(self, window: Window, day: date) -> Opening:
        """Return the Opening that begins on a local *day*; it may have no length."""
        last = day if window.begins < window.ends else day + DAY
        begins = _moment(datetime.combine(day, window.begins), self.zone, FIRST)
        return Opening(
            window.name, begins, _moment(datetime.combine(last, window.ends), self.zone, LAST)
        )


def _begins_on(window: Window, day: date) -> bool:
    return WEEKDAYS[day.weekday()] in window.days


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _moment(local: datetime, zone: ZoneInfo, fold: int) -> datetime:
    """Return in UTC the moment at which clocks of the *zone* show *local*: FIRST or LAST of two.

    When clocks skip *local*, this is the moment at which they do.
    """
    moment = local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc)
    if _shown(moment, zone) == local:
        return moment
    # By PEP 495, a skipped time with fold=1 is before the change of clocks, and with fold=0 after.
    early, late = (
        local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (1, 0)
    )
    seconds = range((late - early) // SECOND)
    return early + SECOND * bisect.bisect_left(
        seconds, True, key=lambda second: _shown(early + second * SECOND, zone) >= local
    )


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what clocks of the *zone* show, without a time zone."""
    return moment.astimezone(zone).replace(tzinfo=None)
