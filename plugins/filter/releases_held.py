# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``releases_held``: what hosts hold, out of the variables that they answered with."""

from __future__ import annotations

DOCUMENTATION = r"""
name: releases_held
short_description: Tell which releases hosts hold, and of which hosts that is not known
description:
  - Gathers what M(itops.release.release_deployment_info) answered on many hosts, in a task with a
    loop over deployment roots that registered its results.
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: hostvars, variable, asked
options:
  _input:
    description: The hosts that may hold releases, also those that C(--limit) leaves out.
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
  ignored:
    description: Hosts of which nothing needs to be known. A string is split at commas.
    type: list
    elements: str
    default: []
  also:
    description: References to add to those that are held. A string is split at commas.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Ask what is there
  itops.release.release_deployment_info:
    root: "{{ item }}"
  loop: [/srv/shop, /srv/api]
  register: info
  ignore_errors: true
  ignore_unreachable: true

- name: Show what any host holds
  ansible.builtin.debug:
    msg: "{{ held.references }}"
  vars:
    held: "{{ groups.all | itops.release.releases_held(hostvars, 'info', ansible_play_hosts) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: What is held and what is not known.
  type: dict
  contains:
    references:
      description: The releases, as V(sha256:<release digest>), sorted.
      type: list
      elements: str
    unknown:
      description: Why it is not known what a host holds, by the host's name.
      type: dict
    problem:
      description: A line that names those hosts, or an empty string.
      type: str
"""

from ..plugin_utils.environment import _holdings


def releases_held(hosts, hostvars, variable, asked, ignored=(), also=()):
    """Return what *hosts* hold, as told by *variable* in their variables."""
    answers = {host: hostvars[host].get(variable) for host in hosts}
    return _holdings.collect(answers, asked, _listed(ignored), _listed(also))


def _listed(value):
    """Return *value* as a list; surveys send text."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else list(value)


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self):
        return {"releases_held": releases_held}
