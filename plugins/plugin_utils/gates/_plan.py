# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the plan stands as it was proposed, and the run is about its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..ledger._event import moment
from ..plan import _resolved
from ..plan._demands import Demands
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ._answer import Answer
from ._facts import Facts

NAME = "plan"
SHOWN = 3  # differences in an answer


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    standing = facts.standing
    if standing is None:
        return Answer(NAME, False, "it is not proposed", needs="playbook plan")
    if not standing.is_standing:
        why = f": {standing.end_reason}" if standing.end_reason else ""
        return Answer(NAME, False, f"{standing.ended}{why}", needs="a new proposal")
    found = _resolved.differences(standing.resolved, facts.resolved, facts.demands.environment)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        text = f"not as proposed in revision {standing.revision}: {', '.join(found[:SHOWN])}{more}"
        return Answer(NAME, False, text, needs="a new proposal, or what was proposed")
    strange = [host for host in facts.hosts if host not in facts.place.hosts]
    if strange:
        text = f"{_resolved.listed(strange)} not in it for {facts.demands.environment}"
        return Answer(NAME, False, text, needs="the plan's hosts only")
    later = changed_since(standing, facts.resolved, facts.demands, facts.deployments)
    if later:
        return Answer(NAME, False, later, needs="a new proposal")
    others = [plan.plan for plan in facts.others]
    also = f"; also planned there: {_resolved.listed(others)}" if others else ""
    return Answer(NAME, True, f"revision {standing.revision}{also}")


def changed_since(
    standing: Standing,
    resolved: Resolved,
    demands: Demands,
    deployments: Iterable[Mapping[str, Any]],
) -> str:
    """Return which other release was committed since the proposal, "" where none was.

    What approvers saw as live before is not true any more: the plan could go back behind it.
    *deployments* are rows of that projection for the application of *resolved*.
    """
    place = resolved.place(demands.environment)
    if place is None or not (demands.agreeing or demands.plan_required):
        return ""
    for row in deployments:
        is_other = row["phase"] == "live" and row["digest"] != resolved.release["digest"]
        is_here = row["host"] in place.hosts
        is_here = is_here and row["root"] == place.roots.get(row["host"], row["root"])
        if is_other and is_here and moment(row["since"]) > standing.proposed:
            return (
                f"{row['version']} was deployed to {row['host']} after revision "
                f"{standing.revision} was proposed"
            )
    return ""
