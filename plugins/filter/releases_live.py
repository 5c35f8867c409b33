# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``releases_live``: what is live on hosts, out of the variables they answered with."""

from __future__ import annotations

DOCUMENTATION = r"""
name: releases_live
short_description: Tell which release is live on each host, or why that is not known
description:
  - Gathers what M(itops.release.release_deployment_info) answered on many hosts, in a task that
    registered its result, for the option O(itops.release.release_notes#module:deployed) of
    M(itops.release.release_notes).
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: hostvars, variable, asked
options:
  _input:
    description: The hosts of the environment, also those that C(--limit) leaves out.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's variable C(hostvars).
    type: dict
    required: true
  variable:
    description: The name of the registered variable.
    type: str
    required: true
  asked:
    description: The hosts that the task was run for, in a play C(ansible_play_hosts).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Ask what is live
  itops.release.release_deployment_info:
    root: /srv/shop
  register: shop
  ignore_errors: true
  ignore_unreachable: true

- name: Show it
  ansible.builtin.debug:
    msg: "{{ groups.all | itops.release.releases_live(hostvars, 'shop', ansible_play_hosts) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - For each host C(live) and C(previous), as M(itops.release.release_deployment_info) returns
      them, or C(unknown), why they are not known.
  type: dict
"""

from ..plugin_utils.notes import _baseline


def releases_live(hosts, hostvars, variable, asked):
    """Return what is live on *hosts*, as told by *variable* in their variables."""
    answers = {host: hostvars[host].get(variable) for host in hosts}
    return _baseline.collect(answers, asked)


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self):
        return {"releases_live": releases_live}
