# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which actions run: what the work gets, and how errors become results."""

from __future__ import annotations

import os
import types
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.plugin_utils.adapter import _run_action
from ansible_collections.itops.release.plugins.plugin_utils.compatibility import _beside
from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.run import _identity, _lifetime

SPEC = {
    "library": {"type": "path"},
    "keep": {"type": "int"},
    "release": {"type": "str"},
}


class Action(ActionBase):
    """An action of Ansible for a task with *args*."""

    def __init__(self, **args: Any) -> None:
        self._task = types.SimpleNamespace(args=args)

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return super().run(tmp, task_vars)


def failing(error: BaseException, place: str | None = None) -> dict[str, Any]:
    """Return the result of an action whose work raises *error*."""

    def work(_arguments: dict[str, Any]) -> dict[str, Any]:
        raise error

    return _run_action.run_action(Action(library="/srv/library"), SPEC, work, place=place)


def test_the_work_gets_plain_arguments_and_its_result_is_the_tasks() -> None:
    seen = []

    def work(arguments: dict[str, Any]) -> dict[str, Any]:
        seen.append(arguments)
        return {"changed": True}

    result = _run_action.run_action(Action(keep="3", release=""), SPEC, work)

    assert result == {"changed": True}
    assert seen == [{"library": None, "keep": 3, "release": None}]


def test_rules_are_checked_before_the_work() -> None:
    action = Action(keep=1)

    rules = {"required_by": {"keep": ["release"]}}
    result = _run_action.run_action(action, SPEC, pytest.fail, **rules)

    assert (result["failed"], result["code"]) == (True, "invalid_option")
    assert "release" in result["msg"]


def test_the_worker_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ended_with = []
    monkeypatch.setattr(_lifetime, "end_with", ended_with.append)

    _run_action.run_action(Action(), SPEC, lambda _arguments: {"at_work": list(ended_with)})

    assert ended_with == [_identity.main_pid()]


def test_an_error_is_reported_in_a_line_with_its_code() -> None:
    assert failing(ReleaseError("no such\nrelease", code="not_found")) == {
        "failed": True,
        "msg": "no such release",
        "code": "not_found",
    }


def test_a_hint_is_reported_beside_the_error() -> None:
    result = failing(ReleaseError("full", code="no_room", hint="prune it"))

    assert result == {"failed": True, "msg": "full", "code": "no_room", "hint": "prune it"}


def test_what_else_an_error_knows_is_reported() -> None:
    result = failing(_beside.Incompatible(["a needs b", "c needs d"]))

    assert result["incompatible"] == ["a needs b", "c needs d"]
    assert (result["failed"], result["code"]) == (True, "incompatible")


def test_fields_of_an_error_cannot_hide_that_the_task_failed() -> None:
    class Odd(ReleaseError):
        def result_fields(self) -> dict[str, Any]:
            return {"failed": False, "msg": "all is well"}

    assert failing(Odd("it failed")) == {"failed": True, "msg": "it failed", "code": "error"}


def test_a_missing_library_is_reported_in_ansibles_words() -> None:
    result = failing(_schema_file.MissingLibrary("jsonschema"))

    assert result["msg"].startswith("Failed to import the required Python library (jsonschema)")
    assert (result["failed"], result["code"]) == (True, "missing_library")


def test_an_os_error_is_reported_with_its_file(tmp_path: Any) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError) as caught:
        os.stat(missing)

    result = failing(caught.value, place="library")

    assert result["msg"] == f"[Errno 2] No such file or directory: '{missing}'"
    assert (result["failed"], result["code"]) == (True, "system_error")


def test_an_os_error_without_a_file_is_about_the_place_that_the_action_names() -> None:
    full = OSError(28, "No space left on device")

    assert failing(full, "library")["msg"] == "/srv/library: [Errno 28] No space left on device"
    assert failing(full)["msg"] == "[Errno 28] No space left on device"


@pytest.mark.parametrize("error", [AnsibleConnectionFailure("no route"), KeyError("a bug")])
def test_what_is_not_the_works_own_failure_passes(error: Exception) -> None:
    with pytest.raises(type(error)):
        failing(error)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("release 'x' is not known", "release (deploy_release) 'x' is not known"),
        ("keep: too many", "keep (deploy_keep): too many"),
        ("keep (deploy_keep): too many", "keep (deploy_keep): too many"),
        ("keep (verify_keep in the role) is 0", "keep (verify_keep in the role) is 0"),
        (
            "a and b exclude each other found in keep",
            "a and b exclude each other found in keep (deploy_keep)",
        ),
        ("releases are gone", "releases are gone"),
        ("no release was found", "no release was found"),
    ],
)
def test_a_message_about_an_option_names_the_variable_of_the_role(text: str, told: str) -> None:
    def work(_arguments: dict[str, Any]) -> dict[str, Any]:
        raise ReleaseError(text)

    in_role = _run_action.run_action(Action(), SPEC, work, prefix="deploy_")

    assert in_role["msg"] == told
    assert _run_action.run_action(Action(), SPEC, work)["msg"] == text
