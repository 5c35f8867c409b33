# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_build``: the controller reads ``release.yml`` and watches; a build host builds."""

from __future__ import annotations

import base64
import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.release import __version__
from ansible.utils.display import Display

from ..module_utils.options import _build
from ..plugin_utils.adapter import _arguments, _environment, _run_action, _task_host
from ..plugin_utils.build_host import _conversation, _watch
from ..plugin_utils.building import _diff, _plan
from ..plugin_utils.definition import _release_file
from ..plugin_utils.ledger import _noting
from ..plugin_utils.run import _ci, _identity

MODULE = "itops.release.release_build"
PATIENCE = "itops_release_build_patience"  # for tests: a variable with seconds


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> _run_action.Result:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        result = _run_action.run_action(
            self,
            _arguments.on_host(_build.options(), "src", "workspace"),
            lambda arguments: self._build(arguments, variables),
        )
        _noting.building(self, variables, result)
        return result

    def _build(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        """Have the build host build what its ``release.yml`` declares, and wait for the end."""
        machine = _task_host.TaskHost(self, task_vars)
        paths = arguments["src"], arguments["workspace"]
        patience = float(task_vars.get(PATIENCE, _watch.PATIENCE_SECONDS))
        with _environment.hidden_environment(self, *paths) as environment:
            build_host = _conversation.BuildHost(machine, MODULE, arguments, environment)
            there = build_host.ask(secret={"plan": None})
            plan = self._plan(arguments, there, patience, task_vars)
            started = build_host.ask(secret={"plan": plan})
            host, display = task_vars["inventory_hostname"], Display()
            ended = _watch.watch(
                machine,
                _watch.Started.from_plain(started),
                patience,
                lambda text: display.display(f"[{host}] {text}"),
            )
        before = ended.pop("before", None)
        result = {"release": plan["release"], **ended}
        if self._task.diff and not ended.get("failed"):
            after = {**plan, "components": ended["components"]}
            result["diff"] = _diff.diff(ended["workspace"], before, after)
        return result

    def _plan(
        self,
        arguments: _arguments.Arguments,
        there: _conversation.Answer,
        patience: float,
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the plan of the build of the ``release.yml`` that is *there*."""
        data, path = base64.b64decode(there["content"]), there["path"]
        text = _release_file.decode(data, path)
        return _plan.Plan(
            run=_identity.run_id(task_vars),
            core=__version__,
            release=_release_file.parse(text, path, arguments["version"], arguments["serial"]),
            path=path,
            data=data,
            folder=there["folder"],
            is_check=self._task.check_mode,
            rebuild=arguments["rebuild"],
            require_reproducible=arguments["require_reproducible"],
            patience=patience,
            job=_ci.recognise(os.environ, task_vars),
        ).to_plain()
