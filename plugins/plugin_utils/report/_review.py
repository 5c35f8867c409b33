# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a plan did not go as it was planned, for its review."""

from __future__ import annotations

from collections.abc import Iterator

from ..plan._resolved import listed
from ._plans import LIVE, PlanView

WENT_WRONG = ("held", "backed_out", "failed", "refused")


def deviations(view: PlanView) -> list[str]:
    """Return what deviated from the plan, a line each, in the order of time as far as there is."""
    return list(_deviations(view))


def _deviations(view: PlanView) -> Iterator[str]:
    if view.standing.revision > 1:
        yield f"it was proposed {view.standing.revision} times"
    if view.standing.resolved.plan.is_emergency:
        yield "it was an emergency: it went before it was approved"
    for run in view.runs:
        if run.verdict in WENT_WRONG:
            what = f"{run.act.replace('_', ' ')} in {run.environment}"
            reason = f": {run.reason}" if run.reason else ""
            yield f"{what} was {run.verdict.replace('_', ' ')}{reason}"
        if run.act in ("back_out", "rollback"):
            yield f"{run.act.replace('_', ' ')} in {run.environment}"
    for each in view.overrides:
        yield f"{each.person} let a run in {each.environment} pass the closed gate {each.gate}"
    for said in view.decisions:
        if said.decision == "reject" or said.withdrawn:
            how = "withdrew" if said.withdrawn else "rejected"
            yield f"{said.person} {how} revision {said.revision} for {said.environment}"
    for step in view.steps:
        if step.state != LIVE:
            missing = [host for part in step.parts for host in part.missing]
            yield f"{step.environment} does not have it on {listed(missing)}"
