# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``calendar.yml``: what it has, or one line with file, line, key and expectation."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.calendar import _calendar, _file
from ansible_collections.itops.release.plugins.plugin_utils.calendar._calendar import (
    Calendar,
    CalendarError,
    Freeze,
    Window,
)

PAGE = Path(__file__).resolve().parents[4] / "docs/calendar.md"
GOOD = """\
format: 1
timezone: Europe/Vienna
windows:
  nightly: {days: [tue, wed, thu], from: "22:00", to: "02:00"}
  weekend:
    days: [sat, sun]
    from: "00:00"
    to: "24:00"
freezes:
  - {name: Year end, from: "2026-12-18", to: 2027-01-07, environments: [production]}
  - name: Stocktaking
    from: 2026-06-30 18:00
    to: "2026-07-01 06:30"
"""


def parse(old: str = "", new: str = "") -> Calendar:
    assert not old or GOOD.count(old) == 1
    return _file.parse(GOOD.replace(old, new) if old else GOOD, "calendar.yml")


def test_windows_freezes_and_time_zone_are_read() -> None:
    assert parse() == Calendar(
        ZoneInfo("Europe/Vienna"),
        (
            Window("nightly", ("tue", "wed", "thu"), time(22), time(2)),
            Window("weekend", ("sat", "sun"), time(0), time(0)),
        ),
        (
            Freeze("Year end", date(2026, 12, 18), date(2027, 1, 7), ("production",)),
            Freeze("Stocktaking", datetime(2026, 6, 30, 18), datetime(2026, 7, 1, 6, 30)),
        ),
    )


def test_midnight_is_the_end_of_the_day_by_either_name() -> None:
    both = [parse('"02:00"', text).window("nightly") for text in ('"24:00"', '"00:00"')]

    assert both[0] == both[1] == Window("nightly", ("tue", "wed", "thu"), time(22), time(0))


def test_a_window_of_24_hours_lasts_the_whole_day() -> None:
    calendar = parse()
    begins = datetime(2026, 11, 7, tzinfo=calendar.zone)

    opening = calendar.opening_at("weekend", begins)

    assert opening is not None
    assert (opening.begins, opening.ends) == (begins, begins + timedelta(days=1))


@pytest.mark.parametrize("more", ["", "windows: {}", "freezes: []"])
def test_windows_and_freezes_may_be_left_out(more: str) -> None:
    calendar = _file.parse(f"format: 1\ntimezone: UTC\n{more}", "calendar.yml")

    assert calendar == Calendar(ZoneInfo("UTC"))


def test_freezes_may_share_a_name_and_a_day() -> None:
    calendar = parse("name: Stocktaking", "name: Year end")

    assert [freeze.name for freeze in calendar.freezes] == ["Year end", "Year end"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("format: 1", "format: 2", "1: format: 2 does not fit; expected one of 1"),
        ("format: 1\n", "", "1: the file: format is missing; expected format: The format"),
        (
            "timezone: Europe/Vienna\n",
            "",
            "1: the file: timezone is missing; expected timezone: Time zone of all days",
        ),
        (
            "Europe/Vienna",
            "Europe/Wien",
            "2: timezone: Europe/Wien is not a known time zone; expected an IANA name, such as",
        ),
        ("Europe/Vienna", "Europe", "2: timezone: Europe is not a known time zone; expected"),
        ("Europe/Vienna", "CEST", "2: timezone: CEST is not a known time zone; expected an"),
        # The machine's own, and a zone that counts leap seconds.
        ("Europe/Vienna", "localtime", '2: timezone: "localtime" does not fit; expected Time zone'),
        ("Europe/Vienna", "right/UTC", '2: timezone: "right/UTC" does not fit; expected Time'),
        ("Europe/Vienna", "../x", '2: timezone: "../x" does not fit; expected Time zone of all'),
        (
            "windows:",
            "window:",
            "3: window: no such key; expected one of format, timezone, windows",
        ),
        ("nightly", "every night", '3: windows: "every night" does not fit; expected Name of'),
        ("nightly", "1", "3: windows: 1 does not fit; expected a value of type string, in quotes"),
        ("tue, wed, thu", "Tue", '4: windows.nightly.days[0]: "Tue" does not fit; expected one'),
        ("[tue, wed, thu]", "[]", "4: windows.nightly.days: [] does not fit; expected at least"),
        ("tue, wed, thu", "tue, tue", "4: windows.nightly.days: .*expected Days on which"),
        ("[tue, wed, thu]", "tue", '4: windows.nightly.days: "tue" does not fit; expected a'),
        ('"22:00"', '"22"', '4: windows.nightly.from: "22" does not fit; expected Time at which'),
        ('"22:00"', '"24:00"', '4: windows.nightly.from: "24:00" does not fit; expected Time'),
        ('"02:00"', '"24:01"', '4: windows.nightly.to: "24:01" does not fit; expected Time at'),
        ('"02:00"', '"2:00"', '4: windows.nightly.to: "2:00" does not fit; expected Time at'),
        (
            '"22:00"',
            "22:00",
            "4: windows.nightly.from: 22:00 without quotes is 1320 in YAML; expected "
            '"22:00", in quotes',
        ),
        ('"24:00"', "24:00", "8: windows.weekend.to: 24:00 without quotes is 1440 in YAML; exp"),
        ('"22:00"', "22", "4: windows.nightly.from: 22 does not fit; expected a value of type"),
        (
            '"02:00"',
            '"22:00"',
            "4: windows.nightly.to: 22:00 is also from; expected another time (a whole day: from "
            '"00:00" to "24:00")',
        ),
        ('to: "24:00"', 'until: "24:00"', "8: windows.weekend.until: no such key; expected one"),
        ('to: "24:00"', "", "5: windows.weekend: to is missing; expected to: Time at which"),
        ("name: Stocktaking", 'name: ""', '11: freezes[1].name: "" does not fit; expected Name'),
        ("name: Stocktaking", 'name: "a\\nb"', "11: freezes[1].name: .*expected Name of the"),
        ("name: Stocktaking", "name: 2026", '11: freezes[1].name: .*in quotes: "2026"'),
        ('"2026-12-18"', "18.12.2026", "10: freezes[0].from: .*expected First day, such as"),
        ("2027-01-07", "2027-01-07T06:00", "10: freezes[0].to: .*expected Last day, such as"),
        ("2027-01-07", "20270107", "10: freezes[0].to: 20270107 does not fit; expected a value"),
        ("2027-01-07", "2027-02-30", "10: freezes[0].to: 2027-02-30 is not a valid date; exp"),
        ("2026-06-30 18:00", "2026-06-31 18:00", "12: freezes[1].from: 2026-06-31 18:00 is not a"),
        (
            "2027-01-07",
            "2026-12-17",
            "10: freezes[0].to: 2026-12-17 is not after from, 2026-12-18; expected the last day",
        ),
        ("2026-07-01 06:30", "2026-06-30 18:00", "13: freezes[1].to: 2026-06-30 18:00 is not aft"),
        ("2026-07-01 06:30", "2026-06-29", "13: freezes[1].to: 2026-06-29 is not after from, 2026"),
        ("[production]", "[]", "10: freezes[0].environments: [] does not fit; expected at least"),
        ("[production]", "production", '10: freezes[0].environments: "production" does not fit'),
        ("[production]", '["production "]', "10: freezes[0].environments[0]: .*expected Name of"),
    ],
)
def test_a_mistake_is_reported_with_file_line_key_and_expectation(
    old: str, new: str, reason: str
) -> None:
    with pytest.raises(CalendarError) as caught:
        parse(old, new)

    text = str(caught.value)
    before, _any, after = reason.partition(".*")
    assert text.startswith(f"calendar.yml:{before}")
    assert after in text
    assert "\n" not in text
    assert caught.value.code == "invalid_calendar"


VALUES = st.sampled_from([None, True, 90, 1.5, "", "x", "22:00", [], ["mon"], {}, {"from": 90}])
PLACES = ["format", "timezone", "windows", "freezes", "windows: {a", "freezes: [{from"]


@given(st.sampled_from(PLACES), VALUES)
def test_a_file_of_any_other_form_is_refused_in_one_line(place: str, value: object) -> None:
    ends = "}" * place.count("{") + "]" * place.count("[")
    text = f"{place}: {value!r}{ends}".replace("None", "null")

    with pytest.raises(CalendarError, match=r"^calendar\.yml:\d+: [^\n]+$"):
        _file.parse(text, "calendar.yml")


@pytest.mark.parametrize("text", ["", "[]", "x", "{", "format: 1\nformat: 1", "a: &a [*a]"])
def test_a_file_that_is_not_a_calendar_is_refused(text: str) -> None:
    with pytest.raises(CalendarError, match=r"^calendar\.yml:\d+: "):
        _file.parse(text, "calendar.yml")


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yml"
    path.write_bytes(b"format: 1\n# \xff\n")

    with pytest.raises(CalendarError, match=f"^{re.escape(str(path))}:2: not UTF-8"):
        _file.read(str(path))


def test_a_missing_file_is_an_error_that_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(CalendarError) as refused:
        _file.read(str(tmp_path / "none.yml"))

    assert str(refused.value) == (
        f"{tmp_path}/none.yml: No such file or directory; release_calendar names a file on the "
        "control machine with the windows and freezes"
    )
    assert refused.value.code == "invalid_calendar"


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yml"
    path.write_text(GOOD, encoding="utf-8")

    assert _file.read(str(path)) == parse()


def test_the_first_example_of_the_page_is_a_calendar() -> None:
    text = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]

    calendar = _file.parse(text, "calendar.yml")

    assert calendar.window("nightly") == parse().window("nightly")
    assert parse().freezes[0] in calendar.freezes


def test_the_schema_has_the_days_of_the_week() -> None:
    days = _file.schema()["$defs"]["window"]["properties"]["days"]["items"]["enum"]

    assert tuple(days) == _calendar.WEEKDAYS
