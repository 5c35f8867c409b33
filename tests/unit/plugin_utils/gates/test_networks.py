# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition import _schema_file
from ansible_collections.itops.release.plugins.plugin_utils.gates import _networks

NETWORKS = ("203.0.113.0/24", "2001:db8::/32")
INSIDE = {"web1": ("203.0.113.7", "2001:db8::7")}
NEEDS = "an address in 203.0.113.0/24 or 2001:db8::/32, or a change of networks in policy.yml"
UNKNOWN = "its address is not known"


def test_the_gate_is_open_where_no_networks_are_demanded() -> None:
    answer = _networks.answer((), {"web1": "it is not known"})

    assert answer.line() == "open: networks: none demanded"


def test_the_gate_is_open_where_each_address_is_in_a_network() -> None:
    one = _networks.answer(NETWORKS, INSIDE)
    two = _networks.answer(NETWORKS, {**INSIDE, "web2": ("203.0.113.255",)})

    assert one.line() == "open: networks: all addresses of 1 host"
    assert two.line() == "open: networks: all addresses of 2 hosts"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"web2": ("203.0.114.7",)}, "web2: 203.0.114.7 is in no network demanded"),
        (
            {"web2": ("203.0.113.7", "2001:db9::7"), "web3": ("192.0.2.1",)},
            "web2: 2001:db9::7 is in no network demanded (and 1 more host)",
        ),
        (
            {"web2": "connection podman has no network address", "web3": ("::1",), "web4": ""},
            "web2: connection podman has no network address (and 2 more hosts)",
        ),
        ({"web2": ()}, f"web2: {UNKNOWN}"),
        ({"web2": ""}, f"web2: {UNKNOWN}"),
        ({"web2": ("203.0.113",)}, "web2: 203.0.113 is not a valid address"),
        ({"web2": ("203.0.113.7/24",)}, "web2: 203.0.113.7/24 is not a valid address"),
        ({"web2": ("::ffff:192.0.2.1",)}, "web2: 192.0.2.1 is in no network demanded"),
    ],
)
def test_a_host_that_is_not_surely_inside_closes_the_gate(
    found: Mapping[str, tuple[str, ...] | str], text: str
) -> None:
    answer = _networks.answer(NETWORKS, {**INSIDE, **found})

    assert (answer.is_open, answer.text, answer.needs) == (False, text, NEEDS)


def test_no_hosts_close_the_gate() -> None:
    answer = _networks.answer(NETWORKS, {})

    assert (answer.is_open, answer.text) == (False, "the address of no host is known")


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("203.0.113.0/25", "203.0.113.127", "203.0.113.128"),
        ("203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
        ("2001:DB8:0::/48", "2001:db8::1", "2001:db8:1::1"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
        ("203.0.113.0/24", "::ffff:203.0.113.7", "::203.0.113.7"),
        ("0.0.0.0/0", "192.0.2.1", "2001:db8::1"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
    ],
)
def test_a_network_ends_where_its_prefix_says(network: str, inside: str, outside: str) -> None:
    assert _networks.answer([network], {"web1": (inside,)}).is_open
    assert not _networks.answer([network], {"web1": (outside,)}).is_open


def test_of_many_networks_some_are_named() -> None:
    networks = [f"10.{number}.0.0/16" for number in range(20)]

    three = _networks.answer(networks[:3], {"web1": UNKNOWN}).needs
    many = _networks.answer(networks, {"web1": UNKNOWN}).needs

    assert three.startswith("an address in 10.0.0.0/16, 10.1.0.0/16 or 10.2.0.0/16, or a change")
    assert "10.5.0.0/16 or one of 14 more networks, or a change" in many


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netaddr", None)

    with pytest.raises(_schema_file.MissingLibrary, match="netaddr"):
        _networks.answer(NETWORKS, INSIDE)
    assert _networks.answer((), INSIDE).is_open  # which needs no library
