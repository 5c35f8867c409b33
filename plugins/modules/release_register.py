#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_register
short_description: Record issues, acknowledgements, risk reviews and acceptance
description:
  - Opens, changes or closes an entry of a register in the ledger.
  - An issue is closed with its corrective action only. A blocker closes the gate C(blockers).
  - Works on the controller. Run it with C(run_once).
version_added: 0.1.0
author: The itops.release authors (@itops)
requirements:
  - jsonschema
  - sqlalchemy
  - netaddr
  - ssh-keygen of OpenSSH 8.7 or later
extends_documentation_fragment:
  - itops.release.attributes
  - itops.release.planning
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  async:
    support: none
  platform:
    support: full
    platforms: posix
options:
  state:
    description: Whether the entry is open or closed.
    type: str
    choices: [open, closed]
    default: open
  kind:
    description: The register.
    type: str
    choices: [issue, acknowledgement, risk_review, acceptance]
    default: issue
  id:
    description: The issue to be changed or closed, such as V(I-17). A new issue gets the next
      number.
    type: str
  title:
    description: What the issue is, in a line. Required for a new issue.
    type: str
  severity:
    description: How bad the issue is.
    type: str
    choices: [low, medium, high, critical]
  affects:
    description: Applications, services or plans that the issue affects. By default all.
    type: list
    elements: str
  blocker:
    description: Whether the issue keeps releases from being deployed while it is open.
    type: bool
  known_error:
    description: Whether the cause is known. Describe the O(workaround).
    type: bool
  workaround:
    description: What helps until the issue is closed.
    type: str
  corrective_action:
    description: What was done so that it does not happen again. Required to close an issue.
    type: str
  by:
    description: The stakeholder who acknowledges, as the plan names them.
    type: str
  risk:
    description: The risk of the plan that was reviewed.
    type: str
  item:
    description:
      - With O(kind=acceptance), the item of the acceptance list that O(reason) answers, such as
        V(owner), or V(level checkout answers) for a service level of the plan.
      - Without it, the acceptance is of the whole.
    type: str
seealso:
  - module: itops.release.release_plan
"""

EXAMPLES = r"""
- name: Open an issue that blocks the shop
  itops.release.release_register:
    ledger: ledger.db
    title: Payments fail
    severity: critical
    affects: [shop]
    blocker: true
  run_once: true

- name: Close it
  itops.release.release_register:
    ledger: ledger.db
    id: I-1
    state: closed
    corrective_action: The time limit is tested now
  run_once: true
"""

RETURN = r"""
id:
  description: The id of the entry.
  type: str
  returned: success
entry:
  description: The entry as it is now.
  type: dict
  returned: success
"""
