# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_fleet``: decide between the batches of a deployment what comes next."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.errors._release_error import ReleaseError
from ..module_utils.options import _fleet
from ..plugin_utils.adapter import _arguments, _run_action
from ..plugin_utils.planning import _going_back, _reconciling, _rolling_out
from ..plugin_utils.planning._task import PlanTask


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> _run_action.Result:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        return _run_action.run_action(
            self,
            _fleet.options(),
            lambda arguments: self._work(arguments, variables),
            prefix=str(self._task.args.get("variables") or ""),
        )

    def _work(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        task = PlanTask(self, arguments, task_vars)
        try:
            if arguments["state"] == "staged":
                return _rolling_out.staged(task)
            if arguments["state"] == "found":
                return _going_back.found(task)
            if arguments["state"] == "reverted":
                return _rolling_out.reverted(task)
            if arguments["state"] == "reconciled":
                return _reconciling.reconciled(task)
            return _rolling_out.switched(task, committed=arguments["state"] == "committed")
        except ReleaseError as error:
            task.recorder().stopped(str(error))
            raise
