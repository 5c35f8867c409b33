# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as people write them: 30s, 5m, 24h, 5d, 2w."""

from __future__ import annotations

import re
from datetime import timedelta

FORM = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SHORT = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))


def parse(text: str) -> timedelta:
    """Return the duration that *text* is; ValueError where it is none."""
    match = FORM.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is not a duration (example: 30m, 24h, 5d)")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def spelled(duration: timedelta) -> str:
    """Return *duration* in at most two units: ``1 d 4 h``; seconds below a minute."""
    if duration < timedelta(minutes=1):
        return f"{max(0, int(duration.total_seconds()))} s"
    left, said = duration, []
    for name, unit in SHORT:
        if left >= unit:
            said.append(f"{left // unit} {name}")
            left %= unit
    return " ".join(said[:2])
