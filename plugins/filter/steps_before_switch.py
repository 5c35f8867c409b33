# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``steps_before_switch``: the task files that roles run before a release goes live."""

from __future__ import annotations

DOCUMENTATION = r"""
name: steps_before_switch
short_description: List the task files that a role runs between its first task and the switch
description:
  - Used by the roles P(itops.release.deploy#role) and P(itops.release.rollback#role).
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: looks_beside, is_live, own
options:
  _input:
    description: Task files by moment, as C(deploy_hooks) has them.
    type: dict
    required: true
  looks_beside:
    description: Whether other deployments are asked what is live there.
    type: bool
    required: true
  is_live:
    description: Whether the release is live already.
    type: bool
    required: true
  own:
    description: The directory of the role's own task files.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Run what comes before the switch
  ansible.builtin.include_tasks: "{{ item.file }}"
  loop: "{{ hooks | itops.release.steps_before_switch(false, false, role_path) }}"
  vars:
    hooks: {after_stage: /srv/hooks/warm.yml}
"""

RETURN = r"""
_value:
  description: For each step a mapping with C(name) and C(file).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils.deployment import _steps


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        return {"steps_before_switch": _steps.before_switch}
