# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's network: a bridge with a /24 of its own in 198.18.0.0/15, and a link for each host."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from .commands import HostsError, run

NAMESPACES = Path("/run/netns")
BLOCK = "198.19"  # each fleet takes one free /24 of it
MOST_HOSTS = 240


def namespace_of(fleet, host):
    return f"itr-{fleet}-{host}"


def link_of(fleet, host):
    """Return the name of the bridge's end of a host's link (the kernel allows 15 characters)."""
    return f"{fleet}-{host}"


def bridge_of(fleet):
    return f"itr-{fleet}"


def address_of(subnet, number):
    return f"{subnet}.{10 + number}"


def namespaces(fleet):
    """Return ``{host: path of its network namespace}`` for all that exist, by name."""
    prefix = namespace_of(fleet, "")
    return {path.name[len(prefix) :]: path for path in sorted(NAMESPACES.glob(f"{prefix}h*"))}


def make_bridge(fleet):
    """Make the fleet's bridge unless it is there; return its subnet, like ``198.19.7``."""
    bridge = bridge_of(fleet)
    taken = _subnets_in_use()
    if bridge in taken:
        return taken[bridge]
    subnet = _free_subnet(fleet, set(taken.values()))
    _batch(
        [
            f"link add {bridge} type bridge forward_delay 0 mcast_snooping 0",
            f"address add {subnet}.1/24 dev {bridge}",
            f"link set {bridge} addrgenmode none",
            f"link set {bridge} up",
        ]
    )
    return subnet


def _subnets_in_use():
    """Return ``{interface: first three numbers of its address}``."""
    return {
        interface["ifname"]: address["local"].rpartition(".")[0]
        for interface in json.loads(run(["ip", "-json", "-4", "address", "show"]))
        for address in interface.get("addr_info", [])
    }


def _free_subnet(fleet, taken):
    first = zlib.crc32(fleet.encode())
    for offset in range(256):
        subnet = f"{BLOCK}.{(first + offset) % 256}"
        if subnet not in taken:
            return subnet
    raise HostsError(f"no /24 of {BLOCK}.0.0/16 is free")


def link_hosts(fleet, subnet, numbers):
    """Give each host a namespace and a link to the bridge; *numbers* is ``{host: number}``.

    A host that is made again keeps its hardware address, so neighbours find it at once.
    """
    outside, bridge = [], bridge_of(fleet)
    for host, number in numbers.items():
        link, namespace = link_of(fleet, host), namespace_of(fleet, host)
        hardware = f"02:69:74:{int(subnet.rpartition('.')[2]):02x}:00:{number:02x}"
        outside += [
            f"netns add {namespace}",
            f"link add {link} type veth peer name eth0 address {hardware} netns {namespace}",
            f"link set {link} addrgenmode none",
            f"link set {link} master {bridge} up",
        ]
    _batch(outside)
    for host, number in numbers.items():
        inside = [
            "link set lo up",
            f"address add {address_of(subnet, number)}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {subnet}.1",
        ]
        _batch(inside, "-netns", namespace_of(fleet, host))


def unlink_hosts(fleet, hosts):
    """Remove the links and namespaces of *hosts*, all of which have namespaces."""
    for host in hosts:
        # deleting the inner end removes the pair at once; with the namespace it would linger
        inside = json.loads(run(["ip", "-netns", namespace_of(fleet, host), "-json", "link"]))
        if "eth0" in {interface["ifname"] for interface in inside}:
            _batch(["link delete eth0"], "-netns", namespace_of(fleet, host))
    _batch([f"netns delete {namespace_of(fleet, host)}" for host in hosts])


def remove_bridge(fleet):
    if bridge_of(fleet) in interfaces():
        _batch([f"link delete {bridge_of(fleet)}"])


def interfaces():
    """Return the names of this machine's network interfaces."""
    return {interface["ifname"] for interface in json.loads(run(["ip", "-json", "link", "show"]))}


def set_links(fleet, hosts, state):
    """Cut (``down``) or restore (``up``) the links of *hosts*."""
    _batch([f"link set {link_of(fleet, host)} {state}" for host in hosts])


def traffic(fleet, host):
    """Return the bytes that went (to the host, from the host) since its link was made."""
    statistics = Path("/sys/class/net", link_of(fleet, host), "statistics")
    return tuple(
        int(statistics.joinpath(name).read_text(encoding="ascii"))
        for name in ("tx_bytes", "rx_bytes")
    )


def _batch(lines, *options):
    return run(["ip", *options, "-batch", "-"], stdin="\n".join(lines) + "\n")
