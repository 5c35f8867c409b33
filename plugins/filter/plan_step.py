# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``plan_step``: the hosts and waves of an environment of a plan, for a play."""

from __future__ import annotations

DOCUMENTATION = r"""
name: plan_step
short_description: Read the hosts and waves of an environment from a plan
description:
  - Used by the playbook C(itops.release.deploy), which needs both before its first task.
  - A plan that cannot be read gives all hosts; M(itops.release.release_gate) refuses the run then.
version_added: 0.1.0
author: The itops.release authors (@itops)
positional: env, domain
options:
  _input:
    description: The path of the plan's file.
    type: path
    required: true
  env:
    description: The environment; may be left out where the plan has one.
    type: str
    default: ""
  domain:
    description: The domain, of a plan with domains.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Deploy
  hosts: "{{ ('plans/shop-1.5.yml' | itops.release.plan_step('production')).hosts }}"
  serial: "{{ ('plans/shop-1.5.yml' | itops.release.plan_step('production')).waves }}"
  roles: [itops.release.deploy]
"""

RETURN = r"""
_value:
  description: C(hosts), a pattern, and C(waves), a list as the play's keyword C(serial) has it.
  type: dict
"""

import os
from collections.abc import Callable
from typing import Any

from ..module_utils.errors._release_error import ReleaseError
from ..plugin_utils.plan import _file

UNKNOWN: dict[str, Any] = {"hosts": "all", "waves": ["100%"]}


def plan_step(path: str, env: str = "", domain: str = "") -> dict[str, Any]:
    """Return ``hosts`` and ``waves`` of the environment *env* of the plan at *path*."""
    try:
        plan, _lines = _file.read(os.path.expanduser(str(path)))
    except ReleaseError:
        return UNKNOWN
    part = plan.parts().get(str(domain or ""))
    if part is None:
        return UNKNOWN
    step = part.step(env) if env else part.path[0] if len(part.path) == 1 else None
    if step is None:
        return UNKNOWN
    return {"hosts": step.hosts, "waves": list(step.waves) or ["100%"]}


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"plan_step": plan_step}
