# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a plan's hosts, by what the inventory has of them."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.fleet._waves import FleetError
from ansible_collections.itops.release.plugins.plugin_utils.plan._plan import Step
from ansible_collections.itops.release.plugins.plugin_utils.planning import _ordering

HOSTS = ("a", "b", "c", "d")


class Inventory:
    """Four hosts in two racks and two networks; "blue" is a group of two."""

    def hosts_of(self, pattern):
        return {"blue": ("b", "d")}.get(pattern, (pattern,))

    def value_of(self, host, name):
        known = {"rack": {"a": 1, "b": 1, "c": 2}, "size": {"c": "small"}}
        return known.get(name, {}).get(host)

    def addresses(self, hosts):
        known = {"a": ("10.0.1.1",), "b": ("10.0.1.2",), "c": ("10.0.2.1", "fd00::1")}
        return {host: known.get(host, "it has no address") for host in hosts}


def order(**step):
    return "".join(_ordering.ordered(Inventory(), Step("production", "all", **step), HOSTS))


@pytest.mark.parametrize(
    ("step", "hosts"),
    [
        ({}, "abcd"),
        ({"canary": ("c",)}, "cabd"),
        ({"canary": ("blue",)}, "bdac"),
        ({"canary": ("size=small",)}, "cabd"),
        ({"canary": ("10.0.2.0/24",)}, "cabd"),
        ({"canary": ("size=small", "b")}, "bcad"),
        ({"failure_domain": "rack"}, "acdb"),
        ({"failure_domain": "/24"}, "acdb"),
        ({"failure_domain": "/64"}, "abcd"),
        ({"canary": ("b",), "failure_domain": "rack"}, "bacd"),
    ],
)
def test_canaries_and_failure_domains_are_what_the_inventory_has(step, hosts):
    assert order(**step) == hosts


def test_a_failure_domain_that_no_host_has_is_refused():
    with pytest.raises(FleetError, match="no host of the plan has the variable 'rck'"):
        order(failure_domain="rck")


@pytest.mark.parametrize("word", ["e", "size=large", "192.0.2.0/24", "ed/ge"])
def test_a_canary_that_is_no_host_of_the_plan_is_refused(word):
    with pytest.raises(FleetError, match=f"canary: '{word}' selects no host of the plan"):
        order(canary=(word,))
