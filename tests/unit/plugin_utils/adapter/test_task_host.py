# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host of a task: what of Ansible's interface is used, and how its failures look."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _task_host


class Connection:
    """A connection with Ansible's interface, over which fetching ends with *failure*."""

    become = None

    def __init__(self, failure: Exception | None) -> None:
        self.pipelining = False
        self._failure = failure

    def get_option_and_origin(self, _name: str) -> tuple[bool, str]:
        return self.pipelining, "default"

    def set_option(self, _name: str, value: bool) -> None:
        self.pipelining = value

    def fetch_file(self, there: str, path: str) -> None:
        if self._failure:
            raise self._failure
        with open(path, "w") as stream:
            stream.write(there)


class Action:
    """An action of Ansible whose modules return *result*."""

    def __init__(self, result: dict[str, Any], failure: Exception | None = None) -> None:
        self._connection = Connection(failure)
        self._result = result
        self.calls: list[Any] = []
        self.removed: list[str] = []

    def _is_become_unprivileged(self) -> bool:
        return False

    def _execute_module(self, name: str, arguments: dict[str, Any], **options: Any) -> Any:
        self.calls.append((name, arguments, options, self._connection.pipelining))
        return self._result

    def _low_level_execute_command(self, command: str) -> dict[str, str]:
        return {"stdout": f"{command} was run"}

    def _make_tmp_path(self) -> str:
        return "/tmp/x/"

    def _remove_tmp_path(self, path: str, force: bool) -> None:
        assert force
        self.removed.append(path)


@pytest.mark.parametrize("through_input", [True, False])
def test_a_module_runs_with_the_variables_of_the_task(through_input: bool) -> None:
    action = Action({"changed": False, "failed": True})

    result = _task_host.TaskHost(action, {"a": 1}).run_module("m", {"src": "s"}, through_input)

    assert result == {"changed": False, "failed": True}
    options = {"task_vars": {"a": 1}, "wrap_async": False}
    assert action.calls == [("m", {"src": "s"}, options, through_input)]
    assert not action._connection.pipelining


def test_a_host_that_is_unreachable_in_a_result_is_lost() -> None:
    host = _task_host.TaskHost(Action({"unreachable": True, "msg": "no route"}), {})

    with pytest.raises(host.lost, match="no route"):
        host.run_module("m", {}, through_input=False)


def test_what_a_command_prints_is_returned() -> None:
    assert _task_host.TaskHost(Action({}), {}).run_command("true") == "true was run"


def test_a_file_that_cannot_be_fetched_is_an_os_error(tmp_path: Any) -> None:
    host = _task_host.TaskHost(Action({}, AnsibleError("no such file")), {})

    with pytest.raises(OSError, match="no such file"):
        host.fetch("/there", str(tmp_path / "here"))


def test_a_host_that_is_lost_while_fetching_is_lost(tmp_path: Any) -> None:
    host = _task_host.TaskHost(Action({}, AnsibleConnectionFailure("gone")), {})

    with pytest.raises(host.lost):
        host.fetch("/there", str(tmp_path / "here"))


def test_a_folder_is_removed_also_after_a_failure() -> None:
    action = Action({})

    with contextlib.suppress(KeyError), _task_host.TaskHost(action, {}).folder() as path:
        assert (path, action.removed) == ("/tmp/x/", [])
        raise KeyError

    assert action.removed == ["/tmp/x/"]
