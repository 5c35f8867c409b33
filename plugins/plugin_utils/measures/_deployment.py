# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment: what one run did with one release in one environment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

DEPLOY, BACK_OUT, ROLLBACK, RECONCILE = "deploy", "back_out", "rollback", "reconcile"
ACTS = (DEPLOY, BACK_OUT, ROLLBACK, RECONCILE)
DONE, HELD = "done", "held"
FAILED = ("failed", "backed_out")  # verdicts of a run that went wrong after it changed something


@dataclass(frozen=True)
class Deployment:
    """What a *run* did with the release *digest* of an *application* in an *environment*.

    *act* is deploy, back_out, rollback or reconcile; *digest* is the release that was to be live
    afterwards, of a back-out the one that was undone. *hosts* are those of the run there. *ended*
    is when the run ended, None while it has not; *accepted* is when the last planned host had the
    release committed, None where that never was. *troubled* is when the run first reported that
    something went wrong. *whole*: whether all planned hosts are covered, those of the plan there,
    or without a plan those of the run. *was_live*: whether the release was there before, so that
    this is a redeployment. *replaced* are the releases that were live on its hosts.

    *plan*, *revision*, *change* (standard, normal, emergency), *fixes* and *early_life* are of the
    plan that the run followed: "" or empty without one.
    """

    application: str
    environment: str
    digest: str
    version: str
    run: str
    act: str
    began: datetime
    hosts: tuple[str, ...] = ()
    ended: datetime | None = None
    accepted: datetime | None = None
    troubled: datetime | None = None
    verdict: str = ""
    whole: bool = False
    was_live: bool = False
    replaced: frozenset[str] = frozenset()
    plan: str = ""
    revision: int = 0
    change: str = ""
    fixes: tuple[str, ...] = ()
    early_life: timedelta | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Where it is: application and environment."""
        return self.application, self.environment

    @property
    def is_new(self) -> bool:
        """Whether it brings a release that was not there to all planned hosts."""
        return self.act == DEPLOY and self.whole and not self.was_live

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data: times in ISO 8601, the early life in seconds."""
        plain: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, datetime):
                value = value.isoformat()
            elif isinstance(value, timedelta):
                value = value.total_seconds()
            elif isinstance(value, tuple | frozenset):
                value = sorted(value) if isinstance(value, frozenset) else list(value)
            plain[each.name] = value
        return plain
