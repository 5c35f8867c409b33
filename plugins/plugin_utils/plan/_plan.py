# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as its file has it: what one release is to do, environment by environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

EMERGENCY, NORMAL, STANDARD = "emergency", "normal", "standard"


@dataclass(frozen=True)
class Step:
    """One environment of a plan: its *hosts* (a pattern), and what must hold before and between."""

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
class Plan:
    """A plan; *scope* is None where it names none. *plain* is the file, as plain data."""

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
    plain: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_emergency(self) -> bool:
        """Whether it goes now and is ratified later."""
        return self.change == EMERGENCY

    def step(self, environment: str) -> Step | None:
        """Return the step in *environment*, None where the path does not go there."""
        return next((step for step in self.path if step.environment == environment), None)

    def before(self, environment: str) -> Step | None:
        """Return the step before that in *environment*, None for the first."""
        names = [step.environment for step in self.path]
        place = names.index(environment)
        return self.path[place - 1] if place else None
