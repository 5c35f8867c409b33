# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``fleet``: the hosts and batches of the next play of a deployment, for a play."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Return the hosts and batches of a part of a deployment
description:
  - Used by the playbooks of this collection, whose plays go by what M(itops.release.release_fleet)
    decided before in the same run.
version_added: 0.1.0
author: The itops.release authors (@itops)
options:
  _input:
    description: The part of the run.
    type: str
    choices: [waves, way_back, reconcile]
    required: true
"""

EXAMPLES = r"""
- name: Deploy wave by wave
  hosts: "{{ ('waves' | itops.release.fleet).hosts }}"
  serial: "{{ ('waves' | itops.release.fleet).serial }}"
"""

RETURN = r"""
_value:
  description: C(hosts) and C(serial) as the play's keywords have them; C(runs), the run to be
    undone on a host where it is another one; C(releases), the release of each host to be
    reconciled, and C(held), why not all hosts can be.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ..plugin_utils.ledger import _noting
from ..plugin_utils.planning import _kept


def fleet(part: str) -> dict[str, Any]:
    """Return ``hosts`` and ``serial`` of a *part* of the run; no host where it has none."""
    return _kept.play(_noting.journal(), part)


class FilterModule:
    """What Ansible asks a file of filters for."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {"fleet": fleet}
