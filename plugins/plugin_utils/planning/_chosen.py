# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a plan a run is about: the domain and the environment that options name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..gates._sources import GateError
from ..plan._plan import Plan, Step


def part(plan: Plan, arguments: Mapping[str, Any]) -> Plan:
    """Return the *plan* of the domain that *arguments* name, itself without domains; GateError."""
    parts, given = plan.parts(), arguments["domain"] or ""
    if given not in parts:
        said = f"'{given}' is not in the plan" if given else "it is required for this plan"
        valid = ", ".join(name for name in parts if name) or "none, the plan has no domains"
        raise GateError(f"domain (release_domain): {said}; valid: {valid}", code="invalid_option")
    return parts[given]


def step(plan: Plan, arguments: Mapping[str, Any]) -> Step:
    """Return the step of *plan* in the environment that *arguments* name; or GateError.

    A plan that goes to one environment need not be told which.
    """
    names = [each.environment for each in plan.path]
    given = arguments["env"] or ""
    found = plan.step(given or (names[0] if len(names) == 1 else ""))
    if found is None:
        said = f"'{given}' is not in the plan" if given else "it is required with a plan"
        raise GateError(
            f"env (release_env): {said}; valid: {', '.join(names)}", code="invalid_option"
        )
    return found
