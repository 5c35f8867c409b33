# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_evidence_pack``: all evidence of a plan in one tar, which anybody can verify."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils.options import _evidence_pack
from ..plugin_utils.adapter import _run_action
from ..plugin_utils.planning import _packing
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
            _evidence_pack.options(),
            lambda arguments: _packing.pack(PlanTask(self, arguments, variables)),
            place="dest",
            prefix=str(self._task.args.get("variables") or ""),
        )
