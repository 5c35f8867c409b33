# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that gates answer by: collected once, before they are asked, and the same in a dry run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..calendar._calendar import Calendar
from ..plan._agreement import Verify
from ..plan._demands import Demands
from ..plan._plan import Plan
from ..plan._resolved import Place, Resolved
from ..plan._standing import Standing
from ..policy._policy import Identity, Policy
from ..registers._register import Entry
from ._answer import Answer
from ._issues_of import Issues


@dataclass(frozen=True)
class OfRelease:
    """What the media library says of the release; *problem* where it cannot be read.

    *issues* are None where the plan has no scope.
    """

    issues: Issues | None = None
    signature_problems: tuple[str, ...] = ()
    compatibility_problems: tuple[str, ...] = ()
    trust: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """All that gates need to know about one environment of a plan at the time *now*.

    *resolved* is the plan as it is now, *standing* as it was agreed; None: never proposed.
    *deployments* are rows of that projection for the application, of all environments,
    *of_needed* those for the applications of domains that this one needs, and *open_runs* rows of
    runs without an end. *hosts* are those that the run is about. *run* is its process, *own_run*
    how the ledger names it, once it began. Where a run *only_stages*, nothing is switched.
    *takes_over* is a run of which the user says that it is over.
    """

    now: datetime
    policy: Policy
    demands: Demands
    resolved: Resolved
    standing: Standing | None
    ledger: str
    identity: Identity
    verify: Verify
    run: str = ""
    own_run: str = ""
    only_stages: bool = False
    takes_over: str = ""
    hosts: tuple[str, ...] = ()
    calendar: Calendar | None = None
    calendar_problem: str = ""
    deployments: Sequence[Mapping[str, Any]] = ()
    of_needed: Sequence[Mapping[str, Any]] = ()
    open_runs: Sequence[Mapping[str, Any]] = ()
    entries: Sequence[Entry] = ()
    others: Sequence[Standing] = ()
    of_release: OfRelease = field(default_factory=OfRelease)
    addresses: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    own: tuple[Answer, ...] = ()

    @property
    def plan(self) -> Plan:
        """The plan as its file has it."""
        return self.resolved.plan

    @property
    def application(self) -> str:
        """The name of the application; "" for the whole of a plan with domains."""
        return self.resolved.release["name"]

    @property
    def place(self) -> Place:
        """The environment, resolved as it is now."""
        place = self.resolved.place(self.demands.environment)
        return place or Place(self.demands.environment, ())
