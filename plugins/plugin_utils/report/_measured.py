# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures as pages show them: a figure in words, its definition, and what it is counted from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..ledger._event import Event
from ..measures import _deployments, _dora
from ..measures._dora import Dora
from ..measures._numbers import Measure, Period
from . import _commits, _timeline

SPAN = timedelta(days=90)
NOTHING = "no data"


@dataclass(frozen=True)
class Shown:
    """A measure on a page."""

    name: str
    figure: str
    definition: str
    counted: str


def measured(events: Sequence[Event], environment: str, media_library: str, now: datetime) -> Dora:
    """Return the measures of an *environment* in the SPAN before *now*."""
    commits = _commits.of_library(media_library, _deployments.fold(events))
    period = Period(now - SPAN, now + timedelta(milliseconds=1))
    return _dora.of_events(events, period, commits, environment=environment)


def shown(dora: Dora) -> list[Shown]:
    """Return the measures as pages show them."""
    return [_shown(measure) for measure in dora.all]


def _shown(measure: Measure) -> Shown:
    counted = f"Counted from {measure.counted}."
    if measure.unknown:
        counted += f" {measure.unknown} left out, as something about them is not known."
    name = measure.name[:1].upper() + measure.name[1:]
    return Shown(name, _figure(measure), measure.definition, counted)


def _figure(measure: Measure) -> str:
    if measure.value is None:
        return NOTHING
    if measure.unit == "s":
        return _timeline.spelled(timedelta(seconds=measure.value))
    if measure.unit == "1":
        return f"{measure.value * 100:.0f} %"
    per_week = measure.value * 7
    return f"{per_week:.1f} a week" if per_week < 7 else f"{measure.value:.1f} a day"
