# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_train``: deploy the domains of a plan, each by a job of its own."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.options import _train
from ..plugin_utils.adapter import _arguments, _run_action
from ..plugin_utils.planning._task import PlanTask
from ..plugin_utils.train import _running


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> _run_action.Result:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        return _run_action.run_action(
            self,
            _train.options(),
            lambda arguments: self._work(arguments, variables),
            prefix=str(self._task.args.get("variables") or ""),
        )

    def _work(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        return _running.run(PlanTask(self, arguments, task_vars))
