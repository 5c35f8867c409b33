# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Note in the journal of the run what a task of ours answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...module_utils.formats import _canonical
from ..adapter import _run_folder
from ..events import _answers, _facts
from ._journal import Journal

# What is noted of a task with no_log: which release is live is no secret, what it says may be.
NO_SECRET = ("before", "after", "changed", "switched_back", "code", "ok", "release", "is_live")


class Action(Protocol):
    """What is asked of an action plugin."""

    _task: Any


def journal() -> Journal:
    """Return the journal of this run."""
    return Journal(_run_folder.path())


def deployment(action: Action, task_vars: Mapping[str, Any], result: dict[str, Any]) -> None:
    """Note that ``release_deployment`` returned *result*."""
    journal().note([_answers.deployment(*_told(action, task_vars, result))])


def inspection(action: Action, task_vars: Mapping[str, Any], result: dict[str, Any]) -> None:
    """Note that ``release_deployment_info`` returned *result*, where it verified."""
    if "ok" in result or result.get("failed"):
        journal().note([_answers.inspection(*_told(action, task_vars, result))])


def failure(task_vars: Mapping[str, Any], noted: Mapping[str, Any] | None) -> dict[str, str]:
    """Note why the host of a task is about to be failed by a role of ours.

    Return ``reason`` and ``failed_code``. What was *noted* before is returned, and not noted again.
    """
    if noted:
        return {name: str(noted[name]) for name in ("reason", "failed_code")}
    failed = task_vars.get("ansible_failed_result") or {}
    task = task_vars.get("ansible_failed_task") or {}
    reason = " ".join(str(failed.get("msg") or "another host of the batch failed").split())
    if task.get("no_log") or failed.get("_ansible_no_log"):
        reason = "no_log hides why"
    host = str(task_vars["inventory_hostname"])
    journal().note(
        [_facts.Failure(host=host, status="failed", reason=_canonical.printable(reason))]
    )
    return {"reason": reason, "failed_code": str(failed.get("code") or "")}


def building(action: Action, task_vars: Mapping[str, Any], result: dict[str, Any]) -> None:
    """Note that ``release_build`` returned *result*."""
    journal().note([_answers.building(*_told(action, task_vars, result))])


def package(action: Action, task_vars: Mapping[str, Any], result: dict[str, Any]) -> None:
    """Note that ``release_package`` returned *result*."""
    host, status, args, _result = _told(action, task_vars, result)
    state = args.get("state") or "present"
    fact: _facts.Event
    if state == "pruned" and not result.get("failed"):
        fact = _answers.pruning(host, result)
    else:
        fact = _answers.sealing(host, status, action._task.get_name(), args, result)
    journal().note([fact])


def _told(
    action: Action, task_vars: Mapping[str, Any], result: dict[str, Any]
) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    status = "failed" if result.get("failed") else "ok"
    if action._task.no_log:
        result = {"censored": True, **{key: result[key] for key in NO_SECRET if key in result}}
    return (
        str(task_vars.get("inventory_hostname") or "localhost"),
        status,
        action._task.args,
        result,
    )
