# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``releases_held``: documented as it is, and taking text where surveys send it."""

from __future__ import annotations

import inspect

import pytest
import yaml

from ansible_collections.itops.release.plugins.filter import releases_held

filters = releases_held.FilterModule().filters()


def test_it_is_documented_as_it_is():
    documentation = yaml.safe_load(releases_held.DOCUMENTATION)
    _input, *parameters = inspect.signature(filters["releases_held"]).parameters.values()

    assert set(filters) == {documentation["name"]}
    assert set(documentation["options"]) == {"_input", *(item.name for item in parameters)}
    for item in parameters:
        required = documentation["options"][item.name].get("required", False)
        assert required == (item.default is item.empty)
    positional = [item.name for item in parameters if item.default is item.empty]
    assert documentation["positional"] == ", ".join(positional)


@pytest.mark.parametrize("ignored", ["web2, web3", ["web2", "web3"]])
@pytest.mark.parametrize("also", ["shop:1, shop:2", ["shop:1", "shop:2"]])
def test_answers_are_taken_from_the_variables_of_hosts(ignored, also):
    variables = {"web1": {"found": {"results": []}}, "web2": {}, "web3": {"other": 1}}

    held = filters["releases_held"](list(variables), variables, "found", ["web1"], ignored, also)

    assert held == {"references": ["shop:1", "shop:2"], "unknown": {}, "problem": ""}


def test_a_host_without_the_variable_is_not_known():
    variables = {"web1": {"found": {"results": []}}, "web2": {}}

    held = filters["releases_held"](list(variables), variables, "found", list(variables))

    assert held["unknown"] == {"web2": "was not asked"}
