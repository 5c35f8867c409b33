# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of this run, for another one: secrets in files, variables as they were given."""

from __future__ import annotations

import json
import os
import stat
import types

import pytest
from ansible import context
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.itops.release.plugins.plugin_utils.adapter import _command_line
from ansible_collections.itops.release.plugins.plugin_utils.adapter._command_line import (
    CommandLineError,
)


class Secret:
    bytes = b"of the vault"


@pytest.fixture
def line(tmp_path, monkeypatch):
    """Return ``line(check=False, **options)``: the CommandLine of a run with these options."""

    def line(check=False, **options):
        monkeypatch.setattr(context, "CLIARGS", ImmutableDict(options))
        action = types.SimpleNamespace(
            _task=types.SimpleNamespace(check_mode=check),
            _play_context=types.SimpleNamespace(password="of ssh", become_pass="of sudo"),
            _loader=types.SimpleNamespace(
                _vault=types.SimpleNamespace(secrets=[("prod", Secret())])
            ),
        )
        return _command_line.of_run(action, str(tmp_path))

    return line


def contents(arguments):
    """Return the values of *arguments* that name files, read."""
    found = []
    for argument in arguments:
        path = argument.partition("=")[2].rpartition("@")[2]
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with open(path, encoding="utf-8") as stream:
            found.append((argument.partition("=")[0], stream.read()))
    return found


def test_sources_and_options_are_passed_on(line):
    found = line(
        check=True,
        inventory=("/inventory", "one,"),
        remote_user="ada",
        private_key_file="keys/ada",
        become=True,
        become_user=None,
        timeout=None,
        verbosity=2,
        vault_ids=("prod@/secret",),
    )

    assert found.sources == ("/inventory", "one,")
    assert found.arguments == (
        "--user=ada",
        f"--private-key={os.path.abspath('keys/ada')}",
        "--become",
        "--check",
        "-vv",
        "--vault-id=prod@/secret",
    )


def test_what_is_as_configured_is_not_passed_on(line):
    constants = _command_line.constants

    assert line(forks=constants.DEFAULT_FORKS, connection=constants.DEFAULT_TRANSPORT) == (
        _command_line.CommandLine((), ())
    )


def test_passwords_that_were_asked_for_are_files_for_nobody_else(line):
    found = line(ask_pass=True, become_ask_pass=True, ask_vault_pass=True)

    assert contents(found.arguments) == [
        ("--connection-password-file", "of ssh"),
        ("--become-password-file", "of sudo"),
        ("--vault-id", "of the vault"),
    ]


def test_extra_variables_keep_their_order_and_are_not_seen_in_the_list_of_processes(line, tmp_path):
    given = tmp_path / "given.yml"
    given.write_text("b: 2")
    given.chmod(0o600)
    found = line(
        extra_vars=("a=1 secret=x", f"@{given}", '{"c": [1]}', "release_reason=Read it twice")
    )

    assert [text for _option, text in contents(found.arguments)] == [
        json.dumps({"a": "1", "secret": "x"}),
        "b: 2",
        '{"c": [1]}',
        json.dumps({"release_reason": "Read it twice"}),
    ]


@pytest.mark.parametrize("option", ["subset", "start_at_task", "step"])
def test_a_run_in_part_is_refused(monkeypatch, option):
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict({option: "x"}))

    with pytest.raises(CommandLineError, match="a train is about all its hosts"):
        _command_line.refuse_parts("a train")
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict({option: None}))
    _command_line.refuse_parts("a train")


def test_host_keys_are_checked_as_this_run_does(monkeypatch):
    monkeypatch.setattr(_command_line.constants, "HOST_KEY_CHECKING", True)

    assert _command_line.environment()["ANSIBLE_HOST_KEY_CHECKING"] == "True"
