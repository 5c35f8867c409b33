# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of a gate: open or closed, why, when it opens, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from ...module_utils.formats import _canonical

LONGEST = 500  # characters of a text in an answer
SOON = timedelta(days=6)  # a day of the week names one day only


@dataclass(frozen=True)
class Answer:
    """What the *gate* of this name answers.

    *text* is what was measured, in a few words. *opens*: when it opens by itself, None where that
    is unknown. *needs*: who has to do what, "" where time alone opens it. *override*: the person
    by whose override it counts as open.
    """

    gate: str
    is_open: bool
    text: str = ""
    opens: datetime | None = None
    needs: str = ""
    override: str = ""

    @property
    def lets_pass(self) -> bool:
        """Whether the run may go on as far as this gate is concerned."""
        return self.is_open or bool(self.override)

    def line(self, zone: tzinfo = timezone.utc, now: datetime | None = None) -> str:
        """Return the answer in one line, with times in the *zone*, short where *now* is near."""
        state = "open" if self.lets_pass else "closed"
        said = f"{state}: {self.gate}"
        said += f": overridden by {self.override}; closed:" if self.override else ""
        said += f"{' ' if self.override else ': '}{self.text}" if self.text else ""
        said += f" opens {spelled(self.opens, zone, now)}" if self.opens else ""
        said += f" (needs {self.needs})" if self.needs else ""
        return _canonical.printable(said)

    def to_plain(self) -> dict[str, Any]:
        """Return the answer as plain data: only what there is to say."""
        opens = self.opens and self.opens.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = {
            "text": _canonical.printable(self.text)[:LONGEST],
            "opens": opens,
            "needs": _canonical.printable(self.needs)[:LONGEST],
            "override": self.override,
        }
        return {
            "gate": self.gate,
            "open": self.is_open,
            **{name: value for name, value in known.items() if value},
        }


def spelled(moment: datetime, zone: tzinfo, now: datetime | None = None) -> str:
    """Return *moment* in the time *zone*: ``Tue 22:00``, or ``Fri 18 Dec 22:00``.

    The day of the month is left out where *moment* is less than six days after *now*, and the year
    is there where it is another one.
    """
    local = moment.astimezone(zone)
    if now is not None and timedelta() <= moment - now < SOON:
        return f"{local:%a %H:%M}"
    year = f" {local.year}" if now is not None and local.year != now.astimezone(zone).year else ""
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"
