# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share: where packs are kept, what the host's half gets and what it does not."""

from __future__ import annotations

import contextlib
import types

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.plugin_utils.adapter import _action


def test_packs_are_kept_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/cache")
    assert _action.cache_directory() == "/var/tmp/cache/itops-release/packs"

    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/olga")
    assert _action.cache_directory() == "/home/olga/.cache/itops-release/packs"


def test_an_option_left_out_is_left_out_for_the_host_too():
    given = {"a": 0, "b": None, "c": False, "d": [], "probe": {"url": "u", "command": None}}

    assert _action.to_module(given) == {"a": 0, "c": False, "d": [], "probe": {"url": "u"}}


class Action(ActionBase):
    """An action of Ansible for a task with *args*."""

    def __init__(self, args):
        self._task = types.SimpleNamespace(args=args)

    def run(self, tmp=None, task_vars=None):
        return super().run(tmp, task_vars)


@pytest.mark.parametrize(
    ("wrong", "reason"), [({"keep": "x"}, "convert to int"), ({"kept": 5}, "Unsupported")]
)
def test_of_a_wrong_option_the_others_are_not_told(wrong, reason):
    action = Action({"root": "/srv/shop", "restart": ["restart", "s3cr3t"], **wrong})

    with pytest.raises(AnsibleActionFail, match=reason) as caught:
        _action.plain_arguments(action, _deployment.options())

    assert "s3cr3t" not in f"{caught.value} {caught.value.obj}"


class WithEnvironment:
    """An action of Ansible, as far as the *environment* of its task is asked for."""

    def __init__(self, *environment):
        self._task = types.SimpleNamespace(environment=list(environment))

    def _compute_environment_string(self, given):
        given.clear()
        for variables in self._task.environment:
            given.update(variables)

    def in_command_lines(self):
        given = {}
        self._compute_environment_string(given)
        return given


def test_only_what_acts_before_a_module_or_is_in_a_path_stays_in_command_lines():
    declared = {"TOKEN": "s3cr3t", "PATH": "/opt/bin", "WORK": "/srv", "SRC": "x"}, {"NUMBER": 7}
    action = WithEnvironment(*declared)
    paths = "$WORK/shop", None, "/srv/${SRC}/a"

    with contextlib.suppress(OSError), _action.hidden_environment(action, *paths) as environment:
        assert environment == {**declared[0], "NUMBER": "7"}
        assert action.in_command_lines() == {"PATH": "/opt/bin", "WORK": "/srv", "SRC": "x"}
        raise OSError("a try that fails")

    assert action._task.environment == list(declared)  # for the next one


def test_why_a_module_did_not_start_is_told():
    told = {"msg": "no result", "rc": 127, "module_stderr": "pyenv: no \x1b[1mpython\nmore\n"}

    assert _action.why_failed(told) == r"no result (exit status 127: pyenv: no \x1b[1mpython)"
    assert _action.why_failed({"msg": "there is no git"}) == "there is no git"
