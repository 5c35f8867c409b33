# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a plan's hosts: canaries and failure domains, by inventory and addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..fleet import _waves
from ..fleet._waves import FleetError
from ..plan._plan import Step

NOWHERE = ""  # the failure domain of a host of which it is not known


class Inventory(Protocol):
    """What is asked of the inventory."""

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """Return the hosts that *pattern* selects."""

    def value_of(self, host: str, name: str) -> Any:
        """Return the variable *name* of *host*, None where it has none."""

    def addresses(self, hosts: Sequence[str]) -> Mapping[str, tuple[str, ...] | str]:
        """Return the addresses of *hosts*, or why those of a host are not known."""


def ordered(inventory: Inventory, step: Step, hosts: Sequence[str]) -> tuple[str, ...]:
    """Return *hosts* in the order in which they change; FleetError where that cannot be told."""
    canaries = {host for word in step.canary for host in _selected(inventory, word, hosts)}
    return _waves.ordered(hosts, canaries, _failure_domains(inventory, step.failure_domain, hosts))


def _selected(inventory: Inventory, word: str, hosts: Sequence[str]) -> list[str]:
    """Return the *hosts* that a *word* of ``canary`` selects."""
    name, is_pair, value = word.partition("=")
    network = _network(word)
    if is_pair:
        found = [h for h in hosts if str(inventory.value_of(h, name)) == value]
    elif network is not None:
        found = [h for h in hosts if any(a in network for a in _addresses(inventory, h))]
    else:
        found = [h for h in hosts if h in inventory.hosts_of(word)]
    if not found:
        raise FleetError(f"canary: '{word}' selects no host of the plan", code="invalid_option")
    return found


def _failure_domains(inventory: Inventory, by: str, hosts: Sequence[str]) -> Mapping[str, str]:
    if not by:
        return {}
    if not by.startswith("/"):
        values = {host: inventory.value_of(host, by) for host in hosts}
        if all(value is None for value in values.values()):
            said = f"failure_domain: no host of the plan has the variable '{by}'"
            raise FleetError(said, code="invalid_option")
        return {h: NOWHERE if value is None else str(value) for h, value in values.items()}
    length = int(by[1:])
    found = {}
    for host in hosts:
        addresses = _addresses(inventory, host)
        found[host] = NOWHERE
        if addresses and length <= addresses[0].max_prefixlen:
            prefix = f"{addresses[0]}/{length}"
            found[host] = str(ipaddress.ip_network(prefix, strict=False))
    return found


def _addresses(
    inventory: Inventory, host: str
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    known = inventory.addresses([host])[host]
    return [] if isinstance(known, str) else [ipaddress.ip_address(text) for text in known]


def _network(word: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(word, strict=False) if "/" in word else None
    except ValueError:
        return None
