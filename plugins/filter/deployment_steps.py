# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``deployment_steps``: the task files that roles run around the switch."""

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment_steps
short_description: List the task files that a role runs between its first task and its end
description:
  - Used by the roles P(itops.release.deploy#role) and P(itops.release.rollback#role).
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: own, looks_beside, is_staged, is_live, has_listeners, commits, at_once, part, soaks
options:
  _input:
    description: Task files by moment, as C(deploy_hooks) has them.
    type: dict
    required: true
  own:
    description: The directory of the role's own task files.
    type: str
    required: true
  looks_beside:
    description: Whether other deployments are asked what is live there.
    type: bool
    required: true
  is_staged:
    description: Whether only the steps after staging are wanted.
    type: bool
    required: true
  is_live:
    description: Whether the release is live already.
    type: bool
    required: true
  has_listeners:
    description: Whether handlers listen to C(release activated).
    type: bool
    required: true
  commits:
    description: Whether the release is to be committed.
    type: bool
    required: true
  at_once:
    description: Whether the switch commits too, whatever comes after it.
    type: bool
    required: true
  part:
    description: Which steps are wanted, where a deployment goes in waves.
    type: str
    choices: [all, staging, switch, commit]
    default: all
  soaks:
    description: Whether the release stays on trial until the part C(commit).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Run the steps
  ansible.builtin.include_tasks: "{{ item.file }}"
  loop: >-
    {{ hooks | itops.release.deployment_steps(role_path, false, false, false, true, true, false) }}
  vars:
    hooks: {after_stage: /srv/hooks/warm.yml}
"""

RETURN = r"""
_value:
  description: For each step a mapping with C(name), C(file), the files to import there,
    C(switches), C(commits) and C(of).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils.deployment import _steps


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        return {"deployment_steps": _steps.plan}
