# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``environment_state``: what is deployed on hosts, by their registered variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: environment_state
short_description: Report what is deployed on hosts, and on which hosts that is unknown
description:
  - Gathers what M(itops.release.release_deployment_info) answered on many hosts, in a task that
    registered its result. The task may loop over the deployment roots of a host.
  - A host is unknown when it did not answer in this run, or when its C(current) leads to something
    else than it recorded.
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
  ignored:
    description: Hosts that may be unknown, such as those that are gone for good. A string is split
      at commas.
    type: list
    elements: str
    default: []
  also:
    description: References to add to RV(_value.references). A string is split at commas.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Ask what is deployed
  itops.release.release_deployment_info:
    root: "{{ item }}"
  loop: [/srv/shop, /srv/api]
  register: info
  ignore_errors: true
  ignore_unreachable: true

- name: Show all releases that any host holds
  ansible.builtin.debug:
    msg: "{{ state.references }}"
  vars:
    state: "{{ groups.all
      | itops.release.environment_state(hostvars, 'info', ansible_play_hosts) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The state of the environment.
  type: dict
  contains:
    hosts:
      description:
        - A mapping for each deployment root of a host, with C(host), C(root), C(live), C(trial) and
          C(previous) (each with C(name), C(version), C(serial) and C(digest)), C(releases), which
          are all that the root holds, and C(declared), if that was asked. What is empty is left
          out, but for C(live), which is null then.
        - Instead of C(live), or beside it, C(unknown) is the reason why it is not known what is
          deployed there.
        - This is the form of O(itops.release.release_notes#module:deployed) and
          O(itops.release.release_deployment#module:beside).
      type: list
      elements: dict
    references:
      description: All releases that any of the hosts holds, as V(sha256:<release digest>), sorted.
      type: list
      elements: str
    unknown:
      description: The reason, by the name of the host, where it is not known what is deployed.
      type: dict
    problem:
      description: A line that names those hosts, or an empty string.
      type: str
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..plugin_utils.environment import _answers, _state


def environment_state(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    variable: str,
    asked: list[str],
    ignored: str | Iterable[str] = (),
    also: str | Iterable[str] = (),
) -> dict[str, Any]:
    """Return the state of *hosts*, from *variable* among the variables of each."""
    answers = {host: hostvars[host].get(variable) for host in hosts}
    state = _answers.from_hosts(answers, asked)
    may_be_unknown = _listed(ignored)
    unknown = {host: why for host, why in state.unknown.items() if host not in may_be_unknown}
    return {
        "hosts": state.to_plain(),
        "references": sorted({*state.references, *_listed(also)}),
        "unknown": unknown,
        "problem": _state.describe_unknown(unknown),
    }


def _listed(value: str | Iterable[str]) -> list[str]:
    """Return *value* as a list; surveys send text."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else list(value)


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"environment_state": environment_state}
