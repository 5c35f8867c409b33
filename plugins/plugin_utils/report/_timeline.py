# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A timeline as bars: what took how long, one below the other, on one scale of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..definition import _duration

WIDTH = 1000  # of the drawing, in its own units
NARROWEST = 4


@dataclass(frozen=True)
class Phase:
    """Something that went on from *begins* until *ends*."""

    name: str
    begins: datetime
    ends: datetime
    is_critical: bool = False


@dataclass(frozen=True)
class Bar:
    """A Phase as it is drawn: from *x*, so *wide*, in units of WIDTH; *duration* in words."""

    name: str
    x: int
    width: int
    duration: str
    is_critical: bool


def bars(phases: Iterable[Phase]) -> list[Bar]:
    """Return the bars of *phases*, in the order in which they begin."""
    found = sorted(phases, key=lambda phase: (phase.begins, phase.ends))
    if not found:
        return []
    begin, end = found[0].begins, max(phase.ends for phase in found)
    scale = WIDTH / max((end - begin).total_seconds(), 1)
    return [_bar(phase, begin, scale) for phase in found]


def _bar(phase: Phase, begin: datetime, scale: float) -> Bar:
    lasts = max(phase.ends - phase.begins, timedelta())
    width = max(NARROWEST, round(lasts.total_seconds() * scale))
    x = min(round((phase.begins - begin).total_seconds() * scale), WIDTH - width)
    return Bar(phase.name, max(x, 0), width, spelled(lasts), phase.is_critical)


def spelled(lasts: timedelta) -> str:
    """Return a duration in words: in seconds below a minute."""
    if lasts < timedelta(minutes=1):
        seconds = lasts.total_seconds()
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return _duration.spelled(timedelta(minutes=lasts // timedelta(minutes=1)))


def spelled_s(seconds: float) -> str:
    """Return *seconds* in words."""
    return spelled(timedelta(seconds=seconds))
