# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that a policy demands, in CIDR form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..definition._schema_file import MissingLibrary

if TYPE_CHECKING:
    from netaddr import IPNetwork

# An address, and perhaps the length of a prefix; netaddr would also take masks.
NETWORK = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?")
MAPPED = "::ffff:0:0/96"  # RFC 4291, 2.5.5.2


class NetworkError(ReleaseError):
    """A text is not a network; it names the text and what is valid."""

    code = "invalid_network"


def parse(text: str) -> IPNetwork:
    """Return the network *text*; raise NetworkError, or MissingLibrary."""
    try:
        import netaddr
    except ImportError:
        raise MissingLibrary("netaddr") from None
    shown = _canonical.one_line(repr(text))
    try:
        if not isinstance(text, str) or not NETWORK.fullmatch(text):
            raise ValueError
        network = netaddr.IPNetwork(text)
    except (netaddr.AddrFormatError, ValueError, TypeError):
        raise NetworkError(
            f"{shown} is not a valid network (example: 203.0.113.0/24 or 2001:db8::/32)"
        ) from None
    if network.ip != network.network:
        raise NetworkError(
            f"{shown} has bits beyond its prefix; write {network.cidr}, or {network.ip} "
            "for this one address"
        )
    if network in netaddr.IPNetwork(MAPPED):  # addresses are compared as IPv4: none would be in it
        raise NetworkError(f"{shown} is IPv4-mapped; write {network.ipv4()}")
    return network
