# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``calendar.yml``: the windows and freezes of an organisation, as it writes them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..definition import _schema_file
from ..definition._schema_file import Mistake, Schema
from ._calendar import Calendar, CalendarError, Freeze, Window

DAY_FORMAT, MINUTE_FORMAT = "%Y-%m-%d", "%Y-%m-%d %H:%M"
END_OF_DAY = "24:00"
MINUTES_OF_DAY = 24 * 60


def read(path: str) -> Calendar:
    """Return the Calendar in the file *path*; raise CalendarError as ``parse`` does."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise CalendarError(
            f"{path}: {error.strerror}; release_calendar names a file on the control machine with "
            "the windows and freezes"
        ) from None
    try:
        return parse(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CalendarError(f"{path}:{line}: not UTF-8; expected YAML in UTF-8") from None


def parse(text: str, filename: str) -> Calendar:
    """Return the Calendar in the YAML *text*.

    Raises CalendarError with one line ``file:line: key: what is wrong, what was expected``, and
    MissingLibrary.
    """
    try:
        plain, lines = _schema_file.load(text, filename, "a time zone, windows and freezes")
        with _schema_file.located(filename, lines):
            _check_quotes(plain)
        _schema_file.check(plain, lines, filename, schema())
        with _schema_file.located(filename, lines):
            return _calendar(plain)
    except _schema_file.FileError as error:
        raise CalendarError(str(error)) from None


@functools.lru_cache(maxsize=None)
def schema() -> Schema:
    """Return the published JSON Schema of ``calendar.yml``."""
    return _schema_file.schema("calendar")


def _check_quotes(plain: Any) -> None:
    """Raise Mistake for a time without quotes, which YAML 1.1 reads as a number of minutes.

    What else does not have the form of a calendar is left to the schema.
    """
    windows = plain.get("windows") if isinstance(plain, dict) else None
    for name, window in windows.items() if isinstance(windows, dict) else ():
        for key in ("from", "to") if isinstance(window, dict) else ():
            minutes = window.get(key)
            if isinstance(minutes, int) and 60 <= minutes <= MINUTES_OF_DAY:
                text = f"{minutes // 60:02}:{minutes % 60:02}"
                raise Mistake(
                    ("windows", str(name), key),
                    f'{text} without quotes is {minutes} in YAML; expected "{text}", in quotes',
                )


def _calendar(plain: Mapping[str, Any]) -> Calendar:
    """Return the Calendar in *plain*, which fits the schema; raise Mistake."""
    windows, freezes = [], []
    with _schema_file.at("timezone"):
        zone = _zone(plain["timezone"])
    for name, item in plain.get("windows", {}).items():
        with _schema_file.at("windows", name):
            windows.append(_window(name, item))
    for index, item in enumerate(plain.get("freezes", ())):
        with _schema_file.at("freezes", index):
            freezes.append(_freeze(item))
    return Calendar(zone, tuple(windows), tuple(freezes))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Mistake(
            (), f"{name} is not a known time zone; expected an IANA name, such as Europe/Vienna"
        ) from None


def _window(name: str, item: Mapping[str, Any]) -> Window:
    begins, ends = item["from"], item["to"]
    if begins == ends:
        raise Mistake(
            ("to",),
            f'{ends} is also from; expected another time (a whole day: from "00:00" to "24:00")',
        )
    return Window(
        name,
        tuple(item["days"]),
        time.fromisoformat(begins),
        time() if ends == END_OF_DAY else time.fromisoformat(ends),
    )


def _freeze(item: Mapping[str, Any]) -> Freeze:
    first, last = _day_or_moment(item, "from"), _day_or_moment(item, "to")
    freeze = Freeze(item["name"], first, last, tuple(item.get("environments", ())))
    begins, ends = freeze.local_span()
    if begins >= ends:
        raise Mistake(
            ("to",),
            f"{item['to']} is not after from, {item['from']}; expected the last day of the freeze, "
            "or a later moment",
        )
    return freeze


def _day_or_moment(item: Mapping[str, Any], key: str) -> date | datetime:
    text = item[key]
    is_moment = " " in text
    try:
        moment = datetime.strptime(text, MINUTE_FORMAT if is_moment else DAY_FORMAT)
    except ValueError:
        raise Mistake(
            (key,), f"{text} is not a valid date; expected a day of the calendar"
        ) from None
    return moment if is_moment else moment.date()
