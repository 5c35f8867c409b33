# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``environment_state``: only what hosts said in this run counts; surveys send text."""

from __future__ import annotations

import inspect

import pytest
import yaml

from ansible_collections.itops.release.plugins.filter import environment_state

filters = environment_state.FilterModule().filters()
LIVE = {"name": "shop", "version": "1", "serial": 1, "digest": "a" * 64}
TOLD = {"root": "/r", "live": {**LIVE, "tree": "t"}, "previous": None, "trial": None}
ANSWERED = {"deployment": {**TOLD, "releases": []}}


def state(variables, asked, *options):
    return filters["environment_state"](list(variables), variables, "found", asked, *options)


def test_it_is_documented_as_it_is():
    documentation = yaml.safe_load(environment_state.DOCUMENTATION)
    _input, *parameters = inspect.signature(filters["environment_state"]).parameters.values()

    assert set(filters) == {documentation["name"]}
    assert set(documentation["options"]) == {"_input", *(item.name for item in parameters)}
    for item in parameters:
        required = documentation["options"][item.name].get("required", False)
        assert required == (item.default is item.empty)
    positional = [item.name for item in parameters if item.default is item.empty]
    assert documentation["positional"] == ", ".join(positional)


def test_what_is_deployed_is_gathered_or_why_it_is_unknown():
    variables = {
        "h1": {"found": ANSWERED},
        "h2": {"found": {"unreachable": True, "msg": "x"}},
        "h3": {"found": {"msg": "Task failed: no such\nroot"}},
        "h4": {},
        "h5": {"found": ANSWERED},
    }

    found = state(variables, ["h1", "h2", "h3", "h4"])

    unknown = {
        "h2": "unreachable",
        "h3": "no such root",
        "h4": "was not asked",
        "h5": "left out by --limit, or lost earlier in this run",
    }
    assert found["hosts"] == [
        {"host": "h1", "root": "/r", "live": LIVE},
        *({"host": host, "unknown": why} for host, why in unknown.items()),
    ]
    assert found["unknown"] == unknown
    assert found["references"] == [f"sha256:{'a' * 64}"]
    assert found["problem"].startswith("cannot know what is deployed on h2 (unreachable), h3 (")


@pytest.mark.parametrize("ignored", ["web2, web3", ["web2", "web3", "x"]])
@pytest.mark.parametrize("also", ["shop:1, shop:2", ["shop:1", "shop:2"]])
def test_hosts_that_are_gone_for_good_may_be_unknown(ignored, also):
    variables = {"web1": {"found": {"results": []}}, "web2": {}, "web3": {"other": 1}}

    found = state(variables, ["web1"], ignored, also)

    assert found["references"] == ["shop:1", "shop:2"]
    assert (found["unknown"], found["problem"]) == ({}, "")


def test_what_an_ignored_host_answered_counts():
    diverted = {**ANSWERED, "drift": [{"path": "current", "change": "modified", "tree": "t"}]}

    assert state({"web1": {"found": diverted}}, ["web1"])["unknown"].keys() == {"web1"}
    found = state({"web1": {"found": diverted}}, ["web1"], ["web1"])
    assert (found["unknown"], found["references"]) == ({}, [f"sha256:{'a' * 64}"])
