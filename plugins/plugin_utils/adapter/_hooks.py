# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Task files that a role runs around its phases: found and read before anything is done."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.playbook.helpers import load_list_of_tasks
from ansible.playbook.task_include import TaskInclude

from ...module_utils.errors._release_error import ReleaseError

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase


ENDING = re.compile(r"\bmeta\s*:\s*[\"']?(end_play|end_batch|end_host|end_role)\b")


class HookError(ReleaseError):
    """A hook cannot be run; the text names the option and the file."""

    code = "invalid_hook"


def read(
    action: ActionBase, hooks: Mapping[str, str | None], variables: Mapping[str, Any], option: str
) -> dict[str, str]:
    """Return the paths of the *hooks*, by moment, once it is sure that Ansible can run each.

    At a task file that it cannot read Ansible ends the run at once: later, no host would be rolled
    back. A relative path counts from the playbook's directory. *option* names them in messages.
    """
    paths = {
        moment: os.path.join(str(variables.get("playbook_dir") or ""), os.path.expanduser(path))
        for moment, path in hooks.items()
        if path
    }
    missing = [path for path in paths.values() if not os.path.isfile(path)]
    if missing:
        raise HookError(
            f"{option}: {', '.join(missing)} is not a file on the controller; give an absolute path"
        )
    for path in dict.fromkeys(paths.values()):
        _read(action, path, option, variables)
    return paths


def refuse_endings(hooks: Mapping[str, str], option: str) -> None:
    """Raise HookError for a hook that would end a play, or a host in it, before the run's end.

    Between the batches of a deployment in waves the run decides by what hosts reported; ended by a
    hook, it would leave some on trial, and end well. Only the hook's own file is looked at.
    """
    for path in hooks.values():
        with open(path, encoding="utf-8", errors="replace") as stream:
            found = ENDING.search(stream.read())
        if found:
            raise HookError(
                f"{option}: {path}: meta: {found[1]} is not possible where a plan is deployed in "
                "waves; fail the task instead (ansible.builtin.fail)"
            )


class _Variables:
    """What Ansible asks for the variables of tasks that it imports."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables

    def get_vars(self, **_whom: Any) -> dict[str, Any]:
        return dict(self._variables)


def _read(action: ActionBase, path: str, option: str, variables: Mapping[str, Any]) -> None:
    try:
        tasks = action._loader.load_from_file(path)
        if not isinstance(tasks, list):
            raise HookError(f"{option}: {path} is not a list of tasks")
        where = {
            "role": action._task._role,
            "variable_manager": _Variables(variables),
            "loader": action._loader,
        }
        # As from the include that will run it: from there relative paths are looked up.
        include = TaskInclude.load(
            {"ansible.builtin.include_tasks": path}, block=action._task._parent, **where
        )
        load_list_of_tasks(
            tasks, play=action._task.get_play(), block=include.build_parent_block(), **where
        )
    except AnsibleError as error:
        reason = " ".join(str(error).split())
        raise HookError(f"{option}: {path} cannot be read: {reason}") from None
