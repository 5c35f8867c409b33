# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``steps_after_switch``: the task files that roles run after a release went live."""

from __future__ import annotations

DOCUMENTATION = r"""
name: steps_after_switch
short_description: List the task files that a role runs after the switch
description:
  - Used by the roles P(itops.release.deploy#role) and P(itops.release.rollback#role).
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: has_listeners, commits, at_once, own
options:
  _input:
    description: Task files by moment, as C(deploy_hooks) has them.
    type: dict
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
  own:
    description: The directory of the role's own task files.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Run what comes after the switch
  ansible.builtin.include_tasks: "{{ item.file }}"
  loop: "{{ hooks | itops.release.steps_after_switch(false, true, false, role_path) }}"
  vars:
    hooks: {after_commit: /srv/hooks/warm.yml}
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
        return {"steps_after_switch": _steps.after_switch}
