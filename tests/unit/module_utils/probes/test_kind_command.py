# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that return 0, and what is said of those that do not."""

from __future__ import annotations

import re

import pytest

from ansible_collections.itops.release.plugins.module_utils.probes import _kind_command


def measure(*command, timeout=20):
    return _kind_command.measure({"command": list(command), "timeout": timeout})


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["false"], "false ended with 1: no output"),
        (["sh", "-c", "echo a; echo b >&2; exit 4"], "sh ended with 4: a b"),
        (["/no/such/program"], "/no/such/program ended with 127: .*No such file"),
        (["sleep", "60"], "sleep took too long"),
    ],
)
def test_a_command_that_fails_is_told_with_the_end_of_its_output(command, reason):
    is_good, told = measure(*command, timeout=1 if command[0] == "sleep" else 20)

    assert not is_good
    assert re.match(reason, told)
    assert "\n" not in told


def test_a_command_that_returns_0_is_well_and_what_it_prints_is_not_told():
    assert measure("sh", "-c", "echo s3cr3t", "s3cr3t") == (True, "sh ended with 0")


def test_a_command_without_a_program_is_refused():
    for command in ([], [" ", "x"]):
        problem = _kind_command.wrong_with({"command": command})
        assert problem == "command: its first word, the program, is empty"
    assert _kind_command.wrong_with({"command": ["true"]}) is None
