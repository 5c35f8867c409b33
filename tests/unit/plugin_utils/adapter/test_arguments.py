# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of a task: what the host's half gets, and what is said of wrong ones."""

from __future__ import annotations

import types

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.itops.release.plugins.module_utils.options import _deployment
from ansible_collections.itops.release.plugins.plugin_utils.adapter import _arguments, _conversion


def test_an_option_left_out_is_left_out_for_the_host_too():
    given = {"a": 0, "b": None, "c": False, "d": [], "probe": {"url": "u", "command": None}}

    assert _arguments.to_module(given) == {"a": 0, "c": False, "d": [], "probe": {"url": "u"}}


class Action(ActionBase):
    """An action of Ansible for a task with *args*."""

    def __init__(self, args):
        self._task = types.SimpleNamespace(args=args)

    def run(self, tmp=None, task_vars=None):
        return super().run(tmp, task_vars)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"keep": "x"}, "^keep: 'x' is not a whole number$"), ({"kept": 5}, "^kept is not an option")],
)
def test_of_a_wrong_option_the_others_are_not_told(wrong, reason):
    action = Action({"root": "/srv/shop", "restart": ["restart", "s3cr3t"], **wrong})

    with pytest.raises(_conversion.OptionError, match=reason) as caught:
        _arguments.plain_arguments(action, _deployment.options())

    assert "s3cr3t" not in str(caught.value)


def test_what_ansible_refuses_does_not_show_the_options():
    action = Action({"root": "/srv/shop", "restart": ["restart", "s3cr3t"], "state": "live"})

    with pytest.raises(_conversion.OptionError, match="release") as caught:
        _arguments.plain_arguments(
            action, _deployment.options(), required_if=[("state", "live", ["release"])]
        )

    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None
