# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows and freezes, on ordinary days and on those on which clocks are changed."""

from __future__ import annotations

import functools
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.calendar import _calendar
from ansible_collections.itops.release.plugins.plugin_utils.calendar._calendar import (
    Calendar,
    CalendarError,
    Freeze,
    Opening,
    Window,
)

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DAILY = _calendar.WEEKDAYS
VIENNA, NEW_YORK = "Europe/Vienna", "America/New_York"
NIGHTLY = Window("nightly", ("tue", "wed", "thu"), time(22), time(2))
YEAR_END = Freeze("Year end", date(2026, 12, 18), date(2027, 1, 7), ("production",))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def calendar(*entries: Window | Freeze, zone: str = VIENNA) -> Calendar:
    windows = tuple(entry for entry in entries if isinstance(entry, Window))
    freezes = tuple(entry for entry in entries if isinstance(entry, Freeze))
    return Calendar(ZoneInfo(zone), windows, freezes)


def daily(begins: str, ends: str, *days: str) -> Window:
    return Window("w", days or DAILY, time.fromisoformat(begins), time.fromisoformat(ends))


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ("2026-11-03 20:59:59", None),  # Tuesday, 21:59:59 in Vienna
        ("2026-11-03 21:00", "2026-11-03 21:00"),
        ("2026-11-04 00:59:59", "2026-11-03 21:00"),
        ("2026-11-04 01:00", None),
        ("2026-11-04 21:00", "2026-11-04 21:00"),
        ("2026-11-06 00:30", "2026-11-05 21:00"),  # Friday: it began on Thursday
        ("2026-11-06 21:30", None),
        ("2026-11-03 00:30", None),  # Tuesday: it did not begin on Monday
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(
    at: str, begins: str | None
) -> None:
    opening = calendar(NIGHTLY).opening_at("nightly", utc(at))

    expected = begins and Opening("nightly", utc(begins), utc(begins) + timedelta(hours=4))
    assert opening == expected


@pytest.mark.parametrize(
    ("zone", "window", "begins", "ends"),
    [
        # Clocks are set forward from 02:00 to 03:00 at 01:00 UTC.
        (VIENNA, daily("22:00", "02:00", "sat"), "2026-03-28 21:00", "2026-03-29 01:00"),
        (VIENNA, daily("22:00", "02:30", "sat"), "2026-03-28 21:00", "2026-03-29 01:00"),
        (VIENNA, daily("01:00", "04:00", "sun"), "2026-03-29 00:00", "2026-03-29 02:00"),
        (VIENNA, daily("02:30", "04:00", "sun"), "2026-03-29 01:00", "2026-03-29 02:00"),
        # Clocks are set back from 03:00 to 02:00 at 01:00 UTC.
        (VIENNA, daily("22:00", "02:00", "sat"), "2026-10-24 20:00", "2026-10-25 01:00"),
        (VIENNA, daily("02:30", "03:00", "sun"), "2026-10-25 00:30", "2026-10-25 02:00"),
        (VIENNA, daily("02:10", "02:20", "sun"), "2026-10-25 00:10", "2026-10-25 01:20"),
        (VIENNA, daily("00:00", "00:00", "sun"), "2026-10-24 22:00", "2026-10-25 23:00"),
        (NEW_YORK, daily("22:00", "02:00", "sat"), "2026-03-08 03:00", "2026-03-08 07:00"),
        (NEW_YORK, daily("01:30", "03:30", "sun"), "2026-03-08 06:30", "2026-03-08 07:30"),
        (NEW_YORK, daily("01:30", "02:30", "sun"), "2026-11-01 05:30", "2026-11-01 07:30"),
        (NEW_YORK, daily("20:00", "22:00", "fri"), "2026-11-07 01:00", "2026-11-07 03:00"),
    ],
)
def test_an_opening_follows_the_clocks_of_its_zone(
    zone: str, window: Window, begins: str, ends: str
) -> None:
    expected = Opening("w", utc(begins), utc(ends))
    found = calendar(window, zone=zone)

    assert list(found.openings("w", utc(begins), utc(ends))) == [expected]
    assert found.opening_at("w", utc(begins)) == expected
    assert found.opening_at("w", utc(begins) - MINUTE) is None
    assert found.opening_at("w", utc(ends) - MINUTE) == expected
    assert found.opening_at("w", utc(ends)) is None


@pytest.mark.parametrize("hours", [("02:00", "03:00"), ("02:15", "02:45"), ("02:30", "03:00")])
def test_a_window_in_hours_that_clocks_skip_is_never_open(hours: tuple[str, str]) -> None:
    found = calendar(daily(*hours, "sun"))

    openings = list(found.openings("w", utc("2026-03-23"), utc("2026-04-06")))
    assert [opening.begins.date() for opening in openings] == [date(2026, 4, 5)]
    assert found.opening_at("w", utc("2026-03-29 01:00")) is None
    moment = found.next_opening("w", "production", utc("2026-03-29"))
    assert moment == openings[0].begins


def test_openings_are_in_order_and_include_one_that_is_under_way() -> None:
    openings = calendar(NIGHTLY).openings(
        "nightly", utc("2026-11-04 00:00"), utc("2026-11-10 21:01")
    )

    assert [opening.begins for opening in openings] == [
        utc("2026-11-03 21:00"),
        utc("2026-11-04 21:00"),
        utc("2026-11-05 21:00"),
        utc("2026-11-10 21:00"),
    ]


def test_openings_touch_neither_end_of_what_is_asked_for() -> None:
    openings = calendar(NIGHTLY).openings(
        "nightly", utc("2026-11-04 01:00"), utc("2026-11-05 21:00")
    )

    assert [opening.begins for opening in openings] == [utc("2026-11-04 21:00")]


def test_of_openings_that_overlap_the_one_that_ends_last_counts() -> None:
    found = calendar(daily("02:15", "02:10"))  # each lasts until the next, where clocks run evenly

    opening = found.opening_at("w", utc("2026-10-25 00:30"))

    assert opening == Opening("w", utc("2026-10-25 00:15"), utc("2026-10-26 01:10"))


@pytest.mark.parametrize(
    "ask",
    [
        lambda found, at: found.window("weekly"),
        lambda found, at: found.opening_at("weekly", at),
        lambda found, at: found.openings("weekly", at, at),
        lambda found, at: found.next_opening("weekly", "production", at),
    ],
)
def test_an_unknown_window_is_refused_with_those_that_are_valid(ask) -> None:
    found = calendar(NIGHTLY, daily("10:00", "11:00"))

    with pytest.raises(CalendarError) as refused:
        ask(found, utc("2026-11-03"))

    expected = "window: 'weekly' is not a window of the calendar (valid: nightly, w)"
    assert str(refused.value) == expected
    assert refused.value.code == "invalid_calendar"


def test_a_calendar_without_windows_says_so() -> None:
    with pytest.raises(CalendarError, match=r"\(valid: none is defined\)"):
        calendar(YEAR_END).window("nightly")


@pytest.mark.parametrize(
    ("at", "environment", "is_frozen"),
    [
        ("2026-12-17 22:59:59", "production", False),
        ("2026-12-17 23:00", "production", True),  # midnight in Vienna
        ("2026-12-31 12:00", "production", True),
        ("2026-12-31 12:00", "staging", False),
        ("2026-12-31 12:00", "", False),
        ("2027-01-07 22:59:59", "production", True),  # the last day is included
        ("2027-01-07 23:00", "production", False),
    ],
)
def test_a_freeze_holds_from_its_first_local_midnight_to_the_end_of_its_last_day(
    at: str, environment: str, is_frozen: bool
) -> None:
    freeze = calendar(YEAR_END).freeze_at(environment, utc(at))

    assert freeze == (YEAR_END if is_frozen else None)


@pytest.mark.parametrize(
    ("zone", "first", "last", "begins", "ends"),
    [
        (VIENNA, date(2026, 3, 29), date(2026, 3, 29), "2026-03-28 23:00", "2026-03-29 22:00"),
        (VIENNA, date(2026, 10, 25), date(2026, 10, 25), "2026-10-24 22:00", "2026-10-25 23:00"),
        (NEW_YORK, date(2026, 12, 18), date(2027, 1, 7), "2026-12-18 05:00", "2027-01-08 05:00"),
        # Midnight is skipped on 6 September, and comes twice in the night to 5 April.
        (
            "America/Santiago",
            date(2026, 9, 6),
            date(2026, 9, 6),
            "2026-09-06 04:00",
            "2026-09-07 03:00",
        ),
        (
            "America/Santiago",
            date(2026, 4, 4),
            date(2026, 4, 4),
            "2026-04-04 03:00",
            "2026-04-05 04:00",
        ),
        (
            VIENNA,
            datetime(2026, 12, 18, 18),
            datetime(2027, 1, 7, 6),
            "2026-12-18 17:00",
            "2027-01-07 05:00",
        ),
        (
            VIENNA,
            datetime(2026, 12, 18, 18),
            date(2026, 12, 18),
            "2026-12-18 17:00",
            "2026-12-18 23:00",
        ),
        # A moment that comes twice: the freeze begins at the first, and ends at the last.
        (
            VIENNA,
            datetime(2026, 10, 25, 2, 10),
            datetime(2026, 10, 25, 2, 20),
            "2026-10-25 00:10",
            "2026-10-25 01:20",
        ),
    ],
)
def test_the_span_of_a_freeze_is_in_utc(
    zone: str, first: date, last: date, begins: str, ends: str
) -> None:
    freeze = Freeze("f", first, last)
    found = calendar(freeze, zone=zone)

    assert found.freeze_span(freeze) == (utc(begins), utc(ends))
    assert found.freeze_at("any", utc(begins)) == freeze
    assert found.freeze_at("any", utc(begins) - MINUTE) is None
    assert found.freeze_at("any", utc(ends) - MINUTE) == freeze
    assert found.freeze_at("any", utc(ends)) is None


def test_a_freeze_in_an_hour_that_clocks_skip_never_holds() -> None:
    freeze = Freeze("f", datetime(2026, 3, 29, 2, 10), datetime(2026, 3, 29, 2, 50))
    found = calendar(freeze)

    assert found.freeze_at("any", utc("2026-03-29 01:00")) is None
    assert found.freezes_between(None, utc("2026-03-28"), utc("2026-03-30")) == []


def test_of_several_freezes_the_one_that_ends_last_is_reported() -> None:
    stocktaking = Freeze("Stocktaking", date(2026, 12, 30), date(2027, 1, 10))
    visit = Freeze("Visit", date(2026, 12, 31), date(2026, 12, 31))

    found = calendar(YEAR_END, stocktaking, visit)

    assert found.freeze_at("production", utc("2026-12-31 12:00")) == stocktaking


def test_freezes_between_are_those_that_meet_the_time_by_their_begin() -> None:
    early = Freeze("Early", date(2026, 12, 1), date(2026, 12, 1))
    elsewhere = Freeze("Elsewhere", date(2026, 12, 10), date(2026, 12, 20), ("staging",))
    everywhere = Freeze("Everywhere", date(2026, 12, 24), date(2026, 12, 24))
    found = calendar(everywhere, YEAR_END, elsewhere, early)
    time_asked_for = utc("2026-12-01 23:00"), utc("2026-12-24 12:00")

    assert found.freezes_between("production", *time_asked_for) == [YEAR_END, everywhere]
    assert found.freezes_between(None, *time_asked_for) == [elsewhere, YEAR_END, everywhere]
    assert found.freezes_between(None, utc("2026-12-01"), utc("2026-12-09 23:00")) == [early]


@pytest.mark.parametrize(
    ("window", "environment", "after", "expected"),
    [
        ("nightly", "production", "2026-11-02 12:00", "2026-11-03 21:00"),
        ("nightly", "production", "2026-11-03 23:17", "2026-11-03 23:17"),
        ("nightly", "production", "2026-11-04 01:00", "2026-11-04 21:00"),
        (None, "production", "2026-11-04 01:00", "2026-11-04 01:00"),
        # The freeze begins and ends within openings.
        ("nightly", "production", "2026-12-17 22:59", "2026-12-17 22:59"),
        ("nightly", "production", "2026-12-17 23:00", "2027-01-07 23:00"),
        ("nightly", "staging", "2026-12-17 23:00", "2026-12-17 23:00"),
        (None, "production", "2026-12-17 23:00", "2027-01-07 23:00"),
    ],
)
def test_the_next_opening_is_in_a_window_and_in_no_freeze(
    window: str | None, environment: str, after: str, expected: str
) -> None:
    found = calendar(NIGHTLY, YEAR_END)

    assert found.next_opening(window, environment, utc(after)) == utc(expected)


def test_a_freeze_that_ends_within_an_opening_leaves_the_rest_of_it() -> None:
    freeze = Freeze("f", date(2026, 11, 1), date(2026, 11, 3))
    found = calendar(NIGHTLY, freeze)

    assert found.next_opening("nightly", "any", utc("2026-11-02")) == utc("2026-11-03 23:00")


def test_freezes_that_follow_each_other_are_one() -> None:
    first = Freeze("first", date(2026, 11, 1), date(2026, 11, 3))
    second = Freeze("second", date(2026, 11, 4), date(2026, 11, 5))

    for found in (calendar(first, second), calendar(second, first)):
        assert found.next_opening(None, "any", utc("2026-11-02")) == utc("2026-11-05 23:00")


def test_the_next_opening_is_before_the_end_of_what_is_asked_for() -> None:
    found = calendar(NIGHTLY)
    monday, opens = utc("2026-11-02"), utc("2026-11-03 21:00")

    assert found.next_opening("nightly", "any", monday, opens) is None
    assert found.next_opening("nightly", "any", monday, opens + MINUTE) == opens


def test_no_opening_is_looked_for_more_than_400_days_ahead() -> None:
    freeze = Freeze("For ever", date(2026, 1, 1), date(2027, 12, 31))
    found = calendar(NIGHTLY, freeze)
    over, after = utc("2027-12-31 23:00"), utc("2027-12-31 23:00") - 400 * DAY

    assert found.next_opening(None, "any", after) is None
    assert found.next_opening(None, "any", after, over + DAY) is None
    assert found.next_opening(None, "any", after + MINUTE) == over
    assert found.next_opening("nightly", "any", utc("2026-06-01")) is None


def test_times_may_be_given_in_any_zone() -> None:
    found = calendar(NIGHTLY, YEAR_END)
    tokyo, vienna = ZoneInfo("Asia/Tokyo"), ZoneInfo(VIENNA)

    moment = found.next_opening("nightly", "production", datetime(2026, 11, 4, 7, tzinfo=tokyo))

    assert moment == utc("2026-11-03 22:00")
    assert moment.tzinfo is timezone.utc
    assert found.opening_at("nightly", datetime(2026, 11, 4, 1, 59, tzinfo=vienna)) is not None
    assert found.freeze_at("production", datetime(2026, 12, 18, 8, tzinfo=tokyo)) == YEAR_END


# A model that knows clocks by looking at them, minute by minute. In each zone of CHANGES they are
# changed in the days around the date, or, for Kolkata, never.
CHANGES = (
    (VIENNA, date(2026, 3, 29)),
    (VIENNA, date(2026, 10, 25)),
    (NEW_YORK, date(2026, 3, 8)),
    (NEW_YORK, date(2026, 11, 1)),
    ("America/Santiago", date(2026, 4, 5)),  # back over midnight
    ("America/Santiago", date(2026, 9, 6)),  # midnight is skipped
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # by half an hour
    ("Asia/Kolkata", date(2026, 6, 1)),
)
DAYS_AROUND = 6  # the model has openings of three days before and after
AHEAD = 36 * 60  # minutes that are compared
Span = tuple[int, int]


@functools.cache
def clock(zone: str, day: date) -> tuple[list[datetime], list[datetime]]:
    """Return the minutes around a *day*, in UTC and as clocks of the *zone* show them."""
    begins = datetime.combine(day - DAYS_AROUND * DAY, time(), timezone.utc)
    moments = [begins + number * MINUTE for number in range(2 * DAYS_AROUND * 24 * 60)]
    tz = ZoneInfo(zone)
    return moments, [moment.astimezone(tz).replace(tzinfo=None) for moment in moments]


def span(shown: list[datetime], begins: datetime, ends: datetime) -> Span:
    """Return the minutes from the first that shows *begins* to the last that shows *ends*."""
    later = (number for number, time_ in enumerate(shown) if time_ > begins)
    first = shown.index(begins) if begins in shown else next(later)
    later = (number for number, time_ in enumerate(shown) if time_ > ends)
    last = len(shown) - 1 - shown[::-1].index(ends) if ends in shown else next(later)
    return first, last


def model_of_openings(shown: list[datetime], window: Window, around: date) -> list[Span]:
    """Return the openings that begin at most three days before or after the day *around*."""
    found = []
    for number in range(-3, 4):
        day = around + number * DAY
        last = day if window.ends > window.begins else day + DAY
        if f"{day:%a}".lower() in window.days:
            begins, ends = (
                datetime.combine(*pair) for pair in ((day, window.begins), (last, window.ends))
            )
            found.append(span(shown, begins, ends))
    return [opening for opening in found if opening[0] < opening[1]]


HOURS = st.integers(0, 4 * 4 - 1) | st.integers(0, 24 * 4 - 1)  # in quarters; most near a change
TIMES = HOURS.map(lambda quarters: time(quarters // 4, quarters % 4 * 15))
WINDOWS = st.builds(
    Window, st.just("w"), st.sets(st.sampled_from(DAILY), min_size=1).map(tuple), TIMES, TIMES
)
SHIFTS = st.integers(-1, 1)


@st.composite
def freezes(draw, around: date) -> Freeze:
    """Return a Freeze of a few days or hours near the day *around*."""
    first, last = sorted(around + draw(SHIFTS) * DAY for _each in range(2))
    if draw(st.booleans()):
        return Freeze("f", first, last)
    begins, ends = sorted(datetime.combine(day, draw(TIMES)) for day in (first, last))
    return Freeze("f", begins, ends if begins < ends else ends + 15 * MINUTE)


@st.composite
def situations(draw):
    """Return a zone, a day on which its clocks are changed, a Window, Freezes, and a minute."""
    zone, around = draw(st.sampled_from(CHANGES))
    frozen = draw(st.lists(freezes(around), max_size=2))
    minute = DAYS_AROUND * 24 * 60 + draw(st.integers(-24 * 60, 24 * 60))
    return zone, around, draw(WINDOWS), tuple(frozen), minute


SKIPPED = (VIENNA, date(2026, 3, 29), daily("02:15", "02:45"), (), 145 * 60)
TWICE = (VIENNA, date(2026, 10, 25), daily("02:15", "02:10"), (), 144 * 60 + 30)


@settings(max_examples=200)
@given(situations())
@example(SKIPPED)
@example(TWICE)
def test_openings_are_what_clocks_show_minute_by_minute(situation) -> None:
    zone, around, window, _freezes, minute = situation
    moments, shown = clock(zone, around)
    found = calendar(window, zone=zone)
    until = minute + AHEAD

    model = model_of_openings(shown, window, around)

    expected = [
        Opening("w", moments[first], moments[last])
        for first, last in model
        if first < until and minute < last
    ]
    assert list(found.openings("w", moments[minute], moments[until])) == expected
    edges = {number + more for opening in model for number in opening for more in (-1, 0)}
    for number in [minute, *(edge for edge in edges if minute < edge < until)]:
        ends = max((last for first, last in model if first <= number < last), default=None)
        opening = found.opening_at("w", moments[number])
        assert (opening and opening.ends) == (ends and moments[ends])


@settings(max_examples=200)
@given(situations())
@example(SKIPPED)
@example(TWICE)
def test_the_next_opening_is_the_first_minute_that_clocks_allow(situation) -> None:
    zone, around, window, frozen, minute = situation
    moments, shown = clock(zone, around)
    found = Calendar(ZoneInfo(zone), (window,), frozen)
    until = minute + AHEAD
    spans = [span(shown, *freeze.local_span()) for freeze in frozen]
    openings = model_of_openings(shown, window, around)

    def is_within(number: int, these: list[Span]) -> bool:
        return any(first <= number < last for first, last in these)

    thawed = [n for n in range(minute, until) if not is_within(n, spans)]
    allowed = [number for number in thawed if is_within(number, openings)]

    for name, numbers in (("w", allowed), (None, thawed)):
        moment = found.next_opening(name, "any", moments[minute], moments[until])
        assert moment == (moments[numbers[0]] if numbers else None)
    holding = found.freeze_at("any", moments[minute])
    assert (holding is not None) == is_within(minute, spans)
