# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_notice``: send the notices that wait in the outbox."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.options import _notice, _planning
from ..plugin_utils.adapter import _arguments, _run_action
from ..plugin_utils.planning import _notifying
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
            _notice.options(),
            lambda arguments: self._work(arguments, variables),
            prefix=str(self._task.args.get("variables") or ""),
        )

    def _work(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        given = {**dict.fromkeys(_planning.common()), **arguments}
        return _notifying.send(PlanTask(self, given, task_vars))
