# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate "networks": every address of every host is in a network of the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..policy import _networks
from ._answer import Answer

if TYPE_CHECKING:
    from netaddr import IPAddress, IPNetwork

GATE = "networks"
MOST_NAMED = 6


def answer(networks: Sequence[str], found: Mapping[str, tuple[str, ...] | str]) -> Answer:
    """Return whether all hosts are reached in *networks* only; open where none are demanded.

    *found* has the addresses of each host, or a text: why they are not known. An address that is
    not known closes the gate. Raises NetworkError and MissingLibrary.
    """
    if not networks:
        return Answer(GATE, True, "none demanded")
    allowed = [_networks.parse(text) for text in networks]
    needs = f"an address in {_named(networks)}, or a change of networks in policy.yml"
    reasons = {host: _reason(addresses, allowed) for host, addresses in found.items()}
    wrong = [f"{host}: {reason}" for host, reason in reasons.items() if reason]
    if not found:
        return Answer(GATE, False, "the address of no host is known", needs=needs)
    if not wrong:
        return Answer(GATE, True, f"all addresses of {_counted(len(found), 'host')}")
    others = f" (and {_counted(len(wrong) - 1, 'more host')})" if wrong[1:] else ""
    return Answer(GATE, False, wrong[0] + others, needs=needs)


def _reason(addresses: tuple[str, ...] | str, allowed: Sequence[IPNetwork]) -> str:
    """Return why a host with *addresses* is not surely in networks *allowed*; "" if it is."""
    if isinstance(addresses, str):
        return addresses or "its address is not known"
    for text in addresses:
        address = _address(text)
        if address is None:
            return f"{text} is not a valid address"
        if not any(address in network for network in allowed):
            return f"{address} is in no network demanded"
    return "" if addresses else "its address is not known"


def _address(text: str) -> IPAddress | None:
    """Return the address *text*, an IPv4-mapped one as IPv4; None if it is not valid."""
    import netaddr

    try:
        address = netaddr.IPAddress(text)
    except (netaddr.AddrFormatError, ValueError, TypeError):
        return None
    return address.ipv4() if address in netaddr.IPNetwork(_networks.MAPPED) else address


def _named(networks: Sequence[str]) -> str:
    """Return *networks* in words; of many only the first."""
    left = len(networks) - MOST_NAMED
    if left > 1:
        return ", ".join(networks[:MOST_NAMED]) + f" or one of {left} more networks"
    return " or ".join(filter(None, (", ".join(networks[:-1]), networks[-1])))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
