# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as its file has it: what one release is to do, environment by environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

EMERGENCY, NORMAL, STANDARD = "emergency", "normal", "standard"


def least_in_service(total: int, min_in_service: int | str) -> int:
    """Return how many of *total* hosts must stay in service; a part of a host counts whole."""
    if isinstance(min_in_service, str):
        return -(-int(min_in_service.rstrip("%")) * total // 100)
    return min_in_service


@dataclass(frozen=True)
class Step:
    """One environment of a plan: its *hosts* (a pattern), and what must hold before and between.

    *hosts* is "" in a plan with domains: each domain has its own.
    """

    environment: str
    hosts: str
    soak: timedelta = timedelta()
    window: str = ""
    acknowledge: tuple[str, ...] = ()
    approvals: Mapping[str, int] = field(default_factory=dict)
    strength: str = ""
    waves: tuple[int | str, ...] = ()
    wave_soak: timedelta = timedelta()
    min_in_service: int | str = 0
    canary: tuple[str, ...] = ()
    failure_domain: str = ""
    unhealthy: str = ""


@dataclass(frozen=True)
class Risk:
    """A risk of the release; likelihood and impact are 1 to 5, 0 where they are not known."""

    id: str
    risk: str
    owner: str
    likelihood: int = 0
    impact: int = 0
    response: str = ""


@dataclass(frozen=True)
class Domain:
    """A part of the estate with a *release* and *hosts* of its own (a pattern).

    It is deployed after the domains that it *needs*. When it is backed out, those of
    *back_out_with* are backed out too.
    """

    name: str
    release: str
    hosts: str
    needs: tuple[str, ...] = ()
    back_out_with: tuple[str, ...] = ()

    def hosts_in(self, environment: str) -> str:
        """Return the pattern of the hosts that are in the group of the *environment* too."""
        return f"{self.hosts}{',' if ',' in self.hosts else ':'}&{environment}"


@dataclass(frozen=True)
class Plan:
    """A plan; *scope* is None where it names none. *plain* is the file, as plain data.

    A plan with *domains* has no *release* of its own. *notify* has channels by audience.
    """

    name: str
    author: str
    release: str
    why: str
    change: str
    path: tuple[Step, ...]
    scope: tuple[str, ...] | None = None
    excused: Mapping[str, str] = field(default_factory=dict)
    risks: tuple[Risk, ...] = ()
    fixes: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    on_failure: str = "back_out"
    domains: tuple[Domain, ...] = ()
    notify: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plain: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_emergency(self) -> bool:
        """Whether it goes now and is ratified later."""
        return self.change == EMERGENCY

    def domain(self, name: str) -> Domain | None:
        """Return the domain of this *name*, None where the plan has none."""
        return next((each for each in self.domains if each.name == name), None)

    def of_domain(self, domain: Domain) -> Plan:
        """Return the plan of one *domain* alone, as a plan without domains would have it."""
        path = tuple(replace(step, hosts=domain.hosts_in(step.environment)) for step in self.path)
        return replace(self, release=domain.release, path=path, domains=())

    def parts(self) -> dict[str, Plan]:
        """Return the plan of each domain by its name; the plan itself, as "", without domains."""
        if not self.domains:
            return {"": self}
        return {each.name: self.of_domain(each) for each in self.domains}

    def step(self, environment: str) -> Step | None:
        """Return the step in *environment*, None where the path does not go there."""
        return next((step for step in self.path if step.environment == environment), None)

    def before(self, environment: str) -> Step | None:
        """Return the step before that in *environment*, None for the first."""
        names = [step.environment for step in self.path]
        place = names.index(environment)
        return self.path[place - 1] if place else None
