# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that deploys goes on only as the gates of its run let it: by the note that they left.

What the gates returned is a variable, and extra variables could take its place; the task that asks
them could be passed over. The note can be neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils.options import _planning
from ..adapter import _play
from ..gates import _environments, _redirection
from ..gates._sources import GateError
from ..ledger import _noting
from . import _task

DEPLOY = "deploy_"  # the variables of the role
GOING_BACK = ("rollback_", "verify_")  # roles that bring only what was committed there before
BRINGING = ("checked", "staged", "live")  # states that may bring a release


def demanded(
    action: Any, arguments: dict[str, Any], task_vars: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the *arguments* of a task as the gates of its run let them be; or GateError.

    Nothing is demanded where neither a policy nor a plan is used. A task of one's own is not
    refused; only a note of the gates says by which ledger a root is governed.
    """
    if "release_policy" not in task_vars and not task_vars.get("release_plan"):
        return arguments
    role = str(action._task.args.get("variables") or "")
    if role:
        with_plan = role == DEPLOY and bool(task_vars.get("release_plan"))
        _redirection.refuse(_play.extra_variables(action), task_vars, with_plan)
    if arguments["state"] == "absent" and role:
        _demand_person(action, task_vars)
    if arguments["state"] not in BRINGING:
        return arguments
    if role in GOING_BACK:
        return {**arguments, "governed": None, "back_only": True}
    note = _noting.journal().gate_of(str(task_vars["inventory_hostname"]))
    if note is None and role != DEPLOY:
        return {**arguments, "governed": None}
    if note is None:
        raise GateError(
            "the gates were not asked in this run: start it with the task Check the gates, and set "
            "release_policy for all hosts of the play"
        )
    reference = note["reference"]
    if reference and arguments["release"] != reference:
        raise GateError(f"the plan deploys {reference}, and this task {arguments['release']}")
    if note.get("only_stages") and arguments["state"] == "live":
        raise GateError(
            "release_as: the gates of this run are those of staging: nothing is switched in it"
        )
    return {**arguments, "governed": note["governed"]}


def _demand_person(action: Any, task_vars: Mapping[str, Any]) -> None:
    """Refuse to uninstall from an environment that requires plans, unless a person is known."""
    host = str(task_vars["inventory_hostname"])
    policy = _play.value_of(task_vars, host, "release_policy")
    key = _play.value_of(task_vars, host, "release_key")
    given = {**dict.fromkeys(_planning.common()), "policy": policy, "key": key}
    task = _task.PlanTask(action, given, task_vars)
    names = _environments.of_host(host, task.policy.names(), task_vars["groups"])
    for rule in task.policy.environments:
        if rule.name in names and rule.plan_required:
            task.acting.demand_person(f"to uninstall from {rule.name}")
