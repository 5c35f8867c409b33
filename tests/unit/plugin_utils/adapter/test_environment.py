# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment of a task: what of it is in command lines."""

from __future__ import annotations

import contextlib
import types

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _environment


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

    with (
        contextlib.suppress(OSError),
        _environment.hidden_environment(action, *paths) as environment,
    ):
        assert environment == {**declared[0], "NUMBER": "7"}
        assert action.in_command_lines() == {"PATH": "/opt/bin", "WORK": "/srv", "SRC": "x"}
        raise OSError("a try that fails")

    assert action._task.environment == list(declared)  # for the next one
