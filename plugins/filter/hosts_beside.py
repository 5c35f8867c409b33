# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``hosts_beside``: the hosts to ask what is live, out of patterns with their roots."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_beside
short_description: List the hosts that a deployment has to work beside
description:
  - Resolves the patterns of C(deploy_beside), whatever C(--limit) says.
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: groups, tell_slips
options:
  _input:
    description:
      - Mappings with C(hosts), a pattern as plays have it, and C(root), the deployment root there,
        and perhaps C(place), what people call where that is.
    type: list
    elements: dict
    required: true
  groups:
    description: Ansible's variable C(groups).
    type: dict
    required: true
  tell_slips:
    description:
      - Whether a mapping that names no host, or not in this form, becomes an entry with C(unknown),
        the reason, rather than an error. P(itops.release.releases_beside#filter) tells it on.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Ask what is live beside
  itops.release.release_deployment_info:
    root: "{{ item.root }}"
    declared: true
  delegate_to: "{{ item.host }}"
  loop: "{{ [{'hosts': 'api', 'root': '/srv/api'}] | itops.release.hosts_beside(groups) }}"
  register: beside
  ignore_errors: true
  ignore_unreachable: true
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - For each of the hosts a mapping with C(host), C(root), and C(place) if given; with
      O(tell_slips) for each slip one with C(host), what was written, and C(unknown).
  type: list
  elements: dict
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader


def hosts_beside(
    places: Any, groups: Mapping[str, Iterable[str]], tell_slips: bool = False
) -> list[dict[str, str]]:
    """Return whom to ask; a pattern that names nobody is refused or told, for it is a slip."""
    inventory = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    found: list[dict[str, str]] = []
    # One mapping that is not in a list is a slip too, and not a list of its keys.
    for place in places if isinstance(places, (list, tuple)) else [places]:
        try:
            found += _hosts_of(place, inventory)
        except AnsibleFilterError as error:
            if not tell_slips:
                raise
            written = place.get("hosts") if isinstance(place, dict) else None
            found.append({"host": str(written or place), "unknown": error.message})
    return found


def _hosts_of(place: Any, inventory: InventoryManager) -> list[dict[str, str]]:
    if not isinstance(place, dict) or not (place.get("hosts") and place.get("root")):
        raise AnsibleFilterError(
            f"deploy_beside: {place!r} is not as {{hosts: api, root: /srv/api}}"
        )
    hosts = [host.name for host in inventory.get_hosts(place["hosts"])]
    if not hosts:
        raise AnsibleFilterError(
            f"deploy_beside: no host of the inventory is named by {place['hosts']!r}"
        )
    rest = {key: place[key] for key in ("root", "place") if place.get(key)}
    return [{"host": host, **rest} for host in hosts]


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hosts_beside": hosts_beside}
