# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``release_deployment_info``: it knows which digest is expected."""

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ..module_utils import _arguments
from ..plugin_utils import _action, _library, _lifetime, _run, _transfer

MODULE = "itops.release.release_deployment_info"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _lifetime.end_with(_run.main_pid())
        arguments = _action.plain_arguments(
            self, _action.on_host(_arguments.deployment_info(), "root")
        )
        try:
            expected = self._expected(arguments)
        except _library.LibraryError as error:
            return {"failed": True, "msg": str(error)}
        with _transfer.modules_through_input(self):
            result = self._execute_module(
                MODULE,
                _action.to_module({**arguments, "_expected": expected}),
                task_vars=task_vars,
                wrap_async=False,
            )
        return {**result, "run": _run.run_id(task_vars)}

    def _expected(self, arguments):
        """Return the digest that should be live, or None when nothing is expected."""
        reference = arguments["release"]
        if reference is None:
            return None
        if reference.startswith("sha256:"):
            return reference[len("sha256:") :]
        if arguments["media_library"] is None:
            raise _library.LibraryError(f"media_library is needed to find {reference}")
        return _library.Library(arguments["media_library"]).find(reference).digest
