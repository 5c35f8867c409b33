# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host of a task: modules, commands, files and a temporary folder there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ._transfer import modules_through_input

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase


class TaskHost:
    """The host of the task of an *action*, by the connection that Ansible made.

    Implements ``build_host._machine.Machine``. All methods raise ``lost`` when the host cannot be
    reached.
    """

    lost = AnsibleConnectionFailure

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self._action = action
        self._task_vars = task_vars

    def run_module(
        self, name: str, arguments: dict[str, Any], through_input: bool
    ) -> dict[str, Any]:
        """Run the module *name* and return its result, which may be a failure.

        With *through_input* no file with the arguments lies on the host, where Ansible can do that.
        """
        with modules_through_input(self._action) if through_input else contextlib.nullcontext():
            result: dict[str, Any] = self._action._execute_module(
                name, arguments, task_vars=self._task_vars, wrap_async=False
            )
        if result.get("unreachable"):
            raise AnsibleConnectionFailure(result.get("msg", "the host is unreachable"))
        return result

    def run_command(self, command: str) -> str:
        """Run *command* in a shell, as the user that the task becomes; return what it prints."""
        printed: str = self._action._low_level_execute_command(command)["stdout"]
        return printed

    def fetch(self, there: str, path: str) -> None:
        """Copy the file *there* on the host, which the login user can read, to *path* here.

        Raises OSError with the reason when that fails.
        """
        try:
            self._action._connection.fetch_file(there, path)
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            raise OSError(str(error)) from None

    @contextlib.contextmanager
    def folder(self) -> Iterator[str]:
        """Give the path of a temporary folder on the host, which ends in a slash."""
        path: str = self._action._make_tmp_path()
        try:
            yield path
        finally:
            self._action._remove_tmp_path(path, force=True)
