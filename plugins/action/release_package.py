# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: the controller reads ``release.yml``, seals, and owns the media library."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.common.validation import check_type_path
from ansible.plugins.action import ActionBase

from ..module_utils.options import _package
from ..plugin_utils.adapter import _arguments, _environment, _run_action, _task_host
from ..plugin_utils.build_host import _conversation
from ..plugin_utils.building import _packaging, _source_hosts
from ..plugin_utils.ledger import _noting

MODULE = "itops.release.release_package"
ONLY_HERE = ("sign", "evidence", "sbom")  # options that are the controller's own business


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> _run_action.Result:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        result = _run_action.run_action(
            self,
            _arguments.on_host(_package.options(), "src", "workspace"),
            lambda arguments: self._package(arguments, variables),
            place="media_library",
            required_if=[
                ("state", "present", ["src", "mark"], True),
                ("state", "signed", ["release", "sign"]),
                ("state", "absent", ["release"]),
                ("state", "pruned", ["keep"]),
            ],
            required_by={"mark": ["release"]},
            mutually_exclusive=[("src", "mark")],
        )
        _noting.package(self, variables, result)
        return result

    def _package(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> _run_action.Result:
        """Do what the task asks for, with a diff where one is wanted."""
        done = _packaging.act(
            arguments,
            lambda: self._open_sources(arguments, task_vars),
            os.environ,
            keep=not self._task.check_mode,
        )
        return done.with_diff() if self._task.diff else done.result

    @contextlib.contextmanager
    def _open_sources(
        self, arguments: _arguments.Arguments, task_vars: dict[str, Any]
    ) -> Iterator[_source_hosts.Sources]:
        """Give the sources where they are: on this machine, or on the host of the task."""
        src, definition, workspace = (arguments[key] for key in ("src", "definition", "workspace"))
        if not arguments["remote_src"]:
            workspace = workspace and check_type_path(workspace)
            yield _source_hosts.ThisMachine(check_type_path(src), definition, workspace)
            return
        options = {key: self._task.args[key] for key in self._task.args if key not in ONLY_HERE}
        machine = _task_host.TaskHost(self, task_vars)
        # Packing needs nothing of the environment.
        with machine.folder() as folder, _environment.hidden_environment(self, src, workspace):
            build_host = _conversation.BuildHost(machine, MODULE, options)
            yield _source_hosts.OnBuildHost(src, definition, workspace, folder, build_host)
