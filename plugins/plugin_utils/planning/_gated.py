# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that deploys goes on only as the gates of its run let it: by the note that they left.

What the gates returned is a variable, and extra variables could take its place; the task that asks
them could be passed over. The note can be neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..adapter import _play
from ..gates import _redirection
from ..gates._sources import GateError
from ..ledger import _noting

DEPLOY, ROLLBACK = "deploy_", "rollback_"  # the variables of the roles
BRINGING = ("checked", "staged", "live")  # states that may bring a release


def demanded(
    action: Any, arguments: dict[str, Any], task_vars: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the *arguments* of a task of a role as its gates let them be.

    Nothing is demanded where neither a policy nor a plan is used, of tasks without a role, and of
    states that bring nothing. Raises GateError.
    """
    role = str(action._task.args.get("variables") or "")
    is_used = "release_policy" in task_vars or bool(task_vars.get("release_plan"))
    if not is_used or role not in (DEPLOY, ROLLBACK) or arguments["state"] not in BRINGING:
        return arguments
    if role == ROLLBACK:
        return {**arguments, "back_only": True}
    _redirection.refuse(
        _play.extra_variables(action), task_vars, bool(task_vars.get("release_plan"))
    )
    note = _noting.journal().gate_of(str(task_vars["inventory_hostname"]))
    if note is None:
        raise GateError(
            "the gates were not asked in this run: start it with the task Check the gates, and set "
            "release_policy for all hosts of the play"
        )
    reference = note["reference"]
    if reference and arguments["release"] != reference:
        raise GateError(f"the plan deploys {reference}, and this task {arguments['release']}")
    return {**arguments, "governed": note["governed"]}
