# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversation with a build host: what travels, and how its failures are reported."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _message
from ansible_collections.itops.release.plugins.plugin_utils.build_host import _conversation
from ansible_collections.itops.release.tests.fakes.build_host import LinkBroke, Machine

OPTIONS = {"src": "/srv/shop", "workspace": None}


def talk(machine: Machine, environment: dict[str, str] | None = None) -> _conversation.BuildHost:
    return _conversation.BuildHost(machine, "module", OPTIONS, environment)


def machine(answer: dict[str, Any] | Exception) -> Machine:
    """Return a machine whose module answers so, or fails so."""

    def half(_arguments: dict[str, Any]) -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Machine({"module": half})


def test_a_call_has_the_options_that_were_given() -> None:
    there = machine({"problems": []})

    assert talk(there).ask({"read": "release.yml"})["problems"] == []
    told = {"_request": {"format": 1, "read": "release.yml"}, "_secret": ""}
    assert there.calls == [("module", {"src": "/srv/shop", **told}, False)]


def test_the_environment_travels_hidden_and_through_input() -> None:
    there = machine({})

    talk(there, {"TOKEN": "s3cr3t"}).ask({"record": True}, secret={"plan": None})

    ((_name, arguments, through_input),) = there.calls
    secret = json.loads(arguments.pop("_secret"))
    assert secret == {"plan": None, "environment": {"TOKEN": "s3cr3t"}}
    assert "s3cr3t" not in str(arguments)
    assert through_input


def test_an_environment_without_variables_goes_as_any_other() -> None:
    there = machine({})

    talk(there, {}).ask(secret={"plan": 1})

    assert json.loads(there.calls[0][1]["_secret"]) == {"plan": 1, "environment": {}}


def test_what_may_be_secret_needs_a_hidden_way() -> None:
    with pytest.raises(ValueError, match="environment"):
        talk(machine({})).ask(secret={"plan": "s3cr3t"})


def test_an_answer_of_another_version_is_refused_in_one_line() -> None:
    with pytest.raises(_message.MessageError, match="format 2") as caught:
        talk(machine({"format": 2})).ask()

    assert "\n" not in str(caught.value)


def test_a_failure_there_is_reported_with_its_reason() -> None:
    with pytest.raises(
        _conversation.BuildHostError, match=r"^/srv/shop is not a folder$"
    ) as caught:
        talk(machine(OSError("/srv/shop is not a folder"))).ask()

    assert caught.value.code == "build_host_failed"


def test_a_module_that_did_not_start_is_reported_with_what_the_host_printed() -> None:
    answer = {"failed": True, "msg": "no result", "rc": 127, "module_stderr": "no python\nmore"}

    with pytest.raises(
        _conversation.BuildHostError, match=r"^no result \(exit status 127: no python\)$"
    ):
        talk(machine(answer)).ask()


def test_a_host_that_cannot_be_reached_is_no_failure_of_its_part() -> None:
    with pytest.raises(LinkBroke):
        talk(machine(LinkBroke())).ask()


def test_a_file_is_read_up_to_a_limit(tmp_path: pathlib.Path) -> None:
    there = tmp_path / "answer"
    there.write_bytes(b"12345")
    host = talk(Machine())

    assert host.read(str(there), most_bytes=5) == b"12345"
    with pytest.raises(_conversation.BuildHostError, match="more than 4 bytes"):
        host.read(str(there), most_bytes=4)


def test_a_file_that_cannot_be_fetched_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(_conversation.BuildHostError) as caught:
        talk(Machine()).fetch("/nowhere/layer", str(tmp_path / "layer"))

    assert str(caught.value).startswith(
        f"layer could not be fetched to {tmp_path}/layer: [Errno 2]"
    )
