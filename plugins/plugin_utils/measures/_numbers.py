# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A measure: a number with its unit, its definition, and how many observations it is from."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ...module_utils.errors._release_error import ReleaseError

SECONDS, PER_DAY, SHARE = "s", "1/d", "1"  # units; a share is 0 to 1
SECONDS_A_DAY = 86400


class MeasureError(ReleaseError):
    """What is asked for cannot be measured; the text is one line."""

    code = "invalid_measure"


@dataclass(frozen=True)
class Measure:
    """A number: *value* is None where nothing was observed; it is *counted* from so many.

    *definition* is one sentence, to be printed under the number. *unknown* is how many
    observations were left out because something about them is not known.
    """

    name: str
    value: float | None
    unit: str
    definition: str
    counted: int
    unknown: int = 0

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Period:
    """The time from *begin* to just before *end*; MeasureError where that is no time at all."""

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.begin.tzinfo is None or self.end.tzinfo is None:
            raise MeasureError("period: begin and end need a time zone")
        if self.begin >= self.end:
            raise MeasureError(f"period: it ends at {self.end}, which is not after {self.begin}")

    @property
    def days(self) -> float:
        """The length in days."""
        return (self.end - self.begin).total_seconds() / SECONDS_A_DAY

    def has(self, moment: datetime | None) -> bool:
        """Tell whether *moment* is known, and in the period."""
        return moment is not None and self.begin <= moment < self.end


def median(values: Sequence[float]) -> float | None:
    """Return the median, None without values."""
    return float(statistics.median(values)) if values else None


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that *percent* of all do not exceed (nearest rank), or None."""
    if not values:
        return None
    return float(sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)])


def share(part: int, whole: int) -> float | None:
    """Return *part* of *whole*, None where there is no whole."""
    return part / whole if whole else None
